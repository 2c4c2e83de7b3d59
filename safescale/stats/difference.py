"""Result types of a difference of two proportions with its interval: one pair of cells, columns of them, matched prompts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector

__all__ = [
    "DifferenceInterval",
    "DifferenceIntervals",
    "DifferenceMethod",
    "PairedDifferenceInterval",
    "PairedDifferenceMethod",
]

DifferenceMethod: TypeAlias = Literal["newcombe", "miettinen_nurminen"]
PairedDifferenceMethod: TypeAlias = Literal["paired_newcombe", "tango"]


@attrs.frozen(kw_only=True)
class DifferenceInterval:
    """
    The difference ``p1 - p2`` of two independent proportions with its two-sided interval.

    Attributes
    ----------
    estimate, low, high : float
        Differences of fractions, ``-1 <= low <= estimate <= high <= 1``. Positive: the first rate is higher.
    successes_1, trials_1, successes_2, trials_2 : int
        The counts that were given.
    level : float
        Nominal coverage.
    method : {"newcombe", "miettinen_nurminen"}
        How the interval was made.
    generalises_to : {"these_models"}
        The trials replicate, the two models do not.
    """

    estimate: float
    low: float
    high: float
    successes_1: int
    trials_1: int
    successes_2: int
    trials_2: int
    level: float
    method: DifferenceMethod
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class DifferenceIntervals:
    """
    The differences ``p1 - p2`` of many pairs of independent proportions with their two-sided intervals.

    Attributes
    ----------
    estimate, low, high : ndarray of float, shape (pairs,)
        Differences of fractions, ``-1 <= low <= estimate <= high <= 1``. Positive: the first rate is higher.
    successes_1, trials_1, successes_2, trials_2 : ndarray of int, shape (pairs,)
        The counts that were given.
    level : float
        Nominal coverage of each interval (not of all together).
    method : {"newcombe", "miettinen_nurminen"}
        How the intervals were made.
    generalises_to : {"these_models"}
        The trials replicate, the models do not.
    """

    estimate: FloatVector = attrs.field(eq=AS_A_WHOLE)
    low: FloatVector = attrs.field(eq=AS_A_WHOLE)
    high: FloatVector = attrs.field(eq=AS_A_WHOLE)
    successes_1: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials_1: IntVector = attrs.field(eq=AS_A_WHOLE)
    successes_2: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials_2: IntVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    method: DifferenceMethod
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class PairedDifferenceInterval:
    """
    The difference ``p1 - p2`` of two proportions on the same prompts with its two-sided interval.

    Attributes
    ----------
    estimate, low, high : float
        Differences of fractions, ``-1 <= low <= estimate <= high <= 1``. Positive: the first rate is higher.
    n11, n10, n01, n00 : int
        Pairs in which both, only the first, only the second, neither succeeded.
    level : float
        Nominal coverage.
    method : {"paired_newcombe", "tango"}
        How the interval was made.
    generalises_to : {"these_models"}
        The prompts replicate, the two models do not.
    """

    estimate: float
    low: float
    high: float
    n11: int
    n10: int
    n01: int
    n00: int
    level: float
    method: PairedDifferenceMethod
    generalises_to: Literal["these_models"] = "these_models"
