"""Spearman's correlation and its permutation p."""

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import spearman_test

ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])
SIDES = st.sampled_from(["abs_rho", "doubled_tail"])


def brute_force(x, y, alternative, two_sided):
    """All n! assignments of whole-number midranks; the p of every one of them, the observed one first."""
    a = np.rint(2 * scipy.stats.rankdata(x)).astype(int) - (len(x) + 1)
    b = np.rint(2 * scipy.stats.rankdata(y)).astype(int) - (len(y) + 1)
    sums = np.array([a @ np.array(p) for p in itertools.permutations(b)])
    above = np.array([(sums >= t).mean() for t in sums])
    below = np.array([(sums <= t).mean() for t in sums])
    if alternative == "two-sided":
        doubled = np.minimum(1, 2 * np.minimum(above, below))
        ps = doubled if two_sided == "doubled_tail" else np.array([(abs(sums) >= abs(t)).mean() for t in sums])
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
    > pspearman(36, 10)
    [1] 0.005265377
    > spearman.test(1:10, c(5:1, 6, 10:7), approximation = "exact")$p.value
    [1] 0.05443067
    and x = (10, 10, 20, 30, 30) against 1..5 printed as 0.0666667 (statistics.md, section 5.4).
    """
    assert round(spearman_test([10, 10, 20, 30, 30], [1, 2, 3, 4, 5]).p_value, 7) == 0.0666667
    assert round(spearman_test(range(1, 11), [5, 4, 3, 2, 1, 6, 10, 9, 8, 7]).p_value, 8) == 0.05443067
    order = [3, 2, 1, 0, 6, 5, 4, 7, 9, 8]  # 20 + 8 + 2 = 30, and 6 more below
    order[7:] = [9, 8, 7]
    assert sum((i - j) ** 2 for i, j in enumerate(order)) == 36
    assert round(spearman_test(range(10), order, alternative="greater").p_value, 9) == 0.005265377


def test_asymmetric_ties_tell_the_two_definitions_apart():
    x, y = [1, 2, 2, 3, 3], [1, 1, 2, 2, 3]
    assert spearman_test(x, y).p_value == pytest.approx(1 / 6)
    assert spearman_test(x, y, two_sided="doubled_tail").p_value == pytest.approx(4 / 15)


def test_where_scipy_and_r_double_the_smaller_tail():
    """Statistics.md: two-sided is 0.2857 by the doubled tail and 0.2143 by |rho| where ties are asymmetric."""
    x, y = [0, 2, 2, 2, 3, 3, 3, 3], [3, 3, 1, 0, 0, 3, 0, 0]
    assert round(spearman_test(x, y).p_value, 4) == 0.2143
    assert round(spearman_test(x, y, two_sided="doubled_tail").p_value, 4) == 0.2857


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_agrees_with_scipys_permutation_test(alternative):
    """scipy's two-sided doubles the smaller tail."""
    x, y = [1, 2, 2, 3, 5, 6], [2, 1, 3, 3, 4, 7]

    def statistic(moved):
        return scipy.stats.spearmanr(moved, y).statistic

    theirs = scipy.stats.permutation_test((x,), statistic, permutation_type="pairings", alternative=alternative, n_resamples=np.inf)
    ours = spearman_test(x, y, alternative=alternative, two_sided="doubled_tail")
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-12)
    assert ours.rho == pytest.approx(theirs.statistic, rel=1e-12)


@given(st.integers(8, 26), st.randoms(use_true_random=False), ALTERNATIVES, SIDES)
def test_law_untied_p_is_a_whole_number_of_permutations_and_falls_with_rho(n, random, alternative, two_sided):
    orders = [random.sample(range(n), n) for _ in range(2)]
    near, far = sorted((spearman_test(range(n), y, two_sided=two_sided) for y in orders), key=lambda test: abs(test.rho))
    assert far.p_value <= near.p_value
    got = spearman_test(range(n), orders[0], alternative=alternative, two_sided=two_sided)
    exactly = Fraction(round(Fraction(got.p_value) * math.factorial(n)), math.factorial(n))
    assert float(exactly) == pytest.approx(got.p_value, rel=1e-15)
    assert (got.method, got.p_error, got.n) == ("exact", 0, n)
    assert spearman_test(range(n), orders[0], two_sided=two_sided).p_value == pytest.approx(
        spearman_test(orders[0], [-k for k in range(n)], two_sided=two_sided).p_value, rel=1e-15
    )


