"""Which line over attack compute, the rate or its log: each model's left-out levels are foretold, and models are the units."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._domain import fraction, group_codes, positive, same_length, successes_of_trials_arrays
from safescale.stats._sign_flips import sign_flip_floor, sign_flip_p_value
from safescale.stats.scaling_form import FormVerdict, scaling_form_comparison

__all__ = ["ScalingFormOverCompute", "scaling_form_over_compute"]


@attrs.frozen(kw_only=True)
class ScalingFormOverCompute:
    """
    A comparison of two forms of a curve over attack compute, by the models in which it was drawn.

    Attributes
    ----------
    verdict : {"log_linear", "log_log", "cannot_tell"}
        The form that foretells the left-out levels better over models, where ``p_value <= alpha``; else "cannot_tell".
    reason : str
        The verdict in words, with what would decide where nothing does.
    difference : float
        Mean over models of the log score per trace of "log_log" less that of "log_linear". Above 0 favours "log_log".
    difference_by_model : tuple of float, shape (models compared,)
        The same of each model.
    p_value : float
        Two-sided sign-flip test over models.
    p_floor : float
        The smallest p that so many models can reach.
    alpha : float
        Threshold of the verdict.
    compared : tuple
        The models with a comparison, in order of first appearance.
    left_out : tuple of (model, str)
        Models without one, and why.
    compute_levels : tuple of float
        The levels that were given.
    successes, trials : tuple of int
        The counts that were given.
    models : tuple
        The model of each cell.
    generalises_to : {"new_models"}
        Models are the units.
    """

    verdict: FormVerdict
    reason: str
    difference: float
    difference_by_model: tuple[float, ...]
    p_value: float
    p_floor: float
    alpha: float
    compared: tuple[Hashable, ...]
    left_out: tuple[tuple[Hashable, str], ...]
    compute_levels: tuple[float, ...] = attrs.field(repr=False)
    successes: tuple[int, ...] = attrs.field(repr=False)
    trials: tuple[int, ...] = attrs.field(repr=False)
    models: tuple[Hashable, ...] = attrs.field(repr=False)
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def scaling_form_over_compute(
    compute: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    models: Iterable[Hashable],
    *,
    alpha: float = 0.05,
) -> ScalingFormOverCompute:
    """
    Compare ``rate = a + b log10(compute)`` with ``log(rate) = a + b log10(compute)`` within each model, models as units.

    In each model every level is left out in turn and foretold by both lines (`scaling_form_comparison` with ``over="compute"``);
    the model's difference is that of its log scores per trace. The mean over models is tested by changing signs in all ways.

    Parameters
    ----------
    compute : array_like of float, shape (cells,)
        Attack compute of each cell, above 0, any unit; at least 4 distinct levels in a model.
    successes, trials : array_like of int, shape (cells,)
        Counts of each cell. Unit: traces.
    models : iterable of hashable, shape (cells,)
        The model of each cell.
    alpha : float, default 0.05
        Threshold of the verdict. Unit: probability.

    Returns
    -------
    ScalingFormOverCompute
        Shape: scalar. Log scores in natural units per trace.

    Raises
    ------
    InsufficientData
        If fewer than two models have a comparison.
    DomainError
        If an input is out of range or lengths differ.

    Notes
    -----
    A grid of five levels in one model can never decide (``p_floor`` .06): levels are its units. Twelve models can, though each has
    five. Models that hang together (sizes of one lineage) are counted as independent: then p is too small. A curve that goes from
    all to nothing within the grid is neither line; "better" is not "right".

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery (2007), J. Amer. Statist. Assoc. 102, 359-378, section 4 (log score).
    .. [2] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 119-130 (sign changes).

    Examples
    --------
    Six models whose refusals fall by a factor at each step:

    >>> from safescale.stats import scaling_form_over_compute
    >>> left = [[800, 400, 200, 80, 40], [700, 360, 170, 72, 35], [900, 440, 230, 88, 46]] * 2
    >>> counts = [count for model in left for count in model]
    >>> found = scaling_form_over_compute([5, 10, 20, 50, 100] * 6, counts, [1000] * 30, [m for m in "abcdef" for _ in range(5)])
    >>> found.verdict, round(found.p_value, 3), found.p_floor
    ('log_log', 0.031, 0.03125)
    """
    effort = positive("compute", compute, unit="units of attack compute")
    k, n = successes_of_trials_arrays(successes, trials)
    same_length("compute", len(effort), "successes", len(k))
    labels, codes = group_codes(models, len(effort), name="models", other="compute", unit="cell")
    alpha = fraction("alpha", alpha)
    compared: list[Hashable] = []
    left_out: list[tuple[Hashable, str]] = []
    differences: list[float] = []
    for code, name in enumerate(dict.fromkeys(labels)):
        mine = codes == code
        try:
            found = scaling_form_comparison(effort[mine], k[mine], n[mine], over="compute", alpha=alpha)
        except InsufficientData as error:
            left_out.append((name, str(error)))
            continue
        compared.append(name)
        differences.append(found.difference / float(n[mine].sum()))
    if len(compared) < 2:
        lacking = "; ".join(f"{name!r}: {why}" for name, why in left_out)
        raise InsufficientData(
            f"a comparison over models needs at least 2 that have one, got {len(compared)}" + (f" ({lacking})" if lacking else "")
        )
    each = np.array(differences)
    p_value, p_floor, mean = sign_flip_p_value(each), sign_flip_floor(len(each)), float(each.mean())
    verdict: FormVerdict = "cannot_tell" if p_value > alpha else "log_log" if mean > 0 else "log_linear"
    return ScalingFormOverCompute(
        verdict=verdict,
        reason=_reason(verdict, p_value, p_floor, alpha, len(each)),
        difference=mean,
        difference_by_model=tuple(differences),
        p_value=p_value,
        p_floor=p_floor,
        alpha=alpha,
        compared=tuple(compared),
        left_out=tuple(left_out),
        compute_levels=tuple(effort.tolist()),
        successes=tuple(k.tolist()),
        trials=tuple(n.tolist()),
        models=labels,
    )


def _reason(verdict: FormVerdict, p_value: float, p_floor: float, alpha: float, models: int) -> str:
    if verdict != "cannot_tell":
        words = "log rate" if verdict == "log_log" else "rate"
        return f"a line of the {words} on log compute foretells the left-out levels better (p = {p_value:.2g} over {models} models)"
    if p_floor > alpha:
        needed = math.ceil(1 - math.log2(alpha))
        return f"{models} models cannot reach p = {alpha:g} (the floor is {p_floor:.2g}); at least {needed} models are needed"
    return (
        f"neither line foretells the left-out levels better (p = {p_value:.2g} over {models} models); levels further apart would "
        "part them"
    )
