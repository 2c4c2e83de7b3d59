"""Kendall's correlation, its permutation p, and the agreement of two leaderboards."""

import itertools
import math
import time
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import kendall_tau, kendall_test
from safescale.stats._concordance import inversion_counts, null_of_s, tie_blocks, variance_of_s
from stats.trend_strategies import ALTERNATIVES


def s_of(x, y):
    """Pair by pair, from the definition."""
    return sum(int(np.sign((x[j] - x[i]) * (y[j] - y[i]))) for i, j in itertools.combinations(range(len(x)), 2))


def all_scores(x, y):
    """S of every one of the n! assignments."""
    orders = np.array(list(itertools.permutations(y)))
    s = np.zeros(len(orders), dtype=int)
    for i, j in itertools.combinations(range(len(x)), 2):
        s += np.sign(x[j] - x[i]) * np.sign(orders[:, j] - orders[:, i])
    return Counter(s.tolist())


def share(scores, s, alternative):
    extreme = {
        "greater": lambda t: t >= s,
        "less": lambda t: t <= s,
        "two-sided": lambda t: abs(t) >= abs(s),
    }[alternative]
    return Fraction(sum(c for t, c in scores.items() if extreme(t)), sum(scores.values()))


@given(own.tied_columns(max_pairs=6), ALTERNATIVES)
def test_p_and_floor_are_those_of_all_assignments(columns, alternative):
    x, y = columns
    scores, got = all_scores(x, y), kendall_test(x, y, alternative=alternative)
    assert got.method == "exact"
    assert got.concordant - got.discordant == s_of(x, y)
    assert got.p_value == pytest.approx(float(share(scores, s_of(x, y), alternative)), rel=1e-14)
    assert got.p_floor == pytest.approx(float(min(share(scores, s, alternative) for s in scores)), rel=1e-14)
    assert (got.n, got.x, got.y) == (len(x), tuple(map(float, x)), tuple(map(float, y)))


def test_differential_kendall():
    """2,000 random tables of ties: the whole distribution is brute force's, count by count; tau is scipy's."""
    rng = np.random.default_rng(20260630)
    compared, known = 0, {}
    for _ in range(2000):
        n = int(rng.integers(3, 6))
        x, y = (rng.integers(0, int(rng.integers(2, 7)), n) for _ in range(2))
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        key = (tie_blocks(x), tie_blocks(y))
        if key not in known:
            known[key] = all_scores(np.sort(x), np.sort(y))
            scores, counts = null_of_s(*key)
            ours = {s: Fraction(c, sum(counts)) for s, c in zip(scores, counts, strict=True) if c}
            assert ours == {s: Fraction(c, math.factorial(n)) for s, c in known[key].items()}
        alternative = ("two-sided", "greater", "less")[compared % 3]
        got = kendall_test(x, y, alternative=alternative)
        assert got.p_value == pytest.approx(float(share(known[key], s_of(x, y), alternative)), rel=1e-14)
        assert got.tau_b == pytest.approx(scipy.stats.kendalltau(x, y).statistic, abs=1e-14)
        compared += 1
    for _ in range(2000):
        n = int(rng.integers(3, 40))
        x, y = rng.permutation(n), rng.permutation(n)
        alternative = ("two-sided", "greater", "less")[compared % 3]
        other = scipy.stats.kendalltau(x, y, method="exact", alternative=alternative)
        got = kendall_test(x, y, alternative=alternative)
        assert (got.tau_b, got.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-11)
        compared += 1
    print(f"kendall: {compared} cases, {len(known)} tie patterns by brute force")
    assert compared > 3400


@pytest.mark.parametrize(
    ("x", "y"), [([1, 1, 1, 1, 2, 2, 3], [1, 2, 2, 3, 3, 3, 3]), ([1, 1, 1, 2, 3, 3, 4], [0, 0, 1, 2, 2, 2, 3])]
)
def test_seven_points_with_lopsided_ties_on_both_sides(x, y):
    scores, (grid, counts) = all_scores(x, y), null_of_s(tie_blocks(np.array(x)), tie_blocks(np.array(y)))
    assert {s: Fraction(c, sum(counts)) for s, c in zip(grid, counts, strict=True) if c} == {
        s: Fraction(c, math.factorial(7)) for s, c in scores.items()
    }
    assert scores != {-s: c for s, c in scores.items()}


