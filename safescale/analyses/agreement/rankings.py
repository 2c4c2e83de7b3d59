"""Whether two graders put models in the same order, and whether a change of places is more than noise."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy

from safescale.analyses.agreement.results import Ranking
from safescale.analyses.words import plural
from safescale.errors import InsufficientData
from safescale.stats import kendall_tau

__all__ = ["ranking"]

Flags = npt.NDArray[np.bool_]


def ranking(
    condition: str,
    first: Flags,
    second: Flags,
    models: npt.NDArray[np.object_],
    prompts: npt.NDArray[np.object_],
    *,
    min_rows: int,
    level: float,
) -> Ranking | str:
    """
    Order of models by either grader on the same traces; why there is none, where there is none.

    Parameters
    ----------
    first, second : ndarray of bool, shape (traces,)
        Whether each grader calls a trace a success.
    models, prompts : ndarray of str, shape (traces,)
        The model and the prompt of each trace.
    min_rows : int
        Traces of a model below which it is not ranked.
    level : float
        Nominal coverage of the interval of a difference. Unit: probability.
    """
    names = [name for name in sorted(set(models.tolist())) if np.count_nonzero(models == name) >= min_rows]
    if len(names) < 3:
        return f"condition {condition}: {plural(len(names), 'model')} with {min_rows} or more traces, and an order needs 3"
    rates = {name: (float(first[models == name].mean()), float(second[models == name].mean())) for name in names}
    try:
        found = kendall_tau({m: -a for m, (a, _) in rates.items()}, {m: -b for m, (_, b) in rates.items()})
    except InsufficientData:
        return f"condition {condition}: a grader gives all {len(names)} models the same rate"
    beyond = tuple(
        (str(one), str(two))
        for one, two in found.exchanged
        if all(_apart(side, models, prompts, str(one), str(two), level) for side in (first, second))
    )
    pairs = len(names) * (len(names) - 1) // 2
    swapped = len(found.exchanged)
    words = f"condition {condition}: Kendall's tau {found.tau_b:.2f} over {plural(len(names), 'model')}; " + (
        f"{swapped} of {plural(pairs, 'pair')} change places, {len(beyond)} of them beyond noise"
        if swapped
        else f"none of {plural(pairs, 'pair')} changes places"
    )
    return Ranking(
        condition=condition,
        agreement=found,
        rates=tuple((name, *rates[name]) for name in sorted(names, key=lambda name: -rates[name][0])),
        beyond_noise=beyond,
        words=words,
    )


def _apart(
    side: Flags, models: npt.NDArray[np.object_], prompts: npt.NDArray[np.object_], one: str, two: str, level: float
) -> bool:
    """Whether the difference of two models by one grader excludes 0, prompts being what varies."""
    total: dict[str, float] = {}
    difference = 0.0
    for sign, name in ((1.0, one), (-1.0, two)):
        rows = np.flatnonzero(models == name)
        rate = float(side[rows].mean())
        difference += sign * rate
        for row in rows.tolist():
            total[prompts[row]] = total.get(prompts[row], 0.0) + sign * (float(side[row]) - rate) / len(rows)
    g = len(total)
    if g < 2:
        return False
    se = math.sqrt(sum(x * x for x in total.values()) * g / (g - 1))
    return abs(difference) > -float(scipy.special.ndtri((1 - level) / 2)) * se and se > 0
