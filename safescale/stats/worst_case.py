"""What a difference of two rates, and a slope of differences, could be at worst where some outcomes are missing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import count, group_codes, same_length, sizes, vector
from safescale.stats._inference import require_three_sizes

__all__ = ["WorstCaseDifference", "WorstCaseSlope", "worst_case_difference", "worst_case_slope"]


@attrs.frozen(kw_only=True)
class WorstCaseDifference:
    """
    Bounds of a difference of two rates with missing outcomes: not an interval, no chance is in them.

    Attributes
    ----------
    low, high : float
        Smallest and largest difference that any values of the missing outcomes give (fractions).
    successes_1, missing_1, total_1, successes_2, missing_2, total_2 : int
        The counts that were given.
    """

    low: float
    high: float
    successes_1: int
    missing_1: int
    total_1: int
    successes_2: int
    missing_2: int
    total_2: int


@attrs.frozen(kw_only=True)
class WorstCaseSlope:
    """
    Bounds of a least-squares slope on log10 size whose values are known within bounds only.

    Attributes
    ----------
    low_pp_per_decade, high_pp_per_decade : float
        Smallest and largest slope that any values within the bounds give.
    params_b, lows, highs : tuple of float
        The inputs that were given.
    groups : tuple or None
        The group of each model, where the slope is within groups.
    """

    low_pp_per_decade: float
    high_pp_per_decade: float
    params_b: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    groups: tuple[Hashable, ...] | None


def worst_case_difference(
    successes_1: int, missing_1: int, total_1: int, successes_2: int, missing_2: int, total_2: int
) -> WorstCaseDifference:
    """
    Bounds of the difference of two rates, whatever the missing outcomes would have been.

    With k successes and m missing of n, a rate lies in ``[k / n, (k + m) / n]``; the difference of two such rates lies between the
    low end of the first less the high end of the second, and the reverse. No assumption about why outcomes are missing.

    Parameters
    ----------
    successes_1, missing_1, total_1 : int
        Successes, outcomes that are missing, and all units of the first rate; ``successes + missing <= total``. Unit: traces.
    successes_2, missing_2, total_2 : int
        Of the second.

    Returns
    -------
    WorstCaseDifference
        Shape: scalar. Unit: difference of fractions.

    Raises
    ------
    DomainError
        If a count is negative, a total is 0 or less than its parts.

    References
    ----------
    .. [1] C. F. Manski (1990), Amer. Econ. Rev. Papers and Proceedings 80, 319-323 (bounds without assumptions).

    Examples
    --------
    Ten of a hundred answers cannot be read under the first condition:

    >>> from safescale.stats import worst_case_difference
    >>> found = worst_case_difference(40, 10, 100, 30, 0, 100)
    >>> round(found.low, 2), round(found.high, 2)
    (0.1, 0.2)
    """
    ends = []
    for at, (k, m, n) in enumerate(((successes_1, missing_1, total_1), (successes_2, missing_2, total_2)), 1):
        known, missing, total = count(f"successes_{at}", k), count(f"missing_{at}", m), count(f"total_{at}", n)
        if total == 0 or known + missing > total:
            raise DomainError(f"total_{at} must hold its {known} successes and {missing} missing and be above 0, got {total}")
        ends.append((known / total, (known + missing) / total))
    (low_1, high_1), (low_2, high_2) = ends
    return WorstCaseDifference(
        low=low_1 - high_2,
        high=high_1 - low_2,
        successes_1=successes_1,
        missing_1=missing_1,
        total_1=total_1,
        successes_2=successes_2,
        missing_2=missing_2,
        total_2=total_2,
    )


def worst_case_slope(
    params_b: npt.ArrayLike, lows: npt.ArrayLike, highs: npt.ArrayLike, *, groups: Iterable[Hashable] | None = None
) -> WorstCaseSlope:
    """
    Bounds of the least-squares slope on log10 size, whatever the values within their bounds.

    The slope ``sum (x_i - mean x) y_i / sum (x_i - mean x)^2`` is linear in y: the largest takes the high end of every model above
    the mean log size and the low end of every model below it, the smallest the reverse. Within groups, means are those of a group.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    lows, highs : array_like of float, shape (models,)
        Bounds of each model's value, ``low <= high``. Unit: fraction.
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model.

    Returns
    -------
    WorstCaseSlope
        Shape: scalar. Unit: percentage points per decade.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes.
    DomainError
        If lengths differ, a bound is not finite, a low one exceeds its high one, or sizes vary in no group.

    References
    ----------
    .. [1] C. F. Manski (1990), Amer. Econ. Rev. Papers and Proceedings 80, 319-323.

    Examples
    --------
    >>> from safescale.stats import worst_case_slope
    >>> found = worst_case_slope([1, 10, 100], [0.0, 0.1, 0.2], [0.05, 0.15, 0.2])
    >>> round(found.low_pp_per_decade, 6), round(found.high_pp_per_decade, 6)
    (7.5, 10.0)
    """
    size = sizes(params_b)
    x, low, high = np.log10(size), vector("lows", lows), vector("highs", highs)
    same_length("params_b", len(x), "lows", len(low))
    same_length("params_b", len(x), "highs", len(high))
    if np.any(low > high):
        at = int(np.argmax(low > high))
        raise DomainError(f"a low bound must not exceed its high one, got {low[at]:g} > {high[at]:g} at position {at}")
    require_three_sizes(x)
    labels, codes = (None, np.zeros(len(x), dtype=np.int64)) if groups is None else group_codes(groups, len(x))
    about = x - (np.bincount(codes, weights=x) / np.bincount(codes))[codes]
    squares = float(about @ about)
    if squares <= 1e-20:
        raise DomainError("sizes vary in no group, so there is no slope within groups; leave groups out")
    return WorstCaseSlope(
        low_pp_per_decade=100 * float(about @ np.where(about > 0, low, high)) / squares,
        high_pp_per_decade=100 * float(about @ np.where(about > 0, high, low)) / squares,
        params_b=tuple(size.tolist()),
        lows=tuple(low.tolist()),
        highs=tuple(high.tolist()),
        groups=labels,
    )
