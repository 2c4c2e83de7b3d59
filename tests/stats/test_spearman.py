"""Spearman's correlation and its permutation p."""

import itertools
import math
import time

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import spearman_test

ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])
SIDES = st.sampled_from(["abs_rho", "doubled"])


def brute_force(x, y, alternative, two_sided):
    """All n! assignments of whole-number midranks; the p of every one of them, the observed one first."""
    a = np.rint(2 * scipy.stats.rankdata(x)).astype(int) - (len(x) + 1)
    b = np.rint(2 * scipy.stats.rankdata(y)).astype(int) - (len(y) + 1)
    sums = np.array([a @ np.array(p) for p in itertools.permutations(b)])
    above = np.array([(sums >= t).mean() for t in sums])
    below = np.array([(sums <= t).mean() for t in sums])
    if alternative == "two-sided":
        doubled = np.minimum(1, 2 * np.minimum(above, below))
        ps = doubled if two_sided == "doubled" else np.array([(abs(sums) >= abs(t)).mean() for t in sums])
    else:
        ps = above if alternative == "greater" else below
    return ps[0], ps.min()


@given(own.tied_columns(max_pairs=6), ALTERNATIVES, SIDES)
def test_p_and_floor_are_those_of_all_assignments(columns, alternative, two_sided):
    got = spearman_test(*columns, alternative=alternative, two_sided=two_sided)
    p, floor = brute_force(*columns, alternative, two_sided)
    assert got.method == "exact"
    assert got.p_value == pytest.approx(p, abs=1e-12)
    assert got.p_floor == pytest.approx(floor, abs=1e-12)
    assert got.x == tuple(map(float, columns[0]))
    assert got.y == tuple(map(float, columns[1]))


@given(own.tied_columns(max_pairs=9))
def test_rho_agrees_with_scipy(columns):
    assert spearman_test(*columns).rho == pytest.approx(scipy.stats.spearmanr(*columns).statistic, abs=1e-12)


@given(own.tied_columns(), ALTERNATIVES, SIDES)
def test_only_the_order_counts(columns, alternative, two_sided):
    x, y = columns
    here = spearman_test(x, y, alternative=alternative, two_sided=two_sided)
    stretched = spearman_test(np.exp(x), np.power(y, 3.0), alternative=alternative, two_sided=two_sided)
    assert (here.rho, here.p_value, here.p_floor) == (stretched.rho, stretched.p_value, stretched.p_floor)


@given(own.tied_columns(), ALTERNATIVES, SIDES, st.randoms(use_true_random=False))
def test_order_of_pairs_and_swap_of_columns_are_irrelevant(columns, alternative, two_sided, random):
    pairs = list(zip(*columns, strict=True))
    random.shuffle(pairs)
    y, x = (list(column) for column in zip(*pairs, strict=True))
    here = spearman_test(*columns, alternative=alternative, two_sided=two_sided)
    there = spearman_test(x, y, alternative=alternative, two_sided=two_sided)
    assert (here.rho, here.p_value, here.p_floor) == (there.rho, there.p_value, there.p_floor)


@given(own.tied_columns(), SIDES)
def test_reversal_keeps_the_two_sided_p_and_swaps_the_tails(columns, two_sided):
    x, y = columns
    back = [-value for value in y]
    assert spearman_test(x, back).rho == -spearman_test(x, y).rho
    assert spearman_test(x, back, two_sided=two_sided).p_value == spearman_test(x, y, two_sided=two_sided).p_value
    assert spearman_test(x, back, alternative="less").p_value == spearman_test(x, y, alternative="greater").p_value


@given(own.tied_columns(max_pairs=6))
def test_p_is_a_whole_number_of_assignments(columns):
    n = len(columns[0])
    assignments = spearman_test(*columns).p_value * math.factorial(n)
    assert assignments == pytest.approx(round(assignments), abs=1e-6)


# two-sided floors 2/n!, untied: n = 4 .0833, 5 .0167, 6 .0028 (../shared/reference/statistics.md, section 4)
@pytest.mark.parametrize(("n", "printed"), [(4, 0.0833), (5, 0.0167), (6, 0.0028)])
def test_perfect_order_reaches_the_floor_and_not_zero(n, printed):
    got = spearman_test(range(n), range(n, 0, -1))
    assert got.rho == -1
    assert got.p_value == got.p_floor == pytest.approx(2 / math.factorial(n))
    assert round(got.p_value, 4) == printed


def test_where_scipy_says_zero():
    """scipy.stats.spearmanr gives p = 0.0 at rho = -1, n = 4; ours is 1/12."""
    assert scipy.stats.spearmanr([1, 2, 3, 4], [4, 3, 2, 1]).pvalue == 0
    assert spearman_test([1, 2, 3, 4], [4, 3, 2, 1]).p_value == pytest.approx(1 / 12, abs=1e-15)


