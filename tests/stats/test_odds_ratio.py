"""Odds ratios: the conditional one with its exact interval, and Woolf's."""

import math
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import fisher_exact_test, odds_ratio
from stats.two_sample_strategies import pairs, random_columns

SMALL = pairs(max_trials=60)


def same(a, b):
    """Both None, or equal up to rounding."""
    return a is b is None or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9))


def conditional(k1, n1, k2, n2, ratio):
    """P(j >= k1), P(j <= k1) and E(j) at an odds ratio, in whole numbers and fractions: the definition, exact."""
    total, ratio = k1 + k2, Fraction(ratio)
    ways = {j: comb(n1, j) * comb(n2, total - j) * ratio**j for j in range(max(0, total - n2), min(n1, total) + 1)}
    whole = sum(ways.values())
    up, down = sum(w for j, w in ways.items() if j >= k1), sum(w for j, w in ways.items() if j <= k1)
    return float(up / whole), float(down / whole), float(sum(j * w for j, w in ways.items()) / whole)


@given(pairs(max_trials=40), own.levels())
def test_limits_put_half_of_the_rest_into_each_tail_and_the_estimate_meets_the_mean(pair, level):
    """Put the answer back in, in exact arithmetic."""
    got = odds_ratio(*pair, level=level)
    if got.low:
        assert conditional(*pair, got.low)[0] == pytest.approx((1 - level) / 2, rel=1e-9)
    if got.high is not None:
        assert conditional(*pair, got.high)[1] == pytest.approx((1 - level) / 2, rel=1e-9)
    if got.estimate:
        assert conditional(*pair, got.estimate)[2] == pytest.approx(pair[0], rel=1e-9)


@given(SMALL, own.levels())
def test_agrees_with_scipy(pair, level):
    k1, n1, k2, n2 = pair
    assume(0 < k1 + k2 < n1 + n2)
    other = scipy.stats.contingency.odds_ratio([[k1, n1 - k1], [k2, n2 - k2]])
    low, high = other.confidence_interval(level)
    got = odds_ratio(*pair, level=level)
    # scipy stops its own search at a relative 1e-8 or so
    assert got.low == pytest.approx(low, rel=1e-5)
    assert (math.inf if got.high is None else got.high) == pytest.approx(high, rel=1e-5)
    assert (math.inf if got.estimate is None else got.estimate) == pytest.approx(other.statistic, rel=1e-5)


def test_differential_odds_ratio():
    """2,400 seeded tables against a search by scipy's brentq over plain sums of binomial coefficients."""
    columns = [column.tolist() for column in random_columns(2400, seed=23, max_trials=25)]
    informative = 0
    for pair in zip(*columns, strict=True):
        k1, n1, k2, n2 = pair
        total = k1 + k2
        j = np.arange(max(0, total - n2), min(n1, total) + 1)
        ways = np.array([comb(n1, int(i)) * comb(n2, total - int(i)) for i in j], dtype=float)
        powers = (j - k1).astype(float)

        def share(log_ratio, counted, ways=ways, powers=powers):
            weight = ways * np.exp(np.clip(powers * log_ratio, -700, 700))
            return weight[counted].sum() / weight.sum()

        got = odds_ratio(*pair)
        if k1 > j[0]:
            low = scipy.optimize.brentq(lambda x, up=j >= k1: share(x, up) - 0.025, -12, 12, xtol=1e-13)
            assert got.low == pytest.approx(math.exp(low), rel=1e-9)
        if k1 < j[-1]:
            high = scipy.optimize.brentq(lambda x, down=j <= k1: share(x, down) - 0.025, -12, 12, xtol=1e-13)
            assert got.high == pytest.approx(math.exp(high), rel=1e-9)
        assert (got.low == 0) == (k1 == j[0])
        assert (got.high is None) == (k1 == j[-1])
        informative += len(j) > 1
    assert informative > 1500


@pytest.mark.parametrize(
    ("method", "printed"),
    [
        # Fagerland, Lydersen, Laake (2015), Statist. Methods Med. Res. 24, 224-254, Perondi et al. 2004: Cornfield, Woolf
        ("conditional", "[0.97, 397]"),
        ("woolf", "[0.99, 74]"),
    ],
)
def test_matches_the_literature(method, printed):
    got = odds_ratio(7, 34, 1, 34, method=method)
    assert f"[{got.low:.2f}, {got.high:.0f}]" == printed
    assert (got.method, got.undefined_because, got.generalises_to) == (method, None, "these_models")


