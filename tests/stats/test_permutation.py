"""The permutation engine, against every order written out."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import kendall_test, permutation_slope_test, permutation_test, spearman_test, theil_sen_slope
from stats.planning_strategies import alternatives, blocked_values


def weights_of(n):
    return np.cos(np.arange(n) * 1.7) + 0.1 * np.arange(n)


def linear(n):
    w = weights_of(n)
    return lambda rows: rows @ w


def all_orders(values, blocks):
    v = np.array(values)
    labels = ["all"] * len(v) if blocks is None else blocks
    members = [[i for i, label in enumerate(labels) if label == name] for name in dict.fromkeys(labels)]
    for orders in itertools.product(*(itertools.permutations(index) for index in members)):
        shuffled = v.copy()
        for index, order in zip(members, orders, strict=True):
            shuffled[index] = v[list(order)]
        yield shuffled


def p_by_hand(found, observed, alternative):
    above = np.mean(found >= observed - 1e-9)
    below = np.mean(found <= observed + 1e-9)
    return {"greater": above, "less": below, "two-sided": min(1, 2 * min(above, below))}[alternative]


@given(blocked_values(), alternatives())
def test_law_p_and_floor_are_those_of_all_orders(data, alternative):
    values, blocks = data
    w = weights_of(len(values))
    found = np.array([order @ w for order in all_orders(values, blocks)])
    got = permutation_test(values, linear(len(values)), blocks=blocks, alternative=alternative)
    assert got.method == "exact_permutation"
    assert got.statistic == pytest.approx(np.array(values) @ w)
    assert got.p_value == pytest.approx(p_by_hand(found, found[0], alternative), abs=1e-12)
    assert got.p_floor == pytest.approx(min(p_by_hand(found, t, alternative) for t in found), abs=1e-12)
    assert 0 < got.p_floor <= got.p_value <= 1
    assert got.arrangements == len({tuple(order) for order in all_orders(values, blocks)})
    assert (got.values, got.blocks) == (tuple(values), None if blocks is None else tuple(blocks))


def test_differential_permutation():
    """2,000 seeded cases of up to 6 values, in blocks and whole, each against all orders by itertools."""
    rng = np.random.default_rng(1)
    worst, blocked = 0.0, 0
    for case in range(2000):
        n = int(rng.integers(2, 7))
        values = rng.random(n).round(int(rng.integers(1, 4)))
        blocks = list(rng.choice(["a", "b"], n)) if case % 2 else None
        if blocks is not None and len(set(blocks)) == n:
            blocks = ["a"] * n
        alternative = ("two-sided", "greater", "less")[case % 3]
        w = rng.normal(size=n)
        found = np.array([order @ w for order in all_orders(values, blocks)])
        got = permutation_test(values, lambda rows, w=w: rows @ w, blocks=blocks, alternative=alternative)
        worst = max(worst, abs(got.p_value - p_by_hand(found, found[0], alternative)))
        blocked += blocks is not None
    print(f"2000 cases, {blocked} in blocks: largest difference in p {worst:.1e}")
    assert worst < 1e-12


def test_agrees_with_scipy_permutation_test():
    """Two groups: scipy's exact test over all splits, its two-sided p also twice the smaller tail."""
    rng = np.random.default_rng(2)
    for alternative in ("two-sided", "greater", "less"):
        a, b = rng.random(4), rng.random(3) + 0.3
        other = scipy.stats.permutation_test(
            (a, b), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis), vectorized=True, alternative=alternative
        )
        got = permutation_test(np.r_[a, b], lambda v: v[:, :4].mean(axis=1) - v[:, 4:].mean(axis=1), alternative=alternative)
        assert got.p_value == pytest.approx(other.pvalue, abs=1e-12)


@given(own.sized_rates(max_models=6), alternatives())
def test_law_agrees_with_the_slope_test(data, alternative):
    sizes, rates = data
    x = np.log10(sizes) - np.log10(sizes).mean()
    other = permutation_slope_test(sizes, rates, alternative=alternative)
    got = permutation_test(rates, lambda v: v @ x / (x @ x), alternative=alternative)
    assert got.p_value == pytest.approx(other.p_value, abs=1e-12)
    assert got.p_floor == pytest.approx(other.p_floor, abs=1e-12)


def test_agrees_with_the_slope_test_within_lineages():
    sizes, rates, groups = [1, 4, 27, 8, 70, 7, 72], [0.1, 0.0, 0.06, 0.13, 0.15, 0.2, 0.5], list("gggllqq")
    x = np.log10(sizes)
    for name in "glq":
        at = [i for i, g in enumerate(groups) if g == name]
        x[at] -= x[at].mean()
    got = permutation_test(rates, lambda v: v @ x, blocks=groups)
    other = permutation_slope_test(sizes, rates, groups=groups)
    assert (got.p_value, got.arrangements) == (pytest.approx(other.p_value), other.arrangements)