def test_matches_the_pspearman_documentation():
    """
    R pspearman 0.3-1, its help page
    > spearman.test(1:10, c(5:1, 6, 10:7), approximation = "exact")$p.value
    [1] 0.05443067
    Ten untied pairs are beyond enumeration; six of them are checked against their own enumeration above, and the tied
    example (10, 10, 20, 30, 30) against 1..5 is printed as 0.0666667.
    """
    assert round(spearman_test([10, 10, 20, 30, 30], [1, 2, 3, 4, 5]).p_value, 7) == 0.0666667
    monte_carlo = spearman_test(range(1, 11), [5, 4, 3, 2, 1, 6, 10, 9, 8, 7], method="monte_carlo").p_value
    assert monte_carlo == pytest.approx(0.05443067, abs=4 * math.sqrt(0.0544 * 0.9456 / 99_999))


def test_asymmetric_ties_tell_the_two_definitions_apart():
    x, y = [1, 2, 2, 3, 3], [1, 1, 2, 2, 3]
    assert spearman_test(x, y).p_value == pytest.approx(1 / 6)
    assert spearman_test(x, y, two_sided="doubled").p_value == pytest.approx(4 / 15)


def test_beyond_enumeration_the_t_approximation_is_named():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=12), rng.normal(size=12)
    got = spearman_test(x, y)
    assert got.method == "t_approximation"
    assert got.p_value == pytest.approx(scipy.stats.spearmanr(x, y).pvalue, rel=1e-10)
    for alternative in ("greater", "less"):
        other = scipy.stats.spearmanr(x, y, alternative=alternative).pvalue
        assert spearman_test(x, y, alternative=alternative).p_value == pytest.approx(other, rel=1e-10)


def test_the_t_approximation_never_goes_below_the_floor():
    got = spearman_test(range(12), range(12))
    assert got.p_value == got.p_floor == pytest.approx(2 / math.factorial(12))
    assert spearman_test(range(12), range(12), alternative="less").p_value == 1


def test_monte_carlo_is_near_the_exact_p_repeatable_and_never_zero():
    x, y = [1, 2, 3, 4, 5, 6, 7], [2, 1, 3, 5, 4, 7, 6]
    exact, drawn = spearman_test(x, y), spearman_test(x, y, method="monte_carlo")
    assert exact.method == "exact"
    assert drawn.method == "monte_carlo"
    assert drawn.p_value == pytest.approx(exact.p_value, abs=5 * math.sqrt(exact.p_value / 99_999))
    assert drawn == spearman_test(x, y, method="monte_carlo")
    assert drawn.p_value != spearman_test(x, y, method="monte_carlo", rng=3).p_value
    perfect = spearman_test(range(20), range(20), method="monte_carlo")
    assert perfect.p_value == perfect.p_floor == 1e-5


def test_nine_untied_pairs_are_enumerated_within_seconds():
    start = time.perf_counter()
    got = spearman_test(range(9), [3, 1, 4, 0, 5, 8, 2, 6, 7])
    assert got.method == "exact"
    assert time.perf_counter() - start < 5
    assert got.p_value * math.factorial(9) == pytest.approx(round(got.p_value * math.factorial(9)), abs=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([1, 2], [1, 2], InsufficientData, "at least 3 pairs, got 2"),
        ([1, 2, 3], [5, 5, 5], InsufficientData, "all 3 values of y equal 5; a constant has no rank order"),
        ([7.5] * 4, [1, 2, 3, 4], InsufficientData, "all 4 values of x equal 7.5"),
        ([1, 2, 3], [1, 2], DomainError, "x and y must have the same length, got 3 and 2"),
        ([1, 2, math.nan], [1, 2, 3], DomainError, "x must be finite, got nan at position 2"),
        ([1, 2, None], [1, 2, 3], DomainError, "x must hold real numbers, got dtype object"),
    ],
)
def test_refuses(x, y, error, message):
    with pytest.raises(error, match=message):
        spearman_test(x, y)


def test_refuses_an_exact_p_too_dear():
    with pytest.raises(DomainError, match=r"needs 3\.63e\+06 arrangements, more than 400,000"):
        spearman_test(range(10), range(10), method="exact")


@pytest.mark.parametrize("argument", ["alternative", "two_sided", "method"])
def test_refuses_unknown_words(argument):
    with pytest.raises(DomainError, match=f"{argument} must be one of"):
        spearman_test([1, 2, 3], [1, 2, 3], **{argument: "either"})
