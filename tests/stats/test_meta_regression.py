"""Random-effects meta-regression: the likelihood written out with matrices, tau integrated by quadrature, published figures."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, meta_regression_slope
from safescale.stats._random_effects import (
    line_variances,
    mixture_quantiles,
    mixture_tails,
    q_profile,
    reml_tau2,
    slope_mixture,
    weighted_line,
)
from stats.size_regression_strategies import sized_counts

REPORT_A = [0.8, 1.9, 4.2, 9.0], [486, 615, 789, 1095], [487, 649, 1008, 2019]
METHODS = ("reference_prior", "knapp_hartung", "knapp_hartung_guarded")


def dense(x, y, v, tau2):
    """Everything at a given tau2 by matrices: b, covariance, Q, log restricted likelihood, score."""
    X, V = np.column_stack([np.ones(len(x)), x]), np.diag(np.asarray(v) + tau2)
    W = np.linalg.inv(V)
    C = np.linalg.inv(X.T @ W @ X)
    P = W - W @ X @ C @ X.T @ W
    b = C @ X.T @ W @ y
    q = y @ P @ y
    log_likelihood = -0.5 * (np.linalg.slogdet(V)[1] + np.linalg.slogdet(X.T @ W @ X)[1] + q)
    return b, C, q, log_likelihood, 0.5 * (y @ P @ P @ y - np.trace(P))


def random_case(rng, m=None):
    m = int(rng.integers(3, 13)) if m is None else m
    x = np.log10(rng.choice(own.MODEL_SIZES, size=m, replace=True))
    while len(np.unique(x)) < 3:
        x = np.log10(rng.choice(own.MODEL_SIZES, size=m, replace=True))
    v = 10 ** rng.uniform(-5, -2, m)
    y = rng.uniform(0, 1) + 0.1 * x + rng.normal(size=m) * np.sqrt(v + rng.choice([0.0, 1e-4, 1e-2]))
    return x, y, v


def counts_as_arrays(counts):
    sizes, k, n = (np.asarray(column, dtype=float) for column in counts)
    return np.log10(sizes), k / n, line_variances(np.log10(sizes), k, n)


# ---- definitions ------------------------------------------------------------------------------------------------------


def test_line_likelihood_and_score_are_those_of_the_matrices():
    rng = np.random.default_rng(1)
    for _ in range(200):
        x, y, v = random_case(rng)
        tau2 = float(10 ** rng.uniform(-6, -1))
        b, C, q, log_likelihood, score = dense(x, y, v, tau2)
        line = weighted_line(x, y, v, np.asarray(tau2))
        assert float(line.slope) == pytest.approx(b[1], rel=1e-7, abs=1e-9)
        assert float(line.height - line.slope * line.centre) == pytest.approx(b[0], rel=1e-7, abs=1e-9)
        assert 1 / float(line.information) == pytest.approx(C[1, 1], rel=1e-8)
        assert float(line.q) == pytest.approx(q, rel=1e-6, abs=1e-9)
        assert float(line.score) == pytest.approx(score, rel=1e-5, abs=1e-6 / v.min())
        assert float(line.log_likelihood) == pytest.approx(log_likelihood, abs=1e-6)
        step = 1e-4 * (tau2 + v.min())
        slope = (dense(x, y, v, tau2 + step)[3] - dense(x, y, v, tau2 - step)[3]) / (2 * step)
        assert float(line.score) == pytest.approx(slope, rel=1e-3, abs=1e-3 * len(x) / v.min())


def test_the_score_is_zero_at_an_inner_maximum_and_not_positive_at_the_boundary():
    rng = np.random.default_rng(2)
    kinds = set()
    for _ in range(150):
        x, y, v = random_case(rng)
        tau2 = float(reml_tau2(x, y, v))
        score = dense(x, y, v, tau2)[4]
        kinds.add(tau2 == 0)
        scale = len(x) / (2 * (tau2 + v.min()))
        assert score <= 1e-6 * scale
        if tau2 > 0:
            assert abs(score) <= 1e-6 * scale
    assert kinds == {True, False}


@given(sized_counts())
def test_law_no_tau_on_a_fine_grid_has_a_higher_likelihood(counts):
    x, y, v = counts_as_arrays(counts)
    best = float(weighted_line(x, y, v, reml_tau2(x, y, v)).log_likelihood)
    grid = np.concatenate([[0.0], np.geomspace(1e-9, 2.0, 2000)])
    assert weighted_line(x, y, v, grid).log_likelihood.max() <= best + 1e-9


def test_two_humps_of_the_likelihood_do_not_fool_the_search():
    """A restricted likelihood with a maximum at 0 and another one inside: the higher one wins, whichever it is."""
    rng = np.random.default_rng(3)
    found = 0
    grid = np.concatenate([[0.0], np.geomspace(1e-9, 1.0, 800)])
    for _ in range(1500):
        x = rng.normal(size=5)
        v = 10 ** rng.uniform(-7, -1, 5)
        y = rng.normal(size=5) * np.sqrt(v + rng.choice([0, 1e-3]))
        heights = weighted_line(x, y, v, grid).log_likelihood
        humps = np.count_nonzero((heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])) + (heights[0] > heights[1])
        if humps > 1:
            found += 1
            assert float(weighted_line(x, y, v, reml_tau2(x, y, v)).log_likelihood) >= heights.max() - 1e-9
    assert found >= 2


def test_q_profile_ends_put_back_give_the_chi_square_quantiles():
    rng = np.random.default_rng(4)
    seen = set()
    for _ in range(200):
        x, y, v = random_case(rng)
        level = float(rng.uniform(0.5, 0.99))
        found, dof = q_profile(x, y, v, level), len(x) - 2
        low_q, high_q = scipy.stats.chi2.ppf([(1 - level) / 2, (1 + level) / 2], dof)
        at_zero = dense(x, y, v, 0.0)[2]
        if found is None:
            assert at_zero < low_q
            seen.add("none")
            continue
        assert dense(x, y, v, found[1])[2] == pytest.approx(low_q, rel=1e-6)
        if found[0] == 0:
            assert at_zero <= high_q * (1 + 1e-9)
            seen.add("zero")
        else:
            assert dense(x, y, v, found[0])[2] == pytest.approx(high_q, rel=1e-6)
            seen.add("inner")
    assert seen == {"none", "zero", "inner"}


@pytest.mark.parametrize("m", [3, 4, 6, 12])
def test_the_default_interval_is_what_quadrature_over_tau_gives(m):
    rng = np.random.default_rng(m)
    sizes, n = own.MODEL_SIZES[:m], rng.integers(20, 2000, m)
    k = rng.binomial(n, rng.uniform(0.2, 0.5, m))
    fit = meta_regression_slope(sizes, k, n)
    x, y, v = np.log10(sizes), k / n, np.array(fit.variances)
    peak = max(dense(x, y, v, t)[3] for t in np.geomspace(1e-8, 1, 200))

    def density(log_tau):
        tau = math.exp(log_tau)
        prior = math.sqrt(sum((tau / (vi + tau**2)) ** 2 for vi in v))
        return math.exp(dense(x, y, v, tau**2)[3] - peak) * prior * tau

    def below(log_tau, z):
        b, C, *_ = dense(x, y, v, math.exp(2 * log_tau))
        return density(log_tau) * scipy.stats.norm.cdf(z, b[1], math.sqrt(C[1, 1]))

    # far tails of tau (m = 3) reach beyond what matrices of doubles can follow
    ends = (-14.0, 3.0 if m == 3 else 4.0)
    points = [-6, -4, -3, -2, -1, 0]
    total = scipy.integrate.quad(density, *ends, points=points, limit=400)[0]
    for z, wanted in ((fit.interval[0], 0.025), (fit.interval[1], 0.975), (fit.slope_pp_per_decade, 0.5)):
        mass = scipy.integrate.quad(below, *ends, args=(z / 100,), points=points, limit=400)[0] / total
        assert mass == pytest.approx(wanted, abs=0.02 if m == 3 else 3e-4)
    under = scipy.integrate.quad(below, *ends, args=(0.0,), points=points, limit=400)[0] / total
    assert fit.p_value == pytest.approx(2 * min(under, 1 - under), abs=0.03 if m == 3 else 5e-4)


def test_knapp_hartung_is_the_weighted_fit_with_its_own_residual_variance():
    for method in METHODS[1:]:
        fit = meta_regression_slope(*REPORT_A, method=method, level=0.9)
        x, y = np.log10(REPORT_A[0]), np.divide(REPORT_A[1], REPORT_A[2])
        b, C, q, *_ = dense(x, y, fit.variances, (fit.tau_pp / 100) ** 2)
        inflation = q / 2 if method == "knapp_hartung" else max(1, q / 2)
        se, t = 100 * math.sqrt(inflation * C[1, 1]), scipy.stats.t.ppf(0.95, 2)
        assert fit.slope_pp_per_decade == pytest.approx(100 * b[1], rel=1e-9)
        assert fit.standard_error_pp_per_decade == pytest.approx(se, rel=1e-7)
        assert fit.interval == pytest.approx((100 * b[1] - t * se, 100 * b[1] + t * se), rel=1e-7)
        assert fit.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(100 * b[1] / se), 2), rel=1e-7)
        assert fit.rate_at_1b == pytest.approx(b[0], rel=1e-9)


def test_the_guard_holds_where_the_rates_scatter_less_than_their_noise():
    counts = [1, 2, 4, 8, 16], [50, 50, 51, 49, 50], [100] * 5
    plain, guarded = (meta_regression_slope(*counts, method=m) for m in METHODS[1:])
    assert plain.tau_pp == guarded.tau_pp == 0
    assert guarded.standard_error_pp_per_decade == pytest.approx(
        plain.standard_error_pp_per_decade / math.sqrt(plain.q_residual / 3), rel=1e-9
    )
    assert plain.standard_error_pp_per_decade < 0.3 * guarded.standard_error_pp_per_decade


def test_the_standard_error_of_the_reference_prior_is_read_from_its_95_percent_interval():
    low, high = meta_regression_slope(*REPORT_A).interval
    for level in (0.5, 0.9, 0.99):
        se = meta_regression_slope(*REPORT_A, level=level).standard_error_pp_per_decade
        assert se == pytest.approx((high - low) / (2 * scipy.stats.t.ppf(0.975, 2)), rel=1e-9)


def test_heterogeneity_shares_by_their_definitions():
    fit = meta_regression_slope(*REPORT_A)
    v, tau2, x = np.array(fit.variances), (fit.tau_pp / 100) ** 2, np.log10(fit.params_b)
    X, W = np.column_stack([np.ones(4), x]), np.diag(1 / v)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    assert fit.binomial_noise_share == pytest.approx(v.mean() / (v.mean() + tau2), rel=1e-12)
    assert fit.i_squared == pytest.approx(tau2 / (tau2 + 2 / np.trace(P)), rel=1e-9)
    assert fit.q_residual == pytest.approx(dense(x, np.divide(*REPORT_A[1:]), v, 0.0)[2], rel=1e-9)
    assert 0 < fit.binomial_noise_share < 0.05 < 0.9 < fit.i_squared < 1


# ---- second opinions --------------------------------------------------------------------------------------------------

# metafor's README (github.com/wviechtb/metafor), dat.bcg: 13 trials of BCG vaccine, log risk ratio on absolute latitude,
# rma(yi, vi, mods = ~ ablat, data=dat, test="knha"): tau^2 0.0764, I^2 68.39%, QE(df = 11) = 30.7331,
# intrcpt 0.2515 (se 0.2839), ablat -0.0291 (se 0.0082, t -3.5483, p 0.0046, -0.0472 to -0.0111)
BCG = np.array(
    [
        [4, 119, 11, 128, 44],
        [6, 300, 29, 274, 55],
        [3, 228, 11, 209, 42],
        [62, 13536, 248, 12619, 52],
        [33, 5036, 47, 5761, 13],
        [180, 1361, 372, 1079, 44],
        [8, 2537, 10, 619, 19],
        [505, 87886, 499, 87892, 13],
        [29, 7470, 45, 7232, 27],
        [17, 1699, 65, 1600, 42],
        [186, 50448, 141, 27197, 18],
        [5, 2493, 3, 2338, 33],
        [27, 16886, 29, 17825, 33],
    ],
    dtype=float,
)


def test_reproduces_the_published_metafor_analysis():
    a, b, c, d, latitude = BCG.T
    y, v = np.log((a / (a + b)) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    tau2 = float(reml_tau2(latitude, y, v))
    line, at_zero = weighted_line(latitude, y, v, np.asarray(tau2)), weighted_line(latitude, y, v, np.asarray(0.0))
    # metafor stops when tau2 moves by less than 1e-5, ours at the root of the score: 0.07635
    assert tau2 == pytest.approx(0.0764, abs=5e-5 + 1e-5)
    assert f"{math.sqrt(tau2):.4f}" == "0.2763"
    assert f"{float(at_zero.q):.4f}" == "30.7331"
    assert f"{100 * tau2 / (tau2 + 11 / float(at_zero.residual_trace)):.2f}" == "68.39"
    scale = math.sqrt(float(line.q) / 11)
    se = scale / math.sqrt(float(line.information))
    slope = float(line.slope)
    assert f"{slope:.4f} {se:.4f}" == "-0.0291 0.0082"
    assert slope / se == pytest.approx(-3.5483, abs=2e-4)
    t = scipy.stats.t.ppf(0.975, 11)
    assert f"{slope - t * se:.4f} {slope + t * se:.4f}" == "-0.0472 -0.0111"
    assert f"{2 * scipy.stats.t.sf(abs(slope / se), 11):.4f}" == "0.0046"
    height_se = scale * math.sqrt(1 / float(line.weight) + float(line.centre) ** 2 / float(line.information))
    assert f"{float(line.height) - slope * float(line.centre):.4f} {height_se:.4f}" == "0.2515 0.2839"


def test_differential_meta_regression():
    """2,000 random cases: likelihood on a grid, slope, Q and standard error from five plain sums (one pass, 2 x 2 algebra)."""
    rng = np.random.default_rng(5)
    grid = np.concatenate([[0.0], np.geomspace(1e-8, 1.0, 300)])
    boundary = 0
    for m in range(3, 13):
        # one stack per number of models: the same core, called once
        x, y, v = (np.array(column) for column in zip(*(random_case(rng, m) for _ in range(200)), strict=True))
        tau2 = reml_tau2(x, y, v)
        boundary += np.count_nonzero(tau2 == 0)
        line = weighted_line(x, y, v, tau2)
        tau2s = np.column_stack([np.broadcast_to(grid, (200, len(grid))), tau2])
        w = 1 / (v[:, None, :] + tau2s[:, :, None])
        s0, s1, s2 = w.sum(-1), (w * x[:, None, :]).sum(-1), (w * x[:, None, :] ** 2).sum(-1)
        t0, t1 = (w * y[:, None, :]).sum(-1), (w * (x * y)[:, None, :]).sum(-1)
        det = s0 * s2 - s1**2
        b = (s0 * t1 - s1 * t0) / det
        a = (t0 - b * s1) / s0
        q = (w * (y[:, None, :] - a[..., None] - b[..., None] * x[:, None, :]) ** 2).sum(-1)
        heights = 0.5 * (np.log(w).sum(-1) - np.log(det) - q)
        assert np.all(heights[:, -1] >= heights[:, :-1].max(axis=1) - 1e-6)
        np.testing.assert_allclose(line.slope, b[:, -1], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(line.q, q[:, -1], rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(1 / line.information, s0[:, -1] / det[:, -1], rtol=1e-6)
    assert 200 < boundary < 1500


def test_without_sampling_noise_it_is_ordinary_least_squares():
    """The promise of the reference prior: as the noise vanishes the interval becomes Student's, whatever the number of models."""
    for m in (3, 4, 7, 12):
        sizes, k, n = own.MODEL_SIZES[:m], list(range(20, 20 + 5 * m, 5)), [200] * m
        k[0] = 90
        line = log_scaling_slope(sizes, np.divide(k, n))
        for method in METHODS:
            fit = meta_regression_slope(sizes, k, n, variances=[1e-13] * m, method=method)
            assert fit.slope_pp_per_decade == pytest.approx(line.slope_pp_per_decade, rel=1e-8)
            assert fit.interval == pytest.approx(line.interval, rel=1e-6)
            assert fit.p_value == pytest.approx(line.p_value, rel=1e-6)
            assert fit.standard_error_pp_per_decade == pytest.approx(line.standard_error_pp_per_decade, rel=1e-6)
            assert fit.tau_pp == pytest.approx(
                100 * line.standard_error_pp_per_decade / 100 * np.std(np.log10(sizes)) * math.sqrt(m), rel=1e-5
            )