@given(blocked_values(), st.floats(0.5, 20), st.floats(-5, 5))
def test_law_scale_and_place_of_the_statistic_are_irrelevant(data, scale, shift):
    values, blocks = data
    here = permutation_test(values, linear(len(values)), blocks=blocks)
    there = permutation_test(values, lambda v: scale * linear(len(values))(v) + shift, blocks=blocks)
    assert there.p_value == pytest.approx(here.p_value, abs=1e-12)


@given(blocked_values())
def test_law_two_sided_is_twice_the_smaller_tail(data):
    values, blocks = data
    sides = [permutation_test(values, linear(len(values)), blocks=blocks, alternative=a).p_value for a in ("less", "greater")]
    assert permutation_test(values, linear(len(values)), blocks=blocks).p_value == pytest.approx(min(1, 2 * min(sides)))
    assert sum(sides) > 1 - 1e-12, "the observed order counts in both tails"


def test_random_orders_count_the_observed_one():
    """p = (b + 1)/(m + 1): never 0, where nothing is as extreme (scipy gh-16459)."""
    values = np.arange(12.0)
    got = permutation_test(values, lambda v: v @ np.arange(12.0), alternative="greater", resamples=999, rng=1)
    assert (got.method, got.arrangements) == ("monte_carlo_permutation", 999)
    assert got.p_value == got.p_floor == 1 / 1000
    assert permutation_test(values, lambda v: v @ np.arange(12.0), resamples=999, rng=1).p_value == 2 / 1000
    assert permutation_test(values, lambda v: v @ np.arange(12.0), resamples=999, rng=1).p_floor == 2 / 1000
    least = permutation_test(values, lambda v: v @ np.arange(12.0), alternative="less", resamples=999, rng=1)
    assert least.p_value == 1


def test_p_of_random_orders_is_counted_from_those_that_were_drawn():
    drawn, w, values = [], weights_of(12), np.random.default_rng(5).random(12)

    def statistic(rows):
        drawn.append(rows @ w)
        return rows @ w

    got = permutation_test(values, statistic, alternative="greater", resamples=999, rng=1)
    found = np.concatenate(drawn[1:])
    b = int(np.sum(found >= values @ w - 1e-9))
    assert len(found) == 999
    assert 10 < b < 990
    assert got.p_value == (b + 1) / 1000


def test_random_orders_agree_with_all_orders():
    rng = np.random.default_rng(3)
    for blocks in (None, list("aaabbbbb")):
        values = rng.random(8)
        w = rng.normal(size=8)
        exact = permutation_test(values, lambda v, w=w: v @ w, blocks=blocks, alternative="greater")
        drawn = permutation_test(
            values, lambda v, w=w: v @ w, blocks=blocks, alternative="greater", method="monte_carlo_permutation", resamples=20_000
        )
        error = math.sqrt(exact.p_value * (1 - exact.p_value) / 20_000)
        assert 0.02 < exact.p_value < 0.98
        assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * error)


def test_none_is_a_fixed_seed():
    values = np.arange(12.0) ** 2 % 7
    options = {"method": "monte_carlo_permutation", "resamples": 999}
    assert permutation_test(values, linear(12), **options) == permutation_test(values, linear(12), rng=20_260_630, **options)
    assert len({permutation_test(values, linear(12), rng=seed, **options).p_value for seed in range(5)}) > 1


def test_orders_stay_within_their_block():
    seen = []

    def statistic(rows):
        seen.append(rows.copy())
        return rows[:, 0]

    values = np.array([1.0, 2.0, 10.0, 20.0, 3.0])
    permutation_test(values, statistic, blocks=["a", "a", "b", "b", "a"])
    rows = np.concatenate(seen[1:])
    assert len(np.unique(rows, axis=0)) == len(rows) == 6 * 2
    assert {tuple(sorted(row)) for row in rows[:, [0, 1, 4]]} == {(1, 2, 3)}
    assert {tuple(sorted(row)) for row in rows[:, [2, 3]]} == {(10, 20)}


def test_a_statistic_may_spoil_its_argument():
    def statistic(rows):
        result = rows[:, 0] - rows[:, 1]
        rows[:] = 0
        return result

    spoiled = permutation_test([1.0, 2.0, 5.0], statistic)
    assert spoiled == permutation_test([1.0, 2.0, 5.0], lambda rows: rows[:, 0] - rows[:, 1])
    assert (spoiled.statistic, spoiled.values) == (-1, (1, 2, 5))


