"""Prediction-powered inference for a rate: few adjudicated traces, many graded ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._agreement import score_bounds, square_counts
from safescale.stats._domain import choice, fraction, real, successes_of_trials

__all__ = ["PPIRate", "ppi_rate"]


@attrs.frozen(kw_only=True)
class PPIRate:
    """
    A rate from adjudicated and merely graded traces, with its interval.

    Attributes
    ----------
    estimate, low, high : float
        Fractions, ``0 <= low <= estimate <= high <= 1``.
    unclipped : float
        The estimate before it is confined to [0, 1].
    standard_error : float or None
        None where the labelled and unlabelled traces leave no scatter.
    lam : float
        How far the grader is trusted: 0 not at all, 1 plain prediction-powered inference.
    labelled_rate, graded_rate_labelled : float
        The true rate and the grader's rate among the labelled (fractions).
    graded_rate_unlabelled : float or None
        The grader's rate among the unlabelled; None where there are none, and then ``lam`` is 0.
    table : tuple of tuple of int
        Counts of the labelled, ``table[true][graded]``.
    unlabelled_positives, unlabelled_trials : int
        The grader's verdicts on the rest.
    level : float
        Nominal coverage.
    """

    estimate: float
    low: float
    high: float
    unclipped: float
    standard_error: float | None
    lam: float
    labelled_rate: float
    graded_rate_labelled: float
    graded_rate_unlabelled: float | None
    table: tuple[tuple[int, int], tuple[int, int]]
    unlabelled_positives: int
    unlabelled_trials: int
    level: float


def ppi_rate(
    table: Sequence[Sequence[int]] | npt.ArrayLike,
    *,
    unlabelled_positives: int,
    unlabelled_trials: int,
    lam: float | Literal["tuned"] = "tuned",
    level: float = 0.95,
) -> PPIRate:
    """
    Power-tuned prediction-powered estimate (PPI++) of a true rate.

    With n labelled traces (truth y, grader f) and N unlabelled ones (grader f~)::

        theta = mean y - lam (mean f - mean f~)
        V     = Var(y - lam f) / n + lam^2 Var(f~) / N
        lam*  = Cov(y, f) / ((1 + n / N) Var(f)),    Var(f) over all n + N, lam* confined to [0, 1]

    ``lam = 0`` is the labelled rate alone, ``lam = 1`` plain prediction-powered inference. Variances divide by n and
    N, as in the paper. The interval combines the Wilson limits of the parts of theta with their correlations (MOVER)::

        theta = (1 - lam) mean y + lam (missed - false alarms) + lam mean f~

    It is Wilson's at ``lam = 0`` and ``theta +- z sqrt(V)`` in large samples, and 0 disagreements among 50 labels do
    not make a perfect grader.

    Parameters
    ----------
    table : array_like of int, shape (2, 2)
        Labelled traces, ``table[true][graded]``: a simple random sample of all traces. Unit: traces.
    unlabelled_positives, unlabelled_trials : int
        Traces without a label that the grader called 1, and all of them. Unit: traces.
    lam : float in [0, 1] or "tuned", default "tuned"
        The weight of the grader.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    PPIRate
        Shape: scalar. Unit: fraction.

    Raises
    ------
    InsufficientData
        If no trace is labelled.
    DomainError
        If an argument is outside the ranges above, or labelled and unlabelled traces contradict each other so far
        that the whole interval lies outside [0, 1].

    References
    ----------
    .. [1] A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan, T. Zrnic (2023), Science 382, 669-674.
    .. [2] A. N. Angelopoulos, J. C. Duchi, T. Zrnic (2023), PPI++, arXiv:2311.01453, section 6.
    .. [3] G. Y. Zou, A. Donner (2008), Statist. Med. 27, 1693-1702 (MOVER).

    Examples
    --------
    200 labelled of 5,000; the grader misses a quarter of the harm:

    >>> from safescale.stats import ppi_rate
    >>> rate = ppi_rate([[156, 4], [10, 30]], unlabelled_positives=800, unlabelled_trials=4800)
    >>> f"{rate.estimate:.3f} [{rate.low:.3f}, {rate.high:.3f}], lambda {rate.lam:.2f}"
    '0.197 [0.161, 0.239], lambda 0.80'
    """
    counts = square_counts(table)
    if counts.shape != (2, 2):
        raise DomainError(f"table must be 2 x 2, table[true][graded], got shape {counts.shape}")
    n = int(counts.sum())
    if n == 0:
        raise InsufficientData("no trace is labelled; without labels the grader's error is unknown")
    more = 0
    if unlabelled_trials != 0 or unlabelled_positives != 0:
        unlabelled_positives, more = successes_of_trials(unlabelled_positives, unlabelled_trials)
    level = fraction("level", level)
    (_, n01), (n10, n11) = counts.tolist()
    y, f = (n10 + n11) / n, (n01 + n11) / n
    rest = unlabelled_positives / more if more else 0.0
    weight = _weight(lam, covariance=n11 / n - y * f, pooled=(n01 + n11 + unlabelled_positives) / (n + more), n=n, more=more)
    theta = y - weight * (f - rest) if weight else y
    # y - lam f takes the values 0, -lam, 1, 1 - lam
    mean = y - weight * f
    rectifier = (n01 * weight**2 + n10 + n11 * (1 - weight) ** 2) / n - mean * mean
    variance = max(0.0, rectifier) / n + (weight**2 * rest * (1 - rest) / more if more else 0.0)
    low, high = _interval(theta, weight, counts.tolist(), rest, more, level)
    if high <= 0 or low >= 1:
        raise DomainError(
            f"the estimate {theta:.3f} [{low:.3f}, {high:.3f}] lies outside [0, 1]: the grader calls {f:.3f} of the labelled "
            f"and {rest:.3f} of the unlabelled traces 1; the labelled are not a random sample of all"
        )
    return PPIRate(
        estimate=min(1.0, max(0.0, theta)),
        low=max(0.0, min(low, theta)),
        high=min(1.0, max(high, theta)),
        unclipped=theta,
        standard_error=math.sqrt(variance) if variance > 0 else None,
        lam=weight,
        labelled_rate=y,
        graded_rate_labelled=f,
        graded_rate_unlabelled=rest if more else None,
        table=((int(counts[0, 0]), n01), (n10, n11)),
        unlabelled_positives=unlabelled_positives,
        unlabelled_trials=more,
        level=level,
    )


def _weight(lam: float | Literal["tuned"], *, covariance: float, pooled: float, n: int, more: int) -> float:
    if isinstance(lam, str):
        choice("lam", lam, ("tuned",))
        spread = pooled * (1 - pooled)
        return min(1.0, max(0.0, covariance / ((1 + n / more) * spread))) if more and spread > 0 else 0.0
    weight = real("lam", lam)
    if not 0 <= weight <= 1:
        raise DomainError(f"lam must lie in [0, 1], got {weight:g}; 0 is labelled only, 1 trusts the grader fully")
    if weight > 0 and more == 0:
        raise DomainError(f"lam = {weight:g} needs unlabelled traces, got none; use lam=0 or 'tuned'")
    return weight


def _interval(theta: float, weight: float, counts: list[list[int]], rest: float, more: int, level: float) -> tuple[float, float]:
    """MOVER: ``theta = (1 - lam) mean y + lam (missed - false) + lam mean f~``, each part with its Wilson limits."""
    n = sum(map(sum, counts))
    missed, false = counts[1][0] / n, counts[0][1] / n
    y = missed + counts[1][1] / n
    (y_low, y_high), (m_low, m_high), (f_low, f_high) = (score_bounds(p, n, level) for p in (y, missed, false))
    down = np.array([(1 - weight) * (y - y_low), weight * (missed - m_low), weight * (f_high - false)])
    up = np.array([(1 - weight) * (y_high - y), weight * (m_high - missed), weight * (false - f_low)])
    # of y, missed and -false in one sample; missed is part of y, false excludes both
    r_ym, r_yf = _correlation(missed * (1 - y), y, missed), _correlation(y * false, y, false)
    r_mf = _correlation(missed * false, missed, false)
    together = np.array([[1.0, r_ym, r_yf], [r_ym, 1.0, r_mf], [r_yf, r_mf, 1.0]])
    below, above = float(down @ together @ down), float(up @ together @ up)
    if weight > 0:
        low, high = score_bounds(rest, more, level)
        below, above = below + (weight * (rest - low)) ** 2, above + (weight * (high - rest)) ** 2
    return theta - math.sqrt(below), theta + math.sqrt(above)


def _correlation(covariance: float, p: float, q: float) -> float:
    scale = math.sqrt(p * (1 - p) * q * (1 - q))
    return min(1.0, covariance / scale) if scale > 0 else 0.0


def labelled_within(table: npt.ArrayLike, graded_positives: int, graded_negatives: int) -> tuple[int, int]:
    """Graded positives and all graded traces that carry no label, where the labelled are among the graded."""
    labelled = np.asarray(table).sum(axis=0).tolist()
    for name, total, held in (
        ("graded_negatives", graded_negatives, labelled[0]),
        ("graded_positives", graded_positives, labelled[1]),
    ):
        if total < held:
            raise DomainError(f"{name} must count the {held} labelled ones among them, got {total}")
    return graded_positives - labelled[1], graded_positives + graded_negatives - sum(labelled)