# a fifth of the profile's examples: each takes a tenth of a second
@settings(max_examples=max(5, settings.default.max_examples // 5))
@given(own.tied_columns(), ALTERNATIVES, SIDES)
def test_law_the_moments_bar_covers_the_exact_p(columns, alternative, two_sided):
    exact = spearman_test(*columns, alternative=alternative, two_sided=two_sided)
    got = spearman_test(*columns, alternative=alternative, two_sided=two_sided, method="moments")
    assert got.method == "moments"
    assert abs(got.p_value - exact.p_value) <= got.p_error + 1e-12
    assert got.p_floor == exact.p_floor <= got.p_value <= 1
    assert got.rho == exact.rho


def test_60_models_are_answered_at_once_with_an_error_bar():
    rng = np.random.default_rng(7)
    x, y = np.repeat(np.arange(30), 2), np.round(rng.random(60) * 20) / 20
    start = time.process_time()
    got = spearman_test(x, y)
    assert time.process_time() - start < 5
    assert got.method == "moments"
    assert 0 < got.p_error < 0.01
    drawn = spearman_test(x, y, method="monte_carlo")
    assert abs(drawn.p_value - got.p_value) < 2 * (got.p_error + drawn.p_error)


def test_28_untied_pairs_continue_the_tables():
    """Beyond the tables the doubt is in the sixth digit; the p of equal rho falls smoothly from n = 26 to 28."""
    swapped = [i ^ 1 if i < 20 else 45 - i for i in range(26)]
    exact, moments = (spearman_test(range(26), swapped, method=method) for method in ("exact", "moments"))
    assert abs(exact.p_value - moments.p_value) <= moments.p_error
    got = spearman_test(range(28), np.random.default_rng(2).permutation(28))
    assert got.method == "moments"
    assert got.p_error < 1e-3 * got.p_value


def test_the_t_approximation_is_named_and_has_no_known_error():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=12), rng.normal(size=12)
    for alternative in ("two-sided", "greater", "less"):
        got = spearman_test(x, y, alternative=alternative, method="t_approximation")
        assert (got.method, got.p_error) == ("t_approximation", None)
        assert got.p_value == pytest.approx(scipy.stats.spearmanr(x, y, alternative=alternative).pvalue, rel=1e-10)


def test_the_t_approximation_is_hundreds_of_times_off_in_the_tail_and_ours_is_counted():
    """n = 22, rho = .9887: R's AS 89 and everyone's t are lost there (statistics.md); the table counts 2.4 million permutations."""
    x, y = range(22), [*range(18), 21, 20, 19, 18]
    exact, t = spearman_test(x, y), spearman_test(x, y, method="t_approximation")
    assert exact.p_value / t.p_value > 300
    assert 0 < exact.p_floor == 2 / math.factorial(22) < exact.p_value
    assert exact.p_value * math.factorial(22) == pytest.approx(2_428_880, rel=1e-3)


def test_the_t_approximation_never_goes_below_the_floor():
    got = spearman_test(range(12), range(12), method="t_approximation")
    assert got.p_value == got.p_floor == pytest.approx(2 / math.factorial(12))
    assert spearman_test(range(12), range(12), alternative="less", method="t_approximation").p_value == 1


@pytest.mark.parametrize("method", ["moments", "t_approximation"])
@pytest.mark.parametrize("n", [171, 1_500])
def test_p_and_floor_stay_above_zero_for_many_pairs(n, method):
    got = spearman_test(range(n), range(n), method=method)
    assert 0 < got.p_floor <= got.p_value < 1e-12


def test_the_floor_of_many_tied_pairs_goes_over_to_logarithms_without_a_step():
    """One different value among n reaches its extreme with probability 1 / n; two equal halves with 1 / C(n, n / 2)."""
    for n in (999, 1_001):
        x, halves = [0] * (n - 1) + [1], [0] * (n // 2) + [1] * (n - n // 2)
        assert spearman_test(x, range(n), alternative="greater").p_floor == pytest.approx(1 / n, rel=1e-9)
        floor = spearman_test(halves, halves, alternative="greater", method="moments").p_floor
        assert floor == pytest.approx(1 / math.comb(n, n // 2), rel=1e-8)


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


def test_the_monte_carlo_bar_is_the_clopper_pearson_interval():
    """p = .5 from 99,999 draws: 1.96 sqrt(p (1 - p) / m), doubled where the tail is."""
    x, y = [1, 2, 3, 4, 5, 6, 7], [2, 1, 3, 5, 4, 7, 6]
    one = spearman_test(x, y, method="monte_carlo", alternative="greater")
    two = spearman_test(x, y, method="monte_carlo", two_sided="doubled_tail")
    assert one.p_error == pytest.approx(1.96 * math.sqrt(one.p_value * (1 - one.p_value) / 99_999), rel=0.1)
    assert two.p_value == 2 * one.p_value
    assert two.p_error == pytest.approx(2 * one.p_error)


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


@pytest.mark.parametrize(
    ("x", "y", "cost"),
    [
        (range(27), range(27), "more than can be planned for"),
        ([i // 4 for i in range(40)], [i // 3 for i in range(40)], r"\d\.?\d?e\+\d+ additions and \d\.?\d?e\+\d+ bytes"),
    ],
)
def test_refuses_an_exact_p_too_dear_and_names_the_cost(x, y, cost):
    with pytest.raises(DomainError, match=rf"needs {cost}, and the budget is 3e\+09 and 2e\+09; use method='moments'"):
        spearman_test(x, y, method="exact")
    assert spearman_test(x, y).method == "moments"


@pytest.mark.parametrize("argument", ["alternative", "two_sided", "method"])
def test_refuses_unknown_words(argument):
    with pytest.raises(DomainError, match=f"{argument} must be one of"):
        spearman_test([1, 2, 3], [1, 2, 3], **{argument: "either"})
