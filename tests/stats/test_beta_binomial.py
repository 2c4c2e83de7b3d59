"""Beta-binomial fits."""

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import safescale.stats.beta_binomial as module
import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import beta_binomial_fit
from stats.proportion_strategies import identified_clusters

SOME = ([4, 0, 4, 1, 0, 4, 0, 3], [4, 5, 4, 6, 1, 4, 3, 7])
# foetal deaths in litters would be the classic; these are made up, with sizes as unequal as those
WEAK = ([1, 0, 2, 1, 3, 0, 1, 2, 0, 6], [9, 8, 10, 7, 12, 5, 9, 11, 6, 10])


def log_likelihood(k, n, mu, rho):
    """scipy's betabinom: gamma functions instead of sums. Digits are lost for rho below about 1e-6."""
    k, n = np.asarray(k), np.asarray(n)
    if rho == 0:
        return float(scipy.stats.binom.logpmf(k, n, mu).sum())
    scale = (1 - rho) / rho
    return float(scipy.stats.betabinom.logpmf(k, n, mu * scale, (1 - mu) * scale).sum())


def scores(k, n, mu, rho):
    """Derivatives of the log-likelihood in mu and rho, term by term over the trials of each cluster."""
    in_mu = in_rho = 0.0
    for a, b in zip(k, n, strict=True):
        for i in range(a):
            u = mu * (1 - rho) + i * rho
            in_mu, in_rho = in_mu + (1 - rho) / u, in_rho + (i - mu) / u
        for i in range(b - a):
            v = (1 - mu) * (1 - rho) + i * rho
            in_mu, in_rho = in_mu - (1 - rho) / v, in_rho + (i - 1 + mu) / v
        for i in range(b):
            in_rho -= (i - 1) / (1 - rho + i * rho)
    return in_mu, in_rho


@given(identified_clusters())
def test_the_score_equations_hold_at_the_optimum(data):
    """Put the answer back in: both derivatives vanish inside; at a boundary rho's points outwards."""
    got = beta_binomial_fit(*data)
    if got.boundary == "all_or_nothing":
        full = sum(k == n for k, n in zip(*data, strict=True))
        assert got.mean == pytest.approx(full / len(data[0]), rel=1e-12)
        return
    in_mu, in_rho = scores(*data, got.mean, got.intraclass_correlation)
    assert abs(in_mu) < 1e-7 * sum(data[1]) / min(got.mean, 1 - got.mean)
    if got.boundary == "independent":
        assert got.mean == pytest.approx(sum(data[0]) / sum(data[1]), rel=1e-12)
        assert in_rho <= 1e-9 * sum(n * n for n in data[1])
    else:
        assert abs(in_rho) < 1e-6 * sum(n * n for n in data[1])


@pytest.mark.parametrize("data", [SOME, WEAK])
def test_standard_errors_are_those_of_the_numerical_information(data):
    got = beta_binomial_fit(*data)
    mu, rho, h = got.mean, got.intraclass_correlation, 1e-5
    in_mu = [(a - b) / (2 * h) for a, b in zip(scores(*data, mu + h, rho), scores(*data, mu - h, rho), strict=True)]
    in_rho = [(a - b) / (2 * h) for a, b in zip(scores(*data, mu, rho + h), scores(*data, mu, rho - h), strict=True)]
    covariance = np.linalg.inv(-np.array([in_mu, in_rho]))
    assert got.mean_standard_error == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-6)
    assert got.intraclass_correlation_standard_error == pytest.approx(math.sqrt(covariance[1, 1]), rel=1e-6)
    assert got.reason is None


def profile_maximum(function, low=-16.0, high=16.0):
    """The largest value over a logit: a grid, then a bounded search around its best point."""
    grid = np.linspace(low, high, 129)
    at = int(np.argmax([function(x) for x in grid]))
    found = scipy.optimize.minimize_scalar(
        lambda x: -function(x), bounds=(grid[max(at - 1, 0)], grid[min(at + 1, 128)]), method="bounded", options={"xatol": 1e-9}
    )
    return max(-found.fun, function(grid[at]))