def test_with_many_models_and_no_spread_it_is_the_fixed_effect_line():
    rng = np.random.default_rng(6)
    x = np.tile(np.log10(own.MODEL_SIZES), 60)
    n = np.full(len(x), 100)
    k = rng.binomial(n, 0.3)
    fit = meta_regression_slope(10**x, k, n)
    z = scipy.stats.norm.ppf(0.975) * math.sqrt(0.21 / 100 / ((x - x.mean()) ** 2).sum())
    assert fit.interval[1] - fit.interval[0] == pytest.approx(200 * z, rel=0.05)


# ---- laws -------------------------------------------------------------------------------------------------------------


@given(sized_counts(), st.sampled_from(METHODS))
def test_law_counting_refusals_instead_turns_the_sign(counts, method):
    sizes, k, n = counts
    here = meta_regression_slope(sizes, k, n, method=method)
    there = meta_regression_slope(sizes, [b - a for a, b in zip(k, n, strict=True)], n, method=method)
    assert there.slope_pp_per_decade == pytest.approx(-here.slope_pp_per_decade, rel=1e-6, abs=1e-6)
    assert there.tau_pp == pytest.approx(here.tau_pp, rel=1e-5, abs=1e-4)
    if here.interval is not None:
        assert (-there.interval[1], -there.interval[0]) == pytest.approx(here.interval, rel=1e-5, abs=1e-5)


