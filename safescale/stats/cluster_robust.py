"""Least squares with rows in clusters: sandwich covariances CR0, CR1, CR2 and their degrees of freedom."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal, NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, choice, fraction, frozen, group_codes, squarable, vector
from safescale.stats.ols import ols

__all__ = [
    "ClusterRobustCovariance",
    "ClusterRobustKind",
    "ClusterRobustOLS",
    "cluster_robust_covariance",
    "cluster_robust_ols",
]

ClusterRobustKind: TypeAlias = Literal["CR0", "CR1", "CR2"]
CLUSTER_ROBUST_KINDS = ("CR0", "CR1", "CR2")
# below this a Satterthwaite t is not to be relied on (Pustejovsky & Tipton 2018, section 3)
FEW_DOF = 4.0
_MIN_CLUSTERS = 3
# a share of a direction that lies within one cluster, so close to 1 that nothing outside speaks of it
_OWNED = 1e-9


@attrs.frozen(kw_only=True)
class ClusterRobustCovariance:
    """
    A cluster-robust covariance of least-squares coefficients.

    Attributes
    ----------
    covariance : ndarray of float, shape (columns, columns)
        Estimated covariance of the coefficients.
    dof : ndarray of float, shape (columns,)
        Degrees of freedom of each coefficient's t: Satterthwaite's for CR2, clusters minus 1 for CR0 and CR1.
    few_clusters : bool
        Whether any of them is below 4: too few clusters for the p-value to be relied on.
    n_clusters, n : int
        Number of clusters and of rows.
    kind : {"CR0", "CR1", "CR2"}
        Which correction.
    design, residuals : ndarray of float, shapes (rows, columns) and (rows,)
        The inputs that were given.
    clusters : tuple
        The cluster of each row.
    """

    covariance: FloatVector = attrs.field(eq=AS_A_WHOLE)
    dof: FloatVector = attrs.field(eq=AS_A_WHOLE)
    few_clusters: bool
    n_clusters: int
    n: int
    kind: ClusterRobustKind
    design: FloatVector = attrs.field(eq=AS_A_WHOLE)
    residuals: FloatVector = attrs.field(eq=AS_A_WHOLE)
    clusters: tuple[Hashable, ...]


@attrs.frozen(kw_only=True)
class ClusterRobustOLS:
    """
    A least-squares fit with cluster-robust inference.

    It speaks of further clusters: of new models where the clusters are models or lineages, of these models where they
    are prompts. Labels do not tell which they are, so there is no ``generalises_to`` here; whoever names the clusters says it.

    Attributes
    ----------
    coefficients, standard_errors : ndarray of float, shape (columns,)
        In units of y per unit of each column.
    intervals : ndarray of float, shape (columns, 2)
        Two-sided t intervals at ``level``.
    p_values : ndarray of float, shape (columns,)
        Two-sided t tests of each coefficient being 0.
    level : float
        Nominal coverage of ``intervals``.
    robust : ClusterRobustCovariance
        Covariance, degrees of freedom, clusters; it carries design and residuals.
    response : ndarray of float, shape (rows,)
        The response that was given.
    """

    coefficients: FloatVector = attrs.field(eq=AS_A_WHOLE)
    standard_errors: FloatVector = attrs.field(eq=AS_A_WHOLE)
    intervals: FloatVector = attrs.field(eq=AS_A_WHOLE)
    p_values: FloatVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    robust: ClusterRobustCovariance
    response: FloatVector = attrs.field(eq=AS_A_WHOLE)


def cluster_robust_covariance(
    design: npt.ArrayLike, residuals: npt.ArrayLike, clusters: Iterable[Hashable], *, kind: ClusterRobustKind = "CR2"
) -> ClusterRobustCovariance:
    """
    Sandwich covariance of least-squares coefficients with rows in clusters.

    ``V = B [sum_g X_g' A_g e_g e_g' A_g X_g] B`` with ``B = (X'X)^-1`` and, by kind:

    - CR0: ``A_g = I``;
    - CR1: ``A_g = I``, times ``G/(G - 1) (n - 1)/(n - p)`` (Stata's; without the second factor in some texts);
    - CR2: ``A_g = (I - H_gg)^-1/2`` (symmetric, pseudo-inverse), ``H = X B X'``: unbiased when rows are independent with
      equal variance.

    With ``X = QR`` and ``M_g = Q_g'Q_g``, ``B X_g' A_g = R^-1 (I - M_g)^-1/2 Q_g'``: no matrix is larger than the columns.
    CR2's degrees of freedom are Satterthwaite's under that same working model, ``(tr T)^2 / tr(T^2)`` with ``T_gh =
    p_g'p_h``, ``p_g = (I - H)_g A_g X_g B c``.

    Parameters
    ----------
    design : array_like of float, shape (rows, columns)
        Design of full column rank, more rows than columns.
    residuals : array_like of float, shape (rows,)
        Least-squares residuals of the response on the design.
    clusters : iterable of hashable, shape (rows,)
        Cluster of each row, at least 3.
    kind : {"CR0", "CR1", "CR2"}, default "CR2"
        Which correction; CR0 and CR1 are too small with few clusters.

    Returns
    -------
    ClusterRobustCovariance
        Shape ``(columns, columns)``; units of the coefficients, squared.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 clusters, no more rows than columns, or a coefficient on which only one cluster speaks.
    DomainError
        If shapes disagree, columns are dependent, a value is outside what `ols` takes, a cluster is missing, or the residuals are
        not those of this design.

    References
    ----------
    .. [1] R. M. Bell, D. F. McCaffrey (2002), Survey Methodology 28, 169-181.
    .. [2] J. E. Pustejovsky, E. Tipton (2018), J. Bus. Econ. Statist. 36, 672-683.

    Examples
    --------
    >>> import numpy as np
    >>> from safescale.stats import cluster_robust_covariance, ols
    >>> X = np.column_stack([np.ones(6), [0, 1, 0, 1, 0, 1]])
    >>> fit = ols(X, [1.0, 2.0, 1.5, 2.0, 0.0, 3.0])
    >>> robust = cluster_robust_covariance(X, fit.residuals, list("aabbcc"))
    >>> np.sqrt(np.diag(robust.covariance)).round(3).tolist(), robust.dof.round(1).tolist(), robust.few_clusters
    ([0.441, 0.764], [2.0, 2.0], True)
    """
    e = squarable("residuals", vector("residuals", residuals))
    fit = ols(design, e)  # also refuses a design of no full rank
    if np.abs(fit.coefficients * np.abs(fit.design).max(axis=0)).max() > 1e-6 * max(np.abs(e).max(), 1e-300):
        raise DomainError("residuals are not orthogonal to the design; pass the least-squares residuals of this design")
    return _covariance(fit.design, e, clusters, kind)


def _covariance(
    design: FloatVector, e: FloatVector, clusters: Iterable[Hashable], kind: ClusterRobustKind
) -> ClusterRobustCovariance:
    choice("kind", kind, CLUSTER_ROBUST_KINDS)
    labels, codes = group_codes(clusters, len(e), name="clusters", other="residuals", unit="row")
    found = int(codes.max()) + 1
    if found < _MIN_CLUSTERS:
        raise InsufficientData(f"{found} clusters say nothing of the spread between clusters; give at least {_MIN_CLUSTERS}")
    sandwich = _sandwich(design, e, codes, kind)
    return ClusterRobustCovariance(
        covariance=frozen(sandwich.covariance),
        dof=frozen(sandwich.dof),
        few_clusters=bool(sandwich.dof.min() < FEW_DOF),
        n_clusters=found,
        n=len(e),
        kind=kind,
        design=frozen(design),
        residuals=frozen(e),
        clusters=labels,
    )


def cluster_robust_ols(
    X: npt.ArrayLike, y: npt.ArrayLike, clusters: Iterable[Hashable], *, kind: ClusterRobustKind = "CR2", level: float = 0.95
) -> ClusterRobustOLS:
    """
    Ordinary least squares with cluster-robust t tests: `ols` and `cluster_robust_covariance` in one.

    Parameters
    ----------
    X : array_like of float, shape (rows, columns)
        Design of full column rank, more rows than columns.
    y : array_like of float, shape (rows,)
        Response.
    clusters : iterable of hashable, shape (rows,)
        Cluster of each row, at least 3.
    kind : {"CR0", "CR1", "CR2"}, default "CR2"
        Which covariance.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ClusterRobustOLS
        Shapes ``(columns,)``; units of y per unit of the column.

    Raises
    ------
    InsufficientData
        As `cluster_robust_covariance`, or if a coefficient has no scatter between clusters.
    DomainError
        If shapes disagree, columns are dependent, a value is outside what `ols` takes, or a cluster is missing.

    References
    ----------
    .. [1] J. E. Pustejovsky, E. Tipton (2018), J. Bus. Econ. Statist. 36, 672-683.

    Examples
    --------
    Nine models of three families, one slope:

    >>> import numpy as np
    >>> from safescale.stats import cluster_robust_ols
    >>> X = np.column_stack([np.ones(9), np.log10([1, 8, 70, 2, 7, 13, 4, 9, 27])])
    >>> y = [0.20, 0.31, 0.35, 0.22, 0.24, 0.33, 0.41, 0.45, 0.55]
    >>> fit = cluster_robust_ols(X, y, list("aaabbbccc"))
    >>> f"{100 * fit.coefficients[1]:.1f} pp/decade, p = {fit.p_values[1]:.2f}, {fit.robust.dof[1]:.1f} dof"
    '12.4 pp/decade, p = 0.24, 1.4 dof'
    """
    level = fraction("level", level)
    fit = ols(X, y)
    robust = _covariance(fit.design, fit.residuals, clusters, kind)
    variances = np.diag(robust.covariance)
    scale = np.abs(fit.response).max() / np.maximum(np.abs(fit.design).max(axis=0), 1e-300)
    if np.any(variances <= (1e-12 * scale) ** 2):
        at = int(np.argmin(variances / np.maximum(scale, 1e-150) ** 2))
        raise InsufficientData(f"coefficient {at} has no scatter between clusters to judge it by; add clusters that differ")
    se = np.sqrt(variances)
    t = -scipy.special.stdtrit(robust.dof, (1.0 - level) / 2.0)
    p_values = 2 * scipy.special.stdtr(robust.dof, -np.abs(fit.coefficients / se))
    return ClusterRobustOLS(
        coefficients=fit.coefficients,
        standard_errors=frozen(se),
        intervals=frozen(np.column_stack([fit.coefficients - t * se, fit.coefficients + t * se])),
        p_values=frozen(np.maximum(p_values, np.finfo(np.float64).tiny)),
        level=level,
        robust=robust,
        response=fit.response,
    )


class _Sandwich(NamedTuple):
    covariance: FloatVector
    dof: FloatVector


def _sandwich(design: FloatVector, e: FloatVector, codes: IntVector, kind: ClusterRobustKind) -> _Sandwich:
    scale = np.sqrt(np.sum(design * design, axis=0))
    q, r = np.linalg.qr(design / scale)
    r_inverse = np.linalg.solve(r, np.eye(r.shape[1])) / scale[:, np.newaxis]
    n, p = design.shape
    clusters = int(codes.max()) + 1
    scores, moments = np.zeros((clusters, p)), np.zeros((clusters, p, p))
    np.add.at(scores, codes, q * e[:, np.newaxis])
    np.add.at(moments, codes, q[:, :, np.newaxis] * q[:, np.newaxis, :])
    values, vectors = np.linalg.eigh(np.eye(p) - moments)
    _refuse_owned(r_inverse, values, vectors)
    if kind != "CR2":
        covariance = r_inverse @ (scores.T @ scores) @ r_inverse.T
        factor = 1.0 if kind == "CR0" else clusters / (clusters - 1) * (n - 1) / (n - p)
        return _Sandwich(factor * covariance, np.full(p, clusters - 1.0))
    roots = np.where(values > _OWNED, 1.0 / np.sqrt(np.where(values > _OWNED, values, 1.0)), 0.0)
    adjust = np.einsum("gij,gj,gkj->gik", vectors, roots, vectors)
    parts = np.einsum("ij,gjk,gk->gi", r_inverse, adjust, scores)
    return _Sandwich(parts.T @ parts, _satterthwaite(r_inverse, adjust, moments))


def _refuse_owned(r_inverse: FloatVector, values: FloatVector, vectors: FloatVector) -> None:
    """A direction of the design that lies in one cluster alone leaves no residual there: its spread would be taken for nil."""
    shares = np.abs(np.einsum("ij,gjk->igk", r_inverse, vectors)) / np.linalg.norm(r_inverse, axis=1)[:, np.newaxis, np.newaxis]
    owned = np.any((shares > 1e-6) & (values <= _OWNED), axis=(1, 2))
    if np.any(owned):
        raise InsufficientData(
            f"only one cluster speaks of coefficient {int(np.argmax(owned))}, so its spread between clusters is unknown; drop the "
            "column, or take the cluster means out of design and response instead of giving a column per cluster"
        )


def _satterthwaite(r_inverse: FloatVector, adjust: FloatVector, moments: FloatVector) -> FloatVector:
    """``(tr T)^2 / tr(T^2)`` per coefficient; ``T = diag(a_g' M_g a_g) - b b'`` with ``b_g = M_g a_g``."""
    dof = np.empty(len(r_inverse))
    for at, c in enumerate(r_inverse):
        a = adjust @ c
        b = np.einsum("gij,gj->gi", moments, a)
        t = np.diag(np.einsum("gi,gi->g", a, b)) - b @ b.T
        trace = float(np.trace(t))
        dof[at] = trace**2 / float(np.sum(t * t))
    return dof
