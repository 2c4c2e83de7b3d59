"""The beta-binomial distribution fitted to clusters: mean, intraclass correlation, and whether the clusters matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, fraction, frozen, successes_of_trials_arrays
from safescale.stats.proportion import squared_normal_quantile

__all__ = ["BetaBinomialBoundary", "BetaBinomialFit", "beta_binomial_fit"]

BetaBinomialBoundary: TypeAlias = Literal["independent", "all_or_nothing"]

# the likelihood is a sum over 0 .. largest cluster
MAX_TRIALS = 100_000
# correlations at which the profile is looked at first; maxima between two of them are found from the sign of its slope
_GRID = np.array([0.0, *(1 / (1 + math.exp(-x)) for x in range(-14, 15)), 1.0])


@attrs.frozen(kw_only=True)
class BetaBinomialFit:
    """
    Maximum likelihood of the beta-binomial distribution, and the comparison with the plain binomial.

    Attributes
    ----------
    mean : float
        Mean of the clusters' rates. Unit: fraction.
    intraclass_correlation : float
        Correlation rho of two trials of one cluster, in [0, 1].
    mean_standard_error, intraclass_correlation_standard_error : float or None
        From the observed information. None at a boundary.
    mean_interval, intraclass_correlation_interval : tuple of float
        Profile-likelihood intervals ``(low, high)``; they stay inside [0, 1] and hold at the boundary too.
    boundary : {"independent", "all_or_nothing"} or None
        "independent": rho is 0; "all_or_nothing": rho is 1; None inside.
    reason : str or None
        Why there are no standard errors, in words; None where there are.
    log_likelihood, binomial_log_likelihood : float
        Of the fit and of rho = 0 with the pooled rate, binomial coefficients included. Unit: nats.
    likelihood_ratio : float
        Twice their difference, at least 0.
    p_value : float
        Of rho = 0 against rho > 0, by the mixture of chi-squared with 0 and 1 degrees of freedom; in (0, 1].
    clusters : int
        Number of clusters.
    successes, trials : ndarray of int, shape (clusters,)
        The counts that were given.
    level : float
        Nominal coverage of the two intervals.
    """

    mean: float
    intraclass_correlation: float
    mean_standard_error: float | None
    intraclass_correlation_standard_error: float | None
    mean_interval: tuple[float, float]
    intraclass_correlation_interval: tuple[float, float]
    boundary: BetaBinomialBoundary | None
    reason: str | None
    log_likelihood: float
    binomial_log_likelihood: float
    likelihood_ratio: float
    p_value: float
    clusters: int
    successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    level: float


def beta_binomial_fit(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95) -> BetaBinomialFit:
    """
    Maximum likelihood fit of a beta-binomial distribution to the counts of clusters.

    Each cluster has a rate of its own from a Beta distribution with mean mu; rho is the correlation of two of its
    trials, ``1 / (a + b + 1)`` in the Beta's shapes ``a, b``. The log-likelihood is, up to the binomial coefficients::

        L = sum_i  S_i log(mu (1 - rho) + i rho) + F_i log((1 - mu)(1 - rho) + i rho) - T_i log(1 - rho + i rho)

    where ``S_i, F_i, T_i`` count the clusters with more than i successes, failures and trials. It has no gamma
    functions to cancel, is the binomial's at rho = 0, and is concave in mu, so that the profile over rho is exact.

    Parameters
    ----------
    successes : array_like of int, shape (clusters,)
        Successes per cluster. Unit: traces.
    trials : array_like of int, shape (clusters,)
        Trials per cluster, 1 to 100,000. Unit: traces.
    level : float, default 0.95
        Nominal coverage of the profile intervals, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    BetaBinomialFit
        Shape: scalar. Rates and correlations are fractions.

    Raises
    ------
    InsufficientData
        If rho is not identified: fewer than 2 clusters with 2 or more trials, or no success, or no failure at all.
    DomainError
        If a cluster has no trials, too many, or more successes than trials, lengths differ, or there is no cluster.

    Notes
    -----
    rho is kept at or above 0. Where the likelihood falls from rho = 0 on, the estimate is 0, ``boundary`` is
    "independent", the standard errors are None, ``likelihood_ratio`` is 0 and p is 1. That is not a proof of
    independence: the interval of rho says how much correlation the data allow. Where every cluster is all successes or
    all failures, rho is 1 and each cluster counts once.

    The profile intervals hold the values with ``2 (max L - profile L) <= chi2_1(level)``; at rho = 0 this cut is too
    wide rather than too narrow. They are asymptotic in the number of clusters: with fewer than about 20 the interval of
    the mean is too short, and `design_effect_wilson_interval` is the better choice.

    References
    ----------
    .. [1] J. G. Skellam (1948), J. R. Statist. Soc. B 10, 257-261.
    .. [2] D. M. Smith (1983), Appl. Statist. 32, 196-204, AS 189: the likelihood as sums over i.
    .. [3] S. G. Self, K.-Y. Liang (1987), J. Amer. Statist. Assoc. 82, 605-610, case 5: the mixture.

    Examples
    --------
    Eight prompts of four answers each, which succeed together:

    >>> from safescale.stats import beta_binomial_fit
    >>> fit = beta_binomial_fit([4, 0, 4, 1, 0, 4, 0, 3], [4] * 8)
    >>> low, high = fit.intraclass_correlation_interval
    >>> f"mean {fit.mean:.2f}, correlation {fit.intraclass_correlation:.2f} [{low:.2f}, {high:.2f}]"
    'mean 0.50, correlation 0.73 [0.36, 0.95]'
    """
    k, n = successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    _require_identified(k, n)
    tally = _tally(k, n)
    mu, rho, top = _maximum(tally)
    pooled = sum(k.tolist()) / sum(n.tolist())
    plain = float(_log_likelihood(pooled, 0.0, tally)[0])
    boundary: BetaBinomialBoundary | None = "independent" if rho == 0 else "all_or_nothing" if rho == 1 else None
    errors, reason = _standard_errors(mu, rho, boundary, tally)
    ratio = max(0.0, 2 * (top - plain)) if rho > 0 else 0.0
    cut = top - squared_normal_quantile(level) / 2
    ends = _correlation_interval(rho, cut, tally)
    constant = float(np.sum(-np.log1p(n) - scipy.special.betaln(k + 1, n - k + 1)))
    return BetaBinomialFit(
        mean=mu,
        intraclass_correlation=rho,
        mean_standard_error=errors[0],
        intraclass_correlation_standard_error=errors[1],
        mean_interval=_mean_interval(ends, cut, tally),
        intraclass_correlation_interval=ends,
        boundary=boundary,
        reason=reason,
        log_likelihood=top + constant,
        binomial_log_likelihood=plain + constant,
        likelihood_ratio=ratio,
        p_value=max(0.5 * math.erfc(math.sqrt(ratio / 2)), float(np.finfo(np.float64).tiny)) if ratio > 0 else 1.0,
        clusters=len(k),
        successes=frozen(k),
        trials=frozen(n),
        level=level,
    )


def _require_identified(k: IntVector, n: IntVector) -> None:
    if int(n.max()) > MAX_TRIALS:
        at = int(np.argmax(n))
        raise DomainError(f"trials must not exceed {MAX_TRIALS:,} in a cluster, got {n[at]:,} at position {at}; split the cluster")
    several = int(np.sum(n >= 2))
    if several < 2:
        raise InsufficientData(
            f"an intraclass correlation needs at least 2 clusters with 2 or more trials, got {several} of {len(n)}; "
            "single trials per cluster cannot show it: use wilson_interval on the totals"
        )
    if not np.any(k > 0) or not np.any(k < n):
        what = "successes" if not np.any(k > 0) else "failures"
        raise InsufficientData(
            f"there are no {what} in {len(n)} clusters, so that every intraclass correlation fits equally well; "
            "design_effect_wilson_interval answers for the rate"
        )


# ---- the likelihood -------------------------------------------------------------------------------------------------


class _Tally(NamedTuple):
    """S_i, F_i, T_i for i >= 1 with i itself, their values at i = 0, and the clusters that are neither empty nor full."""

    i: FloatVector
    s: FloatVector
    f: FloatVector
    t: FloatVector
    s0: float
    f0: float
    mixed: float


def _tally(k: IntVector, n: IntVector) -> _Tally:
    top = int(n.max())

    def more_than(counts: IntVector) -> FloatVector:
        return (len(counts) - np.cumsum(np.bincount(counts, minlength=top + 1)))[:top].astype(np.float64)

    s, f, t = more_than(k), more_than(n - k), more_than(n)
    return _Tally(np.arange(1.0, top), s[1:], f[1:], t[1:], float(s[0]), float(f[0]), float(s[0] + f[0] - t[0]))


def _log_likelihood(mu: npt.ArrayLike, rho: npt.ArrayLike, y: _Tally) -> FloatVector:
    """L at pairs of mu and rho, shape ``(pairs,)``; minus infinity at rho = 1 where a cluster is mixed."""
    m, r = np.atleast_1d(mu), np.atleast_1d(rho)
    # i = 0 apart: (1 - rho) cancels there, but for the mixed clusters
    first = y.s0 * np.log(m) + y.f0 * np.log1p(-m) + scipy.special.xlog1py(y.mixed, -r)
    u, v, w = _terms(m, r, y.i)
    value: FloatVector = first + np.log(u) @ y.s + np.log(v) @ y.f - np.log(w) @ y.t
    return value


def _terms(mu: FloatVector, rho: FloatVector, i: FloatVector) -> tuple[FloatVector, FloatVector, FloatVector]:
    i_rho, rest = np.outer(rho, i), 1 - rho
    return (mu * rest)[:, np.newaxis] + i_rho, ((1 - mu) * rest)[:, np.newaxis] + i_rho, rest[:, np.newaxis] + i_rho


def _mean_slope(mu: FloatVector, rho: FloatVector, y: _Tally) -> tuple[FloatVector, FloatVector]:
    """First and second derivative of L in mu, shape ``(pairs,)``."""
    u, v, _ = _terms(mu, rho, y.i)
    s, f = y.s / u, y.f / v
    first = y.s0 / mu - y.f0 / (1 - mu) + (1 - rho) * (s.sum(axis=1) - f.sum(axis=1))
    second = -y.s0 / mu**2 - y.f0 / (1 - mu) ** 2 - (1 - rho) ** 2 * ((s / u).sum(axis=1) + (f / v).sum(axis=1))
    return first, second


def _correlation_slope(mu: npt.ArrayLike, rho: npt.ArrayLike, y: _Tally) -> FloatVector:
    """Derivative of L in rho, shape ``(pairs,)``; minus infinity at rho = 1 where a cluster is mixed."""
    m, r = np.broadcast_arrays(np.atleast_1d(mu), np.atleast_1d(rho))
    u, v, w = _terms(m, r, y.i)
    by_mean = m * ((y.s / u).sum(axis=1) - (y.f / v).sum(axis=1))
    slope = (1 / u) @ (y.i * y.s) + (1 / v) @ ((y.i - 1) * y.f) - (1 / w) @ ((y.i - 1) * y.t) - by_mean
    mixed = np.where(r == 1, math.inf if y.mixed else 0.0, y.mixed / np.where(r == 1, 1.0, 1 - r))
    total: FloatVector = slope - mixed
    return total


def _standard_errors(
    mu: float, rho: float, boundary: BetaBinomialBoundary | None, y: _Tally
) -> tuple[tuple[float | None, float | None], str | None]:
    if boundary is not None:
        why = "the likelihood falls from rho = 0 on" if boundary == "independent" else "every cluster is all or nothing"
        return (None, None), f"{why}: rho = {rho:g} is a boundary, where the information gives no standard error; see the intervals"
    u, v, w = (term[0] for term in _terms(np.array([mu]), np.array([rho]), y.i))
    a, b, c = y.i - mu, y.i - 1 + mu, y.i - 1
    both = float(-np.sum(y.s / u) + np.sum(y.f / v) - (1 - rho) * (np.sum(a * y.s / u**2) - np.sum(b * y.f / v**2)))
    second = -y.mixed / (1 - rho) ** 2
    second += float(-np.sum(a**2 * y.s / u**2) - np.sum(b**2 * y.f / v**2) + np.sum(c**2 * y.t / w**2))
    in_mean = float(_mean_slope(np.array([mu]), np.array([rho]), y)[1][0])
    determinant = in_mean * second - both**2
    if determinant <= 0 or second >= 0:
        return (None, None), f"the likelihood is flat at its maximum, rho = {rho:.3g}: no standard error; see the intervals"
    return (math.sqrt(-second / determinant), math.sqrt(-in_mean / determinant)), None


# ---- the maximum and the profiles -----------------------------------------------------------------------------------


def _best_mean(rho: npt.ArrayLike, y: _Tally) -> FloatVector:
    """The mu that maximises L at each rho: Newton on a concave function, kept inside a shrinking bracket."""
    r = np.atleast_1d(rho)
    mu, low, high = np.full(r.shape, y.s0 / (y.s0 + y.f0)), np.zeros(r.shape), np.ones(r.shape)
    for _ in range(200):
        first, second = _mean_slope(mu, r, y)
        new = mu - first / second
        settled = np.abs(new - mu) <= 1e-15 * mu
        if np.all(settled):
            break
        low, high = np.where(first > 0, mu, low), np.where(first > 0, high, mu)
        mu = np.where(settled, mu, np.where((low < new) & (new < high), new, (low + high) / 2))
    return mu


def _maximum(y: _Tally) -> tuple[float, float, float]:
    """mu, rho and L where L is largest: the best of the profile's ends and of all its humps."""

    def slope(rho: npt.ArrayLike) -> FloatVector:
        return _correlation_slope(_best_mean(rho, y), rho, y)

    rho = np.array(_humps(slope))
    mu = _best_mean(rho, y)
    value = _log_likelihood(mu, rho, y)
    best = int(np.argmax(value))
    return float(mu[best]), float(rho[best]), float(value[best])