@given(sized_counts(), st.randoms(use_true_random=False), st.floats(0.01, 100))
def test_law_order_of_models_and_unit_of_size_are_irrelevant(counts, random, factor):
    rows = list(zip(*counts, strict=True))
    random.shuffle(rows)
    here, there = (
        meta_regression_slope(*counts),
        meta_regression_slope(*zip(*[(factor * s, k, n) for s, k, n in rows], strict=True)),
    )
    assert there.slope_pp_per_decade == pytest.approx(here.slope_pp_per_decade, rel=1e-6, abs=1e-6)
    assert there.interval == pytest.approx(here.interval, rel=1e-5, abs=1e-5)
    assert there.p_value == pytest.approx(here.p_value, rel=1e-4, abs=1e-9)


@given(sized_counts(), st.floats(0.5, 0.9), st.floats(0.91, 0.99))
def test_law_intervals_are_nested_and_contain_their_slope(counts, narrow, wide):
    inner, outer = (meta_regression_slope(*counts, level=level) for level in (narrow, wide))
    assert outer.interval[0] < inner.interval[0] <= inner.slope_pp_per_decade <= inner.interval[1] < outer.interval[1]
    assert inner.p_value == outer.p_value
    if inner.tau_interval_pp is not None and outer.tau_interval_pp is not None:
        assert outer.tau_interval_pp[0] <= inner.tau_interval_pp[0] <= inner.tau_interval_pp[1] <= outer.tau_interval_pp[1]