def test_coverage_is_never_below_the_level():
    """Every table with 6 against 9 trials, at ratios over four decades, margin by margin: at least 90 %."""
    lowest = 1.0
    for total in range(1, 15):
        support = range(max(0, total - 9), min(6, total) + 1)
        got = {j: odds_ratio(j, 6, total - j, 9, level=0.9) for j in support}
        for ratio in np.logspace(-2, 2, 41):
            ways = {j: comb(6, j) * comb(9, total - j) * ratio**j for j in support}
            inside = [j for j, one in got.items() if one.low <= ratio and (one.high is None or ratio <= one.high)]
            lowest = min(lowest, sum(ways[j] for j in inside) / sum(ways.values()))
    assert 0.9 <= lowest < 0.93


@given(SMALL, own.levels())
def test_law_agrees_with_the_one_sided_tests_of_fisher(pair, level):
    tail, got = (1 - level) / 2, odds_ratio(*pair, level=level)
    greater = fisher_exact_test(*pair, alternative="greater").p_value
    less = fisher_exact_test(*pair, alternative="less").p_value
    assume(min(abs(greater - tail), abs(less - tail)) > 1e-9)
    assert (got.low > 1) == (greater < tail)
    assert (got.high is not None and got.high < 1) == (less < tail)


@given(pairs(), own.levels(), st.sampled_from(["conditional", "woolf"]))
def test_law_swapping_samples_or_outcomes_inverts_and_both_change_nothing(pair, level, method):
    k1, n1, k2, n2 = pair
    here = odds_ratio(*pair, level=level, method=method)
    for other in ((k2, n2, k1, n1), (n1 - k1, n1, n2 - k2, n2)):
        there = odds_ratio(*other, level=level, method=method)
        for a, b in ((here.estimate, there.estimate), (here.low, there.high), (here.high, there.low)):
            if a and b:
                assert a * b == pytest.approx(1, rel=1e-9)
            else:
                assert (a, b) in [(None, 0.0), (0.0, None), (None, None)]
    both = odds_ratio(n2 - k2, n2, n1 - k1, n1, level=level, method=method)
    assert same(both.low, here.low)
    assert same(both.high, here.high)


@given(SMALL, st.sampled_from(["conditional", "woolf"]))
def test_law_transposing_the_table_changes_nothing(pair, method):
    """The odds ratio does not know which margin was fixed."""
    k1, n1, k2, n2 = pair
    assume(0 < k1 + k2 < n1 + n2)
    here = odds_ratio(*pair, method=method)
    there = odds_ratio(k1, k1 + k2, n1 - k1, n1 + n2 - k1 - k2, method=method)
    for name in ("estimate", "low", "high"):
        assert same(getattr(there, name), getattr(here, name))


@given(pairs(), own.levels(), st.sampled_from(["conditional", "woolf"]))
def test_law_ordered_never_nan_and_none_has_a_reason(pair, level, method):
    k1, n1, k2 = pair[:3]
    got = odds_ratio(*pair, level=level, method=method)
    known = [number for number in (got.low, got.estimate, got.high) if number is not None]
    assert all(math.isfinite(number) and number >= 0 for number in known)
    assert known == sorted(known)
    assert (len(known) < 3) == (got.undefined_because is not None)
    assert (got.estimate is None) == (k2 == 0 or k1 == n1)
    assert (got.successes_1, got.trials_1, got.successes_2, got.trials_2) == pair
    assert (got.level, got.method) == (level, method)


