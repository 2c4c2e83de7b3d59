"""How many human labels bring a grader-corrected rate to a wanted half-width; and when no number does."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, choice, count, fraction, frozen
from safescale.stats._plan_search import around, smallest

__all__ = ["LabelAllocation", "LabelsPlan", "plan_labels"]

LabelAllocation: TypeAlias = Literal["proportional", "neyman"]

# fewer labels in a stratum do not estimate a predictive value
MIN_LABELS_PER_STRATUM = 5


@attrs.frozen(kw_only=True)
class LabelsPlan:
    """
    The number of human labels at which a grader-corrected rate reaches a half-width.

    Attributes
    ----------
    n_labels : int or None
        The smallest number; None where ``unreachable_because`` says why.
    labels_graded_positive, labels_graded_negative : int or None
        Of these, among traces that the grader calls positive and negative. Proportional: expected, rounded.
    half_width_reached : float or None
        Half-width of the interval at ``n_labels`` (fraction).
    half_width_limit : float
        With every trace labelled: what the number of traces leaves.
    unreachable_because : str or None
        Why no number of labels is enough.
    labels_without_grader : int or None
        Labels that the same half-width would need without the grader; None where that is more than the traces.
    curve_labels : ndarray of int, shape (points,)
        Numbers of labels around the answer, at most the traces.
    curve_half_width : ndarray of float, shape (points,)
        Their half-widths.
    half_width : float
        The half-width wanted (fraction).
    n_traces : int
        Traces with a grade.
    rate, graded_rate : float
        True rate, and share that the grader calls positive, as planned (fractions).
    ppv, npv : float
        Share of the grader's positives that are positive, and of its negatives that are negative.
    sensitivity, specificity : float
        The same grader seen from the truth.
    allocation : {"proportional", "neyman"}
        How labels are spread over the two grades.
    level : float
        Nominal coverage.
    """

    n_labels: int | None
    labels_graded_positive: int | None
    labels_graded_negative: int | None
    half_width_reached: float | None
    half_width_limit: float
    unreachable_because: str | None
    labels_without_grader: int | None
    curve_labels: IntVector = attrs.field(eq=AS_A_WHOLE)
    curve_half_width: FloatVector = attrs.field(eq=AS_A_WHOLE)
    half_width: float
    n_traces: int
    rate: float
    graded_rate: float
    ppv: float
    npv: float
    sensitivity: float
    specificity: float
    allocation: LabelAllocation
    level: float


@attrs.frozen(kw_only=True)
class _Grader:
    """Two strata by grade: q the share graded positive, and the variance of one label in each."""

    n_traces: int
    q: float
    ppv: float
    npv: float

    @property
    def rate(self) -> float:
        return self.q * self.ppv + (1 - self.q) * (1 - self.npv)

    @property
    def variance_between(self) -> float:
        """Of the estimated share graded positive, carried into the rate."""
        return (self.ppv + self.npv - 1) ** 2 * self.q * (1 - self.q) / self.n_traces

    @property
    def strata(self) -> tuple[float, float]:
        """``share^2 variance`` of each stratum; divided by its labels, its part of the variance."""
        return self.q**2 * self.ppv * (1 - self.ppv), (1 - self.q) ** 2 * self.npv * (1 - self.npv)


def plan_labels(
    half_width: float,
    n_traces: int,
    *,
    ppv: float | None = None,
    npv: float | None = None,
    graded_rate: float | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    rate: float | None = None,
    allocation: LabelAllocation = "proportional",
    level: float = 0.95,
) -> LabelsPlan:
    """
    Smallest number of human labels that brings a corrected rate to a half-width.

    All N traces are graded, n of them are also labelled. With q the share graded positive, the post-stratified rate
    ``q PPV + (1 - q) (1 - NPV)`` has variance::

        (PPV + NPV - 1)^2 q (1 - q) / N  +  q^2 PPV (1 - PPV) / n1  +  (1 - q)^2 NPV (1 - NPV) / n0

    "proportional" labels a simple random sample, ``n1 = q n``; this is also the variance of PPI++ with its best weight.
    "neyman" labels ``n1 : n0 = q sd1 : (1 - q) sd0``. The half-width is the normal quantile times the root.

    Parameters
    ----------
    half_width : float
        Half of the interval's width that is wanted, in (0, 0.5). Unit: fraction.
    n_traces : int
        Graded traces N.
    ppv, npv, graded_rate : float, optional
        Planning values: predictive values of the grader, and the share that it calls positive; each in (0, 1).
    sensitivity, specificity, rate : float, optional
        Instead: the grader seen from the truth, and the true rate; each in (0, 1).
    allocation : {"proportional", "neyman"}, default "proportional"
        How labels are spread over the two grades; at least 5 go to each.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    LabelsPlan
        Shape: scalar, and two curves. Unit: labels.

    Raises
    ------
    DomainError
        If a value is out of range, the two descriptions are mixed or incomplete, or a stratum has fewer than 5 traces.

    Notes
    -----
    A perfect grader is refused as a planning value: it needs no labels on paper, and labels are what shows that it is
    perfect. Take a lower bound instead. Predictive values change with the condition that is graded, so each condition
    needs its own labels. With every trace labelled the variance is ``p (1 - p) / N``: the limit of any plan.

    References
    ----------
    .. [1] W. G. Cochran (1977), Sampling Techniques, 3rd ed., sections 5.5, 5A.9 and 12.2 (double sampling).
    .. [2] A. N. Angelopoulos, J. C. Duchi, T. Zrnic (2023), PPI++, arXiv:2311.01453, section 6.

    Examples
    --------
    5,000 traces, a grader with sensitivity .9 and specificity .95, a rate near 30 %, wanted to 2 points:

    >>> from safescale.stats import plan_labels
    >>> plan = plan_labels(0.02, 5000, sensitivity=0.9, specificity=0.95, rate=0.3)
    >>> plan.n_labels, plan.labels_without_grader
    (806, 2017)

    To half a point it cannot be known from these traces, whoever labels them:

    >>> plan = plan_labels(0.005, 5000, sensitivity=0.9, specificity=0.95, rate=0.3)
    >>> plan.n_labels, f"{plan.half_width_limit:.4f}"
    (None, '0.0127')
    """
    wanted = fraction("half_width", half_width)
    if wanted >= 0.5:
        raise DomainError(f"half_width must lie in (0, 0.5), got {wanted:g}; a wider interval says nothing about a fraction")
    traces = count("n_traces", n_traces)
    choice("allocation", allocation, ("proportional", "neyman"))
    level = fraction("level", level)
    grader = _grader(traces, ppv, npv, graded_rate, sensitivity, specificity, rate)
    z = -float(scipy.special.ndtri((1.0 - level) / 2.0))
    lowest = _lowest(grader, allocation)
    limit = _half_width(grader, traces, z, allocation)
    n = smallest(lambda labels: _half_width(grader, labels, z, allocation) <= wanted, lowest=lowest, highest=traces)
    p, q = grader.rate, grader.q
    unaided = math.ceil(z**2 * p * (1 - p) / wanted**2)
    curve = around(n, lowest=lowest, highest=traces)
    positive = None if n is None else round(_split(grader, n, allocation)[0])
    return LabelsPlan(
        n_labels=n,
        labels_graded_positive=positive,
        labels_graded_negative=None if n is None or positive is None else n - positive,
        half_width_reached=None if n is None else _half_width(grader, n, z, allocation),
        half_width_limit=limit,
        unreachable_because=None
        if n is not None
        else (
            f"with all {traces} traces labelled it is known to {100 * limit:.3g} pp either way, and {100 * wanted:g} pp is wanted; "
            "generate more traces"
        ),
        labels_without_grader=unaided if unaided <= traces else None,
        curve_labels=frozen(curve),
        curve_half_width=frozen(np.array([_half_width(grader, int(labels), z, allocation) for labels in curve])),
        half_width=wanted,
        n_traces=traces,
        rate=p,
        graded_rate=q,
        ppv=grader.ppv,
        npv=grader.npv,
        sensitivity=q * grader.ppv / p,
        specificity=(1 - q) * grader.npv / (1 - p),
        allocation=allocation,
        level=level,
    )


def _grader(
    n_traces: int,
    ppv: float | None,
    npv: float | None,
    graded_rate: float | None,
    sensitivity: float | None,
    specificity: float | None,
    rate: float | None,
) -> _Grader:
    by_grade = {"ppv": ppv, "npv": npv, "graded_rate": graded_rate}
    by_truth = {"sensitivity": sensitivity, "specificity": specificity, "rate": rate}
    given = [[name for name, value in side.items() if value is not None] for side in (by_grade, by_truth)]
    if sorted(map(len, given)) != [0, 3]:
        raise DomainError(
            "give ppv, npv and graded_rate, or sensitivity, specificity and rate, all three of one side; "
            f"got {', '.join(given[0] + given[1]) or 'none'}"
        )
    values = {name: _planning_value(name, value) for name, value in {**by_grade, **by_truth}.items() if value is not None}
    if given[0]:
        grader = _Grader(n_traces=n_traces, q=values["graded_rate"], ppv=values["ppv"], npv=values["npv"])
    else:
        se, sp, p = values["sensitivity"], values["specificity"], values["rate"]
        q = p * se + (1 - p) * (1 - sp)
        grader = _Grader(n_traces=n_traces, q=q, ppv=p * se / q, npv=(1 - p) * sp / (1 - q))
    smaller = n_traces * min(grader.q, 1 - grader.q)
    if smaller < MIN_LABELS_PER_STRATUM:
        raise DomainError(
            f"{n_traces} traces leave {smaller:.1f} with the rarer grade, and {MIN_LABELS_PER_STRATUM} must be labelled; "
            "generate more traces, or label all"
        )
    return grader


def _planning_value(name: str, value: float) -> float:
    if value in (0, 1) and name != "graded_rate":
        raise DomainError(
            f"{name} = {value:g} plans with what labels are to show; take the bound that you would not bet against, such as 0.98"
        )
    return fraction(name, value)


def _lowest(grader: _Grader, allocation: LabelAllocation) -> int:
    """The fewest labels that give each grade its least."""
    if allocation == "neyman":
        return 2 * MIN_LABELS_PER_STRATUM
    return math.ceil(MIN_LABELS_PER_STRATUM / min(grader.q, 1 - grader.q) - 1e-9)


def _split(grader: _Grader, n: int, allocation: LabelAllocation) -> tuple[float, float]:
    """Labels of each grade. Neyman: whole, and never more than there are traces of it."""
    if allocation == "proportional":
        return n * grader.q, n * (1 - grader.q)
    first, second = grader.strata
    positives = math.floor(grader.n_traces * grader.q)
    low = max(MIN_LABELS_PER_STRATUM, n - (grader.n_traces - positives))
    high = min(positives, n - MIN_LABELS_PER_STRATUM)
    best = n * math.sqrt(first) / (math.sqrt(first) + math.sqrt(second))
    # convex in the split: the best whole one is beside the best one
    candidates = {min(max(low, k), high) for k in (math.floor(best), math.ceil(best))}
    n1 = min(candidates, key=lambda k: first / k + second / (n - k))
    return float(n1), float(n - n1)


def _half_width(grader: _Grader, n: int, z: float, allocation: LabelAllocation) -> float:
    n1, n0 = _split(grader, n, allocation)
    first, second = grader.strata
    return z * math.sqrt(grader.variance_between + first / n1 + second / n0)