@given(sized_counts(), st.floats(0.6, 0.99))
def test_law_p_is_below_alpha_where_the_interval_leaves_zero_out(counts, level):
    fit = meta_regression_slope(*counts, level=level)
    assume(abs(fit.p_value - (1 - level)) > 1e-6)
    assert (fit.p_value < 1 - level) == (not fit.interval[0] <= 0 <= fit.interval[1])


@given(sized_counts())
def test_law_tau_lies_in_range_and_shares_between_zero_and_one(counts):
    fit = meta_regression_slope(*counts)
    assert 0 <= fit.tau_pp <= 200
    assert 0 <= fit.i_squared < 1
    assert 0 < fit.binomial_noise_share <= 1
    assert (fit.tau_pp == 0) == (fit.i_squared == 0) == (fit.binomial_noise_share == 1)
    assert (fit.tau_interval_pp is None) == (fit.tau_undefined_because is not None)
    assert 0 < fit.p_value <= 1
    assert fit.slope_pp_per_doubling == pytest.approx(fit.slope_pp_per_decade * math.log10(2), rel=1e-12, abs=1e-300)
    assert (fit.n, fit.residual_dof, fit.generalises_to) == (len(counts[0]), len(counts[0]) - 2, "new_models")


@given(sized_counts(), st.floats(1.1, 3.0))
def test_law_noisier_prompts_leave_less_to_the_models(counts, factor):
    """A design effect handed in through the variances lowers Q at every tau, and with it both ends of tau's interval."""
    here = meta_regression_slope(*counts)
    factor = min(factor, 0.25 / max(here.variances))
    there = meta_regression_slope(*counts, variances=[factor * v for v in here.variances])
    assert there.q_residual == pytest.approx(here.q_residual / factor, rel=1e-9, abs=1e-12)
    if there.tau_interval_pp is not None:
        assert here.tau_interval_pp is not None
        assert there.tau_interval_pp[0] <= here.tau_interval_pp[0] + 1e-6
        assert there.tau_interval_pp[1] <= here.tau_interval_pp[1] + 1e-6


