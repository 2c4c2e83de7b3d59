"""Krippendorff's alpha for any number of graders, missing ratings, and nominal, ordinal or interval labels."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._agreement import ordered, rating_counts, score_bounds
from safescale.stats._domain import FloatVector, IntVector, choice, count, fraction, real, squarable
from safescale.stats._tails import seeded

__all__ = ["KrippendorffAlpha", "KrippendorffMetric", "krippendorff_alpha"]

KrippendorffMetric: TypeAlias = Literal["nominal", "ordinal", "interval"]
_METRICS = ("nominal", "ordinal", "interval")
_BLOCK = 2_000_000


@attrs.frozen(kw_only=True)
class KrippendorffAlpha:
    """
    Krippendorff's alpha with its interval.

    Attributes
    ----------
    alpha : float or None
        1 is perfect agreement, 0 what random pairing of the ratings gives; None where all pairable ratings are equal.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level`` for units drawn like these.
    interval_method : {"bootstrap", "wilson"} or None
        "wilson": no unit disagrees, so no resample would; Wilson's bound of the share of disagreeing units speaks.
    observed_disagreement, expected_disagreement : float
        Mean squared distance of two ratings of the same unit, and of any two ratings of the pool. Unit: distance
        squared (nominal: fraction; ordinal: ranks squared; interval: label units squared).
    metric : {"nominal", "ordinal", "interval"}
        The distance.
    categories : tuple
        The labels, in their order.
    counts : tuple of tuple of int
        Ratings per unit and category, units with at least two ratings only.
    units, pairable_values, left_out_units : int
        Units with at least two ratings, their ratings, and units left out for having fewer.
    resamples, undefined_resamples : int
        Bootstrap resamples of units, and those in which all ratings were equal.
    level : float
        Nominal coverage.
    undefined_because : str or None
        Why alpha, or its interval, is None.
    """

    alpha: float | None
    interval: tuple[float, float] | None
    interval_method: Literal["bootstrap", "wilson"] | None
    observed_disagreement: float
    expected_disagreement: float
    metric: KrippendorffMetric
    categories: tuple[Hashable, ...]
    counts: tuple[tuple[int, ...], ...]
    units: int
    pairable_values: int
    left_out_units: int
    resamples: int
    undefined_resamples: int
    level: float
    undefined_because: str | None


def krippendorff_alpha(
    ratings: Sequence[Sequence[Hashable]],
    *,
    metric: KrippendorffMetric = "nominal",
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 1_999,
    rng: np.random.Generator | int | None = None,
) -> KrippendorffAlpha:
    """
    Krippendorff's alpha.

    Over the units u with ``m_u >= 2`` ratings, ``n = sum_u m_u``, ``n_uc`` of them c, ``n_c = sum_u n_uc``::

        Do    = (1/n) sum_u  sum_ck n_uc n_uk d(c, k) / (m_u - 1)
        De    = sum_ck n_c n_k d(c, k) / (n (n - 1))
        alpha = 1 - Do / De

        d(c, k) = [c != k]                                            nominal
        d(c, k) = (sum_{g=c..k} n_g - (n_c + n_k) / 2)^2              ordinal: the distance of the midranks
        d(c, k) = (c - k)^2                                           interval

    The interval is the percentile bootstrap over units: units are drawn with replacement, each with all its ratings.

    Parameters
    ----------
    ratings : sequence of sequences of labels, shape (units, raters)
        One row per trace, one label per grader; None is a missing rating. Rows may differ in length.
    metric : {"nominal", "ordinal", "interval"}, default "nominal"
        What the labels are. "interval" needs numbers.
    categories : sequence of labels, optional
        All labels, in their order. Default: the labels seen; numbers in their own order. Text needs it for "ordinal".
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    resamples : int, default 1999
        Bootstrap resamples, at least 199.
    rng : numpy Generator or int, optional
        Source or seed of the resamples; None is the fixed seed 20260630.

    Returns
    -------
    KrippendorffAlpha
        Shape: scalar. Unit: none.

    Raises
    ------
    InsufficientData
        If no unit has two ratings.
    DomainError
        If a label is NaN, not among the categories, or text where order or distance is needed.

    Notes
    -----
    The interval is too narrow where fewer than about 10 units hold the rarer label. A rating on the "ordinal" metric is as far
    from the next as there are ratings between them, so alpha depends on how often the labels were used.

    References
    ----------
    .. [1] K. Krippendorff (2011), Computing Krippendorff's alpha-reliability, Univ. of Pennsylvania.
    .. [2] A. F. Hayes, K. Krippendorff (2007), Commun. Methods Meas. 1, 77-89.

    Examples
    --------
    Three graders, one rating missing:

    >>> from safescale.stats import krippendorff_alpha
    >>> ratings = [("no", "no", "no"), ("yes", "yes", None), ("no", "no", "yes"), ("yes", "yes", "yes")]
    >>> f"{krippendorff_alpha(ratings).alpha:.3f}"
    '0.667'
    >>> krippendorff_alpha([("no", "no"), ("no", "no")]).undefined_because
    "all 4 pairable ratings are 'no': agreement beyond chance is 0/0; report the agreement"
    """
    choice("metric", metric, _METRICS)
    level = fraction("level", level)
    draws = count("resamples", resamples)
    if draws < 199:
        raise DomainError(f"resamples must be at least 199, got {draws}; a quantile needs values beyond it")
    rng = seeded(rng)
    names, all_counts = _in_order(*rating_counts(ratings, categories), metric, categories)
    counts = all_counts[all_counts.sum(axis=1) >= 2]
    units = len(counts)
    if units == 0:
        raise InsufficientData(f"no unit has two ratings (of {len(all_counts)} units); agreement needs two graders on a trace")
    scores = _interval_scores(names) if metric == "interval" else None
    # units with the same ratings are one pattern with a multiplicity
    patterns, repeats = np.unique(counts, axis=0, return_counts=True)
    do, de = (float(value[0]) for value in _disagreements(patterns, repeats[np.newaxis, :].astype(np.float64), metric, scores))
    used = np.flatnonzero(counts.sum(axis=0))
    alpha, bounds, method, reason, undefined = None, None, None, None, 0
    if len(used) == 1:
        reason = (
            f"all {int(counts.sum())} pairable ratings are {names[used[0]]!r}: agreement beyond chance is 0/0; report the agreement"
        )
    else:
        alpha = 1.0 - do / de
        if not np.any((counts > 0).sum(axis=1) > 1):
            # no unit disagrees: Wilson's bound of the share that would, each at the largest distance
            share = score_bounds(1.0, units, level)[0]
            bounds, method = (1.0 - (1.0 - share) * _largest_distance(counts, metric, scores) / de, 1.0), "wilson"
        else:
            bounds, undefined = _bootstrap(patterns, repeats, metric, scores, level, draws, rng)
            method = None if bounds is None else "bootstrap"
            if bounds is None:
                reason = (
                    f"in {undefined} of {draws} resamples of the {units} units all ratings were equal, so a bound at level "
                    f"{level:g} is not defined; grade more units"
                )
    return KrippendorffAlpha(
        alpha=alpha,
        interval=bounds,
        interval_method=method,  # type: ignore[arg-type]
        observed_disagreement=do,
        expected_disagreement=de,
        metric=metric,
        categories=names,
        counts=tuple(tuple(row) for row in counts.tolist()),
        units=units,
        pairable_values=int(counts.sum()),
        left_out_units=len(all_counts) - units,
        resamples=draws,
        undefined_resamples=undefined,
        level=level,
        undefined_because=reason,
    )


def _in_order(
    names: tuple[Hashable, ...], counts: IntVector, metric: str, categories: Sequence[Hashable] | None
) -> tuple[tuple[Hashable, ...], IntVector]:
    """Columns in the order of the scale: as given, else numbers in their own order."""
    if metric == "nominal" or categories is not None:
        return names, counts
    if any(isinstance(name, bool | np.bool_ | str | bytes) for name in names):
        ordered(None, f"{metric} distances between labels that are not numbers")
    order = np.argsort(_interval_scores(names), kind="stable")
    return tuple(names[at] for at in order), counts[:, order]


def _interval_scores(names: tuple[Hashable, ...]) -> FloatVector:
    return squarable("labels on an interval scale", np.array([real("a label on an interval scale", name) for name in names]))


def _largest_distance(counts: IntVector, metric: str, scores: FloatVector | None) -> float:
    if metric == "nominal":
        return 1.0
    values = _midranks(counts.sum(axis=0)[np.newaxis, :].astype(np.float64))[0] if scores is None else scores
    present = values[counts.sum(axis=0) > 0]
    return float(np.ptp(present)) ** 2


def _midranks(totals: FloatVector) -> FloatVector:
    return np.cumsum(totals, axis=1) - totals / 2


def _disagreements(
    patterns: IntVector, weights: FloatVector, metric: str, scores: FloatVector | None
) -> tuple[FloatVector, FloatVector]:
    """
    Do and De of resamples; ``weights``, shape (resamples, patterns), says how many units of each pattern one holds.

    On values v, ``sum_ck n_c n_k (v_c - v_k)^2 = 2 (n sum_c n_c v_c^2 - (sum_c n_c v_c)^2)``; nominal labels have
    ``sum_{c != k} n_c n_k = n^2 - sum_c n_c^2``.
    """
    table = patterns.astype(np.float64)
    m = table.sum(axis=1)
    totals = weights @ table
    n = totals.sum(axis=1)
    if metric == "nominal":
        within = weights @ ((m * m - (table * table).sum(axis=1)) / (m - 1))
        between = n * n - (totals * totals).sum(axis=1)
        return within / n, between / (n * (n - 1))
    values = _midranks(totals) if scores is None else np.broadcast_to(scores, totals.shape)
    values = values - (totals * values).sum(axis=1, keepdims=True) / n[:, np.newaxis]
    first, second = values @ table.T, (values * values) @ table.T
    within = (weights * 2 * (m * second - first * first) / (m - 1)).sum(axis=1)
    between = 2 * (n * (totals * values * values).sum(axis=1) - (totals * values).sum(axis=1) ** 2)
    return within / n, between / (n * (n - 1))


def _bootstrap(
    patterns: IntVector,
    repeats: npt.NDArray[np.int64],
    metric: str,
    scores: FloatVector | None,
    level: float,
    draws: int,
    rng: np.random.Generator | int,
) -> tuple[tuple[float, float] | None, int]:
    generator = np.random.default_rng(rng)
    units = int(repeats.sum())
    used = (patterns > 0).astype(np.float64)
    low, high = np.empty(draws), np.empty(draws)
    block = max(1, _BLOCK // len(patterns))
    for start in range(0, draws, block):
        stop = min(start + block, draws)
        weights = generator.multinomial(units, repeats / units, size=stop - start).astype(np.float64)
        do, de = _disagreements(patterns, weights, metric, scores)
        defined = np.count_nonzero(weights @ used, axis=1) > 1
        alpha = 1.0 - np.divide(do, de, out=np.zeros(stop - start), where=defined)
        # an undefined resample could be anything: it stands at the far end on both sides
        low[start:stop], high[start:stop] = np.where(defined, alpha, -np.inf), np.where(defined, alpha, np.inf)
    undefined = int(np.count_nonzero(np.isinf(low)))
    bounds = _order_statistic(low, (1 - level) / 2), -_order_statistic(-high, (1 - level) / 2)
    return (bounds if np.all(np.isfinite(bounds)) else None), undefined


def _order_statistic(values: npt.NDArray[np.float64], share: float) -> float:
    """The value with at least ``share`` of the resamples at or below it, counted as ``share (B + 1)``."""
    # (1 - .9) / 2 * 200 is 9.999... in floating point, and means 10
    return float(np.sort(values)[max(0, int(np.floor(share * (len(values) + 1) + 1e-9)) - 1)])
