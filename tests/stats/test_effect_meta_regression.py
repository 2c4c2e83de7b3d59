"""Meta-regression of differences of rates on size: against dense matrices, brute force and integrals of its own definition."""

import attrs
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    effect_meta_regression,
    log_scaling_slope,
    meta_regression_slope,
    paired_difference,
    slope_equivalence_test,
)
from stats.size_regression_strategies import sized_counts

METHODS = ("reference_prior", "knapp_hartung", "knapp_hartung_guarded")
CASE = ([0.5, 1.0, 3.0, 8.0, 30.0], [-0.05, 0.08, 0.02, 0.15, 0.06], [2e-4, 9e-4, 3e-4, 1e-3, 4e-4])
# differences that could be: a share of a thousandth is as fine as a thousand prompts tell
effects_of = st.integers(-1000, 1000).map(lambda k: k / 1000)
variances_of = st.floats(-5, -1.3).map(lambda e: 10.0**e)


@st.composite
def sized_effects(draw, *, max_models=8):
    m = draw(st.integers(3, max_models))
    sizes = draw(st.lists(st.sampled_from(own.MODEL_SIZES), min_size=m, max_size=m).filter(lambda s: len(set(s)) > 2))
    effects = draw(st.one_of(st.lists(effects_of, min_size=m, max_size=m), effects_of.map(lambda e: [e] * m)))
    return sizes, effects, draw(st.lists(variances_of, min_size=m, max_size=m))


def restricted_log_likelihood(x, y, v, tau2):
    """Written out with dense matrices, apart from the package's closed form."""
    X, V = np.column_stack([np.ones(len(x)), x]), np.diag(v + tau2)
    Vi = np.linalg.inv(V)
    XVX = X.T @ Vi @ X
    beta = np.linalg.solve(XVX, X.T @ Vi @ y)
    r = y - X @ beta
    value = -0.5 * (np.linalg.slogdet(V)[1] + np.linalg.slogdet(XVX)[1] + r @ Vi @ r)
    return value, beta, np.linalg.inv(XVX)


