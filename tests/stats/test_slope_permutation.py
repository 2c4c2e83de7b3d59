"""Permutation tests of a slope, the policy that chooses among tests, and what sizes can test at all."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    distinct_sizes,
    log_scaling_slope,
    permutation_slope_test,
    size_slope_test,
    smallest_attainable_p,
    spread_decades,
    within_group_slope,
)

ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])
SIDES = st.sampled_from(["doubled", "abs_slope"])
OBLITERATUS = [0.8, 1.9, 4.2, 9.0], [486 / 487, 615 / 649, 789 / 1008, 1095 / 2019]


def brute_force(sizes, rates, groups, alternative, two_sided):
    """Slopes of all permutations of the models within their groups; the p of each, the observed one first."""
    x, y, g = np.log10(sizes), np.array(rates), np.array(groups)
    members = [np.flatnonzero(g == name) for name in dict.fromkeys(groups)]
    for index in members:
        x[index] -= x[index].mean()
    slopes = []
    for orders in itertools.product(*(itertools.permutations(index) for index in members)):
        shuffled = y.copy()
        for index, order in zip(members, orders, strict=True):
            shuffled[index] = y[list(order)]
        slopes.append(x @ shuffled / (x @ x))
    slopes = np.array(slopes)
    above = np.array([(slopes >= s - 1e-9).mean() for s in slopes])
    below = np.array([(slopes <= s + 1e-9).mean() for s in slopes])
    if alternative != "two-sided":
        ps = above if alternative == "greater" else below
    elif two_sided == "doubled":
        ps = np.minimum(1, 2 * np.minimum(above, below))
    else:
        ps = np.array([(abs(slopes) >= abs(s) - 1e-9).mean() for s in slopes])
    return ps[0], ps.min()


@given(own.sized_rates(max_models=6), ALTERNATIVES, SIDES)
def test_p_and_floor_are_those_of_all_permutations(data, alternative, two_sided):
    sizes, rates = data
    got = permutation_slope_test(sizes, rates, alternative=alternative, two_sided=two_sided)
    p, floor = brute_force(sizes, rates, ["all"] * len(sizes), alternative, two_sided)
    assert got.method == "exact_permutation"
    assert got.p_value == pytest.approx(p, abs=1e-12)
    assert got.p_floor == pytest.approx(floor, abs=1e-12)
    assert got.p_floor_of_sizes <= got.p_floor + 1e-12 or two_sided == "abs_slope"


@given(own.grouped_rates().filter(lambda d: len(d[0]) <= 8), ALTERNATIVES, SIDES)
def test_within_groups_too(data, alternative, two_sided):
    sizes, rates, groups = data
    got = permutation_slope_test(sizes, rates, groups=groups, alternative=alternative, two_sided=two_sided)
    p, floor = brute_force(sizes, rates, groups, alternative, two_sided)
    assert got.p_value == pytest.approx(p, abs=1e-12)
    assert got.p_floor == pytest.approx(floor, abs=1e-12)
    assert got.groups == tuple(groups)
    assert got.slope_pp_per_decade == pytest.approx(within_group_slope(*data).slope_pp_per_decade, abs=1e-9)


def test_agrees_with_scipy_permutation_test():
    sizes, rates = [0.5, 1.8, 4, 7, 14, 72], [0.43, 0.74, 0.27, 0.40, 0.34, 0.36]
    x = np.log10(sizes)
    other = scipy.stats.permutation_test(
        (rates,), lambda y: scipy.stats.linregress(x, y).slope, permutation_type="pairings", n_resamples=np.inf
    )
    assert permutation_slope_test(sizes, rates).p_value == pytest.approx(other.pvalue, abs=1e-12)


@given(own.sized_rates(untied=True, max_models=7))
def test_untied_models_have_floor_two_over_n_factorial(data):
    got = permutation_slope_test(*data)
    assert got.p_floor == got.p_floor_of_sizes == pytest.approx(2 / math.factorial(got.n), rel=1e-12)
    assert got.arrangements == math.factorial(got.n)
    assert got.p_value >= got.p_floor


@given(own.sized_rates(), ALTERNATIVES)
def test_slope_is_that_of_the_line(data, alternative):
    got = permutation_slope_test(*data, alternative=alternative)
    assert got.slope_pp_per_decade == pytest.approx(log_scaling_slope(*data).slope_pp_per_decade, abs=1e-9)


@given(own.sized_rates(max_models=6))
def test_counting_refusals_instead_swaps_the_tails(data):
    sizes, rates = data
    refusals = [1 - r for r in rates]
    assume(len(set(rates)) == len(set(refusals)))
    here = permutation_slope_test(sizes, rates, alternative="greater")
    there = permutation_slope_test(sizes, refusals, alternative="less")
    assert here.p_value == pytest.approx(there.p_value, abs=1e-12)


def test_four_models_in_perfect_order_are_not_significant():
    """By |slope| this arrangement would count 1/24 = .042 if it rose instead: a quirk of the spacing, not evidence."""
    falling = permutation_slope_test(*OBLITERATUS)
    assert falling.p_value == falling.p_floor == pytest.approx(2 / 24)
    rising = permutation_slope_test(OBLITERATUS[0], OBLITERATUS[1][::-1])
    assert rising.p_value == pytest.approx(2 / 24)
    by_steepness = [
        permutation_slope_test(OBLITERATUS[0], r, two_sided="abs_slope").p_value for r in (OBLITERATUS[1], OBLITERATUS[1][::-1])
    ]
    assert sorted(by_steepness) == pytest.approx([1 / 24, 2 / 24])


def test_equal_rates_are_no_evidence():
    got = permutation_slope_test([1, 2, 4, 8], [0.1 + 0.2, 0.3, 0.3, 0.3])
    assert (got.slope_pp_per_decade, got.p_value, got.p_floor, got.arrangements) == (0, 1, 1, 1)


def test_monte_carlo_is_near_the_exact_p_repeatable_and_never_zero():
    sizes, rates = [0.5, 1.8, 4, 7, 14, 32, 72], [0.43, 0.74, 0.27, 0.40, 0.34, 0.28, 0.36]
    exact = permutation_slope_test(sizes, rates)
    drawn = permutation_slope_test(sizes, rates, method="monte_carlo_permutation")
    assert drawn.p_value == pytest.approx(exact.p_value, abs=5 * math.sqrt(exact.p_value / 99_999))
    assert drawn == permutation_slope_test(sizes, rates, method="monte_carlo_permutation")
    assert drawn.p_value != permutation_slope_test(sizes, rates, method="monte_carlo_permutation", rng=3).p_value
    steep = permutation_slope_test(own.MODEL_SIZES, np.linspace(0, 1, 14))
    assert (steep.method, steep.arrangements) == ("monte_carlo_permutation", 99_999)
    assert steep.p_value == steep.p_floor == 2e-5


@pytest.mark.parametrize("seed", range(6))
def test_monte_carlo_never_goes_below_the_floor(seed):
    """At the floor itself about half of the random shares fall below it."""
    got = permutation_slope_test(*OBLITERATUS, method="monte_carlo_permutation", rng=seed)
    assert got.p_floor == pytest.approx(2 / 24)
    assert got.p_value >= got.p_floor


def test_monte_carlo_within_groups_is_near_the_exact_p():
    sizes = [1, 3, 9, 27, 2, 6, 18]
    rates, groups = [0.1, 0.2, 0.15, 0.4, 0.6, 0.5, 0.9], list("aaaabbb")
    exact = permutation_slope_test(sizes, rates, groups=groups)
    drawn = permutation_slope_test(sizes, rates, groups=groups, method="monte_carlo_permutation")
    assert exact.arrangements == 24 * 6
    assert drawn.p_value == pytest.approx(exact.p_value, abs=5 * math.sqrt(exact.p_value / 99_999))


@pytest.mark.parametrize(
    ("sizes", "groups", "message"),
    [
        ([8, 70, 70], None, "at least 3 distinct sizes, got 2"),
        ([8, 8], None, "at least 3 distinct sizes, got 1; add models of other sizes"),
        ([], None, "at least 3 distinct sizes, got 0"),
        ([8, 70, 8], ["a", "b", "c"], "none of the 3 groups has two distinct sizes"),
        ([8, 70, 8], ["a", "a", "b"], "at least 3 distinct sizes, got 2"),
    ],
)
def test_refuses_too_few_sizes(sizes, groups, message):
    with pytest.raises(InsufficientData, match=message):
        permutation_slope_test(sizes, [0.1] * len(sizes), groups=groups)


def test_refuses_an_exact_p_too_dear():
    with pytest.raises(DomainError, match=r"needs 8.72e\+10 arrangements, more than 400,000; use method='auto'"):
        permutation_slope_test(own.MODEL_SIZES, np.linspace(0, 1, 14), method="exact_permutation")


@pytest.mark.parametrize("argument", ["alternative", "two_sided", "method"])
def test_refuses_unknown_words(argument):
    with pytest.raises(DomainError, match=f"{argument} must be one of"):
        permutation_slope_test([1, 2, 3], [0.1, 0.2, 0.3], **{argument: "either"})


# ---- the policy -----------------------------------------------------------------------------------------------------


@given(own.sized_rates(max_models=8), ALTERNATIVES)
def test_up_to_eight_models_the_permutation_decides(data, alternative):
    got = size_slope_test(*data, alternative=alternative)
    exact = permutation_slope_test(*data, alternative=alternative)
    assert (got.p_value, got.p_floor, got.method) == (exact.p_value, exact.p_floor, "exact_permutation")
    assert got.slope == log_scaling_slope(*data)
    assert (got.n, got.alternative, got.generalises_to) == (len(data[0]), alternative, "new_models")


@given(own.sized_rates(min_models=9, max_models=14, untied=True), ALTERNATIVES)
def test_beyond_eight_models_student_decides(data, alternative):
    got = size_slope_test(*data, alternative=alternative)
    other = scipy.stats.linregress(np.log10(data[0]), data[1], alternative=alternative).pvalue
    assert got.method == "ols_t"
    assert got.p_value == pytest.approx(max(other, got.p_floor), rel=1e-5)
    assert 0 < got.p_floor <= got.p_value
    if alternative == "two-sided":
        assert got.p_floor == pytest.approx(2 / math.factorial(got.n))


def test_with_groups_the_permutation_stays_within():
    sizes, rates, groups = [1, 2, 4, 30, 60, 120], [0.5, 0.4, 0.3, 0.9, 0.8, 0.75], list("aaabbb")
    got = size_slope_test(sizes, rates, groups=iter(groups))
    assert got.p_value == got.p_floor == pytest.approx(2 / 36)
    assert got.slope == within_group_slope(sizes, rates, groups)


def test_without_scatter_the_permutation_stands_in():
    sizes = own.MODEL_SIZES[:10]
    flat = size_slope_test(sizes, [0.25] * 10)
    assert (flat.p_value, flat.method) == (1, "exact_permutation")
    line = size_slope_test(sizes, 0.3 + 0.1 * np.log10(sizes))
    assert (line.p_value, line.method) == (2e-5, "monte_carlo_permutation")


def test_policy_refuses_an_unknown_alternative():
    with pytest.raises(DomainError, match="alternative must be one of"):
        size_slope_test([1, 2, 3], [0.1, 0.2, 0.3], alternative="up")


# ---- what sizes can test --------------------------------------------------------------------------------------------


@given(own.sized_rates(max_models=6))
def test_no_rates_beat_the_floor_of_their_sizes(data):
    sizes, rates = data
    floor = smallest_attainable_p(sizes)
    assert permutation_slope_test(sizes, rates).p_value >= floor - 1e-12
    best = permutation_slope_test(sizes, np.argsort(np.argsort(sizes, kind="stable")) / 10)
    assert best.p_value == pytest.approx(floor, abs=1e-12)


@pytest.mark.parametrize(
    ("sizes", "groups", "alternative", "floor"),
    [
        ([0.8, 1.9, 4.2, 9.0], None, "two-sided", 2 / 24),
        ([0.8, 1.9, 4.2, 9.0], None, "less", 1 / 24),
        ([1.24, 3.21, 8.03, 70.6, 70.6, 405.9], None, "two-sided", 4 / 720),
        ([7, 7, 7], None, "two-sided", 1),
        ([7], None, "two-sided", 1),
        ([4, 27, 8, 70], ["g", "g", "l", "l"], "two-sided", 1 / 2),
        ([4, 27, 8, 70], ["g", "g", "l", "l"], "greater", 1 / 4),
    ],
)
def test_floor_of_sizes(sizes, groups, alternative, floor):
    assert smallest_attainable_p(sizes, groups=groups, alternative=alternative) == pytest.approx(floor, rel=1e-14)


def test_spread_and_distinct_sizes():
    assert spread_decades([4, 27]) == pytest.approx(math.log10(27 / 4))
    assert spread_decades([24]) == 0
    assert distinct_sizes([70.6, 1, 70.6]) == (1, 70.6)
    assert distinct_sizes([]) == ()


@pytest.mark.parametrize("function", [spread_decades, smallest_attainable_p])
def test_no_sizes_are_refused(function):
    with pytest.raises(InsufficientData, match="give at least one model with a known size"):
        function([])
