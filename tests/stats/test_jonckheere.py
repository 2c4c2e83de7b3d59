"""The Jonckheere-Terpstra test."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import jonckheere_terpstra_test, kendall_test
from stats.trend_strategies import ALTERNATIVES, ordered_groups

# M. Hollander, D. A. Wolfe (1999), Nonparametric Statistical Methods, table 6.6 (Hundal 1969): pieces produced with no,
# rough and accurate information. The book prints J = 79.
HUNDAL = [[40, 35, 38, 43, 44, 41], [38, 40, 47, 44, 40, 42], [48, 40, 45, 43, 46, 44]]


def j_of(groups):
    """Pair by pair, from the definition."""
    return sum(
        (low < high) + (low == high) / 2
        for earlier, later in itertools.combinations(groups, 2)
        for low, high in itertools.product(earlier, later)
    )


def regroup(values, sizes):
    ends = np.cumsum(sizes)
    return [list(values[end - size : end]) for end, size in zip(ends, sizes, strict=True)]


def brute_force(groups, alternative):
    """p and floor over all orders of the values."""
    number = [at for at, group in enumerate(groups) for _ in group]
    orders = np.array(list(itertools.permutations([v for g in groups for v in g])))
    all_j = np.zeros(len(orders))
    for i, j in itertools.combinations(range(len(number)), 2):
        if number[i] < number[j]:
            all_j += (orders[:, i] < orders[:, j]) + (orders[:, i] == orders[:, j]) / 2
    centre = all_j.mean()
    extreme = {
        "greater": lambda j: all_j >= j,
        "less": lambda j: all_j <= j,
        "two-sided": lambda j: np.abs(all_j - centre) >= abs(j - centre),
    }[alternative]
    return extreme(j_of(groups)).mean(), min(extreme(j).mean() for j in set(all_j.tolist())), centre, all_j.std()


def test_differential_jonckheere():
    """2,000 random sets of groups, ties included, against all orders of the values."""
    rng = np.random.default_rng(20260630)
    compared = tied = 0
    known = {}
    while compared < 2000:
        sizes = rng.integers(1, 3, int(rng.integers(2, 4))).tolist()
        values = rng.integers(0, 6, sum(sizes)).tolist()
        if sum(sizes) < 3 or len(set(values)) < 2:
            continue
        groups = regroup(values, sizes)
        alternative = ("two-sided", "greater", "less")[compared % 3]
        key = (str(groups), alternative)
        if key not in known:
            known[key] = brute_force(groups, alternative)
        got = jonckheere_terpstra_test(groups, alternative=alternative)
        assert got.method == "exact"
        assert got.statistic == j_of(groups)
        assert (got.p_value, got.p_floor, got.expected, got.standard_deviation) == pytest.approx(known[key], rel=1e-12)
        compared, tied = compared + 1, tied + (len(set(values)) < len(values))
    print(f"jonckheere: {compared} cases, {tied} with ties, {len(known)} distinct")
    assert 200 < tied < 1900


def test_the_textbook_example():
    got = jonckheere_terpstra_test(HUNDAL, alternative="greater")
    assert got.statistic == 79
    assert got.expected == 54
    assert got.method == "exact"
    approximate = jonckheere_terpstra_test(HUNDAL, alternative="greater", method="normal_continuity_corrected")
    assert approximate.p_value == pytest.approx(scipy.stats.norm.sf((79 - 54 - 0.5) / got.standard_deviation), rel=1e-12)
    print(f"Hundal: exact p = {got.p_value:.5f}, normal {approximate.p_value:.5f}")
    assert got.p_value == pytest.approx(approximate.p_value, abs=0.002)


def test_without_ties_the_variance_is_jonckheeres():
    """(N^2 (2N + 3) - sum n_i^2 (2 n_i + 3)) / 72."""
    sizes = [4, 2, 5]
    got = jonckheere_terpstra_test(regroup(np.random.default_rng(1).permutation(11), sizes))
    n = sum(sizes)
    printed = (n * n * (2 * n + 3) - sum(m * m * (2 * m + 3) for m in sizes)) / 72
    assert got.standard_deviation**2 == pytest.approx(printed, rel=1e-14)


@given(st.permutations(range(9)), st.integers(1, 8), ALTERNATIVES)
def test_law_two_groups_are_mann_whitney(values, cut, alternative):
    groups = [values[:cut], values[cut:]]
    got = jonckheere_terpstra_test(groups, alternative=alternative)
    other = scipy.stats.mannwhitneyu(groups[1], groups[0], method="exact", alternative=alternative)
    assert got.statistic == other.statistic
    assert got.p_value == pytest.approx(other.pvalue, rel=1e-12)


@given(ordered_groups(), ALTERNATIVES)
def test_law_it_is_kendalls_test_of_the_group_number(groups, alternative):
    number = [at for at, group in enumerate(groups) for _ in group]
    values = [value for group in groups for value in group]
    got, other = (
        jonckheere_terpstra_test(groups, alternative=alternative),
        kendall_test(number, values, alternative=alternative),
    )
    assert (got.p_value, got.p_floor, got.method) == (other.p_value, other.p_floor, other.method)


@given(ordered_groups())
def test_law_turning_the_order_of_groups_mirrors_the_test(groups):
    here = jonckheere_terpstra_test(groups, alternative="greater")
    there = jonckheere_terpstra_test(groups[::-1], alternative="less")
    assert here.statistic - here.expected == there.expected - there.statistic
    assert (here.p_value, here.p_floor) == pytest.approx((there.p_value, there.p_floor), rel=1e-12)
    assert jonckheere_terpstra_test(groups[::-1]).p_value == pytest.approx(jonckheere_terpstra_test(groups).p_value, rel=1e-12)


@given(ordered_groups(), ALTERNATIVES, st.randoms(use_true_random=False))
def test_law_only_order_counts_and_not_the_order_within_a_group(groups, alternative, random):
    here = jonckheere_terpstra_test(groups, alternative=alternative)
    moved = [[math.exp(value) for value in group] for group in groups]
    for group in moved:
        random.shuffle(group)
    there = jonckheere_terpstra_test(moved, alternative=alternative)
    assert (here.statistic, here.p_value, here.p_floor) == (there.statistic, there.p_value, there.p_floor)
    assert 0 < here.p_floor <= here.p_value <= 1
    assert here.n == sum(map(len, groups))
    assert here.groups == tuple(tuple(map(float, group)) for group in groups)
    assert here.generalises_to == "new_models"


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        ([[1, 2, 3]], InsufficientData, "at least 2 groups, got 1; add groups, or use kendall_test"),
        ([[1], [2]], InsufficientData, "at least 3 values, got 2"),
        ([[1, 1], [1, 1]], InsufficientData, "all 4 values equal 1; .*report the common value"),
        ([[1, 2], []], DomainError, "group 1 holds no value"),
        ([[1, 2], [math.inf]], DomainError, "group 1 must be finite"),
    ],
)
def test_refuses(groups, error, message):
    with pytest.raises(error, match=message):
        jonckheere_terpstra_test(groups)


def test_refuses_unknown_words_and_too_dear_tables():
    with pytest.raises(DomainError, match="method must be one of"):
        jonckheere_terpstra_test([[1], [2], [3]], method="t")
    with pytest.raises(DomainError, match="alternative must be one of"):
        jonckheere_terpstra_test([[1], [2], [3]], alternative="up")
    rng = np.random.default_rng(2)
    many = [rng.integers(0, 12, 12) for _ in range(8)]
    assert jonckheere_terpstra_test(many).method == "normal_continuity_corrected"
    with pytest.raises(DomainError, match="too dear"):
        jonckheere_terpstra_test(many, method="exact")
