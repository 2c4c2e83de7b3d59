"""The minimum detectable slope, put back into the power."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    MinimumDetectableSlope,
    detectable_slope_of_standard_error,
    minimum_detectable_slope,
    slope_power,
)
from stats.planning_strategies import alphas, alternatives, designs, noises

PER_DECADE = 1 / math.log10(2)
POWERS = st.one_of(st.just(0.8), st.floats(0.35, 0.99))


@given(designs(), noises(), POWERS, alphas(), alternatives())
def test_law_put_back_into_the_power_it_is_just_found(sizes, noise, power, alpha, alternative):
    got = minimum_detectable_slope(sizes, power=power, alpha=alpha, alternative=alternative, **noise)
    slope = -got.slope_pp_per_decade if alternative == "less" else got.slope_pp_per_decade
    spread = float(np.log10(sizes).std())
    back = slope_power(len(sizes), slope_pp_per_decade=slope, size_sd_decades=spread, alpha=alpha, alternative=alternative, **noise)
    assert back.power == pytest.approx(power, abs=1e-9)
    assert got.standard_error_pp_per_decade == pytest.approx(back.standard_error_pp_per_decade, rel=1e-9)
    assert got.residual_sd == pytest.approx(back.residual_sd, rel=1e-9)
    assert got.binomial_share == (None if back.binomial_share is None else pytest.approx(back.binomial_share))
    assert got.slope_pp_per_doubling == pytest.approx(got.slope_pp_per_decade * math.log10(2))
    assert got.possible == (got.slope_pp_per_decade * np.ptp(np.log10(sizes)) <= 100)
    assert (got.n_models, got.residual_dof, got.params_b) == (len(sizes), len(sizes) - 2, tuple(map(float, sizes)))
    assert got.generalises_to == "new_models"


def test_reproduces_report_b():
    """published-claims.md B: SE .0128 per doubling, 21 models: 3.8 pp per doubling is the least that is found."""
    got = detectable_slope_of_standard_error(1.28 * PER_DECADE, 21)
    print(f"report B: minimum detectable slope {got.slope_pp_per_doubling:.3f} pp per doubling")
    assert round(got.slope_pp_per_doubling, 1) == 3.8
    assert got.slope_pp_per_decade == pytest.approx(got.slope_pp_per_doubling * PER_DECADE)
    # the normal quantiles, which are often written, give 3.6
    assert 1.28 * (scipy.stats.norm.isf(0.025) + scipy.stats.norm.isf(0.2)) == pytest.approx(3.59, abs=0.005)


def test_differential_minimum_detectable_slope():
    """scipy: the root in nc of 1 - ncfdtr(1, df, nc^2, t^2) - power, by brentq; 2,000 seeded cases."""
    import scipy.optimize

    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(2000):
        n, alpha, power = int(rng.integers(4, 120)), float(rng.uniform(0.005, 0.2)), float(rng.uniform(0.3, 0.99))
        t2 = scipy.special.stdtrit(n - 2, alpha / 2) ** 2

        def missing(nc, n=n, t2=t2, power=power):
            # scipy's NaN far above the power stands for power 1
            return 1 - np.nan_to_num(scipy.special.ncfdtr(1, n - 2, nc * nc, t2)) - power

        expected = scipy.optimize.brentq(missing, 1e-3, 40 + 6 * math.sqrt(t2), xtol=1e-12)
        got = detectable_slope_of_standard_error(2.5, n, power=power, alpha=alpha)
        worst = max(worst, abs(got.slope_pp_per_decade / (2.5 * expected) - 1))
    print(f"2000 cases: largest relative difference from scipy's root {worst:.1e}")
    assert worst < 1e-8


@given(designs(), st.floats(0, 20), st.floats(0.05, 0.95), st.integers(0, 2**32))
def test_law_unequal_trials_enter_each_by_its_model(sizes, tau_pp, base_rate, seed):
    """Var(b) = sum x_i^2 v_i / (sum x_i^2)^2, written out."""
    trials = np.random.default_rng(seed).integers(1, 2000, len(sizes))
    got = minimum_detectable_slope(sizes, tau_pp=tau_pp, trials=trials, base_rate=base_rate, design_effect=2.0)
    x = np.log10(sizes) - np.log10(sizes).mean()
    v = (tau_pp / 100) ** 2 + 2.0 * base_rate * (1 - base_rate) / trials
    weights = x / (x @ x)
    assert got.standard_error_pp_per_decade == pytest.approx(100 * math.sqrt(weights**2 @ v))
    assert got.trials == tuple(trials.tolist())
    assert got.residual_sd == pytest.approx(math.sqrt(v.mean()))
    assert got.binomial_share == pytest.approx(1 - (tau_pp / 100) ** 2 / v.mean())
    equal = minimum_detectable_slope(sizes, tau_pp=tau_pp, trials=[400] * len(sizes), base_rate=base_rate)
    single = minimum_detectable_slope(sizes, tau_pp=tau_pp, trials=400, base_rate=base_rate)
    assert equal.slope_pp_per_decade == pytest.approx(single.slope_pp_per_decade, rel=1e-12)
    assert equal.trials == single.trials == (400,) * len(sizes)


@given(designs(), st.floats(0.01, 100), noises())
def test_law_the_unit_of_size_is_irrelevant(sizes, unit, noise):
    here = minimum_detectable_slope(sizes, **noise)
    there = minimum_detectable_slope([unit * size for size in sizes], **noise)
    assert there.slope_pp_per_decade == pytest.approx(here.slope_pp_per_decade, rel=1e-9)


@given(designs(), noises())
def test_law_twice_the_models_find_less(sizes, noise):
    assert (
        minimum_detectable_slope(sizes * 2, **noise).slope_pp_per_decade
        < minimum_detectable_slope(sizes, **noise).slope_pp_per_decade
    )


def test_endless_prompts_leave_tau():
    """Four models, 10 pp between them: a million prompts each change next to nothing."""
    sizes = [0.8, 1.9, 4.2, 9.0]
    few, endless = (minimum_detectable_slope(sizes, tau_pp=10, trials=n, base_rate=0.5) for n in (500, 1_000_000))
    assert endless.slope_pp_per_decade > 0.95 * few.slope_pp_per_decade
    assert few.binomial_share < 0.1


def test_a_slope_that_no_rates_can_have_is_named():
    got = minimum_detectable_slope([1, 2, 4], tau_pp=10, trials=100, base_rate=0.5)
    assert got.possible is False
    assert got.slope_pp_per_decade * math.log10(4) > 100
    assert detectable_slope_of_standard_error(4, 21).possible is None


def test_the_inputs_travel_with_the_answer():
    got = minimum_detectable_slope([1, 2, 4, 8], tau_pp=5, trials=200, base_rate=0.3, design_effect=1.5, power=0.9, alpha=0.01)
    assert isinstance(got, MinimumDetectableSlope)
    assert (got.tau_pp, got.trials, got.base_rate, got.design_effect) == (5, (200,) * 4, 0.3, 1.5)
    assert (got.power, got.alpha, got.alternative) == (0.9, 0.01, "two-sided")


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 9, 21])
def test_simulated_studies_find_it_as_often_as_promised(n):
    """Binomial rates of models with spread tau about the line: 3,000 studies, a t test each."""
    rng = np.random.default_rng(n)
    sizes = np.geomspace(0.5, 70, n)
    mds = minimum_detectable_slope(sizes, tau_pp=4, trials=300, base_rate=0.5)
    x = np.log10(sizes) - np.log10(sizes).mean()
    p = np.clip(0.5 + mds.slope_pp_per_decade / 100 * x + rng.normal(0, 0.04, (3000, n)), 0, 1)
    rates = rng.binomial(300, p) / 300
    b = rates @ x / (x @ x)
    residual = rates - rates.mean(axis=1, keepdims=True) - np.outer(b, x)
    se = np.sqrt((residual**2).sum(axis=1) / (n - 2) / (x @ x))
    found = np.mean(np.abs(b / se) > scipy.stats.t.isf(0.025, n - 2))
    print(f"{n} models: {mds.slope_pp_per_decade:.1f} pp per decade is found in {found:.3f} of the studies")
    assert found == pytest.approx(0.8, abs=0.035)


SIZES = [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("sizes", "options", "error", "message"),
    [
        ([1, 2], {"residual_sd": 0.1}, InsufficientData, "at least 3 models, got 2"),
        ([2, 2, 2], {"residual_sd": 0.1}, InsufficientData, "all 3 models have the same size"),
        ([1, 2, 0], {"residual_sd": 0.1}, DomainError, "params_b must be positive"),
        (SIZES, {}, DomainError, "tau_pp, trials, base_rate is missing"),
        (SIZES, {"residual_sd": 0.1, "trials": 10}, DomainError, "do not pass trials beside it"),
        (SIZES, {"tau_pp": 5, "trials": [1, 2], "base_rate": 0.5}, DomainError, "same length, got 4 and 2"),
        (SIZES, {"tau_pp": 5, "trials": [1, 2, 0, 3], "base_rate": 0.5}, DomainError, "got 0 at position 2"),
        (SIZES, {"tau_pp": 5, "trials": 2.5, "base_rate": 0.5}, DomainError, "trials must be a whole number"),
        (SIZES, {"residual_sd": 0.1, "power": 0.05}, DomainError, "power must exceed alpha, got 0.05 and 0.05"),
        (SIZES, {"residual_sd": 0.1, "power": 80}, DomainError, "power must lie strictly between 0 and 1"),
        (SIZES, {"residual_sd": 0.1, "alternative": "up"}, DomainError, "alternative must be one of"),
    ],
)
def test_refuses(sizes, options, error, message):
    with pytest.raises(error, match=message):
        minimum_detectable_slope(sizes, **options)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 21), DomainError, "standard_error_pp_per_decade must be positive, got 0"),
        ((1, 2), InsufficientData, "at least 3 models, got 2"),
        ((math.nan, 21), DomainError, "must be finite"),
    ],
)
def test_refuses_a_standard_error(arguments, error, message):
    with pytest.raises(error, match=message):
        detectable_slope_of_standard_error(*arguments)
