"""Power of the slope test by quadrature, and the floors of exact tests."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, slope_power, smallest_attainable_p, spearman_power_floor, spearman_test
from safescale.stats._noncentral import noncentrality_with_power, t_critical, t_power
from stats.planning_strategies import alphas, alternatives, designs, noises

# ---- non-central t --------------------------------------------------------------------------------------------------


def test_differential_power_agrees_with_the_non_central_f():
    """Two-sided power is the tail of F(1, df) with noncentrality nc^2: 3,000 cases, df 1 to 100,000, nc to 60, alpha 1e-6 to .5."""
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(3000):
        df = int(rng.choice([1, 2, 3, 5, 19, 100, 1000, 100_000]))
        nc = float(rng.uniform(0.1, rng.choice([5, 60])))
        alpha = float(10 ** rng.uniform(-6, -0.3))
        t = scipy.stats.t.isf(alpha / 2, df)
        worst = max(worst, abs(t_power(nc, df, alpha, "two-sided") - scipy.stats.ncf.sf(t * t, 1, df, nc * nc)))
    print(f"3000 cases: largest difference from ncf {worst:.1e}")
    assert worst < 1e-12


def exact_tail(nc, df, t):
    """P(T > t) in 30 digits: the normal tail over the density of S = sqrt(chi2/df)."""
    with mpmath.workdps(30):
        half = mpmath.mpf(df) / 2
        constant = 2 * half**half / mpmath.gamma(half)
        turn = min(max(mpmath.mpf(nc) / t, mpmath.mpf(1) / 4), 8)
        cuts = sorted({mpmath.mpf(0), turn / 2, turn, 2 * turn, mpmath.mpf(1), mpmath.mpf(12)})
        return mpmath.quad(lambda s: mpmath.ncdf(nc - t * s) * constant * s ** (df - 1) * mpmath.exp(-half * s * s), cuts)


@pytest.mark.parametrize(
    ("nc", "df", "alpha"), [(2.9, 19, 0.05), (-2.0, 3, 0.05), (1.0, 1, 0.05), (5.0, 2, 0.01), (-4.0, 19, 0.05), (0.3, 1, 0.001)]
)
def test_one_sided_power_in_thirty_digits(nc, df, alpha):
    """Where scipy's nct gives NaN (gh-25106): negative effects, far tails. Ours keeps 12 digits of a power of 4e-9."""
    t = t_critical(df, alpha, "greater")
    assert t_power(nc, df, alpha, "greater") == pytest.approx(float(exact_tail(nc, df, t)), rel=1e-11)
    assert t_power(-nc, df, alpha, "less") == t_power(nc, df, alpha, "greater")


def test_no_nan_on_the_grid_where_scipy_has_them():
    """statistics.md: scipy's nct.cdf(-t) is NaN on 13 % of a plain grid."""
    grid = [(nc, df) for nc in np.linspace(0, 40, 41) for df in (1, 2, 3, 5, 10, 19, 50, 100, 500)]
    for alternative in ("two-sided", "greater", "less"):
        ours = [t_power(nc, df, 0.05, alternative) for nc, df in grid]
        assert np.all(np.isfinite(ours))
        assert 0 <= min(ours) <= max(ours) <= 1


@given(st.floats(0.06, 0.999), st.integers(1, 5000), alternatives())
def test_law_noncentrality_put_back_gives_the_power(power, dof, alternative):
    nc = noncentrality_with_power(power, dof, 0.05, alternative)
    assert nc > 0
    assert t_power(-nc if alternative == "less" else nc, dof, 0.05, alternative) == pytest.approx(power, abs=1e-9)


# ---- slopes ---------------------------------------------------------------------------------------------------------