@pytest.mark.parametrize("data", [SOME, WEAK, ([2, 1, 2, 0, 3], [4, 4, 4, 4, 4]), ([4, 0, 4, 4, 0], [4, 4, 4, 4, 4])])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_profile_intervals_end_where_the_likelihood_has_dropped(data, level):
    """2 (max L - profile L) = chi2_1 at each end inside (0, 1), by scipy's pmf and another search."""
    got = beta_binomial_fit(*data, level=level)
    drop = scipy.stats.chi2.ppf(level, 1)
    expit = scipy.special.expit
    for mu in got.mean_interval:
        best = profile_maximum(lambda x, mu=mu: log_likelihood(*data, mu, expit(x)))
        best = max(best, log_likelihood(*data, mu, 0))
        assert 2 * (got.log_likelihood - best) == pytest.approx(drop, abs=2e-4)
    for rho, end in zip(got.intraclass_correlation_interval, (0, 1), strict=True):
        best = profile_maximum(lambda x, rho=rho: log_likelihood(*data, expit(x), min(rho, 1 - 1e-9)))
        if rho == end:
            assert 2 * (got.log_likelihood - best) <= drop + 1e-6
        else:
            assert 2 * (got.log_likelihood - best) == pytest.approx(drop, abs=1e-6)


def test_differential_beta_binomial_scipy(monkeypatch):
    """
    2,000 random data sets: no point of a search over scipy's betabinom is above ours, and ours is what its pmf says.

    The intervals are left out for time; the test above checks them.
    """
    monkeypatch.setattr(module, "_mean_interval", lambda ends, cut, y: ends)
    monkeypatch.setattr(module, "_correlation_interval", lambda rho, cut, y: (rho, rho))
    rng, seen, boundaries = np.random.default_rng(20260630), 0, {None: 0, "independent": 0, "all_or_nothing": 0}
    means, rhos = np.meshgrid(np.linspace(0.02, 0.98, 25), scipy.special.expit(np.linspace(-7, 5, 25)))
    scale = ((1 - rhos) / rhos)[..., np.newaxis]
    a, b = means[..., np.newaxis] * scale, (1 - means[..., np.newaxis]) * scale
    while seen < 2000:
        n = rng.integers(1, rng.choice([3, 6, 15]), int(rng.integers(2, 15))) + rng.integers(0, 2)
        rho, p = rng.choice([0.01, 0.2, 0.7]), rng.uniform(0.03, 0.97)
        k = rng.binomial(n, rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1), len(n)))
        if np.sum(n > 1) < 2 or not 0 < k.sum() < n.sum():
            continue
        seen += 1
        got = beta_binomial_fit(k, n)
        boundaries[got.boundary] += 1
        # the kernel of betabinom.logpmf on a grid of 625 points
        logs = scipy.special.betaln(k + a, n - k + b) - scipy.special.betaln(a, b)
        constant = -np.log1p(n) - scipy.special.betaln(k + 1, n - k + 1)
        assert (logs + constant).sum(axis=-1).max() <= got.log_likelihood + 1e-8
        assert got.log_likelihood >= got.binomial_log_likelihood - 1e-12
        assert got.binomial_log_likelihood == pytest.approx(log_likelihood(k, n, k.sum() / n.sum(), 0), rel=1e-10)
        if got.boundary is None and 1e-5 < got.intraclass_correlation < 0.999:
            there = log_likelihood(k, n, got.mean, got.intraclass_correlation)
            assert got.log_likelihood == pytest.approx(there, abs=1e-7)
    print(f"boundaries in 2,000 fits: {boundaries}")
    assert all(count > 50 for count in boundaries.values())


def test_direct_optimisation_of_scipy_finds_the_same():
    for data in (SOME, WEAK):
        found = scipy.optimize.minimize(
            lambda x, data=data: -log_likelihood(*data, *scipy.special.expit(x)),
            [0.0, -2.0],
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000},
        )
        got = beta_binomial_fit(*data)
        assert (got.mean, got.intraclass_correlation) == pytest.approx(tuple(scipy.special.expit(found.x)), rel=1e-5)
        assert got.log_likelihood == pytest.approx(-found.fun, abs=1e-10)