def test_mixture_quantiles_invert_the_tails():
    rng = np.random.default_rng(7)
    centres, sds, mass = rng.normal(size=(3, 20)), rng.uniform(0.1, 50, (3, 20)), rng.dirichlet(np.ones(20), 3)
    probabilities = np.array([1e-9, 0.025, 0.5, 0.975, 1 - 1e-9])
    found = mixture_quantiles(centres, sds, mass, probabilities)
    for column, probability in enumerate(probabilities):
        below, above = mixture_tails(centres, sds, mass, found[:, column])
        assert below == pytest.approx(probability, rel=1e-6)
        assert above == pytest.approx(1 - probability, rel=1e-6)


def test_many_data_sets_at_once_are_each_data_set():
    """The calibration job runs the core on stacks; a stack is its members."""
    rng = np.random.default_rng(8)
    x, n = np.log10(own.MODEL_SIZES[:6]), np.array([30, 2000, 100, 500, 30, 2000])
    k = rng.binomial(n, 0.2, size=(5, 6)).astype(float)
    v = line_variances(np.broadcast_to(x, k.shape), k, n)
    together, mixture = reml_tau2(np.broadcast_to(x, k.shape), k / n, v), slope_mixture(np.broadcast_to(x, k.shape), k / n, v)
    for i in range(5):
        fit = meta_regression_slope(10**x, k[i].astype(int), n)
        assert 100 * math.sqrt(together[i]) == pytest.approx(fit.tau_pp, rel=1e-9, abs=1e-12)
        below, above = mixture_tails(mixture.line.slope[i], mixture.line.information[i] ** -0.5, mixture.mass[i], np.asarray(0.0))
        assert 2 * min(below, above) == pytest.approx(fit.p_value, rel=1e-9)