def test_rounding_never_makes_a_tie_extreme():
    """0.1 + 0.2 and 0.3: sums that are equal on paper."""
    values = [0.1, 0.2, 0.3, 0.1, 0.2]
    got = permutation_test(values, lambda v: v[:, 0] + v[:, 1] + v[:, 2], alternative="greater")
    whole = permutation_test([1, 2, 3, 1, 2], lambda v: v[:, 0] + v[:, 1] + v[:, 2], alternative="greater")
    assert got.p_value == pytest.approx(whole.p_value, abs=1e-15)


def test_equal_values_give_no_evidence():
    got = permutation_test([0.5] * 6, linear(6))
    assert (got.p_value, got.p_floor, got.arrangements) == (1.0, 1.0, 1)


def test_more_than_one_block_of_orders_is_enumerated():
    """8 untied values have 40,320 orders, more than are handed out at once."""
    got = permutation_test(np.arange(8.0), lambda v: v @ np.arange(8.0), alternative="greater")
    assert got.arrangements == math.factorial(8)
    assert got.p_value == pytest.approx(1 / math.factorial(8))


@pytest.mark.parametrize(
    ("values", "statistic", "options", "error", "message"),
    [
        ([1.0], linear(1), {}, InsufficientData, "at least 2 values, got 1"),
        ([1.0, 2.0], linear(2), {"blocks": ["a", "b"]}, InsufficientData, "no block holds 2 values"),
        ([1.0, 2.0], linear(2), {"blocks": ["a"]}, DomainError, "blocks and values must have the same length, got 1 and 2"),
        ([1.0, 2.0], linear(2), {"blocks": "aa"}, DomainError, "got the text 'aa'"),
        ([1.0, 2.0], linear(2), {"blocks": ["a", None]}, DomainError, "missing label"),
        ([1.0, math.nan], linear(2), {}, DomainError, "values must be finite"),
        ([1.0, 2.0], lambda v: v.mean(), {}, DomainError, r"shape \(1,\) for \(1, 2\), got shape \(\)"),
        ([1.0, 2.0], lambda v: np.where(v[:, 0] > 1, np.inf, 0), {}, DomainError, r"finite, got inf for the values \[2.0, 1.0\]"),
        (np.arange(12.0), linear(12), {"method": "exact_permutation"}, DomainError, r"needs 4.79e\+08 arrangements"),
        ([1.0, 2.0], linear(2), {"method": "exact"}, DomainError, "method must be one of"),
        ([1.0, 2.0], linear(2), {"alternative": "both"}, DomainError, "alternative must be one of"),
        ([1.0, 2.0], linear(2), {"resamples": 98}, DomainError, "resamples must be at least 99, got 98"),
    ],
)
def test_refuses(values, statistic, options, error, message):
    with pytest.raises(error, match=message):
        permutation_test(values, statistic, **options)


@pytest.mark.slow
def test_size_of_the_test_over_random_orders():
    """Exchangeable values: p <= .05 in at most 5 % of the cases, F over 4 providers of 3 models as the statistic."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(4), 3)

    def between(v):
        return sum(v[:, group == g].mean(axis=1) ** 2 for g in range(4))

    ps = [permutation_test(rng.random(12), between, alternative="greater", resamples=499, rng=run).p_value for run in range(2000)]
    size = np.mean(np.array(ps) <= 0.05)
    print(f"size of the permutation test at .05: {size:.4f}")
    assert size == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("units", ["new_models", "these_models"])
def test_says_what_it_speaks_of_as_told(units):
    """Only the caller knows whether models or their prompts change places; models are what is meant without a word."""
    values, statistic = [0.1, 0.4, 0.2, 0.9], lambda v: v[:, 0]
    assert permutation_test(values, statistic, generalises_to=units).generalises_to == units
    assert permutation_test(values, statistic).generalises_to == "new_models"
    with pytest.raises(DomainError, match="generalises_to must be one of 'these_models', 'new_models', got 'models'"):
        permutation_test(values, statistic, generalises_to="models")


def test_rank_tests_and_slope_tests_of_the_same_models_speak_of_the_same():
    """One exchange of rates over models, four statistics."""
    sizes, rates = [1.0, 2.0, 4.0, 9.0], [0.1, 0.4, 0.2, 0.9]
    tests = (
        permutation_slope_test(sizes, rates),
        spearman_test(sizes, rates),
        kendall_test(sizes, rates),
        theil_sen_slope(sizes, rates),
    )
    assert {test.generalises_to for test in tests} == {"new_models"}
