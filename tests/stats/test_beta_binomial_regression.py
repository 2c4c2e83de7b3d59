"""Beta-binomial regression: the likelihood as an exact product, its derivatives by differences, a plain search beside it."""

import math

import mpmath
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import beta_binomial_regression, binomial_regression
from safescale.stats._beta_binomial import derivatives, excess, maximise, observed_covariance
from stats.size_regression_strategies import overlap, overlapping_counts, sized_counts

REPORT_A = [0.8, 1.9, 4.2, 9.0], [486, 615, 789, 1095], [487, 649, 1008, 2019]
UNSURE = [1, 2, 4, 8, 16], [10, 30, 15, 40, 22], [100, 60, 100, 80, 50]


def product_log_likelihood(mu, theta, k, n):
    """Polya's urn, factor by factor: sum log(mu + j theta) + sum log(1 - mu + j theta) - sum log(1 + j theta)."""
    total = 0.0
    for m, a, b in zip(mu, k, n, strict=True):
        total += np.log(m + theta * np.arange(a)).sum() + np.log1p(-m + theta * np.arange(b - a)).sum()
        total -= np.log1p(theta * np.arange(b)).sum()
    return total


def line(fit):
    return scipy.special.expit(fit.intercept_logit_at_1b + fit.slope_logit_per_decade * np.log10(fit.params_b))


# ---- definitions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 3.0, 5.5, 14.0, 29.9, 30.1, 1e3, 1e5, 1e9])
@pytest.mark.parametrize("k", [0, 1, 7, 300, 20_000])
def test_excess_over_the_binomial_keeps_its_digits(alpha, k):
    """50 digits beside it, down to where the difference of two log Gammas of doubles has none left."""
    mpmath.mp.dps = 50
    a, b = mpmath.mpf(alpha), mpmath.mpf(k)
    wanted = [
        mpmath.loggamma(a + b) - mpmath.loggamma(a) - b * mpmath.log(a),
        mpmath.psi(0, a + b) - mpmath.psi(0, a) - b / a,
        mpmath.psi(1, a + b) - mpmath.psi(1, a) + b / a**2,
    ]
    scales = [max(1.0, k), max(1.0, k) / alpha, max(1.0, k) / alpha**2]  # of the parts whose difference it is
    for found, exact, scale in zip(excess(np.array([alpha]), np.array([float(k)])), wanted, scales, strict=True):
        assert float(found[0]) == pytest.approx(float(exact), rel=1e-13, abs=2e-14 * scale)


@pytest.mark.parametrize("log_theta", [-20.0, -9.0, -4.0, -1.0, 2.0])
def test_likelihood_and_derivatives_by_the_product_and_by_differences(log_theta):
    rng = np.random.default_rng(1)
    n = np.array([1.0, 20.0, 400.0, 60.0])
    k = np.array([1.0, 0.0, 130.0, 60.0])
    eta = rng.normal(size=4)
    at = derivatives(eta, np.array(log_theta), k, n)
    for i in range(4):
        plain = product_log_likelihood([scipy.special.expit(eta[i])], math.exp(log_theta), [int(k[i])], [int(n[i])])
        assert at.value[i] == pytest.approx(plain, rel=1e-12, abs=1e-12)
    h = 1e-5
    up, down = (derivatives(eta + s * h, np.array(log_theta), k, n) for s in (1, -1))
    assert at.eta == pytest.approx((up.value - down.value) / (2 * h), rel=1e-5, abs=1e-5)
    assert at.eta_eta == pytest.approx((up.eta - down.eta) / (2 * h), rel=1e-5, abs=1e-5)
    up, down = (derivatives(eta, np.array(log_theta + s * h), k, n) for s in (1, -1))
    assert at.theta == pytest.approx((up.value - down.value) / (2 * h), rel=1e-4, abs=1e-5)
    assert at.eta_theta == pytest.approx((up.eta - down.eta) / (2 * h), rel=1e-4, abs=1e-5)
    assert at.theta_theta == pytest.approx((up.theta - down.theta) / (2 * h), rel=1e-4, abs=1e-5)