def test_nearly_no_correlation_loses_no_digits():
    """Where gamma functions cancel to nothing, the sums still tell rho = 1e-9 from 0."""
    k, n = np.array([2, 1, 3, 2]), np.array([5, 6, 7, 5])
    y = module._tally(k, n)
    flat, near = (float(module._log_likelihood(0.4, rho, y)[0]) for rho in (0.0, 1e-9))
    slope = scores(k, n, 0.4, 0.0)[1]
    assert near - flat == pytest.approx(1e-9 * slope, rel=1e-4)
    assert abs(log_likelihood(k, n, 0.4, 1e-14) - log_likelihood(k, n, 0.4, 0)) > 1e-6


def test_the_sign_of_the_slope_at_zero_is_tarone_s():
    """rho > 0 exactly where the pair statistic exceeds its expectation."""
    for k in ([2, 2, 2, 2], [4, 0, 2, 2], [3, 1, 2, 2], [1, 1, 3, 3], [4, 4, 0, 0]):
        a, b = np.array(k), np.full(4, 4) - np.array(k)
        pairs = np.sum(a * (a - 1)) / 0.5 + np.sum(b * (b - 1)) / 0.5 - 4 * 12
        assert (beta_binomial_fit(k, [4] * 4).intraclass_correlation > 0) == (pairs > 0)


def test_likelihood_ratio_has_the_mixture_of_self_and_liang():
    """Half the mass at 0: the p-value is half that of chi2_1, and 1 at the boundary."""
    got = beta_binomial_fit(*SOME)
    assert got.likelihood_ratio == pytest.approx(2 * (got.log_likelihood - got.binomial_log_likelihood), rel=1e-12)
    assert got.p_value == pytest.approx(scipy.stats.chi2.sf(got.likelihood_ratio, 1) / 2, rel=1e-12)
    flat = beta_binomial_fit([2] * 8, [4] * 8)
    assert (flat.likelihood_ratio, flat.p_value, flat.intraclass_correlation) == (0, 1, 0)


def test_size_of_the_likelihood_ratio_test_under_independence():
    """A boundary test at nominal 5 %: 400 data sets of 30 prompts of 6, p .3."""
    rng = np.random.default_rng(20260630)
    rejected = at_zero = 0
    for _ in range(400):
        k, n = rng.binomial(6, 0.3, 30), np.full(30, 6)
        y = module._tally(k, n)
        mu, rho, top = module._maximum(y)
        ratio = 2 * (top - float(module._log_likelihood(k.sum() / n.sum(), 0.0, y)[0]))
        at_zero += rho == 0
        rejected += scipy.stats.chi2.sf(max(ratio, 0), 1) / 2 < 0.05 and mu > 0
    print(f"size at nominal .05: {rejected / 400:.3f}; rho at 0 in {at_zero / 400:.2f}")
    assert 0.02 < rejected / 400 < 0.075
    assert 0.45 < at_zero / 400 < 0.65


def test_independence_is_a_boundary_and_says_so():
    got = beta_binomial_fit([2] * 8, [4] * 8)
    assert got.boundary == "independent"
    assert got.mean_standard_error is None
    assert got.intraclass_correlation_standard_error is None
    assert "rho = 0 is a boundary" in got.reason
    low, high = got.intraclass_correlation_interval
    assert low == 0
    assert 0.1 < high < 0.2
    assert got.mean_interval[0] < 0.5 < got.mean_interval[1]


def test_all_or_nothing_clusters_count_once_each():
    got = beta_binomial_fit([5, 0, 3, 0, 4], [5, 2, 3, 6, 4])
    assert (got.intraclass_correlation, got.boundary) == (1, "all_or_nothing")
    assert got.mean == pytest.approx(3 / 5, rel=1e-12)
    assert got.log_likelihood == pytest.approx(3 * math.log(0.6) + 2 * math.log(0.4), rel=1e-12)
    assert got.intraclass_correlation_interval[1] == 1
    assert 0 < got.intraclass_correlation_interval[0] < 1
    assert "every cluster is all or nothing" in got.reason
    # the likelihood-ratio interval of 3 of 5
    for mu in got.mean_interval:
        there = 3 * math.log(mu) + 2 * math.log(1 - mu)
        assert 2 * (got.log_likelihood - there) == pytest.approx(scipy.stats.chi2.ppf(0.95, 1), rel=1e-8)