def _humps(slope: Callable[[npt.ArrayLike], FloatVector]) -> list[float]:
    """Every rho at which a function of rho turns from rising to falling, the ends of the grid included."""
    slopes = slope(_GRID)
    found = [0.0] if slopes[0] <= 0 else []
    for j in np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0)):
        found.append(_root(slope, _GRID[j], _GRID[j + 1], 1e-13))
    return [*found, 1.0] if slopes[-1] > 0 else found


def _root(function: Callable[[npt.ArrayLike], FloatVector], low: float, high: float, rtol: float = 1e-11) -> float:
    # at rho = 1 a mixed cluster makes both L and its slope minus infinity
    high = min(high, math.nextafter(1.0, 0.0))
    return float(scipy.optimize.brentq(lambda x: float(function(x)[0]), low, high, xtol=1e-300, rtol=rtol, maxiter=500))


def _correlation_interval(rho: float, cut: float, y: _Tally) -> tuple[float, float]:
    """The outermost rho whose profile reaches the cut; 0 or 1 where the profile does there."""

    def above(r: npt.ArrayLike) -> FloatVector:
        return _log_likelihood(_best_mean(r, y), r, y) - cut

    grid = _GRID
    inside = grid[above(grid) >= 0].tolist()
    first, last = min([rho, *inside]), max([rho, *inside])
    below, beyond = grid[grid < first], grid[grid > last]
    return _root(above, below[-1], first) if len(below) else first, _root(above, last, beyond[0]) if len(beyond) else last