@given(overlapping_counts(max_models=6, max_trials=120))
def test_law_the_gradient_vanishes_or_rho_stands_at_zero(counts):
    sizes, k, n = (np.asarray(column, dtype=float) for column in counts)
    x = np.log10(sizes)
    design = np.column_stack([np.ones(len(x)), x - x.mean()])
    fit = maximise(design, np.zeros(len(x)), k, n)
    if np.isneginf(fit.log_theta):
        mu = scipy.special.expit(design @ fit.coefficients)
        # dL/dtheta at theta = 0, in closed form, must not climb
        climb = k * (k - 1) / (2 * mu) + (n - k) * (n - k - 1) / (2 * (1 - mu)) - n * (n - 1) / 2
        # unless a second hump is higher, and the search has looked there: see the differential test
        assert climb.sum() <= 1e-3 * (n**2).sum() / mu.min() / (1 - mu).min() * 1e-3 + 1e-6
        return
    at = derivatives(design @ fit.coefficients, fit.log_theta, k, n)
    scale = n.sum()
    assert at.eta @ design == pytest.approx(0, abs=1e-5 * scale)
    assert at.theta.sum() == pytest.approx(0, abs=1e-5 * scale)


def test_report_a_fields_by_their_definitions():
    fit = beta_binomial_regression(*REPORT_A, level=0.9)
    mu, k, n = line(fit), REPORT_A[1], REPORT_A[2]
    theta = fit.rho / (1 - fit.rho)
    choose = sum(math.lgamma(b + 1) - math.lgamma(a + 1) - math.lgamma(b - a + 1) for a, b in zip(k, n, strict=True))
    assert fit.log_likelihood == pytest.approx(product_log_likelihood(mu, theta, k, n) + choose, rel=1e-9)
    scipys = sum(scipy.stats.betabinom.logpmf(a, b, m / theta, (1 - m) / theta) for a, b, m in zip(k, n, mu, strict=True))
    assert fit.log_likelihood == pytest.approx(scipys, rel=1e-8)
    f = 2 * math.expm1(fit.likelihood_ratio / 4)
    assert fit.p_value == pytest.approx(scipy.stats.f.sf(f, 1, 2), rel=1e-9)
    assert fit.slope_logit_per_doubling == pytest.approx(fit.slope_logit_per_decade * math.log10(2))
    low, high = fit.average_marginal_effect_interval
    assert (low + high) / 2 == pytest.approx(fit.average_marginal_effect_pp_per_decade)
    assert fit.average_marginal_effect_pp_per_decade == pytest.approx(100 * fit.slope_logit_per_decade * np.mean(mu * (1 - mu)))
    assert (fit.n, fit.residual_dof, fit.level, fit.rho_on_boundary, fit.generalises_to) == (4, 2, 0.9, False, "new_models")
    assert (fit.params_b, fit.successes, fit.trials) == tuple(tuple(column) for column in REPORT_A)


