"""How many labels go to each stratum: with the root of its size, so that rare verdicts are seen and common ones still count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from safescale.errors import InsufficientData
from safescale.stats.plan_labels import MIN_LABELS_PER_STRATUM

__all__ = ["LEAST_PER_STRATUM", "allocate"]

LEAST_PER_STRATUM = 2
"""One label has no scatter."""


def allocate(sizes: Sequence[int], labels: int) -> tuple[int, ...]:
    """
    Labels per stratum in proportion to the root of its size (Bankier's power allocation with exponent 1/2).

    Proportional allocation is best for the rate of all traces but leaves a rare verdict with a label or two; equal allocation is
    best for PPV and NPV by themselves but wastes labels on strata that carry little of the rate. The root lies between: it costs
    a few percent of the width of the corrected rate. Every stratum gets at least 5 labels, or 2 where there are too few for
    that, or all of its traces where it holds fewer.

    Parameters
    ----------
    sizes : sequence of int, shape (strata,)
        Traces per stratum, each at least 1. Unit: traces.
    labels : int
        Labels wanted in all; more than there are traces means all of them.

    Returns
    -------
    tuple of int, shape (strata,)
        ``1 <= n_h <= N_h``, adding up to ``labels`` (or to all traces). Unit: labels.

    Raises
    ------
    InsufficientData
        If the labels are too few to give every stratum its least.

    References
    ----------
    .. [1] M. D. Bankier (1988), Amer. Statist. 42, 174-177 (power allocations).

    Examples
    --------
    >>> allocate([900, 90, 10], 100)
    (70, 22, 8)
    """
    size = np.asarray(sizes, dtype=np.int64)
    if not len(size):
        raise InsufficientData("no trace has a counted verdict of this grader, so there is nothing to draw from")
    if labels >= size.sum():
        return tuple(size.tolist())
    least = np.minimum(size, LEAST_PER_STRATUM)
    if labels < least.sum():
        raise InsufficientData(
            f"{labels} labels cannot give each of {len(size)} strata (condition and verdict) {LEAST_PER_STRATUM}; "
            f"ask for at least {int(least.sum())} (--n), or for fewer conditions"
        )
    better = np.minimum(size, MIN_LABELS_PER_STRATUM)
    floor = better if labels >= better.sum() else least
    root = np.sqrt(size)
    low, high = 0.0, float(labels)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(middle * root, floor, size).sum() < labels else (low, middle)
    wanted = np.clip(high * root, floor, size)
    given = np.floor(wanted + 1e-9).astype(np.int64)
    # whole labels: those cut shortest get one more, where there is a trace left
    for at in np.argsort(given - wanted, kind="stable"):
        if given.sum() < labels and given[at] < size[at]:
            given[at] += 1
    return tuple(given.tolist())
