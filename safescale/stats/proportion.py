"""Result types of a proportion with its interval: one cell, or an array of cells."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import scipy

from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector

__all__ = ["IntervalMethod", "ProportionInterval", "ProportionIntervals"]

IntervalMethod: TypeAlias = Literal["wilson", "wilson_continuity", "clopper_pearson", "jeffreys", "agresti_coull"]


@attrs.frozen(kw_only=True)
class ProportionInterval:
    """
    A proportion (fraction in [0, 1]) with its two-sided interval.

    Attributes
    ----------
    estimate, low, high : float
        Fractions, ``0 <= low <= estimate <= high <= 1``.
    successes, trials : int
        The counts that were given.
    level : float
        Nominal coverage.
    method : {"wilson", "wilson_continuity", "clopper_pearson", "jeffreys", "agresti_coull"}
        How the interval was made.
    """

    estimate: float
    low: float
    high: float
    successes: int
    trials: int
    level: float
    method: IntervalMethod


@attrs.frozen(kw_only=True)
class ProportionIntervals:
    """
    Proportions of many cells with their two-sided intervals.

    Attributes
    ----------
    estimate, low, high : ndarray of float, shape (cells,)
        Fractions, ``0 <= low <= estimate <= high <= 1``.
    successes, trials : ndarray of int, shape (cells,)
        The counts that were given.
    level : float
        Nominal coverage of each cell (not of all cells together).
    method : {"wilson", "wilson_continuity", "clopper_pearson", "jeffreys", "agresti_coull"}
        How the intervals were made.
    """

    estimate: FloatVector = attrs.field(eq=AS_A_WHOLE)
    low: FloatVector = attrs.field(eq=AS_A_WHOLE)
    high: FloatVector = attrs.field(eq=AS_A_WHOLE)
    successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    method: IntervalMethod


def proportion_intervals(
    estimate: FloatVector,
    low: FloatVector,
    high: FloatVector,
    successes: IntVector,
    trials: IntVector,
    *,
    level: float,
    method: IntervalMethod,
) -> ProportionIntervals:
    """Seal arrays that the caller made and nobody else holds: read-only without another copy of a million cells."""
    for array in (estimate, low, high, successes, trials):
        array.setflags(write=False)
    return ProportionIntervals(
        estimate=estimate, low=low, high=high, successes=successes, trials=trials, level=level, method=method
    )


def squared_normal_quantile(level: float) -> float:
    """z^2 of a two-sided level, with all its digits at both ends; never 0, so that no formula divides by it."""
    if level < 0.5:
        z = math.sqrt(2.0) * float(scipy.special.erfinv(level))
    else:
        # ndtri(small) keeps the digits that ndtri(1 - small) loses for levels near 1
        z = float(scipy.special.ndtri((1.0 - level) / 2.0))
    return max(z * z, float(np.finfo(np.float64).tiny))
