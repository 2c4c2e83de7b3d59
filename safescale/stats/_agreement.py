"""What the coefficients of agreement share: labels to counts, weights, and intervals that are never of zero width."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, IntVector, count_table, distinct, is_missing, iterated

AgreementWeights: TypeAlias = Literal["linear", "quadratic"]
AgreementIntervalMethod: TypeAlias = Literal["score", "delta"]
AgreementBounds: TypeAlias = tuple[float, float, Literal["score", "delta", "wilson"]]
WEIGHTS = ("linear", "quadratic")
INTERVALS = ("score", "delta")
# influences closer than this are equal: below it their differences are rounding
EQUAL = 1e-12


def labels(name: str, values: Iterable[Hashable], *, missing: bool = False) -> list[Hashable]:
    """The labels of one rater or unit; None is refused unless it may stand for a missing rating, NaN always."""
    given = iterated(name, values, expected="a sequence of labels")
    for label in distinct(name, given):
        if label is None and missing:
            continue
        if is_missing(label):
            at = next(at for at, own in enumerate(given) if own is label)
            if label is None:
                raise DomainError(f"{name} has no label at position {at}; leave the pair out and report how many were")
            raise DomainError(f"{name} must hold labels, got {label!r} at position {at}; write a missing rating as None")
    return list(given)


def category_codes(categories: Iterable[Hashable] | None, seen: Iterable[Hashable]) -> dict[Hashable, int]:
    """Category to column: as given (all labels must be among them), else in order of first appearance."""
    if categories is None:
        return {label: code for code, label in enumerate(dict.fromkeys(label for label in seen if label is not None))}
    named = labels("categories", categories)
    codes = {label: code for code, label in enumerate(named)}
    if len(codes) != len(named):
        raise DomainError(f"categories must be distinct, got {tuple(named)!r}")
    for label in seen:
        if label is not None and label not in codes:
            raise DomainError(f"the label {label!r} is not among the categories {tuple(named)!r}; add it or leave the unit out")
    return codes


def rating_counts(
    ratings: Iterable[Iterable[Hashable]], categories: Iterable[Hashable] | None
) -> tuple[tuple[Hashable, ...], IntVector]:
    """Ratings per unit as counts per category, shape (units, categories); None is a missing rating."""
    units = iterated("ratings", ratings, expected="a sequence of units")
    rows = [labels(f"unit {at} of ratings", unit, missing=True) for at, unit in enumerate(units)]
    codes = category_codes(categories, (label for row in rows for label in row))
    counts = np.zeros((len(rows), len(codes)), dtype=np.int64)
    for unit, row in enumerate(rows):
        for label in row:
            if label is not None:
                counts[unit, codes[label]] += 1
    return tuple(codes), counts


def weight_matrix(weights: AgreementWeights | None, size: int) -> FloatVector:
    """How much a pair of categories agrees: 1 on the diagonal, falling with the distance of their positions."""
    if weights is None or size == 1:
        return np.eye(size)
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    return np.asarray(1.0 - (apart if weights == "linear" else apart * apart), dtype=np.float64)


def score_bounds(share: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's bounds of a share of n units; n may be an effective number."""
    return _score_bounds(share, n, normal_quantile(level))


def _score_bounds(share: float, n: float, quantile: float) -> tuple[float, float]:
    z2 = quantile * quantile
    spread = math.sqrt(z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)))
    low = share * share / (share + z2 / (2 * n) + spread)
    high = (share + z2 / (2 * n) + spread) / (1.0 + z2 / n)
    return min(low, share), max(min(1.0, high), share)


def coefficient_interval(
    estimate: float,
    influence: FloatVector,
    quantile: float,
    *,
    units: int,
    standard_error: float,
    agreement: float,
    by_chance: float,
    level: float,
    method: AgreementIntervalMethod,
) -> AgreementBounds:
    """
    Interval of ``(agreement - by_chance) / (1 - by_chance)`` within [-1, 1].

    "score": Wilson's form for ``x = (1 + estimate) / 2`` at the size ``x (1 - x) / V(x)``, which covers better than
    "delta", ``estimate +- quantile * standard_error``, near 1. Where all units have the same influence there is no
    scatter, and Wilson's bounds of the agreement speak instead, the chance agreement held at its estimate.
    """
    if float(np.ptp(influence)) <= EQUAL:
        low, high = score_bounds(min(1.0, max(0.0, agreement)), units, level)
        room = 1.0 - by_chance
        return max(-1.0, (low - by_chance) / room), min(1.0, (high - by_chance) / room), "wilson"
    x = (1.0 + estimate) / 2.0
    if method == "delta" or not 0 < x < 1:
        return max(-1.0, estimate - quantile * standard_error), min(1.0, estimate + quantile * standard_error), "delta"
    low, high = _score_bounds(x, 4.0 * x * (1.0 - x) / standard_error**2, quantile)
    return 2 * low - 1, 2 * high - 1, "score"


def normal_quantile(level: float) -> float:
    """The two-sided standard normal quantile."""
    return -float(scipy.special.ndtri((1.0 - level) / 2.0))


def student_quantile(level: float, dof: int) -> float:
    """The two-sided quantile of Student's t."""
    return -float(scipy.special.stdtrit(dof, (1.0 - level) / 2.0))


def ordered(categories: Sequence[Hashable] | None, why: str) -> None:
    """Refuse distances between labels whose order nobody has said."""
    if categories is None:
        raise DomainError(f"{why} need categories=(...) in their order; sorted text would put 'COMPLETE' beside 'DENIAL'")


def square_counts(table: npt.ArrayLike) -> IntVector:
    """Refuse anything but a square table of whole, non-negative numbers."""
    counts = count_table("table", table, shape="one row and one column per category")
    if counts.shape[0] != counts.shape[1]:
        raise DomainError(f"table must be square, one row and one column per category, got shape {counts.shape}")
    return counts


def unit_counts(counts: npt.ArrayLike) -> IntVector:
    """Refuse anything but a table of units by categories that holds whole, non-negative numbers."""
    return count_table("counts", counts, shape="one row per item and one column per category")