@given(SMALL, own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(pair, level, other):
    narrow, wide = (odds_ratio(*pair, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low * (1 + 1e-12)
    assert narrow.high is None or narrow.high <= wide.high * (1 + 1e-12)


@given(SMALL.filter(lambda pair: pair[0] < pair[1] and 0 < pair[2] < pair[3]))
def test_law_one_more_success_in_the_first_sample_moves_both_limits_up(pair):
    here, more = odds_ratio(*pair), odds_ratio(pair[0] + 1, *pair[1:])
    assert here.low < more.low
    assert more.high is None or here.high < more.high


@given(pairs().filter(lambda pair: 0 < pair[0] < pair[1] and 0 < pair[2] < pair[3]), own.levels())
def test_woolf_is_its_formula(pair, level):
    k1, n1, k2, n2 = pair
    got = odds_ratio(*pair, level=level, method="woolf")
    z, se = scipy.special.ndtri((1 + level) / 2), math.sqrt(1 / k1 + 1 / (n1 - k1) + 1 / k2 + 1 / (n2 - k2))
    logit = scipy.special.logit
    log_ratio = logit(k1 / n1) - logit(k2 / n2)
    assert math.log(got.estimate) == pytest.approx(log_ratio, abs=1e-9)
    assert math.log(got.low) == pytest.approx(log_ratio - z * se, abs=1e-9)
    assert math.log(got.high) == pytest.approx(log_ratio + z * se, abs=1e-9)


def test_many_counts_agree_with_woolf():
    """With hundreds of thousands of counts everywhere the two intervals are one to three digits of their width."""
    exact, woolf = (odds_ratio(300_000, 10**6, 290_000, 10**6, method=method) for method in ("conditional", "woolf"))
    width = woolf.high - woolf.low
    assert abs(exact.low - woolf.low) < 1e-3 * width
    assert abs(exact.high - woolf.high) < 1e-3 * width
    assert abs(exact.estimate - woolf.estimate) < 1e-3 * width


def test_every_small_table_is_answered():
    """All tables up to 4 against 4, zeros and all: nothing is added, nothing is NaN."""
    for n1, n2 in product(range(1, 5), repeat=2):
        for k1, k2 in product(range(n1 + 1), range(n2 + 1)):
            exact, woolf = (odds_ratio(k1, n1, k2, n2, method=method) for method in ("conditional", "woolf"))
            one_table = k1 + k2 in (0, n1 + n2)
            assert (exact.high is None) == (k2 == 0 or k1 == n1)
            assert (exact.low == 0) == (k1 == 0 or k2 == n2)
            assert (exact.low, exact.high) != (0.0, None) or one_table
            assert (woolf.low is None) == (woolf.high is None) == (min(k1, n1 - k1, k2, n2 - k2) == 0)


@pytest.mark.parametrize(
    ("pair", "method", "reason"),
    [
        ((0, 5, 0, 9), "conditional", "neither sample has a success, so every odds ratio is compatible"),
        ((5, 5, 9, 9), "woolf", "neither sample has a failure, so every odds ratio is compatible"),
        ((3, 5, 0, 9), "conditional", "the second sample has no success, so the odds ratio has no finite estimate"),
        ((5, 5, 4, 9), "conditional", "the first sample has no failure, so the odds ratio has no finite estimate"),
        ((3, 5, 0, 9), "woolf", "needs four positive counts, got 3 of 5 and 0 of 9; use method='conditional'"),
        ((3, 5, 9, 9), "woolf", "needs four positive counts, got 3 of 5 and 9 of 9; use method='conditional'"),
        ((5, 5, 4, 9), "woolf", "needs four positive counts, got 5 of 5 and 4 of 9; use method='conditional'"),
        ((0, 5, 4, 9), "woolf", "needs four positive counts, got 0 of 5 and 4 of 9; use method='conditional'"),
    ],
)
def test_reasons(pair, method, reason):
    got = odds_ratio(*pair, method=method)
    assert reason in got.undefined_because
    assert got.high is None


def test_an_empty_first_sample_is_zero_with_an_upper_limit():
    got = odds_ratio(0, 32, 15, 241)
    assert (got.estimate, got.low, got.undefined_because) == (0.0, 0.0, None)
    assert got.high == pytest.approx(1 / odds_ratio(15, 241, 0, 32).low, rel=1e-12)
    assert got.high == pytest.approx(2.089, abs=1e-3)


def test_refusals():
    with pytest.raises(DomainError, match="method must be one of 'conditional', 'woolf', got 'katz'"):
        odds_ratio(1, 2, 1, 2, method="katz")
    with pytest.raises(DomainError, match="successes_1 must not exceed trials_1, got 3 of 2"):
        odds_ratio(3, 2, 1, 2)
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1, got 95"):
        odds_ratio(1, 2, 1, 2, level=95)
    with pytest.raises(DomainError, match="more than 5,000,000; with counts this large use method='woolf'"):
        odds_ratio(10**8, 10**9, 10**8, 10**9)
    assert odds_ratio(10**8, 10**9, 10**8, 10**9, method="woolf").estimate == 1.0