@given(st.integers(3, 200), st.floats(-80, 80), st.floats(0.1, 2), noises(), alphas(), alternatives())
def test_law_power_is_the_mass_beyond_the_critical_value(n, slope, spread, noise, alpha, alternative):
    got = slope_power(n, slope_pp_per_decade=slope, size_sd_decades=spread, alpha=alpha, alternative=alternative, **noise)
    if "residual_sd" in noise:
        variance = noise["residual_sd"] ** 2
        assert got.binomial_share is None
    else:
        p = noise["base_rate"]
        binomial = noise["design_effect"] * p * (1 - p) / noise["trials"]
        variance = (noise["tau_pp"] / 100) ** 2 + binomial
        assert got.binomial_share == pytest.approx(binomial / variance)
    assert got.residual_sd == pytest.approx(math.sqrt(variance))
    se = 100 * math.sqrt(variance / n) / spread
    assert got.standard_error_pp_per_decade == pytest.approx(se)
    assert got.noncentrality == pytest.approx(slope / se)
    assert got.power == t_power(got.noncentrality, n - 2, alpha, alternative)
    assert got.slope_pp_per_doubling == pytest.approx(slope * math.log10(2))
    assert (got.n_models, got.residual_dof, got.alpha, got.generalises_to) == (n, n - 2, alpha, "new_models")


@given(st.integers(3, 200), st.floats(0.1, 2), noises(), alphas(), alternatives())
def test_law_no_slope_has_power_alpha(n, spread, noise, alpha, alternative):
    got = slope_power(n, slope_pp_per_decade=0, size_sd_decades=spread, alpha=alpha, alternative=alternative, **noise)
    assert got.power == pytest.approx(alpha, rel=1e-9)


@given(st.integers(3, 100), st.floats(0.5, 60), st.floats(0.1, 2), noises(), alphas())
def test_law_more_of_everything_helps(n, slope, spread, noise, alpha):
    def power(n=n, slope=slope, spread=spread, alpha=alpha, alternative="two-sided"):
        options = {"slope_pp_per_decade": slope, "size_sd_decades": spread, "alpha": alpha, "alternative": alternative}
        return slope_power(n, **options, **noise).power

    here = power() - 1e-12
    assert power(n=n + 1) >= here
    assert power(slope=1.1 * slope) >= here
    assert power(spread=1.1 * spread) >= here
    assert power(alpha=min(0.9, 2 * alpha)) >= here
    assert power(alternative="greater") >= here
    assert power(slope=-slope) == pytest.approx(power(), abs=1e-12)
    assert power(slope=-slope, alternative="less") == power(alternative="greater")


@pytest.mark.parametrize("n", [4, 8, 21])
def test_power_by_simulation_of_the_fitted_slope(n):
    """4,000 fitted slopes of normal rates; the share that a t test rejects."""
    rng = np.random.default_rng(n)
    x = np.linspace(0, 2, n)
    rates = 0.5 + 0.08 * (x - 1) + rng.normal(0, 0.07, (4000, n))
    u = x - x.mean()
    b = rates @ u / (u @ u)
    residual = rates - rates.mean(axis=1, keepdims=True) - np.outer(b, u)
    se = np.sqrt((residual**2).sum(axis=1) / (n - 2) / (u @ u))
    share = np.mean(np.abs(b / se) > scipy.stats.t.isf(0.025, n - 2))
    # the same p as that of the library's own fit
    fit = log_scaling_slope(10**x, rates[0])
    assert fit.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(b[0] / se[0]), n - 2), rel=1e-6)
    got = slope_power(n, slope_pp_per_decade=8, size_sd_decades=float(x.std()), residual_sd=0.07).power
    print(f"{n} models: simulated power {share:.3f}, computed {got:.3f}")
    assert share == pytest.approx(got, abs=4 * math.sqrt(got * (1 - got) / 4000))


NOISE = {"slope_pp_per_decade": 5, "size_sd_decades": 0.5}


