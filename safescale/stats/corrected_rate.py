"""A graded rate corrected for the grader's errors, with the uncertainty of few labels."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

from safescale.errors import DomainError, InsufficientData
from safescale.stats._agreement import score_bounds
from safescale.stats._domain import choice, count, fraction, made_by
from safescale.stats.misclassification import MisclassificationMatrix
from safescale.stats.ppi import labelled_within, ppi_rate

__all__ = ["CorrectedRate", "CorrectionMethod", "corrected_rate"]

CorrectionMethod: TypeAlias = Literal["post_stratified", "ppi++"]
_METHODS = ("post_stratified", "ppi++")


@attrs.frozen(kw_only=True)
class CorrectedRate:
    """
    A true rate estimated from graded traces and a validation sample.

    Attributes
    ----------
    estimate, low, high : float
        Fractions, ``0 <= low <= estimate <= high <= 1``.
    standard_error : float or None
        None where a stratum of the validation sample left no scatter.
    graded_rate : float
        What the grader says, uncorrected.
    method : {"post_stratified", "ppi++"}
        How it was corrected.
    lam : float or None
        The weight of the grader in PPI++; None for the other method.
    graded_positives, graded_negatives : int
        The counts that were given.
    matrix : MisclassificationMatrix
        The validation sample, with its design.
    level : float
        Nominal coverage.
    """

    estimate: float
    low: float
    high: float
    standard_error: float | None
    graded_rate: float
    method: CorrectionMethod
    lam: float | None
    graded_positives: int
    graded_negatives: int
    matrix: MisclassificationMatrix
    level: float


def corrected_rate(
    graded_positives: int,
    graded_negatives: int,
    matrix: MisclassificationMatrix,
    *,
    method: CorrectionMethod = "post_stratified",
    lam: float | Literal["tuned"] = "tuned",
    level: float = 0.95,
) -> CorrectedRate:
    """
    True rate behind a graded rate.

    Post-stratified by the grader's label, with ``W1 = N1 / N`` the graded rate::

        theta = W1 PPV + W0 (1 - NPV)
        V     = W1^2 V(PPV) + W0^2 V(NPV) + W1 W0 (PPV - (1 - NPV))^2 / N

    and limits by MOVER from those of PPV, NPV and W1, so that 0 misses among few graded negatives leave room for
    some. "ppi++" is `ppi_rate` with the labelled traces taken out of the graded counts.

    Parameters
    ----------
    graded_positives, graded_negatives : int
        All traces that the grader called 1 and 0, the labelled ones included, and those that the sample was drawn from.
        Unit: traces.
    matrix : MisclassificationMatrix
        From a sample of these traces: PPV and NPV move with the true rate and do not travel to another corpus.
    method : {"post_stratified", "ppi++"}, default "post_stratified"
        "ppi++" needs a simple random sample of these very traces.
    lam : float in [0, 1] or "tuned", default "tuned"
        Only for "ppi++": the weight of the grader.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability. The matrix must have the same.

    Returns
    -------
    CorrectedRate
        Shape: scalar. Unit: fraction.

    Raises
    ------
    InsufficientData
        If no trace was graded, or a graded label that occurs was never validated.
    DomainError
        If the design does not tell PPV and NPV, the level is not the matrix's, or the counts do not hold the matrix's labelled
        rows or its ``stratum_sizes``.

    Notes
    -----
    For the rate of the process that made the traces. For these N traces only it is a little wide.

    References
    ----------
    .. [1] A. Tenenbein (1970), J. Amer. Statist. Assoc. 65, 1350-1361 (double sampling).
    .. [2] G. Y. Zou, W. Huang, X. Zhang (2009), Comput. Statist. Data Anal. 53, 1080-1085 (MOVER).
    .. [3] A. N. Angelopoulos, J. C. Duchi, T. Zrnic (2023), PPI++, arXiv:2311.01453.

    Examples
    --------
    A grader that calls 10 % of 2,000 traces harmful, 50 labels per verdict:

    >>> from safescale.stats import corrected_rate, misclassification_matrix
    >>> true, graded = [1] * 45 + [0] * 5 + [1] * 3 + [0] * 47, [1] * 50 + [0] * 50
    >>> matrix = misclassification_matrix(true, graded, sampled_on="graded")
    >>> rate = corrected_rate(200, 1800, matrix)
    >>> f"{rate.graded_rate:.2f} -> {rate.estimate:.2f} [{rate.low:.2f}, {rate.high:.2f}]"
    '0.10 -> 0.14 [0.11, 0.24]'
    """
    n1, n0 = count("graded_positives", graded_positives), count("graded_negatives", graded_negatives)
    if n1 + n0 == 0:
        raise InsufficientData("no trace was graded; a rate without trials is unknown")
    made_by("matrix", matrix, MisclassificationMatrix, "misclassification_matrix")
    choice("method", method, _METHODS)
    level = fraction("level", level)
    if method == "ppi++":
        if matrix.sampled_on != "nothing":
            raise DomainError(
                f"'ppi++' needs a simple random sample, got rows sampled on {matrix.sampled_on!r}; use method='post_stratified'"
            )
        more_positives, more = labelled_within(matrix.table, n1, n0)
        found = ppi_rate(matrix.table, unlabelled_positives=more_positives, unlabelled_trials=more, lam=lam, level=level)
        estimate, low, high, se, weight = found.estimate, found.low, found.high, found.standard_error, found.lam
    else:
        if matrix.level != level:
            raise DomainError(f"level {level:g} is not the matrix's {matrix.level:g}; make both with the same level")
        estimate, low, high, se = _post_stratified(n1, n0, matrix)
        weight = None
    return CorrectedRate(
        estimate=estimate,
        low=low,
        high=high,
        standard_error=se,
        graded_rate=n1 / (n1 + n0),
        method=method,
        lam=weight,
        graded_positives=n1,
        graded_negatives=n0,
        matrix=matrix,
        level=level,
    )


def _post_stratified(n1: int, n0: int, matrix: MisclassificationMatrix) -> tuple[float, float, float, float | None]:
    if matrix.sampled_on == "true":
        raise DomainError(
            "rows sampled on the true label tell Se and Sp, not the PPV and NPV of these traces; use rogan_gladen_rate"
        )
    labelled_within(matrix.table, n1, n0)
    _refuse_other_traces(n1, n0, matrix)
    n = n1 + n0
    w1, w0 = n1 / n, n0 / n
    p1, low1, high1, se1 = _among(n1, matrix, graded=1)
    p0, low0, high0, se0 = _among(n0, matrix, graded=0)
    theta = w1 * p1 + w0 * p0
    w_low, w_high = score_bounds(w1, n, matrix.level)
    if p1 < p0:
        # a larger graded share then means a smaller rate
        w_low, w_high = 2 * w1 - w_high, 2 * w1 - w_low
    apart = abs(p1 - p0)
    low = theta - math.hypot(w1 * (p1 - low1), w0 * (p0 - low0), apart * (w1 - w_low))
    high = theta + math.hypot(w1 * (high1 - p1), w0 * (high0 - p0), apart * (w_high - w1))
    scatter = all(se is not None or w == 0 for se, w in ((se1, w1), (se0, w0)))
    se = math.sqrt((w1 * (se1 or 0.0)) ** 2 + (w0 * (se0 or 0.0)) ** 2 + w1 * w0 * apart**2 / n)
    return theta, max(0.0, min(low, theta)), min(1.0, max(high, theta)), se if scatter and se > 0 else None


def _refuse_other_traces(n1: int, n0: int, matrix: MisclassificationMatrix) -> None:
    """The traces behind the sample are among the graded ones; more may have been graded since."""
    if matrix.stratum_sizes is None:
        return
    behind = [("graded traces", n1 + n0, sum(matrix.stratum_sizes.values()))]
    if matrix.sampled_on == "graded":
        behind = [("graded_negatives", n0, matrix.stratum_sizes[0]), ("graded_positives", n1, matrix.stratum_sizes[1])]
    for name, total, held in behind:
        if total < held:
            raise DomainError(
                f"{name} must count the {held} traces behind the validation sample (its stratum_sizes) among them, got {total}; "
                "a matrix of other traces tells nothing of these: label some of these"
            )


def _among(traces: int, matrix: MisclassificationMatrix, *, graded: int) -> tuple[float, float, float, float | None]:
    """P(true 1) among the traces with this graded label, its limits and standard error."""
    rate = matrix.ppv if graded else matrix.npv
    if rate.estimate is None or rate.low is None or rate.high is None:
        if traces:
            raise InsufficientData(
                f"{traces} traces were graded {graded} and none of that label was validated "
                f"({rate.undefined_because}); label some of them"
            )
        # no such trace: the worst that the share of future ones could bring
        return float(graded), float(graded), float(graded), None
    if graded:
        return rate.estimate, rate.low, rate.high, rate.standard_error
    return 1 - rate.estimate, 1 - rate.high, 1 - rate.low, rate.standard_error
