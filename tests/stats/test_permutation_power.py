"""Power of the permutation test of a slope: the very rejections of `size_slope_test`, exact sizes, laws, speed."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    minimum_detectable_slope,
    permutation_detectable_slope,
    permutation_slope_power,
    permutation_slope_test,
    size_slope_test,
    slope_power,
    smallest_attainable_p,
)
from safescale.stats._permutation_thresholds import thresholds

SIX = [0.5, 1.2, 3.0, 8.0, 20.0, 50.0]
# sizes, groups, alpha: untied, tied, five models, one more than permutation takes on, lineages
DESIGNS = {
    "five": ([0.5, 1.2, 3.0, 8.0, 20.0], None, 0.05),
    "six": (SIX, None, 0.05),
    "tied": ([1, 1, 3, 3, 10, 10], None, 0.05),
    "uneven": ([1, 1.1, 1.2, 1.3, 100], None, 0.2),
    "eight": ([0.5, 1, 2, 4, 8, 16, 32, 64], None, 0.01),
    "nine, by t": ([0.5, 1, 2, 4, 8, 16, 32, 64, 128], None, 0.05),
    "two lineages": ([1, 3, 10, 1, 3, 10, 7], list("aaabbbb"), 0.1),
}


def draws(sizes, sds, repeats, seed):
    return np.random.default_rng(seed).standard_normal((repeats, len(sizes))) * sds


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("case", DESIGNS)
def test_rejects_exactly_the_draws_that_size_slope_test_rejects(case, alternative):
    """Definition: the same draws, each put through the test itself; slopes up, down and none."""
    sizes, groups, alpha = DESIGNS[case]
    # a test of eight models takes 30 ms
    repeats, sds = (12 if case == "eight" else 40), np.linspace(0.01, 0.03, len(sizes))
    codes = None if groups is None else np.array(["ab".index(group) for group in groups])
    found = thresholds(np.log10(sizes), codes, sds, alternative, alpha, repeats, np.random.default_rng(7), p_floor=0.0)
    rejections = 0
    for slope in (0.0, 0.02, -0.03):
        y = np.log10(sizes) * slope + draws(sizes, sds, repeats, 7)
        tests = [size_slope_test(sizes, one, groups=groups, alternative=alternative, quantity="difference") for one in y]
        assert found.rejected(slope).tolist() == [test.p_value <= alpha for test in tests]
        assert {found.method} == {test.method for test in tests}
        rejections += int(found.rejected(slope).sum())
    assert rejections > 0


def test_power_is_the_share_of_draws_that_permutation_slope_test_rejects():
    """Through the public door, noise in its parts, at a slope where about half reject."""
    variances = np.linspace(0.01, 0.04, 6) ** 2
    found = permutation_slope_power(SIX, 5, tau_pp=1, variances=variances, repeats=300, rng=3)
    y = np.log10(SIX) * 0.05 + draws(SIX, np.sqrt(0.01**2 + variances), 300, 3)
    assert found.power == np.mean([permutation_slope_test(SIX, one, quantity="difference").p_value <= 0.05 for one in y])
    assert 0.2 < found.power < 0.8
    assert (found.method, found.arrangements) == ("exact_permutation", 720)


def test_many_arrangements_in_groups_are_judged_by_random_ones_as_the_test_judges_them():
    """Three lineages of five: 1.7 million arrangements; the test draws 99,999 of them and the power 1,999, and they agree."""
    sizes, groups = [0.5, 1.6, 5, 16, 50] * 3, list("aaaaabbbbbccccc")
    codes = np.repeat(np.arange(3), 5)
    noise = np.random.default_rng(5)
    found = thresholds(np.log10(sizes), codes, np.full(15, 0.10), "two-sided", 0.05, 400, noise, p_floor=0.0)
    assert (found.method, found.arrangements) == ("monte_carlo_permutation", 1999)
    y = np.log10(sizes) * 0.10 + draws(sizes, 0.10, 400, 5)
    tests = [size_slope_test(sizes, one, groups=groups, quantity="difference").p_value <= 0.05 for one in y[:60]]
    assert 20 < sum(tests) < 55
    assert np.count_nonzero(found.rejected(0.10)[:60] != tests) <= 2
    power = permutation_slope_power(sizes, 10, residual_sd=0.10, groups=groups, repeats=4000)
    assert abs(power.power - slope_power_within(sizes, groups, 0.10, 0.10)) < 0.03


def slope_power_within(sizes, groups, slope, sd):
    """Power of the t test of a slope within groups: non-central t, written out."""
    import scipy.stats

    x, labels = np.log10(sizes), np.array(groups)
    x = x - np.array([x[labels == label].mean() for label in labels])
    dof = len(x) - len(set(groups)) - 1
    critical, delta = scipy.stats.t.ppf(0.975, dof), slope * math.sqrt(float(x @ x)) / sd
    return scipy.stats.nct.sf(critical, dof, delta) + scipy.stats.nct.cdf(-critical, dof, delta)


@pytest.mark.parametrize(("models", "alpha"), [(5, 0.05), (6, 0.05), (6, 0.01), (7, 0.05)])
def test_without_a_slope_it_is_the_exact_size_of_the_test(models, alpha):
    """Exchangeable noise: the size is the share of arrangements that may reject, a multiple of 2/n!."""
    sizes = np.geomspace(0.5, 50, models)
    found = permutation_slope_power(sizes, 0, residual_sd=0.05)
    exact = 2 * math.floor(alpha * math.factorial(models) / 2 + 1e-9) / math.factorial(models)
    found = permutation_slope_power(sizes, 0, residual_sd=0.05, alpha=alpha)
    assert abs(found.power - exact) <= 4 * found.monte_carlo_error
    assert found.p_floor == smallest_attainable_p(sizes)


def test_of_nine_models_it_is_the_power_of_t():
    """A second opinion from the non-central t."""
    sizes = np.geomspace(0.5, 50, 9)
    found = permutation_slope_power(sizes, 8, residual_sd=0.07, repeats=40_000)
    exact = slope_power(9, slope_pp_per_decade=8, size_sd_decades=float(np.std(np.log10(sizes))), residual_sd=0.07)
    assert (found.method, found.arrangements) == ("ols_t", None)
    assert abs(found.power - exact.power) <= 4 * found.monte_carlo_error
    detectable = permutation_detectable_slope(sizes, residual_sd=0.07, repeats=40_000)
    assert detectable.slope_pp_per_decade == pytest.approx(
        minimum_detectable_slope(sizes, residual_sd=0.07).slope_pp_per_decade, rel=0.02
    )


def test_four_models_find_nothing_however_steep():
    found = permutation_slope_power([1, 3, 10, 30], 1000, residual_sd=0.001)
    assert (found.power, found.p_floor) == (0.0, pytest.approx(1 / 12))
    assert found.interval[1] > 0
    assert found.monte_carlo_error > 0
    with pytest.raises(
        InsufficientData, match=r"no slope can be found: the smallest p of these 4 sizes is 0.0833, above alpha 0.05"
    ):
        permutation_detectable_slope([1, 3, 10, 30], residual_sd=0.05)


def test_the_floor_of_tied_sizes_holds_for_the_t_test_too():
    """Nine models at two and one sizes: `size_slope_test` never goes below the floor of the sizes, nor does the power."""
    sizes = [1, 1, 1, 1, 1, 1, 1, 1, 10, 100]
    floor = smallest_attainable_p(sizes)
    assert size_slope_test(sizes, [0.1, 0.1001] * 4 + [0.5, 0.9]).p_value == floor
    assert permutation_slope_power(sizes, 1000, residual_sd=0.001, alpha=floor * 0.99).power == 0
    assert permutation_slope_power(sizes, 1000, residual_sd=0.001, alpha=floor * 1.01).power == 1


@settings(max_examples=15)
@given(st.floats(0.1, 40), st.sampled_from(["two-sided", "greater", "less"]))
def test_law_power_at_the_detectable_slope_is_the_power(sd_pp, alternative):
    """Put back; and just below it, it is less."""
    found = permutation_detectable_slope(SIX, power=0.7, residual_sd=sd_pp / 100, alternative=alternative, repeats=1000)
    assert 0.7 <= found.at.power <= 0.705
    again = permutation_slope_power(SIX, found.slope_pp_per_decade, residual_sd=sd_pp / 100, alternative=alternative, repeats=1000)
    assert again == found.at
    below = permutation_slope_power(
        SIX, 0.97 * found.slope_pp_per_decade, residual_sd=sd_pp / 100, alternative=alternative, repeats=1000
    )
    assert below.power <= found.at.power
    assert math.copysign(1, found.slope_pp_per_decade) == (-1 if alternative == "less" else 1)
    assert found.interval[0] <= found.slope_pp_per_decade <= found.interval[1]


@settings(max_examples=15)
@given(st.lists(st.sampled_from(own.MODEL_SIZES), min_size=4, max_size=6, unique=True), st.floats(-30, 30), st.integers(0, 99))
def test_law_twice_the_slope_with_twice_the_noise_is_the_same_power(sizes, slope, seed):
    options = {"alpha": 0.2, "repeats": 300, "rng": seed}
    one = permutation_slope_power(sizes, slope, residual_sd=0.05, **options)
    assert permutation_slope_power(sizes, 2 * slope, residual_sd=0.10, **options).power == one.power
    # sizes in another unit, and the same noise given in its parts
    other = permutation_slope_power([1000 * s for s in sizes], slope, tau_pp=4, variances=[0.03**2] * len(sizes), **options)
    assert other.power == one.power
    assert other.sds == pytest.approx([0.05] * len(sizes))


def test_law_power_rises_with_the_slope_and_falls_with_the_noise():
    powers = [permutation_slope_power(SIX, slope, residual_sd=0.05, repeats=2000).power for slope in (0, 5, 10, 20, 50)]
    assert powers == sorted(powers)
    assert powers[0] < 0.08
    assert powers[-1] == 1.0
    noisy = [permutation_slope_power(SIX, 10, tau_pp=tau, variances=[1e-4] * 6, repeats=2000).power for tau in (0, 3, 5, 10)]
    assert noisy == sorted(noisy, reverse=True)


def test_a_one_sided_test_finds_its_own_direction_only():
    up, down = (permutation_slope_power(SIX, 20, residual_sd=0.05, alternative=a, repeats=1000).power for a in ("greater", "less"))
    assert up > permutation_slope_power(SIX, 20, residual_sd=0.05, repeats=1000).power
    assert down == 0.0


def test_very_unequal_variances_show_in_the_size():
    """A permutation test takes models to scatter alike: noisy small models move its size away from alpha, and it is printed."""
    found = permutation_slope_power(SIX, 0, tau_pp=0, variances=[0.09, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4])
    assert abs(found.power - 0.05) > 0.02


def test_10_000_repeats_of_six_models_take_less_than_2_s():
    start = time.process_time()
    permutation_slope_power(SIX, 15, tau_pp=5, variances=[1e-4] * 6, repeats=10_000)
    assert time.process_time() - start < 2.0


def test_the_seed_is_fixed_and_may_be_given():
    one = permutation_slope_power(SIX, 10, residual_sd=0.05, repeats=500)
    assert one == permutation_slope_power(SIX, 10, residual_sd=0.05, repeats=500, rng=20_260_630)
    assert one == permutation_slope_power(SIX, 10, residual_sd=0.05, repeats=500, rng=np.random.default_rng(20_260_630))
    assert one.power != permutation_slope_power(SIX, 10, residual_sd=0.05, repeats=500, rng=1).power


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "the noise needs residual_sd, or tau_pp and variances; tau_pp and variances is missing"),
        ({"tau_pp": 5}, "the noise needs residual_sd, or tau_pp and variances; variances is missing"),
        ({"residual_sd": 0.1, "tau_pp": 5}, "residual_sd already holds all noise; do not pass tau_pp beside it"),
        ({"residual_sd": 5}, r"residual_sd must be a fraction in \(0, 1\], got 5"),
        ({"residual_sd": 0}, "residual_sd must be positive"),
        ({"tau_pp": 60, "variances": [0.01] * 6}, r"tau_pp must lie in \[0, 50\] percentage points"),
        ({"tau_pp": 5, "variances": [0.01] * 5}, "params_b and variances must have the same length, got 6 and 5"),
        ({"tau_pp": 5, "variances": [0.01] * 5 + [0]}, "variances must be positive"),
        ({"tau_pp": 5, "variances": [2.0] * 6}, "variances cannot exceed 1, got 2"),
        ({"residual_sd": 0.1, "repeats": 99}, "repeats must be at least 100, got 99"),
        ({"residual_sd": 0.1, "repeats": 1e4}, "repeats must be a whole number"),
        ({"residual_sd": 0.1, "alternative": "up"}, "alternative must be one of"),
        ({"residual_sd": 0.1, "alpha": 5}, "alpha must lie strictly between 0 and 1"),
        ({"residual_sd": 0.1, "rng": "seed"}, "rng must be a numpy Generator"),
        ({"residual_sd": 0.1, "groups": list("aab")}, "groups and params_b must have the same length, got 3 and 6"),
    ],
)
def test_refuses(options, message):
    for call in (lambda **kw: permutation_slope_power(SIX, 10, **kw), lambda **kw: permutation_detectable_slope(SIX, **kw)):
        with pytest.raises(DomainError, match=message):
            call(**options)


def test_refuses_what_no_test_is_made_of():
    with pytest.raises(InsufficientData, match="a slope needs at least 3 distinct sizes, got 2"):
        permutation_slope_power([1, 1, 3, 3], 10, residual_sd=0.05)
    with pytest.raises(InsufficientData, match="none of the 3 groups has two distinct sizes"):
        permutation_slope_power([1, 3, 10], 10, residual_sd=0.05, groups=list("abc"))
    with pytest.raises(DomainError, match="power must exceed alpha"):
        permutation_detectable_slope(SIX, power=0.05, residual_sd=0.05)