@given(identified_clusters())
def test_law_estimates_and_intervals_are_in_order(data):
    got = beta_binomial_fit(*data)
    assert 0 <= got.intraclass_correlation_interval[0] <= got.intraclass_correlation <= got.intraclass_correlation_interval[1] <= 1
    assert 0 < got.mean_interval[0] < got.mean < got.mean_interval[1] < 1
    assert got.likelihood_ratio >= 0
    assert 0 < got.p_value <= 1
    assert (got.reason is None) == (got.mean_standard_error is not None) == (got.intraclass_correlation_standard_error is not None)
    assert got.clusters == len(data[0])


@given(identified_clusters())
def test_law_swapping_success_and_failure_mirrors_the_fit(data):
    k, n = data
    here, there = beta_binomial_fit(k, n), beta_binomial_fit([b - a for a, b in zip(k, n, strict=True)], n)
    assert here.mean == pytest.approx(1 - there.mean, abs=1e-7)
    assert here.intraclass_correlation == pytest.approx(there.intraclass_correlation, rel=1e-6, abs=1e-9)
    assert here.log_likelihood == pytest.approx(there.log_likelihood, rel=1e-11)
    assert here.mean_interval[0] == pytest.approx(1 - there.mean_interval[1], abs=1e-6)


@given(identified_clusters(), st.randoms(use_true_random=False))
def test_law_order_of_clusters_is_irrelevant(data, random):
    pairs = list(zip(*data, strict=True))
    random.shuffle(pairs)
    here, there = beta_binomial_fit(*data), beta_binomial_fit(*own.columns(pairs))
    assert (here.mean, here.intraclass_correlation) == (there.mean, there.intraclass_correlation)


@given(identified_clusters())
def test_law_replicating_the_clusters_keeps_the_estimate_and_doubles_the_ratio(data):
    one, two = beta_binomial_fit(*data), beta_binomial_fit(data[0] * 2, data[1] * 2)
    assert two.mean == pytest.approx(one.mean, rel=1e-7)
    assert two.intraclass_correlation == pytest.approx(one.intraclass_correlation, rel=1e-6, abs=1e-9)
    assert two.likelihood_ratio == pytest.approx(2 * one.likelihood_ratio, rel=1e-6, abs=1e-9)
    assert two.mean_interval[1] - two.mean_interval[0] < one.mean_interval[1] - one.mean_interval[0]


@pytest.mark.parametrize(
    ("successes", "trials", "error", "message"),
    [
        ([1, 0, 1], [1, 1, 1], InsufficientData, "at least 2 clusters with 2 or more trials, got 0 of 3; .*wilson_interval"),
        ([1, 0, 2], [1, 1, 4], InsufficientData, "got 1 of 3"),
        ([3], [8], InsufficientData, "got 1 of 1"),
        ([0, 0], [4, 4], InsufficientData, "there are no successes in 2 clusters.*design_effect_wilson_interval"),
        ([4, 4], [4, 4], InsufficientData, "there are no failures in 2 clusters"),
        ([1, 2], [4, 200_000], DomainError, "must not exceed 100,000 in a cluster, got 200,000 at position 1"),
        ([1, 5], [4, 4], DomainError, "got 5 of 4 at position 1"),
        ([1.0, 2.0], [4, 4], DomainError, "whole numbers"),
    ],
)
def test_refuses(successes, trials, error, message):
    with pytest.raises(error, match=message):
        beta_binomial_fit(successes, trials)


def test_refuses_a_level_in_percent():
    with pytest.raises(DomainError, match="95 % is written"):
        beta_binomial_fit(*SOME, level=95)
