"""The slope of a rate on log10 size in many groups of models at once."""

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, fraction, is_missing, iterated, same_length, sizes_and_rates
from safescale.stats._inference import LOG10_OF_2, ROUNDING

__all__ = ["SLOPE_REASONS", "LogScalingSlopes", "log_scaling_slopes"]

#: What each value of ``LogScalingSlopes.reason_codes`` says.
SLOPE_REASONS = (
    "defined",
    "one size: no slope",
    "two sizes: a difference, not a slope",
    "all rates are equal: slope 0, no standard error",
    "the rates lie on the line: a slope, no standard error",
)
_AS_A_WHOLE_OR_UNKNOWN = attrs.cmp_using(eq=functools.partial(np.array_equal, equal_nan=True))
# rows handled at a time: the temporaries of a block stay in the cache
_BLOCK = 1 << 14
# bool before int, of which it is one
_KINDS = {
    "truth value": (bool, np.bool_),
    "whole number": (int, np.integer),
    "text": (str,),
    "bytes": (bytes,),
}
LOG_OF_10 = math.log(10.0)


@attrs.frozen(kw_only=True)
class LogScalingSlopes:
    """
    Least-squares slopes of rates on log10 model size, one per group.

    One array holds all groups, those without a slope too: numbers are NaN exactly where ``has_slope``, ``has_inference`` and
    ``reason_codes`` say that they are undefined, and nowhere else.

    Attributes
    ----------
    groups : ndarray, shape (groups,)
        The distinct labels, ascending; all arrays below follow this order.
    slope_pp_per_decade, slope_pp_per_doubling : ndarray of float, shape (groups,)
        Percentage points per factor of 10 and of 2 in size; defined where ``has_slope``.
    rate_at_1b : ndarray of float, shape (groups,)
        The line at one billion parameters (fraction); defined where ``has_slope``.
    standard_error_pp_per_decade, low_pp_per_decade, high_pp_per_decade, p_value : ndarray of float, shape (groups,)
        Standard error, interval at ``level`` and two-sided p of slope 0; defined where ``has_inference``.
    r_squared : ndarray of float, shape (groups,)
        Defined where ``has_slope``, unless all rates are equal (code 3).
    has_slope, has_inference : ndarray of bool, shape (groups,)
        Masks: at least 3 distinct sizes; and scatter left about the line.
    reason_codes : ndarray of int8, shape (groups,)
        Index into ``SLOPE_REASONS``; 0 where everything is defined.
    n : ndarray of int, shape (groups,)
        Models per group.
    level : float
        Nominal coverage of the intervals.
    params_b, rates : ndarray of float, shape (models,)
        The inputs that were given.
    row_groups : ndarray, shape (models,)
        The group of each model.
    generalises_to : {"new_models"}
        Models are the units.
    """

    groups: npt.NDArray[Any] = attrs.field(eq=AS_A_WHOLE)
    slope_pp_per_decade: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    slope_pp_per_doubling: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    rate_at_1b: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    standard_error_pp_per_decade: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    low_pp_per_decade: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    high_pp_per_decade: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    p_value: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    r_squared: FloatVector = attrs.field(eq=_AS_A_WHOLE_OR_UNKNOWN)
    has_slope: npt.NDArray[np.bool_] = attrs.field(eq=AS_A_WHOLE)
    has_inference: npt.NDArray[np.bool_] = attrs.field(eq=AS_A_WHOLE)
    reason_codes: npt.NDArray[np.int8] = attrs.field(eq=AS_A_WHOLE)
    n: IntVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    params_b: FloatVector = attrs.field(eq=AS_A_WHOLE)
    rates: FloatVector = attrs.field(eq=AS_A_WHOLE)
    row_groups: npt.NDArray[Any] = attrs.field(eq=AS_A_WHOLE)
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def log_scaling_slopes(
    params_b: npt.ArrayLike, rates: npt.ArrayLike, groups: npt.ArrayLike, *, level: float = 0.95
) -> LogScalingSlopes:
    """
    Least-squares slopes of rates on log10 model size in many groups at once, each as in `log_scaling_slope`.

    Per group, in two passes: means first, then ``b = sum dx dy / sum dx^2`` and ``RSS = sum (dy - b dx)^2`` of the
    deviations from them, so that no digits cancel however far the sizes lie from 1. Rows sorted by group are fastest.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    groups : array_like of int, str or bool, shape (models,)
        Group of each model, all labels of one kind: beside texts, 1 and "1" or nan and "nan" could not be told apart.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    LogScalingSlopes
        Shape: ``(groups,)`` per array. Units: percentage points per decade and per doubling. Groups with fewer than 3
        distinct sizes, or without scatter, are marked by masks and reason codes, not refused.

    Raises
    ------
    DomainError
        If a size is not positive, a rate not a fraction, a group is missing or no plain label, lengths differ, or there
        is no model.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque (1983), Amer. Statist. 37, 242-247 (two passes).

    Examples
    --------
    >>> from safescale.stats import SLOPE_REASONS, log_scaling_slopes
    >>> found = log_scaling_slopes([1, 10, 100, 1, 10], [0.1, 0.3, 0.4, 0.2, 0.9], ["a", "a", "a", "b", "b"])
    >>> found.slope_pp_per_decade.round(6).tolist(), [SLOPE_REASONS[code] for code in found.reason_codes]
    ([15.0, nan], ['defined', 'two sizes: a difference, not a slope'])
    """
    x, y = sizes_and_rates(params_b, rates)
    row_groups = _labels(groups, len(x))
    level = fraction("level", level)
    if len(x) == 0:
        raise DomainError("log_scaling_slopes needs at least one model, got none")
    order = None if bool(np.all(row_groups[1:] >= row_groups[:-1])) else np.argsort(row_groups, kind="stable")
    in_order = row_groups if order is None else row_groups[order]
    starts = np.concatenate([[0], np.flatnonzero(in_order[1:] != in_order[:-1]) + 1])
    n = np.diff(starts, append=len(x))
    sums = np.empty((6, len(starts)))
    codes = np.empty(len(starts), dtype=np.int8)
    for first, last in _blocks(starts, len(x)):
        rows = slice(int(starts[first]), int(starts[last - 1] + n[last - 1]))
        chosen = rows if order is None else order[rows]
        sums[:, first:last], codes[first:last] = _moments(x[chosen], y[chosen], starts[first:last] - rows.start, n[first:last])
    for array in (x, y, row_groups):
        array.setflags(write=False)
    found = _inference(sums, codes, n, level)
    return LogScalingSlopes(
        groups=_sealed(in_order[starts]),
        slope_pp_per_decade=_sealed(found["slope_pp_per_decade"]),
        slope_pp_per_doubling=_sealed(found["slope_pp_per_doubling"]),
        rate_at_1b=_sealed(found["rate_at_1b"]),
        standard_error_pp_per_decade=_sealed(found["standard_error_pp_per_decade"]),
        low_pp_per_decade=_sealed(found["low_pp_per_decade"]),
        high_pp_per_decade=_sealed(found["high_pp_per_decade"]),
        p_value=_sealed(found["p_value"]),
        r_squared=_sealed(found["r_squared"]),
        has_slope=_sealed(found["has_slope"]),
        has_inference=_sealed(found["has_inference"]),
        reason_codes=_sealed(codes),
        n=_sealed(n),
        level=level,
        params_b=x,
        rates=y,
        row_groups=row_groups,
    )