# ---- boundaries and refusals ------------------------------------------------------------------------------------------


def test_nothing_seen_anywhere_is_slope_zero_with_an_interval():
    """0 of 30 four times: no slope, no spread, but no certainty either."""
    for k in (0, 30):
        fit = meta_regression_slope([1, 2, 4, 8], [k] * 4, [30] * 4)
        assert (fit.slope_pp_per_decade, fit.tau_pp, fit.p_value) == (pytest.approx(0, abs=1e-12), 0, pytest.approx(1, abs=1e-15))
        assert fit.interval[0] < -5 < 5 < fit.interval[1]
        assert fit.variances == pytest.approx([0.5 / 31 * 30.5 / 31 / 30] * 4)
        assert fit.tau_interval_pp is None
        assert "scatter less" in fit.tau_undefined_because


def test_plain_knapp_hartung_does_not_scale_by_nothing():
    fit = meta_regression_slope([1, 2, 4, 8], [0] * 4, [30] * 4, method="knapp_hartung")
    assert (fit.interval, fit.p_value, fit.standard_error_pp_per_decade) == (None, None, None)
    assert "on the fitted line" in fit.undefined_because
    assert meta_regression_slope([1, 2, 4, 8], [0] * 4, [30] * 4, method="knapp_hartung_guarded").p_value == 1


