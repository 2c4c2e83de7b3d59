"""The Rogan-Gladen correction, which says "not identified" where the grader tells nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from safescale.errors import DomainError
from safescale.stats._agreement import normal_quantile, score_bounds
from safescale.stats._domain import fraction, made_by, successes_of_trials
from safescale.stats.misclassification import MisclassificationMatrix

__all__ = ["RoganGladenRate", "rogan_gladen_rate"]

# Fieller's g above which the delta method misleads
_LARGEST_G = 0.05


@attrs.frozen(kw_only=True)
class RoganGladenRate:
    """
    A true rate from a graded rate and the grader's sensitivity and specificity, or why there is none.

    Attributes
    ----------
    estimate : float or None
        Fraction, confined to [0, 1]; None where the rate is not identified.
    unclipped : float or None
        ``(graded rate - (1 - Sp)) / J`` before it is confined; None where J is 0.
    interval : tuple of (float, float) or None
        Two-sided Fieller interval at ``level`` within [0, 1]; None where every rate fits, or none does.
    standard_error : float or None
        Delta method; None unless J is far from 0.
    youden_j : float
        ``Se + Sp - 1``: 0 is a grader that tells nothing.
    youden_interval : tuple of (float, float)
        Its Newcombe interval at ``level``.
    fieller_g : float or None
        ``z^2 V(J) / J^2``; the delta method is given below 0.05.
    graded_rate : float
        What the grader says, uncorrected (fraction).
    graded_positives, graded_trials : int
        The counts that were given.
    matrix : MisclassificationMatrix
        The validation sample, with its design.
    level : float
        Nominal coverage.
    undefined_because : str or None
        Why estimate or interval is None.
    """

    estimate: float | None
    unclipped: float | None
    interval: tuple[float, float] | None
    standard_error: float | None
    youden_j: float
    youden_interval: tuple[float, float]
    fieller_g: float | None
    graded_rate: float
    graded_positives: int
    graded_trials: int
    matrix: MisclassificationMatrix
    level: float
    undefined_because: str | None


def rogan_gladen_rate(
    graded_positives: int, graded_trials: int, matrix: MisclassificationMatrix, *, level: float = 0.95
) -> RoganGladenRate:
    """
    True rate from a graded rate q and the grader's Se and Sp.

    ::

        theta = (q - (1 - Sp)) / J,    J = Se + Sp - 1

    The interval holds the rates t in [0, 1] for which ``t Se + (1 - t) (1 - Sp) - q`` may be 0: its MOVER limits, from
    the Wilson limits of Se, Sp and q, include 0 (Fieller's construction with score limits). Two cases have no
    interval, in words: J's own Newcombe interval reaches 0 or every t fits (not identified), and no t fits
    (q contradicts Se and Sp).

    Parameters
    ----------
    graded_positives, graded_trials : int
        Traces that the grader called 1, and all of them. None of them should be in the validation sample.
    matrix : MisclassificationMatrix
        With known Se and Sp: rows sampled on the true label, at random, or by strata. Se and Sp are assumed to be the
        same here as there; after an attack they often are not.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability. The matrix must have the same.

    Returns
    -------
    RoganGladenRate
        Shape: scalar. Unit: fraction.

    Raises
    ------
    DomainError
        If the design does not identify Se and Sp, or levels differ, or a count is out of range.

    References
    ----------
    .. [1] W. J. Rogan, B. Gladen (1978), Amer. J. Epidemiol. 107, 71-76.
    .. [2] E. C. Fieller (1954), J. R. Statist. Soc. B 16, 175-185.
    .. [3] A. Donner, G. Y. Zou (2012), Stat. Methods Med. Res. 21, 347-359.

    Examples
    --------
    A good grader, and one whose J is not separated from 0:

    >>> from safescale.stats import misclassification_matrix, rogan_gladen_rate
    >>> def matrix(hits, rejections):
    ...     true, graded = [1] * 50 + [0] * 50, [1] * hits + [0] * (50 - hits) + [0] * rejections + [1] * (50 - rejections)
    ...     return misclassification_matrix(true, graded, sampled_on="true")
    >>> rate = rogan_gladen_rate(300, 1000, matrix(45, 46))
    >>> f"{rate.estimate:.2f} [{rate.interval[0]:.2f}, {rate.interval[1]:.2f}]"
    '0.27 [0.15, 0.34]'
    >>> print(rogan_gladen_rate(300, 1000, matrix(20, 35)).interval)
    None
    """
    k, n = successes_of_trials(graded_positives, graded_trials)
    level = fraction("level", level)
    made_by("matrix", matrix, MisclassificationMatrix, "misclassification_matrix")
    if matrix.level != level:
        raise DomainError(f"level {level:g} is not the matrix's {matrix.level:g}; make both with the same level")
    if matrix.sampled_on == "graded":
        raise DomainError(
            "rows sampled on the graded label tell PPV and NPV directly, Se and Sp only through the graded rate itself; "
            "use corrected_rate"
        )
    se, sp = matrix.sensitivity, matrix.specificity
    if se.estimate is None or sp.estimate is None:
        raise DomainError(f"Se and Sp are not both known ({se.undefined_because or sp.undefined_because}); label such rows")
    s, s_low, s_high = _limits(se.estimate, se.low, se.high)
    f, f_low, f_high = _limits(1 - sp.estimate, 1 - (sp.high or 0.0), 1 - (sp.low or 0.0))
    q = k / n
    q_low, q_high = score_bounds(q, n, level)
    j = s - f
    reach = j - math.hypot(s - s_low, f_high - f), j + math.hypot(s_high - s, f - f_low)

    def may_fall_short(t: float) -> bool:
        return t * s + (1 - t) * f - q <= math.hypot(t * (s - s_low), (1 - t) * (f - f_low), q_high - q)

    def may_exceed(t: float) -> bool:
        return q - t * s - (1 - t) * f <= math.hypot(t * (s_high - s), (1 - t) * (f_high - f), q - q_low)

    unclipped = None if j == 0 else (q - f) / j
    interval, reason = None, _no_information(j, reach, level)
    if reason is None:
        interval, reason = _where_both(may_fall_short, may_exceed, q, f, s)
    told = reason is None and unclipped is not None
    errors = (se.standard_error, sp.standard_error)
    v_s, v_f = ((error or 0.0) ** 2 for error in errors)
    # a boundary estimate of Se or Sp has no standard error, so neither g nor the delta method
    g = None if j == 0 or None in errors else normal_quantile(level) ** 2 * (v_s + v_f) / j**2
    delta = None
    if told and unclipped is not None and g is not None and g < _LARGEST_G:
        delta = math.sqrt(q * (1 - q) / n + unclipped**2 * v_s + (1 - unclipped) ** 2 * v_f) / abs(j)
    return RoganGladenRate(
        estimate=min(1.0, max(0.0, unclipped)) if told and unclipped is not None else None,
        unclipped=unclipped,
        interval=interval,
        standard_error=delta,
        youden_j=j,
        youden_interval=(max(-1.0, reach[0]), min(1.0, reach[1])),
        fieller_g=g,
        graded_rate=q,
        graded_positives=k,
        graded_trials=n,
        matrix=matrix,
        level=level,
        undefined_because=reason,
    )


def _limits(estimate: float, low: float | None, high: float | None) -> tuple[float, float, float]:
    assert low is not None
    assert high is not None
    return estimate, low, high


def _no_information(j: float, reach: tuple[float, float], level: float) -> str | None:
    words = f"Youden's J is {j:.3f} [{reach[0]:.3f}, {reach[1]:.3f}] at level {level:g}"
    if reach[1] < 0:
        return f"not identified: {words}, below 0; the grader is worse than chance, or its labels are swapped"
    if reach[0] <= 0:
        return f"not identified: {words}, not separated from 0, so any true rate fits; label more traces or use another grader"
    return None


def _where_both(
    may_fall_short: Callable[[float], bool], may_exceed: Callable[[float], bool], q: float, f: float, s: float
) -> tuple[tuple[float, float] | None, str | None]:
    """The rates in [0, 1] that fit: each condition fails on one side only, so its edge is found by bisection."""
    if not may_fall_short(0.0) or not may_exceed(1.0):
        return None, (
            f"contradiction: the graded rate {q:.3f} lies outside what the grader can give, 1 - Sp = {f:.3f} to Se = {s:.3f}; "
            "the validation sample is of another condition"
        )
    low = 0.0 if may_exceed(0.0) else _edge(may_exceed, fits=1.0, fails=0.0)
    high = 1.0 if may_fall_short(1.0) else _edge(may_fall_short, fits=0.0, fails=1.0)
    if (low, high) == (0.0, 1.0):
        return None, "not identified: every true rate from 0 to 1 fits the labels; label more traces or use another grader"
    return (low, high), None


def _edge(condition: Callable[[float], bool], *, fits: float, fails: float) -> float:
    while True:
        middle = (fits + fails) / 2
        if middle in (fits, fails):
            return fits
        if condition(middle):
            fits = middle
        else:
            fails = middle
