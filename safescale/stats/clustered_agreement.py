"""Every coefficient of agreement of two graders at once, for traces that share prompts or were drawn with unequal chances."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._agreement import category_codes, coefficient_interval, labels, normal_quantile, score_bounds, weight_matrix
from safescale.stats._domain import FloatVector, IntVector, fraction, positive, same_length, unit_labels

__all__ = ["AgreementCoefficient", "ClusteredAgreement", "clustered_agreement"]

ComplexMatrix = npt.NDArray[np.complex128]
Coefficient = Callable[[ComplexMatrix], complex]

# the imaginary step of a derivative without cancellation
_STEP = 1e-30


@attrs.frozen(kw_only=True)
class AgreementCoefficient:
    """
    One number with its interval.

    ``estimate`` is None where it is 0/0, ``standard_error``, ``low`` and ``high`` where there is no scatter to judge by;
    ``undefined_because`` then says why.
    """

    estimate: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    undefined_because: str | None


@attrs.frozen(kw_only=True)
class ClusteredAgreement:
    """
    Agreement of two graders, clustered by prompt and weighted by the design.

    Attributes
    ----------
    observed : AgreementCoefficient
        Share of traces with the same label (fraction).
    kappa, weighted_kappa, ac1, alpha : AgreementCoefficient
        Cohen's, with linear weights in the order of ``categories``, Gwet's AC1, and Krippendorff's nominal alpha.
    categories : tuple
        The labels, in the order given.
    table : tuple of tuple of int
        Traces, rows the first grader, columns the second.
    shares : tuple of tuple of float
        The same for the traces that the sample stands for (fractions summing to 1).
    given_first : tuple of tuple of AgreementCoefficient
        Row i: share of the second grader's labels among traces that the first called i; with no trace, undefined.
    n, clusters : int
        Traces and prompts.
    level : float
        Nominal coverage.
    """

    observed: AgreementCoefficient
    kappa: AgreementCoefficient
    weighted_kappa: AgreementCoefficient
    ac1: AgreementCoefficient
    alpha: AgreementCoefficient
    categories: tuple[Hashable, ...]
    table: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    given_first: tuple[tuple[AgreementCoefficient, ...], ...]
    n: int
    clusters: int
    level: float


def clustered_agreement(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    clusters: Sequence[Hashable],
    *,
    categories: Sequence[Hashable],
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> ClusteredAgreement:
    """
    Agreement, Cohen's kappa (plain and linearly weighted), Gwet's AC1 and Krippendorff's alpha of two graders.

    All are functions of the shares ``p_ij`` of traces that the graders called i and j, each trace counting ``w = 1 / pi``
    where it was drawn with chance pi. With the derivative ``g_ij`` of a coefficient at p, the influence of a trace is ``w
    (g_ij - sum p g) / sum w``; influences are added up within prompts and their squares over the G prompts make the
    variance, times ``G / (G - 1)``. Without shared prompts and weights this is the delta method of the single coefficients.

    Parameters
    ----------
    a, b : sequence of labels, shape (traces,)
        The label of each trace by the first and the second grader.
    clusters : sequence of labels, shape (traces,)
        The prompt of each trace.
    categories : sequence of labels
        All labels in their order: the weights of kappa and the chance term of AC1 depend on them.
    weights : array_like of float, shape (traces,), optional
        ``1 / pi`` of each trace. Default: all the same.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ClusteredAgreement
        Shape: scalars and tables. Unit: none (coefficients), fractions (agreement, shares).

    Raises
    ------
    InsufficientData
        If there is no trace.
    DomainError
        If lengths differ, a label is missing or not a category, or there are fewer than two categories.

    Notes
    -----
    The interval of a coefficient is Wilson's for ``(1 + x) / 2`` at the size that its standard error implies, as in
    `cohen_kappa`. Strata of the sample are not held fixed, which makes intervals a little wide.

    References
    ----------
    .. [1] J. L. Fleiss, J. Cohen, B. S. Everitt (1969), Psychol. Bull. 72, 323-327.
    .. [2] K. L. Gwet (2008), Br. J. Math. Stat. Psychol. 61, 29-48.
    .. [3] K. Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    .. [4] D. A. Binder (1983), Int. Statist. Rev. 51, 279-292 (linearisation under a design).

    Examples
    --------
    >>> from safescale.stats import clustered_agreement
    >>> first, second = ["yes"] * 92 + ["no"] * 8, ["yes"] * 88 + ["no"] * 8 + ["yes"] * 4
    >>> found = clustered_agreement(first, second, range(100), categories=["no", "yes"])
    >>> f"agreement {found.observed.estimate:.2f}, kappa {found.kappa.estimate:.2f}, AC1 {found.ac1.estimate:.2f}"
    'agreement 0.92, kappa 0.46, AC1 0.91'
    """
    first, second = labels("a", a), labels("b", b)
    same_length("b", len(second), "a", len(first))
    prompts = unit_labels("clusters", clusters, unit="trace")
    same_length("clusters", len(prompts), "a", len(first))
    if not first:
        raise InsufficientData("agreement needs at least one trace that both graders labelled, got none")
    codes = category_codes(categories, [*first, *second])
    if len(codes) < 2:
        raise DomainError(f"categories must be at least two labels, got {tuple(codes)!r}; one label leaves nothing to agree on")
    level = fraction("level", level)
    w = np.ones(len(first)) if weights is None else positive("weights", weights, unit="weight")
    same_length("weights", len(w), "a", len(first))
    i, j = (np.array([codes[label] for label in side]) for side in (first, second))
    order = {prompt: at for at, prompt in enumerate(dict.fromkeys(prompts))}
    rows = _Rows(i=i, j=j, w=w / w.sum(), prompt=np.array([order[prompt] for prompt in prompts]), size=len(codes), level=level)
    n = len(first)
    table = np.zeros((len(codes), len(codes)), dtype=np.int64)
    np.add.at(table, (i, j), 1)
    return ClusteredAgreement(
        observed=rows.share(i == j, np.ones(n, dtype=np.bool_), "label"),
        kappa=rows.coefficient(_kappa(np.eye(len(codes)))),
        weighted_kappa=rows.coefficient(_kappa(weight_matrix("linear", len(codes)))),
        ac1=rows.coefficient(_ac1),
        alpha=rows.coefficient(_alpha(n)),
        categories=tuple(codes),
        table=tuple(tuple(row) for row in table.tolist()),
        shares=tuple(tuple(row) for row in rows.shares.tolist()),
        given_first=tuple(
            tuple(rows.share((i == r) & (j == c), i == r, repr(name)) for c in range(len(codes))) for name, r in codes.items()
        ),
        n=n,
        clusters=len(order),
        level=level,
    )


def _kappa(credit: FloatVector) -> Coefficient:
    def coefficient(p: ComplexMatrix) -> complex:
        po, pe = (credit * p).sum(), p.sum(axis=1) @ credit @ p.sum(axis=0)
        return complex((po - pe) / (1 - pe))

    return coefficient


def _ac1(p: ComplexMatrix) -> complex:
    share = (p.sum(axis=1) + p.sum(axis=0)) / 2
    pe = (share * (1 - share)).sum() / (len(p) - 1)
    return complex((np.trace(p) - pe) / (1 - pe))


def _alpha(n: int) -> Coefficient:
    def coefficient(p: ComplexMatrix) -> complex:
        share = (p.sum(axis=1) + p.sum(axis=0)) / 2
        by_chance = (share * (1 - share)).sum() * 2 * n / (2 * n - 1)
        return complex(1 - (1 - np.trace(p)) / by_chance)

    return coefficient


@attrs.frozen(kw_only=True, eq=False)
class _Rows:
    """Codes of both graders, weights that sum to 1, and prompts."""

    i: IntVector
    j: IntVector
    w: FloatVector
    prompt: IntVector
    size: int
    level: float

    @property
    def shares(self) -> FloatVector:
        p = np.zeros((self.size, self.size))
        np.add.at(p, (self.i, self.j), self.w)
        return p

    @property
    def clusters(self) -> int:
        return int(self.prompt.max()) + 1

    def error(self, influence: FloatVector) -> float:
        """Standard error of the sum of influences, added up within prompts."""
        g = self.clusters
        total = np.bincount(self.prompt, weights=influence, minlength=g)
        return math.sqrt(float(total @ total) * g / (g - 1)) if g > 1 else 0.0

    def coefficient(self, of: Coefficient) -> AgreementCoefficient:
        p = self.shares
        used = [set(np.unique(side).tolist()) for side in (self.i, self.j)]
        if used[0] == used[1] and len(used[0]) == 1:
            return _undefined("both graders gave every trace the same label: agreement beyond chance is 0/0")
        estimate = of(p.astype(np.complex128)).real
        if 1 in map(len, used):
            which = "first" if len(used[0]) == 1 else "second"
            reason = f"the {which} grader gave every trace one label: the coefficient then has no standard error"
            return AgreementCoefficient(estimate=estimate, low=None, high=None, standard_error=None, undefined_because=reason)
        gradient = np.array([[of(_nudged(p, r, c)).imag / _STEP for c in range(self.size)] for r in range(self.size)])
        at = gradient[self.i, self.j]
        se = self.error(self.w * (at - float((p * gradient).sum())))
        agreement = float(np.trace(p))
        by_chance = 0.0 if estimate == 1 else min(0.999, max(0.0, (agreement - estimate) / (1 - estimate)))
        low, high, _ = coefficient_interval(
            estimate,
            at,
            normal_quantile(self.level),
            units=self.clusters,
            standard_error=max(se, 1e-12),
            agreement=agreement,
            by_chance=by_chance,
            level=self.level,
            method="score",
        )
        return AgreementCoefficient(estimate=estimate, low=low, high=high, standard_error=se or None, undefined_because=None)

    def share(self, rows: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_], name: str) -> AgreementCoefficient:
        """Weighted share of ``rows`` among ``of``, Wilson's interval at its effective size; of none or all, at their prompts."""
        total = float(self.w @ of)
        if total == 0:
            return _undefined(f"no trace was called {name} by the first grader")
        x = float(self.w @ rows) / total
        se = self.error(self.w * (rows - x * of) / total)
        prompts = len(np.unique(self.prompt[of]))
        size = x * (1 - x) / se**2 if se > 0 and 0 < x < 1 else float(prompts)
        low, high = score_bounds(min(1.0, x), min(size, float(np.count_nonzero(of))), self.level)
        return AgreementCoefficient(estimate=x, low=low, high=high, standard_error=se or None, undefined_because=None)


def _nudged(p: FloatVector, row: int, column: int) -> ComplexMatrix:
    nudged = p.astype(np.complex128)
    nudged[row, column] += _STEP * 1j
    return nudged


def _undefined(reason: str) -> AgreementCoefficient:
    return AgreementCoefficient(estimate=None, low=None, high=None, standard_error=None, undefined_because=reason)
