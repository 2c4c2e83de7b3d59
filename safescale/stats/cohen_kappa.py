"""Cohen's kappa of two graders, plain and weighted, from labels or from their table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._agreement import (
    INTERVALS,
    WEIGHTS,
    AgreementBounds,
    AgreementIntervalMethod,
    AgreementWeights,
    category_codes,
    coefficient_interval,
    labels,
    normal_quantile,
    ordered,
    square_counts,
    weight_matrix,
)
from safescale.stats._domain import FloatVector, IntVector, choice, fraction, same_length

__all__ = ["CohenKappa", "cohen_kappa", "cohen_kappa_table"]


@attrs.frozen(kw_only=True)
class CohenKappa:
    """
    Cohen's kappa of two graders with its interval.

    Attributes
    ----------
    kappa : float or None
        Agreement beyond chance, in [-1, 1]; None where both graders used one and the same label only.
    standard_error : float or None
        Delta method, large samples. None where there is no scatter to judge by.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``, within [-1, 1].
    interval_method : {"score", "delta", "wilson"} or None
        "wilson": no scatter was left, so the bounds of the agreement were carried over, chance agreement held fixed.
    observed_agreement, expected_agreement : float
        Weighted agreement seen, and expected if the graders were independent (fractions).
    weights : {"linear", "quadratic"} or None
        None: only the same label agrees.
    categories : tuple
        The labels, in the order of ``table``.
    table : tuple of tuple of int
        Counts, rows the first grader, columns the second. Unit: traces.
    n : int
        Number of traces that both graded.
    level : float
        Nominal coverage.
    undefined_because : str or None
        Why kappa, or its interval, is None.
    """

    kappa: float | None
    standard_error: float | None
    interval: tuple[float, float] | None
    interval_method: Literal["score", "delta", "wilson"] | None
    observed_agreement: float
    expected_agreement: float
    weights: AgreementWeights | None
    categories: tuple[Hashable, ...]
    table: tuple[tuple[int, ...], ...]
    n: int
    level: float
    undefined_because: str | None


def cohen_kappa(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    *,
    weights: AgreementWeights | None = None,
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    method: AgreementIntervalMethod = "score",
) -> CohenKappa:
    """
    Cohen's kappa of two graders of the same traces.

    With the shares ``p_ij`` of traces that the graders called i and j, margins ``p_i., p_.j`` and weights ``w_ij``
    (1 on the diagonal)::

        po    = sum_ij w_ij p_ij
        pe    = sum_ij w_ij p_i. p_.j
        kappa = (po - pe) / (1 - pe)

        w_ij = 1 - |i - j| / (q - 1)        linear
        w_ij = 1 - (i - j)^2 / (q - 1)^2    quadratic

    The standard error is that of Fleiss, Cohen and Everitt: the delta method at the estimate, not under independence.

    Parameters
    ----------
    a, b : sequence of labels, shape (traces,)
        The label of each trace by the first and the second grader. None and NaN are refused.
    weights : {"linear", "quadratic"}, optional
        Partial credit by the distance of positions in ``categories``. Default: none.
    categories : sequence of labels, optional
        All labels, in their order. Needed with weights: a label that nobody used still lies between two others.
        Default: the labels seen, in order of first appearance.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    method : {"score", "delta"}, default "score"
        Form of the interval, both from the same standard error s: "score" is Wilson's for ``x = (1 + kappa) / 2`` at
        the size ``4 x (1 - x) / s^2``; "delta" is the symmetric ``kappa +- z s`` of most programs, which covers less
        near 1.

    Returns
    -------
    CohenKappa
        Shape: scalar. Unit: none (kappa), fractions (agreement).

    Raises
    ------
    InsufficientData
        If there is no trace.
    DomainError
        If lengths differ, a label is missing or not among the categories, or weights come without
        categories.

    Notes
    -----
    Traces are taken as independent. Intervals are too narrow where fewer than about 5 traces hold the rarer label (coverage .89 of
    a nominal .95 with 100 traces, 5 % of them of that label).
    Kappa falls with the rarity of a label at the same error rates of the graders,
    and is 0 whatever the other says where one grader used a single label: there its interval is None, with the
    reason. Compare kappas across conditions only beside the raw agreement.

    References
    ----------
    .. [1] J. Cohen (1960), Educ. Psychol. Meas. 20, 37-46; (1968), Psychol. Bull. 70, 213-220 (weights).
    .. [2] J. L. Fleiss, J. Cohen, B. S. Everitt (1969), Psychol. Bull. 72, 323-327, equations 8 and 14.

    Examples
    --------
    High agreement is not high kappa where nearly all traces are one label:

    >>> from safescale.stats import cohen_kappa
    >>> result = cohen_kappa(["yes"] * 92 + ["no"] * 8, ["yes"] * 88 + ["no"] * 8 + ["yes"] * 4)
    >>> f"agreement {result.observed_agreement:.2f}, kappa {result.kappa:.2f}"
    'agreement 0.92, kappa 0.46'
    >>> cohen_kappa(["no"] * 5, ["no"] * 5).kappa is None
    True
    """
    first, second = labels("a", a), labels("b", b)
    same_length("a", len(first), "b", len(second))
    if not first:
        raise InsufficientData("agreement needs at least one trace that both graders labelled, got none")
    if weights is not None:
        choice("weights", weights, WEIGHTS)
        ordered(categories, f"{weights} weights")
    codes = category_codes(categories, first + second)
    table = np.zeros((len(codes), len(codes)), dtype=np.int64)
    np.add.at(table, ([codes[label] for label in first], [codes[label] for label in second]), 1)
    return cohen_kappa_table(table, weights=weights, categories=tuple(codes), level=level, method=method)


def cohen_kappa_table(
    table: npt.ArrayLike,
    *,
    weights: AgreementWeights | None = None,
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    method: AgreementIntervalMethod = "score",
) -> CohenKappa:
    """
    Cohen's kappa from the table of two graders' labels, as in `cohen_kappa`.

    Parameters
    ----------
    table : array_like of int, shape (categories, categories)
        Traces that the first grader called i (row) and the second j (column), in the order of the scale.
    weights : {"linear", "quadratic"}, optional
        Partial credit by the distance of positions. Default: none.
    categories : sequence of labels, optional
        Names of rows and columns. Default: 0, 1, ...
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.
    method : {"score", "delta"}, default "score"
        Form of the interval, both from the same standard error s: "score" is Wilson's for ``x = (1 + kappa) / 2`` at
        the size ``4 x (1 - x) / s^2``; "delta" is the symmetric ``kappa +- z s`` of most programs, which covers less
        near 1.

    Returns
    -------
    CohenKappa
        Shape: scalar. Unit: none (kappa), fractions (agreement).

    Raises
    ------
    InsufficientData
        If the table holds no trace.
    DomainError
        If the table is not square, or holds anything but counts.

    References
    ----------
    .. [1] J. L. Fleiss, J. Cohen, B. S. Everitt (1969), Psychol. Bull. 72, 323-327.

    Examples
    --------
    >>> from safescale.stats import cohen_kappa_table
    >>> result = cohen_kappa_table([[20, 5], [10, 15]])
    >>> f"{result.kappa:.2f} [{result.interval[0]:.2f}, {result.interval[1]:.2f}]"
    '0.40 [0.13, 0.61]'
    """
    counts = square_counts(table)
    level = fraction("level", level)
    choice("method", method, INTERVALS)
    if weights is not None:
        choice("weights", weights, WEIGHTS)
    names = tuple(category_codes(range(len(counts)) if categories is None else categories, ()))
    same_length("categories", len(names), "the rows of table", len(counts))
    n = int(counts.sum())
    if n == 0:
        raise InsufficientData("the table holds no trace; agreement needs at least one that both graders labelled")
    w = weight_matrix(weights, len(counts))
    p = counts / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    po, pe = float((w * p).sum()), float(rows @ w @ columns)
    used_a, used_b = np.flatnonzero(counts.sum(axis=1)), np.flatnonzero(counts.sum(axis=0))
    kappa, se, bounds, reason = None, None, None, None
    if len(used_a) == len(used_b) == 1 and used_a[0] == used_b[0]:
        po = pe = 1.0
        reason = f"both graders called all {n} traces {names[used_a[0]]!r}: agreement beyond chance is 0/0; report the agreement"
    elif 1 in (len(used_a), len(used_b)):
        kappa = 0.0
        which, used = ("first", used_a) if len(used_a) == 1 else ("second", used_b)
        reason = (
            f"the {which} grader called all {n} traces {names[used[0]]!r}: kappa is then 0 whatever the other says, "
            "and has no standard error"
        )
    else:
        kappa = (po - pe) / (1 - pe)
        se, bounds = _inference(counts, w, po, pe, level, method)
    return CohenKappa(
        kappa=kappa,
        standard_error=se,
        interval=None if bounds is None else bounds[:2],
        interval_method=None if bounds is None else bounds[2],
        observed_agreement=po,
        expected_agreement=pe,
        weights=weights,
        categories=names,
        table=tuple(tuple(row) for row in counts.tolist()),
        n=n,
        level=level,
        undefined_because=reason,
    )


def _inference(
    counts: IntVector, w: FloatVector, po: float, pe: float, level: float, method: AgreementIntervalMethod
) -> tuple[float | None, AgreementBounds]:
    n = int(counts.sum())
    rows, columns = counts.sum(axis=1) / n, counts.sum(axis=0) / n
    # influence of a trace in cell (i, j); Fleiss, Cohen and Everitt's variance is its mean square over n
    by_margins = (w @ columns)[:, np.newaxis] + (rows @ w)[np.newaxis, :]
    influence = (w * (1 - pe) - by_margins * (1 - po) - (po * pe - 2 * pe + po)) / (1 - pe) ** 2
    se = math.sqrt(float((counts * influence**2).sum()) / n / n)
    bounds = coefficient_interval(
        (po - pe) / (1 - pe),
        influence[counts > 0],
        normal_quantile(level),
        units=n,
        standard_error=se,
        agreement=po,
        by_chance=pe,
        level=level,
        method=method,
    )
    return (se if bounds[2] != "wilson" else None), bounds
