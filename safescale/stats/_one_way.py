"""One-way sums of squares: what eta squared, the intraclass correlation and the commonality of two factors share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector, IntVector, distinct, iterated, refuse_missing, same_length, vector

# fits the second-level cache, and BLAS stays out
_BLOCK = 1 << 15
_EPS = float(np.finfo(np.float64).eps)


@attrs.frozen(kw_only=True)
class OneWay:
    """
    Values in groups, and their sums of squares about the means.

    ``total = between + within``; `fourth` is the sum of fourth powers about the grand mean. ``within`` is exactly 0 where
    the values of each group are equal up to four units in the last place of a typical value, ``between`` where the means are.
    """

    values: FloatVector
    codes: IntVector
    labels: tuple[Hashable, ...]
    sizes: IntVector
    means: FloatVector
    total: float
    between: float
    within: float
    fourth: float

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def k(self) -> int:
        """Number of groups."""
        return len(self.labels)

    @property
    def singles(self) -> tuple[Hashable, ...]:
        """The groups that hold one value."""
        return tuple(label for label, size in zip(self.labels, self.sizes.tolist(), strict=True) if size == 1)


def one_way(values: npt.ArrayLike, groups: Iterable[Hashable] | npt.NDArray[Any], *, name: str = "values") -> OneWay:
    """Centred two-pass sums of squares; refuses what has no spread to share out."""
    # floats are taken as they are: a copy of a million of them would cost as much as the sums
    ready = isinstance(values, np.ndarray) and values.dtype == np.float64 and values.ndim == 1
    y: FloatVector = values if ready else vector(name, values)  # type: ignore[assignment]
    labels, codes, k = _coded(groups, len(y), name=name)
    if len(y) < 2:
        raise InsufficientData(f"{name} must hold at least 2 numbers, got {len(y)}; one value has no spread to share out")
    sums = _centred_sums(name, y, codes, k)
    n = len(y)
    if labels is None or np.any(sums.sizes == 0):
        present = np.flatnonzero(sums.sizes)
        codes = codes if len(present) == k else (np.cumsum(sums.sizes > 0) - 1)[codes]
        labels, k = tuple(present.tolist()), len(present)
        sums = attrs.evolve(sums, sizes=sums.sizes[present], by_group=sums.by_group[present])
    shift = float(sums.by_group.sum()) / n
    total = sums.second - n * shift * shift
    # equal values whose last bits differ have no spread: their squares must not become a share of something
    nothing = (4 * _EPS) ** 2 * (n * (sums.centre * sums.centre) + sums.second)
    if total <= nothing:
        raise InsufficientData(f"all {n} {name} equal {float(y[0]):g}; no spread is left to share out")
    deviations = sums.by_group / sums.sizes
    between = float(np.sum(sums.sizes * (deviations - shift) ** 2)) if k > 1 else 0.0
    between = 0.0 if between <= nothing else between
    within = total - between
    if k == n:
        within, between = 0.0, total
    elif between > 0.5 * total:
        # the difference of nearly equal numbers loses digits: sum the squares themselves
        within = _squares_about(y, codes, deviations, sums.centre)
        within = 0.0 if within <= nothing else within
        total = between + within
    return OneWay(
        values=y,
        codes=codes,
        labels=labels,
        sizes=sums.sizes,
        means=sums.centre + deviations,
        total=total,
        between=between,
        within=within,
        fourth=sums.fourth,
    )


@attrs.frozen(kw_only=True)
class _CentredSums:
    """Counts and sums per group, and the sums of second and fourth powers, of the values less `centre`."""

    centre: float
    sizes: IntVector
    by_group: FloatVector
    second: float
    fourth: float


def _centred_sums(name: str, y: FloatVector, codes: IntVector, k: int) -> _CentredSums:
    """One pass for the mean and one, block by block in the cache, for the rest."""
    sizes, by_group, second, fourth = np.zeros(k, dtype=np.int64), np.zeros(k), 0.0, 0.0
    step = max(_BLOCK, 8 * k)
    buffer = np.empty(min(step, len(y)))
    with np.errstate(over="ignore", invalid="ignore"):
        centre = float(y.mean())
        for start in range(0, len(y), step):
            group = codes[start : start + step]
            d = np.subtract(y[start : start + step], centre, out=buffer[: len(group)])
            by_group += np.bincount(group, weights=d, minlength=k)
            sizes += np.bincount(group, minlength=k)
            np.multiply(d, d, out=d)
            second += float(d.sum())
            fourth += float(np.einsum("i,i->", d, d))
    if not 1e-130 < second < 1e130:
        vector(name, y)
        if second != 0 or y.min() < y.max():
            raise DomainError(f"{name} must differ by 1e-60 to 1e60, got {float(y.min()):g} to {float(y.max()):g}; change the unit")
    return _CentredSums(centre=centre, sizes=sizes, by_group=by_group, second=second, fourth=fourth)


def _squares_about(y: FloatVector, codes: IntVector, deviations: FloatVector, centre: float) -> float:
    squares = 0.0
    for start in range(0, len(y), _BLOCK):
        r = (y[start : start + _BLOCK] - centre) - deviations[codes[start : start + _BLOCK]]
        squares += float(np.einsum("i,i->", r, r))
    return squares


def _coded(
    groups: Iterable[Hashable] | npt.NDArray[Any], length: int, *, name: str
) -> tuple[tuple[Hashable, ...] | None, IntVector, int]:
    """Distinct labels and a code per value; no labels where the codes are the labels, perhaps with gaps."""
    if not isinstance(groups, np.ndarray):
        groups = iterated("groups", groups, expected="a sequence of labels, one per value")
    array = groups if isinstance(groups, np.ndarray) else _whole_numbers(groups)
    if array is not None and array.ndim != 1:
        raise DomainError(f"groups must be one-dimensional, got shape {array.shape}; pass one label per value")
    if array is not None and array.dtype.kind in "iu":
        same_length("groups", len(array), name, length)
        # a negative number is a huge one without its sign: one look finds both
        codes: IntVector = array.astype(np.int64, copy=False)
        largest = int(codes.view(np.uint64).max()) if len(codes) else 0
        if largest < max(1024, len(codes)):
            return None, codes, largest + 1
        known, inverse = np.unique(array, return_inverse=True)
        return tuple(known.tolist()), inverse.astype(np.int64), len(known)
    labels = tuple(groups.tolist() if isinstance(groups, np.ndarray) else groups)
    same_length("groups", len(labels), name, length)
    order = distinct("groups", labels)
    refuse_missing("groups", order, labels, unit="value")
    return tuple(order), np.fromiter((order[label] for label in labels), dtype=np.int64, count=len(labels)), len(order)


def _whole_numbers(labels: Sequence[Hashable]) -> IntVector | None:
    if labels and all(type(label) is int and abs(label) < 2**62 for label in labels):
        return np.array(labels, dtype=np.int64)
    return None
