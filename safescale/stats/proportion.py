"""Result types of a proportion with its interval: one cell, or an array of cells."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector

__all__ = ["IntervalMethod", "ProportionInterval", "ProportionIntervals"]

IntervalMethod: TypeAlias = Literal["wilson", "clopper_pearson"]


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
    method : {"wilson", "clopper_pearson"}
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
    method : {"wilson", "clopper_pearson"}
        How the intervals were made.
    """

    estimate: FloatVector = attrs.field(eq=AS_A_WHOLE)
    low: FloatVector = attrs.field(eq=AS_A_WHOLE)
    high: FloatVector = attrs.field(eq=AS_A_WHOLE)
    successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    method: IntervalMethod