def test_inversions_are_the_mahonian_numbers():
    """OEIS A008302, row 6: 1, 5, 14, 29, 49, 71, 90, 101, 101, 90, 71, 49, 29, 14, 5, 1."""
    assert inversion_counts((1,) * 6) == (1, 5, 14, 29, 49, 71, 90, 101, 101, 90, 71, 49, 29, 14, 5, 1)
    assert sum(inversion_counts((1,) * 60)) == math.factorial(60)
    assert sum(inversion_counts((3, 1, 2, 5))) == math.factorial(11) // (6 * 2 * 120)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_law_exact_variance_is_the_tie_corrected_one(rows, columns):
    """Kendall's formula for the variance, from the exact distribution; its mean is 0."""
    short = min(sum(rows), sum(columns))
    rows, columns = cut_to(rows, short), cut_to(columns, short)
    if short < 3 or short > 10 or len(rows) < 2 or len(columns) < 2:
        return
    scores, counts = null_of_s(rows, columns)
    total = sum(counts)
    assert sum(s * c for s, c in zip(scores, counts, strict=True)) == 0
    second = sum(s * s * c for s, c in zip(scores, counts, strict=True)) / total
    assert second == pytest.approx(variance_of_s(rows, columns), rel=1e-12)


def cut_to(blocks, total):
    kept = []
    for block in blocks:
        kept.append(min(block, total - sum(kept)))
    return tuple(block for block in kept if block)


@given(own.tied_columns(max_pairs=8), ALTERNATIVES, st.randoms(use_true_random=False))
def test_law_order_of_points_and_swap_of_columns_are_irrelevant(columns, alternative, random):
    pairs = list(zip(*columns, strict=True))
    random.shuffle(pairs)
    y, x = (list(column) for column in zip(*pairs, strict=True))
    here, there = kendall_test(*columns, alternative=alternative), kendall_test(x, y, alternative=alternative)
    assert (here.tau_b, here.p_floor) == (there.tau_b, there.p_floor)
    assert here.p_value == pytest.approx(there.p_value, rel=1e-14)


@given(own.tied_columns(max_pairs=8))
def test_law_reversal_swaps_the_tails(columns):
    x, y = columns
    back = [-value for value in y]
    here, there = kendall_test(x, y), kendall_test(x, back)
    assert there.tau_b == -here.tau_b
    assert (there.concordant, there.discordant) == (here.discordant, here.concordant)
    assert there.p_value == pytest.approx(here.p_value, rel=1e-14)
    less, greater = kendall_test(x, back, alternative="less"), kendall_test(x, y, alternative="greater")
    assert (less.p_value, less.p_floor) == pytest.approx((greater.p_value, greater.p_floor), rel=1e-14)


@given(own.tied_columns(max_pairs=8), ALTERNATIVES)
def test_law_only_the_order_counts(columns, alternative):
    x, y = columns
    here = kendall_test(x, y, alternative=alternative)
    stretched = kendall_test(np.exp(x), np.power(y, 3.0), alternative=alternative)
    assert (here.tau_b, here.p_value, here.p_floor) == (stretched.tau_b, stretched.p_value, stretched.p_floor)


@given(own.tied_columns(max_pairs=8), ALTERNATIVES)
def test_law_the_two_tails_share_the_observed_score(columns, alternative):
    x, y = columns
    up, down = (kendall_test(x, y, alternative=side).p_value for side in ("greater", "less"))
    assert up + down > 1 - 1e-12
    for method in ("exact", "normal_continuity_corrected"):
        got = kendall_test(x, y, alternative=alternative, method=method)
        assert 0 < got.p_floor <= got.p_value <= 1
        assert -1 <= got.tau_b <= 1


@pytest.mark.parametrize(("n", "printed"), [(4, 0.0833), (5, 0.0167), (6, 0.0028)])
def test_perfect_order_reaches_the_floor_and_not_zero(n, printed):
    got = kendall_test(range(n), range(n, 0, -1))
    assert got.tau_b == -1
    assert got.p_value == got.p_floor == pytest.approx(2 / math.factorial(n), rel=1e-15)
    assert round(got.p_value, 4) == printed


def test_the_normal_approximation_never_goes_below_the_floor():
    got = kendall_test([1, 1, 2, 2], [1, 1, 2, 2], method="normal_continuity_corrected")
    assert got.p_value == got.p_floor == pytest.approx(1 / 3)
    assert kendall_test([1, 2, 3, 4], [1, 2, 3, 4], method="normal_continuity_corrected", alternative="less").p_value > 0.95


def test_the_normal_approximation_is_the_corrected_score():
    """z = (|S| - 1) / sd, sd^2 = n (n - 1) (2n + 5) / 18 without ties."""
    rng = np.random.default_rng(3)
    x, y = rng.permutation(30), rng.permutation(30)
    s = s_of(x, y)
    sd = math.sqrt(30 * 29 * 65 / 18)
    got = kendall_test(x, y, method="normal_continuity_corrected")
    assert got.p_value == pytest.approx(2 * scipy.stats.norm.sf((abs(s) - 1) / sd), rel=1e-12)
    for sign, alternative in ((1, "greater"), (-1, "less")):
        one = kendall_test(x, y, method="normal_continuity_corrected", alternative=alternative)
        assert one.p_value == pytest.approx(scipy.stats.norm.sf((sign * s - 1) / sd), rel=1e-12)
    assert kendall_test([1, 2, 3, 4], [2, 3, 1, 4], method="normal_continuity_corrected").n == 4
    assert kendall_test([1, 2, 2, 1], [1, 1, 2, 2], method="normal_continuity_corrected").p_value == 1


