"""Fleiss' kappa of several graders."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._agreement import INTERVALS, AgreementIntervalMethod, coefficient_interval, student_quantile, unit_counts
from safescale.stats._domain import FloatVector, choice, fraction

__all__ = ["FleissKappa", "fleiss_kappa"]


@attrs.frozen(kw_only=True)
class FleissKappa:
    """
    Fleiss' kappa of several graders with its interval.

    Attributes
    ----------
    kappa : float or None
        Agreement beyond chance; None where all ratings are one label.
    standard_error : float or None
        Over items, for the interval; None where there is no scatter, or one item.
    standard_error_null : float or None
        If the graders labelled at random with the pooled shares: for a test of 0, not for an interval.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``, within [-1, 1].
    interval_method : {"score", "delta", "wilson"} or None
        "wilson": no scatter was left, so the bounds of the agreement were carried over, chance agreement held fixed.
    observed_agreement, expected_agreement : float
        Share of agreeing pairs of ratings of the same item; the same for two random ratings of the pool (fractions).
    counts : tuple of tuple of int
        The counts that were given, items by categories.
    items, raters : int
        Number of items, and of ratings per item.
    level : float
        Nominal coverage.
    undefined_because : str or None
        Why kappa, or its interval, is None.
    """

    kappa: float | None
    standard_error: float | None
    standard_error_null: float | None
    interval: tuple[float, float] | None
    interval_method: Literal["score", "delta", "wilson"] | None
    observed_agreement: float
    expected_agreement: float
    counts: tuple[tuple[int, ...], ...]
    items: int
    raters: int
    level: float
    undefined_because: str | None


def fleiss_kappa(counts: npt.ArrayLike, *, level: float = 0.95, method: AgreementIntervalMethod = "score") -> FleissKappa:
    """
    Fleiss' kappa: several graders per item, the same number for each.

    With N items, r ratings each, ``n_ij`` of them j on item i, and ``p_j = sum_i n_ij / (N r)``::

        P_i   = sum_j n_ij (n_ij - 1) / (r (r - 1))
        po    = mean_i P_i,    pe = sum_j p_j^2
        kappa = (po - pe) / (1 - pe)

    The interval treats items as the sample: Student's t with N - 1 degrees of freedom and the variance of the items'
    influences (Gwet). The standard error under random labelling is Fleiss, Nee and Landis's::

        SE0 = sqrt(2 / (N r (r - 1))) sqrt((sum_j p_j q_j)^2 - sum_j p_j q_j (q_j - p_j)) / sum_j p_j q_j,  q = 1 - p

    Parameters
    ----------
    counts : array_like of int, shape (items, categories)
        How many graders gave each item each label; every row has the same sum, at least 2. Unit: ratings.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    method : {"score", "delta"}, default "score"
        Form of the interval, both from the same standard error s: "score" is Wilson's for ``x = (1 + kappa) / 2`` at
        the size ``4 x (1 - x) / s^2``; "delta" is the symmetric ``kappa +- t s`` of most programs, which covers less
        near 1.

    Returns
    -------
    FleissKappa
        Shape: scalar. Unit: none (kappa), fractions (agreement).

    Raises
    ------
    DomainError
        If the rows do not hold the same number of ratings, at least 2, or are not counts.

    Notes
    -----
    Two graders do not make it Cohen's kappa: it pools the graders' margins (Scott's pi). Items with a missing rating
    are left out here; `krippendorff_alpha` and `gwet_ac1` can use them.

    References
    ----------
    .. [1] J. L. Fleiss (1971), Psychol. Bull. 76, 378-382.
    .. [2] J. L. Fleiss, J. C. M. Nee, J. R. Landis (1979), Psychol. Bull. 86, 974-977.
    .. [3] K. L. Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapter 5.

    Examples
    --------
    Three graders, four items:

    >>> from safescale.stats import fleiss_kappa
    >>> f"{fleiss_kappa([[3, 0], [0, 3], [2, 1], [3, 0]]).kappa:.3f}"
    '0.625'
    >>> print(fleiss_kappa([[3, 0], [3, 0]]).kappa)
    None
    """
    given = unit_counts(counts)
    level = fraction("level", level)
    choice("method", method, INTERVALS)
    per_item = given.sum(axis=1)
    raters = int(per_item[0])
    if np.any(per_item != raters):
        at = int(np.argmax(per_item != raters))
        raise DomainError(
            f"every item needs the same number of ratings, got {raters} at item 0 and {per_item[at]} at item {at}; "
            "leave incomplete items out, or use krippendorff_alpha or gwet_ac1"
        )
    if raters < 2:
        raise DomainError(f"agreement needs at least 2 ratings per item, got {raters}")
    items = len(given)
    agreeing = (given * (given - 1)).sum(axis=1) / (raters * (raters - 1))
    p = given.sum(axis=0) / (items * raters)
    po, pe = float(agreeing.mean()), float(p @ p)
    kappa, se, bounds, reason = None, None, None, None
    if np.count_nonzero(given.sum(axis=0)) == 1:
        po = pe = 1.0
        reason = f"all {items * raters} ratings are one label: agreement beyond chance is 0/0; report the agreement"
    else:
        kappa = (po - pe) / (1 - pe)
        if items == 1:
            reason = "one item has no scatter between items, so there is no interval; grade more items"
        else:
            influence = ((agreeing - po) - 2 * (1 - kappa) * (given @ p / raters - pe)) / (1 - pe)
            se = math.sqrt(float(influence @ influence) / (items * (items - 1)))
            bounds = coefficient_interval(
                kappa,
                influence,
                student_quantile(level, items - 1),
                units=items,
                standard_error=se,
                agreement=po,
                by_chance=pe,
                level=level,
                method=method,
            )
    return FleissKappa(
        kappa=kappa,
        standard_error=se if bounds is not None and bounds[2] != "wilson" else None,
        standard_error_null=None if kappa is None else _null_standard_error(p, items, raters),
        interval=None if bounds is None else bounds[:2],
        interval_method=None if bounds is None else bounds[2],
        observed_agreement=po,
        expected_agreement=pe,
        counts=tuple(tuple(row) for row in given.tolist()),
        items=items,
        raters=raters,
        level=level,
        undefined_because=reason,
    )


def _null_standard_error(p: FloatVector, items: int, raters: int) -> float:
    q = 1 - p
    pq = float(p @ q)
    inside = pq * pq - float((p * q) @ (q - p))
    return math.sqrt(2 * inside / (items * raters * (raters - 1))) / pq