def test_tau_is_the_brute_force_maximum_of_the_restricted_likelihood():
    """Definition, and a second opinion: a dense likelihood, a grid and a bounded search find no better tau."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(40):
        m = int(rng.integers(4, 9))
        x, v = np.log10(rng.choice(own.MODEL_SIZES, m, replace=False)), 10 ** rng.uniform(-4.5, -2, m)
        y = 0.05 + 0.05 * x + rng.normal(size=m) * np.sqrt(v + rng.choice([0, 0.05, 0.1]) ** 2)
        y = np.clip(y, -1, 1)
        fit = effect_meta_regression(10**x, y, v, method="knapp_hartung_guarded")
        grid = np.concatenate([[0.0], np.geomspace(1e-9, 1, 400)])
        start = int(np.argmax([restricted_log_likelihood(x, y, v, t)[0] for t in grid]))
        ends = grid[max(start - 1, 0)], grid[min(start + 1, 400)]
        best = scipy.optimize.minimize_scalar(
            lambda t, x=x, y=y, v=v: -restricted_log_likelihood(x, y, v, t)[0],
            bounds=ends,
            method="bounded",
            options={"xatol": 1e-12},
        ).x
        if fit.tau_pp == 0:
            assert start == 0
            best = 0.0
        else:
            inside += 1
            assert fit.tau_pp == pytest.approx(100 * np.sqrt(best), rel=1e-3)
        _, beta, covariance = restricted_log_likelihood(x, y, v, (fit.tau_pp / 100) ** 2)
        assert fit.slope_pp_per_decade == pytest.approx(100 * beta[1], abs=1e-8)
        assert fit.effect_at_1b == pytest.approx(beta[0], abs=1e-10)
        assert fit.standard_error_pp_per_decade >= 100 * np.sqrt(covariance[1, 1]) * (1 - 1e-9)
    assert 5 < inside < 40


def test_p_and_interval_are_the_integral_over_tau_of_the_dense_likelihood():
    """The reference prior, integrated by quad over tau with dense matrices: tail below 0, and the tails beyond the interval."""
    sizes, y, v = CASE
    x, y, v = np.log10(sizes), np.array(y), np.array(v)
    fit = effect_meta_regression(*CASE)
    peak = max(restricted_log_likelihood(x, y, v, t**2)[0] for t in np.linspace(0, 0.3, 400))

    def density(tau):
        return np.exp(restricted_log_likelihood(x, y, v, tau**2)[0] - peak) * np.sqrt(np.sum((tau / (v + tau**2)) ** 2))

    def below(b):
        def part(tau):
            _, beta, covariance = restricted_log_likelihood(x, y, v, tau**2)
            return density(tau) * scipy.stats.norm.cdf(b, beta[1], np.sqrt(covariance[1, 1]))

        cuts = {"points": [0.01, 0.03, 0.1, 0.3], "limit": 400}
        whole = scipy.integrate.quad(density, 0, 3, **cuts)[0] + scipy.integrate.quad(density, 3, 3000, limit=400)[0]
        return (scipy.integrate.quad(part, 0, 3, **cuts)[0] + scipy.integrate.quad(part, 3, 3000, limit=400)[0]) / whole

    assert fit.p_value == pytest.approx(2 * min(below(0.0), 1 - below(0.0)), rel=1e-4)
    assert below(fit.interval[0] / 100) == pytest.approx(0.025, rel=1e-3)
    assert below(fit.interval[1] / 100) == pytest.approx(0.975, rel=1e-3)
    assert below(fit.slope_pp_per_decade / 100) == pytest.approx(0.5, rel=1e-3)


def test_q_profile_ends_give_chi_square_quantiles_put_back():
    sizes, y, v = CASE
    fit, x, y, v = effect_meta_regression(*CASE), np.log10(sizes), np.array(y), np.array(v)
    for tau_pp, q in zip(fit.tau_interval_pp, scipy.stats.chi2.ppf([0.975, 0.025], 3), strict=True):
        tau2 = (tau_pp / 100) ** 2
        beta = restricted_log_likelihood(x, y, v, tau2)[1]
        found = np.sum((y - beta[0] - beta[1] * x) ** 2 / (v + tau2))
        assert found == pytest.approx(q, rel=1e-9) or (tau_pp == 0 and found < q)


def test_shares_of_noise_are_their_definitions():
    """I^2 with the typical variance (n - 2) / tr P at tau 0, P = W - W X (X'WX)^-1 X'W written out; and the plain mean of v."""
    sizes, _, v = CASE
    fit, X, W = effect_meta_regression(*CASE), np.column_stack([np.ones(5), np.log10(sizes)]), np.diag(1 / np.array(v))
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    tau2 = (fit.tau_pp / 100) ** 2
    assert tau2 > 0
    assert fit.i_squared == pytest.approx(tau2 / (tau2 + 3 / np.trace(P)), rel=1e-9)
    assert fit.sampling_noise_share == pytest.approx(np.mean(v) / (np.mean(v) + tau2), rel=1e-9)
    assert fit.q_residual == pytest.approx(np.array(CASE[1]) @ P @ np.array(CASE[1]), rel=1e-9)


@settings(max_examples=20)
@given(sized_counts())
def test_law_rates_with_given_variances_are_a_meta_regression_of_rates(counts):
    """The same core: rates read as differences from nothing give every number of `meta_regression_slope`."""
    sizes, k, n = counts
    v = [0.25 / t for t in n]
    for method in METHODS:
        one = meta_regression_slope(sizes, k, n, variances=v, method=method)
        other = effect_meta_regression(sizes, np.divide(k, n), v, method=method)
        for name in ("slope_pp_per_decade", "interval", "p_value", "tau_pp", "tau_interval_pp", "i_squared", "q_residual"):
            assert getattr(one, name) == getattr(other, name), name
        assert (one.rate_at_1b, one.binomial_noise_share) == (other.effect_at_1b, other.sampling_noise_share)


@settings(max_examples=20)
@given(sized_effects())
def test_law_swapping_treated_and_control_mirrors_everything(rows):
    sizes, effects, v = rows
    for method in METHODS:
        up, down = (
            effect_meta_regression(*rows, method=method),
            effect_meta_regression(sizes, [-e for e in effects], v, method=method),
        )
        assert down.slope_pp_per_decade == pytest.approx(-up.slope_pp_per_decade, rel=1e-6, abs=1e-6)
        assert down.tau_pp == pytest.approx(up.tau_pp, rel=1e-6, abs=1e-6)
        if up.interval is not None:
            assert down.interval == pytest.approx((-up.interval[1], -up.interval[0]), rel=1e-6, abs=1e-6)
            assert down.p_value == pytest.approx(up.p_value, rel=1e-5)


@settings(max_examples=20)
@given(sized_effects(), st.randoms(use_true_random=False))
def test_law_order_of_models_is_irrelevant(rows, random):
    order = list(range(len(rows[0])))
    random.shuffle(order)
    one, other = effect_meta_regression(*rows), effect_meta_regression(*([column[i] for i in order] for column in rows))
    assert other.slope_pp_per_decade == pytest.approx(one.slope_pp_per_decade, rel=1e-6, abs=1e-6)
    assert other.interval == pytest.approx(one.interval, rel=1e-6, abs=1e-6)
    assert other.tau_pp == pytest.approx(one.tau_pp, rel=1e-5, abs=1e-5)


@settings(max_examples=20)
@given(sized_effects())
def test_law_half_the_differences_with_a_quarter_of_their_variances_have_half_the_slope(rows):
    sizes, effects, v = rows
    whole, half = effect_meta_regression(*rows), effect_meta_regression(sizes, np.divide(effects, 2), np.divide(v, 4))
    assert half.slope_pp_per_decade == pytest.approx(whole.slope_pp_per_decade / 2, rel=1e-5, abs=1e-6)
    assert half.interval == pytest.approx(np.divide(whole.interval, 2), rel=1e-5, abs=1e-6)
    assert half.tau_pp == pytest.approx(whole.tau_pp / 2, rel=1e-5, abs=1e-6)
    assert half.p_value == pytest.approx(whole.p_value, rel=1e-4)


@settings(max_examples=20)
@given(sized_effects())
def test_law_as_noise_vanishes_it_is_the_t_interval(rows):
    sizes, effects, _ = rows
    line = log_scaling_slope(sizes, effects, quantity="difference")
    if line.interval is None or line.standard_error_pp_per_decade < 0.1:
        return
    fit = effect_meta_regression(sizes, effects, [1e-14] * len(sizes))
    assert fit.interval == pytest.approx(line.interval, rel=1e-3, abs=1e-3 * line.standard_error_pp_per_decade)
    assert fit.p_value == pytest.approx(line.p_value, rel=5e-3, abs=1e-6)


def test_equal_differences_have_slope_0_and_p_1():
    fit = effect_meta_regression([1, 3, 10, 30], [-0.1] * 4, [1e-3, 2e-3, 1e-4, 5e-3])
    assert (fit.slope_pp_per_decade, fit.tau_pp) == (pytest.approx(0, abs=1e-9), 0.0)
    assert fit.p_value == pytest.approx(1)
    assert fit.effect_at_1b == pytest.approx(-0.1)
    assert fit.tau_undefined_because.startswith("the differences scatter less about the line")


def test_no_scatter_leaves_plain_knapp_hartung_without_interval():
    fit = effect_meta_regression([1, 10, 100], [-0.1, 0.0, 0.1], [1e-3] * 3, method="knapp_hartung")
    assert (fit.interval, fit.p_value, fit.standard_error_pp_per_decade) == (None, None, None)
    assert fit.undefined_because.startswith("the differences lie on the fitted line")


def test_equivalence_reads_the_distribution_that_the_interval_is_read_from():
    fit = effect_meta_regression(*CASE, level=0.9)
    assert slope_equivalence_test(fit, margin_pp_per_decade=3, alpha=0.05).interval == pytest.approx(fit.interval, rel=1e-9)
    # at a margin that is an end of the interval, its tail is alpha
    wide = max(abs(end) for end in fit.interval)
    at_the_end = slope_equivalence_test(fit, margin_pp_per_decade=wide, alpha=0.05)
    assert at_the_end.p_value == pytest.approx(0.05, rel=1e-6)
    # and it is another than Student's t would give
    plain = slope_equivalence_test(attrs.evolve(fit, method="knapp_hartung"), margin_pp_per_decade=wide, alpha=0.05)
    assert abs(plain.p_value - 0.05) > 1e-4


def test_takes_what_paired_difference_gives():
    rng = np.random.default_rng(2)
    found = [paired_difference(rng.binomial(3, 0.2, 40), [3] * 40, rng.binomial(3, 0.2 + 0.05 * i, 40), [3] * 40) for i in range(5)]
    fit = effect_meta_regression([0.5, 1, 3, 8, 30], [f.delta for f in found], [f.variance for f in found])
    assert fit.n == 5
    assert fit.interval[0] < fit.slope_pp_per_decade < fit.interval[1]


@pytest.mark.parametrize(
    ("position", "values", "message"),
    [
        (1, [0.1, 0.2, 1.2, 0, 0], r"effects must be differences of two fractions in \[-1, 1\], got 1.2 at position 2"),
        (1, [0.1, 0.2, float("nan"), 0, 0], "effects must be finite"),
        (2, [1e-3, 0.0, 1e-3, 1e-3, 1e-3], r"variances must be positive \(squared fractions\), got 0 at position 1"),
        (2, [1e-3, 1.5, 1e-3, 1e-3, 1e-3], "variances of differences cannot exceed 1, got 1.5 at position 1"),
        (2, [1e-3] * 4, "params_b and variances must have the same length, got 5 and 4"),
        (1, [0.1] * 6, "params_b and effects must have the same length, got 5 and 6"),
        (0, [0.0, 1, 2, 3, 4], "params_b must be positive"),
    ],
)
def test_refuses(position, values, message):
    arguments = list(CASE)
    arguments[position] = values
    with pytest.raises(DomainError, match=message):
        effect_meta_regression(*arguments)


def test_refuses_two_sizes():
    with pytest.raises(InsufficientData, match="a slope needs at least 3 distinct sizes, got 2"):
        effect_meta_regression([1, 1, 10], [0.1, 0.2, 0.3], [1e-3] * 3)


def test_refuses_another_method():
    with pytest.raises(DomainError, match="method must be one of 'reference_prior'"):
        effect_meta_regression(*CASE, method="dersimonian_laird")