def test_the_normal_approximation_is_near_the_exact_p():
    rng = np.random.default_rng(4)
    worst = 0.0
    for _ in range(60):
        x, y = rng.integers(0, 5, 16), rng.integers(0, 4, 16)
        exact = kendall_test(x, y, method="exact").p_value
        near = kendall_test(x, y, method="normal_continuity_corrected").p_value
        worst = max(worst, abs(near - exact))
    print(f"16 points with ties: normal within {worst:.4f} of exact")
    assert worst < 0.03


def test_too_dear_is_known_before_it_is_begun():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 15, 60), rng.integers(0, 15, 60)
    start = time.perf_counter()
    assert kendall_test(x, y).method == "normal_continuity_corrected"
    assert kendall_test(range(400), rng.permutation(400)).method == "normal_continuity_corrected"
    assert time.perf_counter() - start < 5
    with pytest.raises(DomainError, match=r"exact p of these 60 values \(15 and 14 distinct ones\) is too dear"):
        kendall_test(x, y, method="exact")


def test_ties_in_one_column_stay_exact_at_a_hundred_points():
    rng = np.random.default_rng(6)
    x, y = rng.permutation(100), rng.integers(0, 10, 100)
    got = kendall_test(x, y)
    assert got.method == "exact"
    assert got.p_value == pytest.approx(kendall_test(x, y, method="normal_continuity_corrected").p_value, abs=0.002)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([1, 2], [1, 2], InsufficientData, "at least 3 points, got 2"),
        ([1, 2, 3], [5, 5, 5], InsufficientData, "all 3 values of y equal 5; a constant has no rank order"),
        ([7.5] * 4, [1, 2, 3, 4], InsufficientData, "all 4 values of x equal 7.5"),
        ([1, 2, 3], [1, 2], DomainError, "x and y must have the same length, got 3 and 2"),
        ([1, 2, math.nan], [1, 2, 3], DomainError, "x must be finite, got nan at position 2"),
    ],
)
def test_refuses(x, y, error, message):
    with pytest.raises(error, match=message):
        kendall_test(x, y)


@pytest.mark.parametrize("argument", ["alternative", "method"])
def test_refuses_unknown_words(argument):
    with pytest.raises(DomainError, match=f"{argument} must be one of"):
        kendall_test([1, 2, 3], [1, 2, 3], **{argument: "either"})


# ---- leaderboards ---------------------------------------------------------------------------------------------------


@given(st.permutations("abcdef"), st.permutations("abcdef"))
def test_law_tau_of_leaderboards_counts_the_exchanged_pairs(a, b):
    got = kendall_tau(a, b)
    exchanged = {(p, q) for p, q in itertools.combinations(a, 2) if b.index(p) > b.index(q)}
    assert set(got.exchanged) == exchanged
    assert (got.discordant, got.concordant, got.tied) == (len(exchanged), 15 - len(exchanged), 0)
    assert (1 - got.tau_b) / 2 == pytest.approx(len(exchanged) / 15)
    assert kendall_tau(a, a).tau_b == 1
    assert kendall_tau(a, a[::-1]).tau_b == -1
    assert kendall_tau(b, a).tau_b == got.tau_b
    assert (got.labels, got.n, got.generalises_to) == (tuple(a), 6, "these_models")


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=2, max_size=7))
def test_law_tau_of_tied_leaderboards_is_scipys(pairs):
    a, b = zip(*pairs, strict=True)
    if len(set(a)) < 2 or len(set(b)) < 2:
        return
    got = kendall_tau(dict(enumerate(a)), dict(enumerate(b)))
    assert got.tau_b == pytest.approx(scipy.stats.kendalltau(a, b).statistic, abs=1e-14)
    assert got.concordant + got.discordant + got.tied == math.comb(len(a), 2)
    assert len(got.exchanged) == got.discordant


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (["x", "y"], ["x", "z"], DomainError, "ranking_b lacks 'y'"),
        (["x", "y"], ["y", "x", "w"], DomainError, "ranking_a lacks 'w'"),
        (["x", "x", "y"], ["x", "y"], DomainError, "ranking_a names 'x' more than once"),
        (["x"], ["x"], InsufficientData, "at least 2 entries, got 1"),
        ({"x": 1, "y": 1}, ["x", "y"], InsufficientData, "ranking_a ties all 2 entries"),
        ({"x": 1, "y": math.nan}, ["x", "y"], DomainError, "rank of 'y' in ranking_a must be finite"),
        ("xy", "yx", DomainError, "must be a sequence of labels, one per entry, got the text"),
    ],
)
def test_leaderboards_refuse(a, b, error, message):
    with pytest.raises(error, match=message):
        kendall_tau(a, b)