def _labels(groups: npt.ArrayLike, length: int) -> npt.NDArray[Any]:
    # an array knows the kind of its labels; of a mixture in a list numpy would make texts: nan 'nan', and 1 '1'
    given = groups if hasattr(groups, "__array__") else iterated("groups", groups, expected="a sequence of labels, one per model")  # type: ignore[arg-type]
    if isinstance(given, tuple):
        _refuse_mixture(given)
    array = np.array(given)
    if array.ndim != 1:
        raise DomainError(f"groups must be one-dimensional, got shape {array.shape}; pass one label per model")
    same_length("groups", len(array), "params_b", length)
    if length and array.dtype.kind not in "iuUSb":
        raise DomainError(
            f"groups must be whole numbers or texts, got dtype {array.dtype}; a missing label is left out with its model"
        )
    return array


def _refuse_mixture(given: tuple[Any, ...]) -> None:
    """Whole numbers, texts, bytes or truth values, all of one kind."""
    first: dict[str, int] = {}
    for kind in dict.fromkeys(map(type, given)):
        at = next(at for at, label in enumerate(given) if type(label) is kind)
        label = given[at]
        if is_missing(label):
            raise DomainError(
                f"groups must label every model, got a missing label ({label!r}) at position {at}; leave the model out"
            )
        plain = next((name for name, types in _KINDS.items() if isinstance(label, types)), None)
        if plain is None:
            raise DomainError(f"groups must be whole numbers or texts, got {label!r} at position {at}; write labels as texts")
        first.setdefault(plain, at)
    if len(first) > 1:
        (one, i), (other, j), *_ = first.items()
        raise DomainError(
            f"groups must be labels of one kind, got the {one} {given[i]!r} at position {i} and the {other} {given[j]!r} at "
            f"position {j}; write all of them as texts"
        )


def _blocks(starts: IntVector, rows: int) -> list[tuple[int, int]]:
    """Runs of whole groups of about ``_BLOCK`` rows."""
    edges = np.unique(np.searchsorted(starts, np.arange(0, rows, _BLOCK)))
    ends = np.append(edges[1:], len(starts)) if edges[0] == 0 else edges
    return [(int(a), int(b)) for a, b in zip(np.append(0, ends[:-1]), ends, strict=True) if b > a]