@pytest.mark.parametrize(
    ("most", "cautioned"),
    [(30, False), (300, False), (301, True), (2000, True)],
)
def test_uneven_trials_come_with_a_caution(most, cautioned):
    """More than 10 times as many traces of one model as of another: the size of the test is lost, and the result says so."""
    for at in (0, 2, 5):
        n = [30] * 6
        n[at] = most
        k = [trials // 2 + turn for trials, turn in zip(n, (3, -4, 2, 0, -1, 4), strict=True)]
        caution = beta_binomial_regression([1, 2, 4, 8, 16, 32], k, n).caution
        assert (caution is not None) == cautioned
        if cautioned:
            assert f"trials run from 30 to {most}" in caution
            assert "rest the inference on meta_regression_slope" in caution


@pytest.mark.parametrize("counts", [REPORT_A, UNSURE, ([1, 2, 4, 8, 16], [10, 10, 10, 11, 9], [100] * 5)])
def test_interval_ends_put_back_give_the_likelihood_ratio_of_the_level(counts):
    """At each end the profile has fallen by n/2 log(1 + t^2/(n - 2)); profiled here by scipy over the plain product."""
    fit = beta_binomial_regression(*counts, level=0.9)
    x, k, n = np.log10(counts[0]), counts[1], counts[2]
    m = len(x)
    t = scipy.stats.t.ppf(0.95, m - 2)

    def profile(b):
        def minus(q):
            return -product_log_likelihood(scipy.special.expit(q[0] + b * (x - x.mean())), math.exp(q[1]), k, n)

        starts = [(a, s) for a in (-1.0, 1.0) for s in (-16.0, -6.0, -3.0)]
        return -min(
            scipy.optimize.minimize(minus, q, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).fun for q in starts
        )

    top = profile(fit.slope_logit_per_decade)
    for end in fit.interval_logit_per_decade:
        assert 2 * (top - profile(end)) == pytest.approx(m * math.log1p(t * t / (m - 2)), rel=1e-4, abs=1e-4)


def test_standard_error_is_the_inverse_of_the_numerical_hessian_scaled_for_few_models():
    fit = beta_binomial_regression(*UNSURE)
    x = np.log10(UNSURE[0])
    theta = fit.rho / (1 - fit.rho)
    at = np.array([fit.intercept_logit_at_1b, fit.slope_logit_per_decade, math.log(theta)])

    def value(q):
        return product_log_likelihood(scipy.special.expit(q[0] + q[1] * x), math.exp(q[2]), UNSURE[1], UNSURE[2])

    h = 1e-4 * np.eye(3)
    hessian = [[(value(at + a + b) - value(at + a - b) - value(at - a + b) + value(at - a - b)) / 4e-8 for b in h] for a in h]
    se = math.sqrt(np.linalg.inv(-np.array(hessian))[1, 1] * 5 / 3)
    assert fit.standard_error_logit_per_decade == pytest.approx(se, rel=1e-4)


def test_on_the_boundary_it_is_the_binomial_line():
    counts = [1, 2, 4, 8, 16], [10, 10, 10, 11, 9], [100] * 5
    fit, binomial = beta_binomial_regression(*counts), binomial_regression(*counts)
    assert (fit.rho, fit.rho_on_boundary) == (0.0, True)
    assert fit.slope_logit_per_decade == pytest.approx(binomial.slope_logit_per_decade, rel=1e-8)
    assert fit.standard_error_logit_per_decade == pytest.approx(
        binomial.standard_error_logit_per_decade * math.sqrt(5 / 3), rel=1e-8
    )


# ---- second opinion ---------------------------------------------------------------------------------------------------


def test_differential_beta_binomial():
    """2,000 random data sets against a grid of 1,000 (theta, slope) lines around: none is likelier than the maximum found."""
    rng = np.random.default_rng(2)
    x = np.array([-1.0, -0.4, 0.1, 0.5, 0.8])
    design = np.column_stack([np.ones(5), x])
    n = np.array([30.0, 8.0, 100.0, 2.0, 60.0])
    # half of them torn between rates near 0 and near 1, where the likelihood has humps
    p = rng.permutation(np.concatenate([rng.beta(2, 5, (1300, 5)), rng.beta(0.3, 0.5, (1800, 5))]))
    k = rng.binomial(n.astype(int), p).astype(float)
    keep = [overlap(x.tolist(), row.tolist(), n.tolist()) and bool(np.any((row > 0) & (row < n))) for row in k]
    k = k[keep][:2000]
    assert len(k) == 2000
    fit = maximise(design, np.zeros(5), k, n)
    boundary = np.isneginf(fit.log_theta)
    assert 20 < boundary.sum() < 1500
    # an independent likelihood: scipy's betaln, at jittered neighbours and at far-off lines
    steps = rng.normal(size=(40, 2)) * np.repeat([0.02, 0.3, 1.5, 4.0], 10)[:, None]
    for log_theta in (-6.0, -3.0, -1.5, 0.0, 1.5):
        for step in steps:
            mu = scipy.special.expit((fit.coefficients + step) @ design.T)
            nu = scipy.special.expit(-(fit.coefficients + step) @ design.T)
            a, b = mu * math.exp(-log_theta), nu * math.exp(-log_theta)
            value = (scipy.special.betaln(k + a, n - k + b) - scipy.special.betaln(a, b)).sum(axis=1)
            assert np.all(value[np.isfinite(value)] <= fit.log_likelihood[np.isfinite(value)] + 1e-7)
    inner = ~boundary
    mu, theta = scipy.special.expit(fit.coefficients @ design.T)[inner], np.exp(fit.log_theta)[inner][:, None]
    value = (
        scipy.special.betaln(k[inner] + mu / theta, n - k[inner] + (1 - mu) / theta)
        - scipy.special.betaln(mu / theta, (1 - mu) / theta)
    ).sum(axis=1)
    assert value == pytest.approx(fit.log_likelihood[inner], rel=1e-6, abs=1e-6)


def test_agrees_with_a_simplex_search_over_scipys_distribution():
    rng = np.random.default_rng(3)
    for _ in range(12):
        m = int(rng.integers(4, 8))
        sizes, n = rng.choice(own.MODEL_SIZES, size=m, replace=False), rng.integers(20, 300, m)
        k = rng.binomial(n, rng.beta(3, 6, m))
        if not overlap(sizes.tolist(), k.tolist(), n.tolist()):
            continue
        x = np.log10(sizes)
        design = np.column_stack([np.ones(m), x - x.mean()])
        fit = maximise(design, np.zeros(m), k.astype(float), n.astype(float))

        def minus(q, design=design, k=k, n=n):
            mu, theta = scipy.special.expit(design @ q[:2]), math.exp(min(max(q[2], -12.0), 5.0))
            return -(
                scipy.special.betaln(k + mu / theta, n - k + (1 - mu) / theta) - scipy.special.betaln(mu / theta, (1 - mu) / theta)
            ).sum()

        runs = [
            scipy.optimize.minimize(
                minus, [-0.5, 0.1, s], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 3000}
            )
            for s in (-5, -2)
        ]
        best = min(runs, key=lambda run: run.fun)
        assert -best.fun <= fit.log_likelihood + 1e-6
        if not np.isneginf(fit.log_theta) and fit.log_theta > -11:
            assert fit.coefficients == pytest.approx(best.x[:2], abs=1e-3)


