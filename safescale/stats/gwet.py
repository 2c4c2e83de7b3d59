"""Gwet's AC1 and AC2: agreement whose chance term does not explode where one label is rare."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Literal

import attrs
import numpy as np

from safescale.errors import InsufficientData
from safescale.stats._agreement import (
    INTERVALS,
    WEIGHTS,
    AgreementIntervalMethod,
    AgreementWeights,
    coefficient_interval,
    ordered,
    rating_counts,
    student_quantile,
    weight_matrix,
)
from safescale.stats._domain import FloatVector, IntVector, choice, fraction

__all__ = ["GwetAC", "gwet_ac1", "gwet_ac2"]


@attrs.frozen(kw_only=True)
class GwetAC:
    """
    Gwet's AC1 (no weights) or AC2 (weights) with its interval.

    Attributes
    ----------
    coefficient : float or None
        Agreement beyond chance, at most 1; None with a single category.
    standard_error : float or None
        Gwet's, over units; None where there is no scatter, or one unit.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``, within [-1, 1].
    interval_method : {"score", "delta", "wilson"} or None
        "wilson": no scatter was left, so the bounds of the agreement were carried over, chance agreement held fixed.
    observed_agreement, expected_agreement : float or None
        Weighted agreement of pairs of ratings of a unit; and by Gwet's chance model (fractions).
    weights : {"linear", "quadratic"} or None
        None: only the same label agrees (AC1).
    categories : tuple
        The labels. Their number enters the coefficient, used or not.
    counts : tuple of tuple of int
        Ratings per unit and category; units without a rating are left out.
    units, pairable_units, unrated_units : int
        Units with at least one rating, with at least two, and without any (left out).
    level : float
        Nominal coverage.
    undefined_because : str or None
        Why the coefficient, or its interval, is None.
    """

    coefficient: float | None
    standard_error: float | None
    interval: tuple[float, float] | None
    interval_method: Literal["score", "delta", "wilson"] | None
    observed_agreement: float
    expected_agreement: float | None
    weights: AgreementWeights | None
    categories: tuple[Hashable, ...]
    counts: tuple[tuple[int, ...], ...]
    units: int
    pairable_units: int
    unrated_units: int
    level: float
    undefined_because: str | None


def gwet_ac1(
    ratings: Sequence[Sequence[Hashable]],
    *,
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    method: AgreementIntervalMethod = "score",
) -> GwetAC:
    """
    Gwet's AC1 of two or more graders, with missing ratings.

    With n units, ``r_ik`` of the ``r_i`` ratings of unit i being k, n' units with ``r_i >= 2``, and q categories::

        pa  = mean over the n' units of  sum_k r_ik (r_ik - 1) / (r_i (r_i - 1))
        pi_k = mean over the n units of  r_ik / r_i
        pe  = sum_k pi_k (1 - pi_k) / (q - 1)
        AC1 = (pa - pe) / (1 - pe)

    The variance is that of the units' influences over n (Gwet 2008), the interval Student's t with n - 1 degrees of
    freedom.

    Parameters
    ----------
    ratings : sequence of sequences of labels, shape (units, raters)
        One row per trace, one label per grader; None is a missing rating. Rows may differ in length.
    categories : sequence of labels, optional
        All labels that a grader could give. Their number q enters the chance term. Default: the labels seen.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    method : {"score", "delta"}, default "score"
        Form of the interval, both from the same standard error s: "score" is Wilson's for ``x = (1 + AC) / 2`` at
        the size ``4 x (1 - x) / s^2``; "delta" is the symmetric ``AC +- t s`` of most programs, which covers less
        near 1.

    Returns
    -------
    GwetAC
        Shape: scalar. Unit: none (coefficient), fractions (agreement).

    Raises
    ------
    InsufficientData
        If no unit has two ratings.
    DomainError
        If a label is NaN or not among the categories.

    References
    ----------
    .. [1] K. L. Gwet (2008), Brit. J. Math. Statist. Psychol. 61, 29-48, equations 16, 17 and 35.
    .. [2] K. L. Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapters 2, 5.

    Examples
    --------
    Where 90 of 100 traces are refusals to both, kappa is low and AC1 is not:

    >>> from safescale.stats import cohen_kappa, gwet_ac1
    >>> pairs = [("no", "no")] * 90 + [("no", "yes")] * 4 + [("yes", "no")] * 4 + [("yes", "yes")] * 2
    >>> f"AC1 {gwet_ac1(pairs).coefficient:.2f}, kappa {cohen_kappa(*zip(*pairs)).kappa:.2f}"
    'AC1 0.91, kappa 0.29'
    """
    return _gwet(ratings, None, categories, level, method)


def gwet_ac2(
    ratings: Sequence[Sequence[Hashable]],
    *,
    categories: Sequence[Hashable],
    weights: AgreementWeights = "quadratic",
    level: float = 0.95,
    method: AgreementIntervalMethod = "score",
) -> GwetAC:
    """
    Gwet's AC2: `gwet_ac1` with partial credit for labels that lie near each other.

    With weights ``w_kl`` (1 on the diagonal), ``r*_ik = sum_l w_kl r_il`` and ``T = sum_kl w_kl``::

        pa = mean over the n' units of  sum_k r_ik (r*_ik - 1) / (r_i (r_i - 1))
        pe = T / (q (q - 1)) sum_k pi_k (1 - pi_k)

    Parameters
    ----------
    ratings : sequence of sequences of labels, shape (units, raters)
        One row per trace, one label per grader; None is a missing rating. Rows may differ in length.
    categories : sequence of labels
        All labels in their order, used or not.
    weights : {"linear", "quadratic"}, default "quadratic"
        Credit by the distance of positions, as in `cohen_kappa`.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    method : {"score", "delta"}, default "score"
        Form of the interval, both from the same standard error s: "score" is Wilson's for ``x = (1 + AC) / 2`` at
        the size ``4 x (1 - x) / s^2``; "delta" is the symmetric ``AC +- t s`` of most programs, which covers less
        near 1.

    Returns
    -------
    GwetAC
        Shape: scalar. Unit: none (coefficient), fractions (agreement).

    Raises
    ------
    InsufficientData
        If no unit has two ratings.
    DomainError
        If a label is NaN or not among the categories, or the weights are unknown.

    References
    ----------
    .. [1] K. L. Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapters 3, 5.

    Examples
    --------
    >>> from safescale.stats import gwet_ac2
    >>> pairs = [(0, 0)] * 40 + [(0, 1)] * 5 + [(1, 1)] * 3 + [(2, 1)] * 2
    >>> f"{gwet_ac2(pairs, categories=(0, 1, 2)).coefficient:.2f}"
    '0.95'
    """
    choice("weights", weights, WEIGHTS)
    ordered(categories, f"{weights} weights")
    return _gwet(ratings, weights, categories, level, method)


def _gwet(
    ratings: Sequence[Sequence[Hashable]],
    weights: AgreementWeights | None,
    categories: Sequence[Hashable] | None,
    level: float,
    method: AgreementIntervalMethod,
) -> GwetAC:
    choice("method", method, INTERVALS)
    names, all_counts = rating_counts(ratings, categories)
    level = fraction("level", level)
    counts = all_counts[all_counts.sum(axis=1) > 0]
    r = counts.sum(axis=1)
    units, pairable = len(counts), int(np.count_nonzero(r >= 2))
    if pairable == 0:
        raise InsufficientData(f"no unit has two ratings (of {len(all_counts)} units); agreement needs two graders on a trace")
    w = weight_matrix(weights, len(names))
    agreeing = _agreement_per_unit(counts, w)
    po = float(agreeing[r >= 2].mean())
    pe, coefficient, se, bounds, reason = None, None, None, None, None
    if len(names) == 1:
        reason = f"one category only ({names[0]!r}) leaves no disagreement to expect; name all of them with categories=(...)"
    else:
        shares = counts / r[:, np.newaxis]
        pi = shares.mean(axis=0)
        chance = float(w.sum()) / (len(names) * (len(names) - 1))
        pe = chance * float(pi @ (1 - pi))
        coefficient = (po - pe) / (1 - pe)
        if units == 1:
            reason = "one unit has no scatter between units, so there is no interval; grade more traces"
        else:
            own = np.where(r >= 2, units / pairable * (agreeing - pe) / (1 - pe), 0.0)
            influence = own - 2 * (1 - coefficient) * (chance * (shares @ (1 - pi)) - pe) / (1 - pe) - coefficient
            se = math.sqrt(float(influence @ influence) / (units * (units - 1)))
            bounds = coefficient_interval(
                coefficient,
                influence,
                student_quantile(level, units - 1),
                units=pairable,
                standard_error=se,
                agreement=po,
                by_chance=pe,
                level=level,
                method=method,
            )
    return GwetAC(
        coefficient=coefficient,
        standard_error=se if bounds is not None and bounds[2] != "wilson" else None,
        interval=None if bounds is None else bounds[:2],
        interval_method=None if bounds is None else bounds[2],
        observed_agreement=po,
        expected_agreement=pe,
        weights=weights,
        categories=names,
        counts=tuple(tuple(row) for row in counts.tolist()),
        units=units,
        pairable_units=pairable,
        unrated_units=len(all_counts) - units,
        level=level,
        undefined_because=reason,
    )


def _agreement_per_unit(counts: IntVector, w: FloatVector) -> FloatVector:
    r = counts.sum(axis=1)
    pairs = (counts * (counts @ w - 1)).sum(axis=1)
    return np.asarray(np.divide(pairs, r * (r - 1), out=np.zeros(len(counts)), where=r >= 2), dtype=np.float64)
