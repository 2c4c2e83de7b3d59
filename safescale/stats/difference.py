"""Result type of a difference of two proportions with its interval."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

__all__ = ["DifferenceInterval", "DifferenceMethod", "PairedDifferenceInterval"]

DifferenceMethod: TypeAlias = Literal["newcombe", "paired_newcombe"]


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
    method : {"newcombe"}
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
    method : {"paired_newcombe"}
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
    method: DifferenceMethod
    generalises_to: Literal["these_models"] = "these_models"