def _mean_interval(ends: tuple[float, float], cut: float, y: _Tally) -> tuple[float, float]:
    """The outermost mu for which some rho reaches the cut; that rho lies between the ends of its own interval."""
    mirrored = y._replace(s=y.f, f=y.s, s0=y.f0, f0=y.s0)
    return _lowest_mean(ends, cut, y), 1 - _lowest_mean(ends, cut, mirrored)


def _lowest_mean(ends: tuple[float, float], cut: float, y: _Tally) -> float:
    low, high = ends
    grid = np.unique(np.concatenate([[low], _GRID[(low < _GRID) & (high > _GRID)], [high]]))
    edges = _edge(grid, cut, y)
    best = int(np.argmin(edges))
    below, beyond = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]

    def slope(rho: npt.ArrayLike) -> FloatVector:
        # the edge moves outwards with rho where L rises with rho
        return _correlation_slope(_edge(np.atleast_1d(rho), cut, y), rho, y)

    top = min(beyond, math.nextafter(1.0, 0.0))
    if not slope(below)[0] > 0 > slope(top)[0]:
        return float(edges[best])
    # the edge is flat at its lowest: rho to six digits gives it to twelve
    return min(float(edges[best]), float(_edge(np.array([_root(slope, below, top, 1e-6)]), cut, y)[0]))


def _edge(rho: FloatVector, cut: float, y: _Tally) -> FloatVector:
    """The smaller mu with L = cut at each rho: Newton from outside, which a concave function cannot overshoot."""
    middle = _best_mean(rho, y)
    mu = middle / 2
    while np.any(inside := _log_likelihood(mu, rho, y) > cut):
        mu = np.where(inside, mu / 2, mu)
    for _ in range(100):
        slope = np.maximum(_mean_slope(mu, rho, y)[0], np.finfo(np.float64).tiny)
        new = np.minimum(mu + np.maximum(cut - _log_likelihood(mu, rho, y), 0.0) / slope, middle)
        if np.all(new - mu <= 1e-12 * mu):
            return new
        mu = new
    return mu