def _moments(x: FloatVector, y: FloatVector, starts: IntVector, n: IntVector) -> tuple[FloatVector, npt.NDArray[np.int8]]:
    """Means of u = log size and of y, sums of squares about them, slope, RSS; and what a group lacks."""
    u = np.log(x)
    mean_u, mean_y = np.add.reduceat(u, starts) / n, np.add.reduceat(y, starts) / n
    u -= np.repeat(mean_u, n)
    dy = y - np.repeat(mean_y, n)
    suu, syy = np.add.reduceat(u * u, starts), np.add.reduceat(dy * dy, starts)
    codes = _lacking_sizes(x, starts, n)
    # only where the sum of squares is tiny can the range be
    for at in np.flatnonzero((codes == 0) & (syy <= 4 * n * ROUNDING**2)):
        if np.ptp(y[starts[at] : starts[at] + n[at]]) <= ROUNDING:
            codes[at] = 3
    slope = np.divide(np.add.reduceat(u * dy, starts), suu, out=np.zeros(len(n)), where=codes == 0)
    u *= np.repeat(slope, n)
    dy -= u
    rss = np.add.reduceat(dy * dy, starts)
    codes[(codes == 0) & (np.sqrt(rss / np.maximum(n - 2, 1)) <= ROUNDING)] = 4
    return np.stack([mean_u, mean_y, suu, syy, slope, rss]), codes


def _lacking_sizes(x: FloatVector, starts: IntVector, n: IntVector) -> npt.NDArray[np.int8]:
    """Code 0 where a group has three distinct sizes, else how many it has; its first three rows mostly settle it."""
    codes = np.zeros(len(n), dtype=np.int8)
    last = starts + n - 1
    first, second, third = x[starts], x[np.minimum(starts + 1, last)], x[np.minimum(starts + 2, last)]
    unsettled = (first == second) | (first == third) | (second == third)
    if np.any(unsettled):
        kept, m = x[np.repeat(unsettled, n)], n[unsettled]
        begins = np.cumsum(m) - m
        low, high = np.minimum.reduceat(kept, begins), np.maximum.reduceat(kept, begins)
        between = np.logical_or.reduceat((kept > np.repeat(low, m)) & (kept < np.repeat(high, m)), begins)
        codes[unsettled] = np.where(low == high, 1, np.where(between, 0, 2))
    return codes


def _inference(sums: FloatVector, codes: npt.NDArray[np.int8], n: IntVector, level: float) -> dict[str, npt.NDArray[Any]]:
    mean_u, mean_y, suu, syy, slope, rss = sums
    has_slope, has_inference, explained = (codes != 1) & (codes != 2), codes == 0, (codes == 0) | (codes == 4)
    dof = np.maximum(n - 2, 1)
    b = 100 * slope * LOG_OF_10
    se = 100 * LOG_OF_10 * np.sqrt(rss / dof / np.where(has_slope, suu, 1.0))
    half = _student_quantiles(dof, level) * se
    # stdtr is the dearest line of all: only where it is asked for
    p_value = np.full(len(n), np.nan)
    tail = scipy.special.stdtr(dof[has_inference], -np.abs(b[has_inference] / se[has_inference]))
    p_value[has_inference] = np.maximum(2 * tail, np.finfo(np.float64).tiny)
    share = np.maximum(1.0 - rss / np.where(explained, syy, 1.0), 0.0)
    return {
        "slope_pp_per_decade": np.where(has_slope, b, np.nan),
        "slope_pp_per_doubling": np.where(has_slope, b * LOG10_OF_2, np.nan),
        "rate_at_1b": np.where(has_slope, mean_y - slope * mean_u, np.nan),
        "standard_error_pp_per_decade": np.where(has_inference, se, np.nan),
        "low_pp_per_decade": np.where(has_inference, b - half, np.nan),
        "high_pp_per_decade": np.where(has_inference, b + half, np.nan),
        "p_value": p_value,
        "r_squared": np.where(explained, share, np.nan),
        "has_slope": has_slope,
        "has_inference": has_inference,
    }


def _student_quantiles(dof: IntVector, level: float) -> FloatVector:
    """Upper ``(1 + level) / 2`` quantiles; each distinct number of degrees of freedom is solved for once."""
    present = np.flatnonzero(np.bincount(dof))
    table = np.zeros(int(dof.max()) + 1)
    table[present] = -scipy.special.stdtrit(present, (1.0 - level) / 2.0)
    return np.asarray(table[dof])


def _sealed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Read-only in place: these arrays were made here, so no copy is needed."""
    values.setflags(write=False)
    return values