# ---- laws -------------------------------------------------------------------------------------------------------------


@given(overlapping_counts(max_models=6, max_trials=120), st.floats(0.1, 10))
def test_law_mirrored_counts_and_other_units_of_size(counts, factor):
    sizes, k, n = (np.asarray(column, dtype=float) for column in counts)
    x = np.log10(sizes)
    design = np.column_stack([np.ones(len(x)), x - x.mean()])
    both = maximise(design, np.zeros(len(x)), np.stack([k, n - k]), n)
    moved = maximise(np.column_stack([np.ones(len(x)), x + math.log10(factor)]), np.zeros(len(x)), k, n)
    assert both.log_likelihood[1] == pytest.approx(both.log_likelihood[0], rel=1e-7, abs=1e-6)
    assert moved.log_likelihood == pytest.approx(both.log_likelihood[0], rel=1e-7, abs=1e-6)


@given(sized_counts(max_models=5, max_trials=30))
def test_law_what_has_no_maximum_is_refused(counts):
    _, k, n = counts
    if not overlap(*counts):
        with pytest.raises(InsufficientData, match=r"is a success in any of the|separated by size"):
            beta_binomial_regression(*counts)
    elif max(n) < 2:
        with pytest.raises(InsufficientData, match="one trial"):
            beta_binomial_regression(*counts)
    elif all(a in (0, b) for a, b in zip(k, n, strict=True)):
        with pytest.raises(InsufficientData, match="rho would be 1"):
            beta_binomial_regression(*counts)


@pytest.mark.parametrize("counts", [REPORT_A, UNSURE])
def test_counting_failures_instead_turns_everything(counts):
    sizes, k, n = counts
    here, there = (
        beta_binomial_regression(sizes, k, n),
        beta_binomial_regression(sizes, [b - a for a, b in zip(k, n, strict=True)], n),
    )
    assert there.slope_logit_per_decade == pytest.approx(-here.slope_logit_per_decade, rel=1e-7)
    assert there.p_value == pytest.approx(here.p_value, rel=1e-7)
    assert there.rho == pytest.approx(here.rho, rel=1e-6)
    assert (-there.interval_logit_per_decade[1], -there.interval_logit_per_decade[0]) == pytest.approx(
        here.interval_logit_per_decade, rel=1e-6
    )


@pytest.mark.parametrize("counts", [REPORT_A, UNSURE])
def test_p_and_interval_tell_the_same_story_and_levels_nest(counts):
    p = beta_binomial_regression(*counts).p_value
    for level in (1 - p - 0.002, 1 - p + 0.002):
        low, high = beta_binomial_regression(*counts, level=level).interval_logit_per_decade
        assert (low <= 0 <= high) == (level > 1 - p)


def test_observed_covariance_profiles_theta_out():
    x = np.log10(UNSURE[0])
    design = np.column_stack([np.ones(5), x])
    k, n = (np.array(column, dtype=float) for column in UNSURE[1:])
    fit = maximise(design, np.zeros(5), k, n)
    found = observed_covariance(design, fit, k, n)
    assert found == pytest.approx(found.T)
    assert np.linalg.eigvalsh(found).min() > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"successes": [0, 0, 0, 0]}, InsufficientData, "no trial is a success"),
        ({"successes": [8, 8, 8, 8]}, InsufficientData, "every trial is a success"),
        ({"successes": [0, 0, 8, 8]}, InsufficientData, "separated by size"),
        ({"successes": [0, 8, 0, 8]}, InsufficientData, "rho would be 1"),
        ({"successes": [0, 1, 0, 1], "trials": [1] * 4}, InsufficientData, "every model has one trial"),
        ({"params_b": [1, 2, 2, 1]}, InsufficientData, "at least 3 distinct sizes, got 2"),
        ({"params_b": [1, 2, 3]}, DomainError, "same length, got 3 and 4"),
        ({"successes": [1, 2, 3, 9]}, DomainError, "got 9 of 8 at position 3"),
        ({"level": 95}, DomainError, "95 % is written 0.95"),
    ],
)
def test_refuses(change, error, message):
    arguments = {"params_b": [1, 2, 3, 4], "successes": [1, 2, 3, 2], "trials": [8] * 4} | change
    with pytest.raises(error, match=message):
        beta_binomial_regression(**arguments)