def test_a_models_own_luck_does_not_set_its_weight():
    """Two models of 100 traces about the same line weigh the same, whether they drew 0 or 4 at a rate of 2 %."""
    fit = meta_regression_slope([1, 10, 100, 1, 10, 100], [0, 2, 4, 4, 2, 0], [100] * 6)
    assert np.ptp(fit.variances) < 1e-15
    assert fit.variances[0] == pytest.approx(0.02 * 0.98 / 100)


def test_default_variances_follow_the_line_and_stay_half_a_trace_inside():
    x = np.array([0.0, 1.0, 2.0])
    k, n = np.array([0.0, 50.0, 99.0]), np.array([100.0, 100.0, 100.0])
    got = line_variances(x, k, n)
    fitted = np.polyval(np.polyfit(x, k / n, 1), x)
    inside = np.clip(fitted, 0.5 / 101, 100.5 / 101)
    assert got == pytest.approx(inside * (1 - inside) / n, rel=1e-9)
    assert fitted[0] < 0.5 / 101
    assert got[0] == pytest.approx(0.5 / 101 * 100.5 / 101 / 100)


def test_given_variances_are_used_and_said():
    fit = meta_regression_slope(*REPORT_A, variances=[1e-4, 2e-4, 3e-4, 4e-4])
    assert (fit.variances, fit.variances_given) == ((1e-4, 2e-4, 3e-4, 4e-4), True)
    assert not meta_regression_slope(*REPORT_A).variances_given
    assert (fit.params_b, fit.successes, fit.trials) == tuple(tuple(column) for column in REPORT_A)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"params_b": [1, 1, 2, 2]}, InsufficientData, "at least 3 distinct sizes, got 2"),
        ({"params_b": [1, 2, 3, 0]}, DomainError, "params_b must be positive"),
        ({"params_b": [1, 2, 3]}, DomainError, "same length, got 3 and 4"),
        ({"successes": [1, 2, 3, 9]}, DomainError, "got 9 of 8 at position 3"),
        ({"trials": [8, 8, 0, 8]}, DomainError, "trials must be at least 1"),
        ({"successes": [0.1, 0.2, 0.3, 0.4]}, DomainError, "whole numbers, got dtype float64"),
        ({"variances": [1e-3] * 3}, DomainError, "params_b and variances must have the same length, got 4 and 3"),
        ({"variances": [1e-3, 0, 1e-3, 1e-3]}, DomainError, "variances must be positive"),
        ({"variances": [25.0] * 4}, DomainError, "cannot exceed 0.25, got 25; divide squared percent by 10,000"),
        ({"method": "reml"}, DomainError, "method must be one of 'reference_prior'"),
        ({"level": 95}, DomainError, "95 % is written 0.95"),
    ],
)
def test_refuses(change, error, message):
    arguments = {"params_b": [1, 2, 3, 4], "successes": [1, 2, 3, 2], "trials": [8] * 4} | change
    with pytest.raises(error, match=message):
        meta_regression_slope(**arguments)
