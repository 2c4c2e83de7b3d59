"""The intraclass correlation of values in groups, and of successes in clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, fraction, frozen, successes_of_trials_arrays
from safescale.stats._one_way import OneWay, one_way

__all__ = ["BinaryIntraclassCorrelation", "IntraclassCorrelation", "intraclass_correlation", "intraclass_correlation_binary"]


@attrs.frozen(kw_only=True)
class IntraclassCorrelation:
    """
    One-way intraclass correlation, ICC(1): the correlation of two values of one group.

    Attributes
    ----------
    estimate : float
        ``anova_estimate``, but not below ``-1 / (largest group - 1)``, the least correlation that the largest group can have.
        Negative where groups differ less than chance has them differ.
    anova_estimate : float
        ``(MSB - MSW) / (MSB + (n0 - 1) MSW)``, at most 1. With groups of unequal sizes it can fall below any correlation.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``, exact for normal values, groups of unequal sizes included; an end beyond which the
        estimate lies is moved to it. None as ``undefined_because`` says.
    f, p_value : float or None
        F test of correlation 0.
    n0 : float
        ``(n - sum n_j^2 / n) / (k - 1)``, the group size that balanced groups would have.
    mean_square_between, mean_square_within : float
        In squared units of the values.
    df_between, df_within, n : int
        ``k - 1``, ``n - k`` and the number of values.
    groups : tuple
        The distinct groups.
    group_sizes, group_means : ndarray, shape (groups,)
        With the mean square within they stand for the values that were given.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why a field is None.
    generalises_to : {"new_models"}
        Groups are taken as drawn from a population of groups, and values as drawn within them.
    """

    estimate: float
    anova_estimate: float
    interval: tuple[float, float] | None
    f: float | None
    p_value: float | None
    n0: float
    mean_square_between: float
    mean_square_within: float
    df_between: int
    df_within: int
    n: int
    groups: tuple[Hashable, ...]
    group_sizes: IntVector = attrs.field(eq=AS_A_WHOLE)
    group_means: FloatVector = attrs.field(eq=AS_A_WHOLE)
    level: float
    undefined_because: str | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class BinaryIntraclassCorrelation:
    """
    Intraclass correlation of successes in clusters: two traces of one prompt, of one model.

    Attributes
    ----------
    estimate : float
        The analysis-of-variance estimate, at most 1. Negative where clusters differ less than counting noise has them differ.
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``: Student's t with ``clusters - 1`` degrees of freedom on the jackknife of ``log(MSB /
        MSW)``, one cluster left out at a time. In simulated beta-binomial counts a nominal .95 covers .92-.97 with 20 clusters
        or more, and .85-.88 with 10 or 20 of them at a rate of .1 and a correlation of .2.
    design_effect : float
        ``1 + (m - 1) estimate``, at least 0, with m the trial-weighted mean cluster size ``sum n_j^2 / n``: the factor by
        which clustering stretches the variance of the pooled rate.
    n0 : float
        ``(n - sum n_j^2 / n) / (k - 1)``.
    clusters, n : int
        Number of clusters and of trials.
    level : float
        Nominal coverage of ``interval``.
    successes_by_cluster, trials_by_cluster : ndarray of int, shape (clusters,)
        The inputs that were given.
    undefined_because : str or None
        Why a field is None.
    generalises_to : {"these_models"}
        Clusters (prompts) replicate, models do not.
    """

    estimate: float
    interval: tuple[float, float] | None
    design_effect: float
    n0: float
    clusters: int
    n: int
    level: float
    successes_by_cluster: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials_by_cluster: IntVector = attrs.field(eq=AS_A_WHOLE)
    undefined_because: str | None
    generalises_to: Literal["these_models", "new_models"] = "these_models"


def intraclass_correlation(
    values: npt.ArrayLike, groups: Iterable[Hashable] | npt.NDArray[Any], *, level: float = 0.95
) -> IntraclassCorrelation:
    """
    One-way intraclass correlation ICC(1) with its exact interval.

    ``y_ij = mu + a_i + e_ij``; the correlation is ``rho = Var(a) / (Var(a) + Var(e))``. With ``theta = rho / (1 - rho)`` and
    weights ``w_i = n_i / (1 + n_i theta)``, Wald's ratio ``sum w_i (ybar_i - ybar_w)^2 / (k - 1) / MSW`` has an F distribution
    with ``k - 1`` and ``n - k`` degrees of freedom and falls in theta: the interval is where it lies between its quantiles.
    For equal sizes this is ``(F/F_q - 1) / (F/F_q + m - 1)``. For unequal sizes the analysis-of-variance estimate is not where
    that ratio is 1, and can lie outside: the interval is then stretched to hold it, which only adds coverage.

    Parameters
    ----------
    values : array_like of float, shape (values,)
        One value per unit. Any unit; not all equal.
    groups : iterable of hashable or ndarray, shape (values,)
        The group of each value: at least two groups, at least one with two values.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    IntraclassCorrelation
        Shape: scalar. Unit: correlation. ``-1 / (largest group - 1) <= low <= estimate <= high <= 1``.

    Raises
    ------
    InsufficientData
        If all values are equal, there is one group, or every group holds one value.
    DomainError
        If a value is not finite, a label is missing, or lengths differ.

    References
    ----------
    .. [1] P. E. Shrout, J. L. Fleiss (1979), Psychol. Bull. 86, 420-428.
    .. [2] A. Wald (1940), Ann. Math. Statist. 11, 96-99.

    Examples
    --------
    The six targets and four judges of Shrout and Fleiss, ICC(1,1) = .17:

    >>> from safescale.stats import intraclass_correlation
    >>> ratings = [9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7]
    >>> icc = intraclass_correlation(ratings, [target for target in range(6) for _ in range(4)])
    >>> f"{icc.estimate:.2f} [{icc.interval[0]:.2f}, {icc.interval[1]:.2f}]"
    '0.17 [-0.13, 0.72]'
    """
    level = fraction("level", level)
    table = one_way(values, groups)
    n, k = table.n, table.k
    if k == 1:
        raise InsufficientData(f"all {n} values are in one group; values of other groups are needed to compare with")
    if k == n:
        raise InsufficientData(f"each of the {n} values is a group of its own; no two values share a group")
    between, within = table.between / (k - 1), table.within / (n - k)
    n0 = _typical_size(table.sizes)
    f = None if within == 0 else between / within
    anova_estimate = (between - within) / (between + (n0 - 1) * within)
    estimate = max(anova_estimate, -1.0 / (float(table.sizes.max()) - 1))
    interval, reason = _wald_interval(table, within, level) if f is not None else (None, "values do not vary within groups")
    p_value = None if f is None else float(scipy.special.betainc((n - k) / 2, (k - 1) / 2, table.within / table.total))
    return IntraclassCorrelation(
        estimate=estimate,
        anova_estimate=anova_estimate,
        interval=None if interval is None else (min(interval[0], estimate), max(interval[1], estimate)),
        f=f,
        p_value=p_value,
        n0=n0,
        mean_square_between=between,
        mean_square_within=within,
        df_between=k - 1,
        df_within=n - k,
        n=n,
        groups=table.labels,
        group_sizes=frozen(table.sizes),
        group_means=frozen(table.means),
        level=level,
        undefined_because=reason,
    )


def intraclass_correlation_binary(
    successes_by_cluster: npt.ArrayLike, trials_by_cluster: npt.ArrayLike, *, level: float = 0.95
) -> BinaryIntraclassCorrelation:
    """
    Analysis-of-variance estimate of the intraclass correlation of binary outcomes, from counts.

    ``(MSB - MSW) / (MSB + (n0 - 1) MSW)`` of the zeros and ones themselves::

        MSB = (sum k_j^2 / n_j - K^2 / n) / (clusters - 1)          MSW = (K - sum k_j^2 / n_j) / (n - clusters)

    Parameters
    ----------
    successes_by_cluster, trials_by_cluster : array_like of int, shape (clusters,)
        Counts of each cluster (prompt), ``0 <= k <= n``, ``n >= 1``; at least two clusters, one with two trials. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    BinaryIntraclassCorrelation
        Shape: scalar. Unit: correlation.

    Raises
    ------
    InsufficientData
        If there is one cluster, every cluster holds one trial, or all trials succeeded or failed: no spread is left.
    DomainError
        If a count is out of range or lengths differ.

    References
    ----------
    .. [1] M. S. Ridout, C. G. B. Demetrio, D. Firth (1999), Biometrics 55, 137-148.
    .. [2] J. N. Arvesen (1969), Ann. Math. Statist. 40, 2076-2100 (jackknife of variance ratios).

    Examples
    --------
    Five traces of each of four prompts; which prompt it is nearly decides the outcome:

    >>> from safescale.stats import intraclass_correlation_binary
    >>> icc = intraclass_correlation_binary([5, 0, 4, 0], [5, 5, 5, 5])
    >>> round(icc.estimate, 3), round(icc.design_effect, 2)
    (0.842, 4.37)
    """
    y, m = successes_of_trials_arrays(successes_by_cluster, trials_by_cluster)
    level = fraction("level", level)
    clusters, n, successes = len(y), int(m.sum()), int(y.sum())
    if clusters == 1:
        raise InsufficientData(f"all {n} trials are in one cluster; other clusters are needed to compare with")
    if clusters == n:
        raise InsufficientData(f"each of the {n} trials is a cluster of its own; no two trials share a cluster")
    if successes in (0, n):
        raise InsufficientData(f"{successes} of {n} trials succeeded; without both outcomes no correlation is defined")
    kf, nf = y.astype(np.float64), m.astype(np.float64)
    n0 = _typical_size(m)
    between, within = (float(value) for value in _mean_squares(clusters, kf.sum(), nf.sum(), (kf * kf / nf).sum()))
    estimate = (between - within) / (between + (n0 - 1) * within)
    interval, reason = _jackknife_interval(kf, nf, level)
    mean_size = float((nf * nf).sum() / n)
    return BinaryIntraclassCorrelation(
        estimate=estimate,
        interval=interval,
        design_effect=max(0.0, 1 + (mean_size - 1) * estimate),
        n0=n0,
        clusters=clusters,
        n=n,
        level=level,
        successes_by_cluster=frozen(y),
        trials_by_cluster=frozen(m),
        undefined_because=reason,
    )


def _typical_size(sizes: IntVector) -> float:
    n = int(sizes.sum())
    return float((n - float(np.sum(sizes.astype(np.float64) ** 2)) / n) / (len(sizes) - 1))


def _wald_interval(table: OneWay, within: float, level: float) -> tuple[tuple[float, float] | None, str | None]:
    d1, d2, tail = table.k - 1, table.n - table.k, (1 - level) / 2
    sizes, means = table.sizes.astype(np.float64), table.means - table.means.mean()

    def ratio(rho: float) -> float:
        # w_i up to the factor 1 / (1 - rho), which goes with MSW
        w = sizes / (1 + (sizes - 1) * rho)
        return float(np.sum(w * (means - np.sum(w * means) / np.sum(w)) ** 2)) * (1 - rho) / d1 / within

    lowest = -1.0 / (float(sizes.max()) - 1)
    edge = lowest + 1e-12 * abs(lowest)
    # both quantiles from the small tail, which a level near 1 does not round away
    upper, lower = 1.0 / float(scipy.special.fdtri(d2, d1, tail)), float(scipy.special.fdtri(d1, d2, tail))
    if ratio(edge) <= lower:
        return None, "groups differ less than any correlation has them differ at this level, so none is compatible"
    low = lowest if ratio(edge) <= upper else _falling_root(lambda rho: ratio(rho) - upper, edge, 1.0)
    return (low, _falling_root(lambda rho: ratio(rho) - lower, edge, 1.0)), None


def _falling_root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Bisection: the function is positive at ``low`` and negative at ``high``."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def _mean_squares(clusters: Any, k: Any, n: Any, kk_n: Any) -> tuple[Any, Any]:
    """MSB and MSW from numbers of clusters, successes and trials, and the sum of ``k^2 / n`` over clusters."""
    return (kk_n - k * k / n) / (clusters - 1), (k - kk_n) / (n - clusters)


def _jackknife_interval(k: FloatVector, n: FloatVector, level: float) -> tuple[tuple[float, float] | None, str | None]:
    """Interval of the correlation from log F without each cluster in turn, or why there is none."""
    clusters = len(k)
    # first all of them, then all but one
    out_k, out_n = np.append(0.0, k), np.append(0.0, n)
    out_kk_n = np.append(0.0, k * k / n)
    left = np.append(clusters, np.full(clusters, clusters - 1.0))
    left_k, left_n = k.sum() - out_k, n.sum() - out_n
    if clusters < 3 or np.any(left_n == left):
        return None, "without one of the clusters there is one cluster, or one trial in each, so the estimate rests on it alone"
    between, within = _mean_squares(left, left_k, left_n, (k * k / n).sum() - out_kk_n)
    # sums of fractions of counts: what is 0 is rounding
    if np.any((between <= 1e-12) | (within <= 1e-12)):
        return None, "without one of the clusters nothing differs within clusters, or nothing between, so log F has no value"
    log_f = np.log(between / within)
    pseudo = clusters * log_f[0] - (clusters - 1) * log_f[1:]
    half = -float(scipy.special.stdtrit(clusters - 1, (1 - level) / 2)) * float(pseudo.std(ddof=1)) / math.sqrt(clusters)
    n0 = float((n.sum() - (n * n).sum() / n.sum()) / (clusters - 1))
    low, high = (math.exp(min(float(log_f[0]) + sign * half, 700.0)) for sign in (-1, 1))
    return ((low - 1) / (low + n0 - 1), (high - 1) / (high + n0 - 1)), None