@pytest.mark.parametrize(
    ("n", "options", "error", "message"),
    [
        (2, {**NOISE, "residual_sd": 0.1}, InsufficientData, "at least 3 models, got 2"),
        (5, NOISE, DomainError, "tau_pp, trials, base_rate is missing"),
        (5, {**NOISE, "tau_pp": 5, "trials": 100}, DomainError, "base_rate is missing"),
        (5, {**NOISE, "residual_sd": 0.1, "tau_pp": 5}, DomainError, "do not pass tau_pp beside it"),
        (5, {**NOISE, "residual_sd": 0.1, "design_effect": 2}, DomainError, "do not pass design_effect beside it"),
        (5, {**NOISE, "residual_sd": 7}, DomainError, "divide percentage points by 100"),
        (5, {**NOISE, "residual_sd": 0}, DomainError, "residual_sd must be positive, got 0"),
        (5, {**NOISE, "tau_pp": -1, "trials": 9, "base_rate": 0.5}, DomainError, r"tau_pp must lie in \[0, 50\]"),
        (5, {**NOISE, "tau_pp": 1, "trials": 0, "base_rate": 0.5}, DomainError, "trials must be at least 1 per model, got 0"),
        (5, {**NOISE, "tau_pp": 1, "trials": 9, "base_rate": 0.0}, DomainError, "base_rate must lie strictly between 0 and 1"),
        (
            5,
            {**NOISE, "tau_pp": 1, "trials": 9, "base_rate": 0.5, "design_effect": 0},
            DomainError,
            "design_effect must be positive",
        ),
        (5, {"slope_pp_per_decade": 5, "size_sd_decades": 0, "residual_sd": 0.1}, DomainError, "size_sd_decades must be positive"),
        (5, {**NOISE, "residual_sd": 0.1, "alpha": 5}, DomainError, "alpha must lie strictly between 0 and 1"),
        (5, {**NOISE, "residual_sd": 0.1, "alternative": "up"}, DomainError, "alternative must be one of"),
    ],
)
def test_refuses_a_slope(n, options, error, message):
    with pytest.raises(error, match=message):
        slope_power(n, **options)


# ---- floors of rank tests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "printed"), [(4, 0.0833), (5, 0.0167), (6, 0.0028)])
def test_floors_are_those_of_the_reference(n, printed):
    """2/n!: statistics.md, section 4."""
    got = spearman_power_floor(range(1, n + 1))
    assert round(got.p_floor, 4) == printed
    assert got.p_floor == 2 / math.factorial(n)
    assert got.attainable == (n >= 5)
    assert got.models_needed == 5


@pytest.mark.parametrize("n", [3, 4, 5, 6])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_a_perfect_order_reaches_the_floor(n, alternative):
    sizes = list(range(1, n + 1))
    rates = [0.1 * (-i if alternative == "less" else i) for i in sizes]
    p = spearman_test(sizes, rates, alternative=alternative).p_value
    assert spearman_power_floor(sizes, alternative=alternative).p_floor == pytest.approx(p)


@given(designs(max_models=9), st.integers(1, 20), alphas(), alternatives())
def test_law_models_needed_is_the_first_that_can_reject(sizes, tests, alpha, alternative):
    got = spearman_power_floor(sizes, tests=tests, alpha=alpha, alternative=alternative)
    assert got.p_floor == smallest_attainable_p(sizes, alternative=alternative)
    assert got.attainable == (tests * got.p_floor <= alpha)
    enough = spearman_power_floor(range(1, got.models_needed + 1), tests=tests, alpha=alpha, alternative=alternative)
    assert enough.attainable
    if got.models_needed > 2:
        assert not spearman_power_floor(range(1, got.models_needed), tests=tests, alpha=alpha, alternative=alternative).attainable
    assert (got.tests, got.n_models, got.params_b) == (tests, len(sizes), tuple(map(float, sizes)))


@pytest.mark.parametrize(
    ("sizes", "options", "error", "message"),
    [
        ([], {}, InsufficientData, "no permutation of no models"),
        ([1, -1], {}, DomainError, "params_b must be positive"),
        ([1, 2], {"tests": 0}, DomainError, "tests must be at least 1, got 0"),
        ([1, 2], {"alpha": 1}, DomainError, "alpha must lie strictly"),
        ([1, 2], {"alternative": "up"}, DomainError, "alternative must be one of"),
    ],
)
def test_refuses_a_floor(sizes, options, error, message):
    with pytest.raises(error, match=message):
        spearman_power_floor(sizes, **options)
