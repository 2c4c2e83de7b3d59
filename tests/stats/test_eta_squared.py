"""Eta squared, its relatives, its expectation under no effect, and its tests."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import eta_squared, eta_squared_binomial_null, variance_shares_from_f
from safescale.stats._noncentral_f import noncentral_f_tail, noncentrality_limits
from safescale.stats._one_way import one_way
from safescale.stats._one_way_permutation import share_moments
from stats.variance_strategies import grouped_values, spread_within


def exact_shares(values, labels):
    """SS between and within, in rational numbers of the floats given."""
    y = [Fraction(v) for v in values]
    grand = sum(y) / len(y)
    members = {name: [v for v, label in zip(y, labels, strict=True) if label == name] for name in labels}
    between = sum(len(m) * (sum(m) / len(m) - grand) ** 2 for m in members.values())
    return between, sum((v - grand) ** 2 for v in y) - between


# ---- definition -----------------------------------------------------------------------------------------------------


@given(grouped_values())
def test_is_the_exact_rational_share(data):
    values, labels = data
    between, within = exact_shares(values, labels)
    n, k = len(values), len(set(labels))
    got = eta_squared(values, labels, resamples=0)
    assert got.eta_squared == pytest.approx(float(between / (between + within)), abs=1e-13)
    assert (got.n, got.df_between, got.df_within) == (n, k - 1, n - k)
    assert got.null_expectation == (k - 1) / (n - 1)
    if k < n:
        excess = between - (k - 1) * within / (n - k)
        assert got.epsilon_squared == pytest.approx(float(excess / (between + within)), abs=1e-12)
        assert got.omega_squared == pytest.approx(float(excess / (between + within + within / (n - k))), abs=1e-12)
    if k < n and within > 0:
        assert got.f == pytest.approx(float(between / (k - 1) / (within / (n - k))), rel=1e-10)
        assert got.sum_of_squares_within == pytest.approx(float(within), rel=1e-11)


@given(grouped_values())
def test_agrees_with_scipy_f_oneway(data):
    values, labels = data
    assume(spread_within(values, labels))
    got = eta_squared(values, labels, resamples=0)
    groups = [[v for v, label in zip(values, labels, strict=True) if label == name] for name in sorted(set(labels))]
    other = scipy.stats.f_oneway(*groups)
    assert got.f == pytest.approx(other.statistic, rel=1e-9, abs=1e-12)
    assert got.p_value == pytest.approx(other.pvalue, rel=1e-8)


def distinct_assignments(values, labels):
    return [list(order) for order in set(itertools.permutations(labels))]


@given(grouped_values(max_groups=3, max_size=3).filter(lambda data: len(data[0]) <= 6))
@settings(max_examples=40)
def test_law_mean_over_all_assignments_is_exactly_k_minus_1_over_n_minus_1(data):
    """By enumeration in fractions, whatever the group sizes and the values."""
    values, labels = data
    shares = []
    for order in distinct_assignments(values, labels):
        between, within = exact_shares(values, order)
        shares.append(between / (between + within))
    mean = sum(shares) / len(shares)
    assert mean == Fraction(len(set(labels)) - 1, len(values) - 1)
    got = eta_squared(values, labels)
    assert got.null_expectation == float(mean)
    observed = exact_shares(values, labels)[0] / sum(exact_shares(values, labels))
    assert got.permutation_method == "exact"
    assert got.p_permutation == pytest.approx(sum(s >= observed for s in shares) / len(shares), abs=1e-12)


@given(grouped_values(max_groups=3, max_size=3).filter(lambda data: 4 <= len(data[0]) <= 6))
@settings(max_examples=40)
def test_law_permutation_variance_is_exact(data):
    """The closed form behind the beta approximation, against the enumeration."""
    values, labels = data
    assume(1 < len(set(labels)) < len(values))
    shares = []
    for order in distinct_assignments(values, labels):
        between, within = exact_shares(values, order)
        shares.append(between / (between + within))
    mean = sum(shares) / len(shares)
    exact = sum((s - mean) ** 2 for s in shares) / len(shares)
    got = share_moments(one_way(values, labels))
    assert got == pytest.approx((float(mean), float(exact)), abs=1e-12)


def test_beta_moments_are_close_to_the_permutation_distribution():
    """600 skewed values in 5 unequal groups: too many to enumerate, few enough to permute."""
    rng = np.random.default_rng(4)
    values, labels = rng.gamma(0.5, size=600), np.repeat(np.arange(5), [300, 150, 100, 40, 10])
    values += 0.3 * (labels == 3) + 0.1 * (labels == 1)
    drawn, fitted = eta_squared(values, labels, resamples=20_000), eta_squared(values, labels, resamples=0)
    assert (drawn.permutation_method, fitted.permutation_method) == ("monte_carlo", "beta_moments")
    assert (drawn.resamples, fitted.resamples) == (20_000, 0)
    assert 0.005 < drawn.p_permutation < 0.2
    assert fitted.p_permutation == pytest.approx(drawn.p_permutation, rel=0.12)


def test_beta_moments_see_the_one_large_value_that_f_does_not():
    """With one value that holds nearly all the spread, the share is fixed by its group: F's p is wrong by far."""
    values = np.append(np.linspace(0, 1, 200), 1e4)
    labels = np.append(np.arange(200) % 4, 0)
    got = eta_squared(values, labels, resamples=0)
    drawn = eta_squared(values, labels, resamples=9_999)
    assert got.p_permutation == pytest.approx(drawn.p_permutation, abs=0.2)
    assert got.p_permutation > 0.15
    mean, variance = share_moments(one_way(values, labels))
    normal = 2 * 3 * 197 / (202 * 200**2)
    assert variance < 0.05 * normal
    assert mean == 3 / 200


def test_monte_carlo_counts_the_observed_assignment():
    """(b + 1) / (m + 1): the floor, not 0."""
    values, labels = np.repeat([0.1, 0.5, 0.9], 8) + np.tile(np.arange(8) / 1000, 3), np.repeat(["a", "b", "c"], 8)
    got = eta_squared(values, labels, resamples=499)
    assert got.permutation_method == "monte_carlo"
    assert got.p_permutation == 1 / 500
    assert eta_squared(values, labels).p_permutation == 1 / 100_000
    with_other = eta_squared(values + np.linspace(0, 0.9, 24), labels, resamples=499, rng=1)
    assert with_other == eta_squared(values + np.linspace(0, 0.9, 24), labels, resamples=499, rng=1)


def test_monte_carlo_agrees_with_the_enumeration():
    values, labels = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], list("aaabbbbccc")
    exact = eta_squared(values, labels)
    assert exact.permutation_method == "exact"
    assert exact.resamples == 4200
    more = eta_squared(values * 2, labels + labels, resamples=40_000, rng=3)
    again = eta_squared(values * 2, labels + labels, resamples=40_000, rng=4)
    assert more.p_permutation == pytest.approx(again.p_permutation, abs=0.012)


def test_default_is_the_documented_seed():
    values, labels = np.arange(24) % 7, np.repeat(np.arange(3), 8)
    assert eta_squared(values, labels) == eta_squared(values, labels, rng=20_260_630)
    assert eta_squared(values, labels).p_permutation != eta_squared(values, labels, rng=1).p_permutation


def test_tied_values_are_enumerated_by_value_where_that_is_cheaper():
    """12 successes among 0/1 values in 12 groups: labels have more arrangements than values."""
    values, labels = [1] * 3 + [0] * 15, [i // 3 for i in range(18)]
    got = eta_squared(values, labels)
    assert got.permutation_method == "exact"
    assert got.resamples == math.comb(18, 3)
    # the three ones share a group in 6 of the 816 arrangements
    assert got.p_permutation == pytest.approx(6 / 816, abs=1e-15)


# ---- published figures ----------------------------------------------------------------------------------------------


def test_report_164_from_its_f():
    """R effectsize and statsmodels agree (statistics.md, section 5): F(11, 9) = 1.5397; the interval is [0, .62]."""
    got = variance_shares_from_f(1.5397, 11, 9)
    assert got.eta_squared == pytest.approx(0.653001, abs=5e-7)
    assert got.epsilon_squared == pytest.approx(0.228892, abs=5e-7)
    assert got.omega_squared == pytest.approx(0.220394, abs=5e-7)
    assert got.p_value == pytest.approx(0.263, abs=5e-4)
    assert got.null_expectation == pytest.approx(0.55)
    assert got.interval[0] == 0
    assert round(got.interval[1], 2) == 0.62
    printed = variance_shares_from_f(0.653 / 0.347 * 9 / 11, 11, 9)
    assert printed.eta_squared == pytest.approx(0.653, abs=1e-12)


def test_report_164_scale_is_below_its_null():
    """R2 = .0114 with one degree of freedom of 20: epsilon2 = -.041."""
    got = variance_shares_from_f(0.0114 / 0.9886 * 19, 1, 19)
    assert got.null_expectation == 0.05
    assert got.epsilon_squared == pytest.approx(-0.041, abs=5e-4)


def with_share(share, labels, seed):
    """Normal values whose spread within groups is scaled until eta squared is this."""
    noise = np.random.default_rng(seed).normal(size=len(labels))
    means = (np.bincount(labels, noise) / np.bincount(labels))[labels]
    between, within = np.sum((means - noise.mean()) ** 2), np.sum((noise - means) ** 2)
    return means + math.sqrt(between * (1 / share - 1) / within) * (noise - means)


def test_values_with_the_shares_of_report_164():
    """21 values in 12 groups with eta2 = .653001: F's p each time, and the permutation p of .258-.264 on average."""
    labels = np.array([0] * 4 + [1] * 3 + [2] * 3 + [3] * 3 + list(range(4, 12)))
    found = [eta_squared(with_share(0.653001, labels, seed), labels, resamples=4999) for seed in range(24)]
    for got in found:
        assert got.eta_squared == pytest.approx(0.653001, abs=1e-12)
        assert (got.epsilon_squared, got.omega_squared) == pytest.approx((0.228892, 0.220394), abs=2e-6)
        assert got.p_value == pytest.approx(0.263, abs=1e-3)
        assert got.interval == pytest.approx(variance_shares_from_f(1.5397, 11, 9).interval, abs=1e-5)
        assert "8 of 12 groups hold one value" in got.caveat
    assert np.mean([got.p_permutation for got in found]) == pytest.approx(0.26, abs=0.03)
    # labels that do nothing: the share is where chance puts it
    rng = np.random.default_rng(55)
    shares = [eta_squared(rng.normal(size=21), labels, resamples=0).eta_squared for _ in range(400)]
    assert np.mean(shares) == pytest.approx(0.55, abs=0.03)


# ---- interval and non-central F -------------------------------------------------------------------------------------


@given(st.floats(0.01, 200), st.integers(1, 40), st.integers(1, 300), own.levels())
def test_law_interval_ends_put_back_give_the_tails(f, d1, d2, level):
    limits = noncentrality_limits(f, d1, d2, level)
    tail = (1 - level) / 2
    if limits is None:
        assert scipy.special.fdtr(d1, d2, f) <= tail
        return
    low, high = limits
    assert 0 <= low < high
    assert noncentral_f_tail(f, d1, d2, high, upper=False) == pytest.approx(tail, rel=3e-9)
    if low > 0:
        assert noncentral_f_tail(f, d1, d2, low, upper=True) == pytest.approx(tail, rel=3e-9)
    else:
        assert scipy.special.fdtrc(d1, d2, f) >= tail


def test_differential_noncentral_f_against_scipy():
    """2,000 random cases. scipy's own tails are NaN in places (gh-25106); those are skipped and counted."""
    rng = np.random.default_rng(25)
    d1, d2 = rng.integers(1, 60, 2000), rng.integers(1, 600, 2000)
    nc = 10 ** rng.uniform(-2, 3.5, 2000)
    f = (1 + nc / d1) * 10 ** rng.uniform(-0.4, 0.4, 2000)
    theirs = scipy.special.ncfdtr(d1, d2, nc, f)
    ours = np.array([noncentral_f_tail(*case, upper=False) for case in zip(f, d1, d2, nc, strict=True)])
    upper = np.array([noncentral_f_tail(*case, upper=True) for case in zip(f, d1, d2, nc, strict=True)])
    assert np.max(np.abs(ours + upper - 1)) < 1e-12
    known = np.isfinite(theirs) & (theirs > 1e-9)
    assert known.sum() > 1500
    assert np.max(np.abs(ours[known] / theirs[known] - 1)) < 1e-8


@pytest.mark.parametrize(
    ("f", "d1", "d2", "nc"), [(1.5397, 11, 9, 34.5), (0.02, 3, 20, 5.0), (300.0, 2, 7, 400.0), (9.0, 40, 2, 0.5)]
)
def test_noncentral_f_in_fifty_digits(f, d1, d2, nc):
    with mpmath.workdps(50):
        x = mpmath.mpf(d1) * f / (mpmath.mpf(d1) * f + d2)
        half = mpmath.mpf(nc) / 2
        exact = mpmath.nsum(
            lambda j: (
                mpmath.exp(-half) * half**j / mpmath.factorial(j) * mpmath.betainc(d1 / 2 + j, d2 / 2, 0, x, regularized=True)
            ),
            [0, 600],
            method="d",
        )
        assert abs(noncentral_f_tail(f, d1, d2, nc, upper=False) / exact - 1) < 2e-12
        assert abs(noncentral_f_tail(f, d1, d2, nc, upper=True) / (1 - exact) - 1) < 1e-10


@pytest.mark.parametrize("d2", [9, 34, 100_000])
@pytest.mark.parametrize("d1", [1, 11])
def test_huge_f_keeps_its_interval(d1, d2):
    """The two routes meet at d1 F = 1e10, and what lies beyond is finite, where scipy says NaN."""
    below, above = (noncentrality_limits(at / d1, d1, d2, 0.95) for at in (0.9999999e10, 1.0000001e10))
    assert above == pytest.approx(below, rel=2e-5)
    low, high = variance_shares_from_f(1e20, d1, d2).interval
    assert 0.999 < low <= high <= 1


def test_where_f_is_too_small_there_is_no_interval_of_zero_width():
    """Groups more alike than chance has them: [0, 0] is what others print."""
    got = eta_squared([1, 5, 3, 1.01, 5, 3, 1, 5.01, 3], list("aaabbbccc"))
    assert got.interval is None
    assert "smaller than 2.5 % of F ratios" in got.undefined_because
    assert got.f is not None
    assert got.omega_squared < 0
    printed = variance_shares_from_f(0.0, 3, 20)
    assert (printed.interval, printed.p_value) == (None, 1)
    assert "F = 0 is smaller than 2.5 % of F ratios" in printed.undefined_because
    assert variance_shares_from_f(1.5, 3, 20).undefined_because is None


@pytest.mark.calibration
def test_interval_covers_the_population_share():
    """Fixed groups, 12 x (1 to 4) values, population share .4."""
    rng, labels = np.random.default_rng(5), np.repeat(np.arange(12), [4, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1])
    effects = rng.normal(size=12)[labels]
    effects -= effects.mean()
    effects *= math.sqrt(0.4 / 0.6 * len(labels) / float(effects @ effects))
    hits = 0
    for _ in range(1000):
        interval = eta_squared(effects + rng.normal(size=len(labels)), labels, resamples=0).interval
        hits += interval is not None and interval[0] <= 0.4 <= interval[1]
    assert 0.93 <= hits / 1000 <= 0.97


@pytest.mark.parametrize("nc", [3e5, 1e7, 1e9])
@pytest.mark.parametrize(("d1", "d2"), [(11, 9), (3, 100_000)])
def test_large_noncentralities_agree_with_scipy(nc, d1, d2):
    """Where the Poisson weights come from their deviance."""
    for f in np.array([0.97, 1.0005, 1.02]) * (1 + nc / d1):
        theirs = float(scipy.special.ncfdtr(d1, d2, nc, f))
        assert noncentral_f_tail(f, d1, d2, nc, upper=False) == pytest.approx(theirs, rel=1e-9)


def test_a_far_mean_costs_no_digits():
    """The mean of values near 1e12 is itself rounded: what it is off by is taken out again."""
    rng = np.random.default_rng(12)
    for _ in range(20):
        labels = rng.integers(0, 3, 21).tolist()
        values = (1e12 + rng.integers(0, 4096, 21) / 4096).tolist()
        between, within = exact_shares(values, labels)
        assert eta_squared(values, labels, resamples=0).eta_squared == pytest.approx(float(between / (between + within)), rel=1e-12)


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(grouped_values(), st.floats(-100, 100), st.sampled_from([-3.0, 0.01, 7.0, 1e6]))
def test_law_moving_and_stretching_changes_nothing(data, shift, stretch):
    values, labels = data
    assume(spread_within(values, labels))
    here = eta_squared(values, labels, resamples=99)
    there = eta_squared(stretch * (np.array(values) + shift), labels, resamples=99)
    assert there.eta_squared == pytest.approx(here.eta_squared, abs=1e-8)
    assert there.p_permutation == pytest.approx(here.p_permutation, abs=1e-9)
    assert there.p_value == pytest.approx(here.p_value, rel=1e-5)


def test_equal_means_whose_last_bits_differ_have_no_share_in_any_order():
    values, labels = [0.0, 0.05, 0.05, -0.125, -0.125, 0.0, 0.0, 0.0], list("abaababb")
    for order in itertools.islice(itertools.permutations(range(8)), 0, 40_320, 499):
        got = eta_squared([values[i] for i in order], [labels[i] for i in order], resamples=0)
        assert (got.eta_squared, got.f) == (0.0, 0.0)


@given(grouped_values(), st.randoms(use_true_random=False))
def test_law_order_of_values_and_names_of_groups_are_irrelevant(data, random):
    values, labels = data
    order = list(range(len(values)))
    random.shuffle(order)
    here = eta_squared(values, labels, resamples=0)
    there = eta_squared([values[i] for i in order], ["x" + labels[i] for i in order], resamples=0)
    assert there.eta_squared == pytest.approx(here.eta_squared, abs=1e-13)
    assert there.p_permutation == pytest.approx(here.p_permutation, rel=1e-9)
    assert there.undefined_because == here.undefined_because


@given(grouped_values())
def test_law_merging_two_groups_never_raises_the_share(data):
    values, labels = data
    merged = ["a" if label == "b" else label for label in labels]
    assert eta_squared(values, merged, resamples=0).eta_squared <= eta_squared(values, labels, resamples=0).eta_squared + 1e-12


@given(grouped_values())
def test_law_shares_are_ordered(data):
    values, labels = data
    got = eta_squared(values, labels, resamples=0)
    assert 0 <= got.eta_squared <= 1
    assert 0 < got.p_permutation <= 1
    if got.omega_squared is not None and got.omega_squared >= 0:
        assert got.omega_squared <= got.epsilon_squared <= got.eta_squared
    if got.interval is not None:
        assert 0 <= got.interval[0] <= got.interval[1] <= 1
    if got.f is not None:
        back = variance_shares_from_f(got.f, got.df_between, got.df_within)
        assert back.eta_squared == pytest.approx(got.eta_squared, rel=1e-9, abs=1e-12)
        assert back.omega_squared == pytest.approx(got.omega_squared, rel=1e-8, abs=1e-9)


@given(grouped_values(max_groups=3, max_size=3))
def test_law_labels_of_any_kind_are_the_same_groups(data):
    values, labels = data
    numbers = [ord(label) for label in labels]
    shares = {
        eta_squared(values, kind, resamples=0).eta_squared
        for kind in (
            numbers,
            np.array(numbers),
            np.array(numbers) - 10**6,
            np.array(numbers, dtype=np.uint8),
            np.array(numbers) * 10**12,
        )
    }
    assert max(shares) - min(shares) < 1e-14
    assert eta_squared(values, labels, resamples=0).eta_squared == pytest.approx(shares.pop(), abs=1e-14)
    assert eta_squared(values, np.array(labels), resamples=0) == eta_squared(values, labels, resamples=0)


def test_differential_eta_squared():
    """2,000 random tables against a plain second algorithm: R2 of least squares on indicators, and scipy's F."""
    rng = np.random.default_rng(2000)
    for _ in range(2000):
        k = int(rng.integers(2, 9))
        labels = rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, int(rng.integers(2, 40)))]))
        values = rng.normal(size=len(labels)) * 10.0 ** rng.integers(-6, 6) + 10.0 ** rng.integers(-3, 3)
        got = eta_squared(values, labels, resamples=0)
        indicators = (labels[:, None] == np.arange(k)).astype(float)
        d = values - values.mean()
        fitted = indicators @ np.linalg.lstsq(indicators, d, rcond=None)[0]
        assert got.eta_squared == pytest.approx(float(fitted @ fitted) / float(d @ d), rel=1e-8)
        other = got.df_within / got.df_between * got.eta_squared / (1 - got.eta_squared)
        assert got.f == pytest.approx(other, rel=1e-9)
        assert got.p_value == pytest.approx(float(scipy.special.fdtrc(k - 1, len(values) - k, other)), rel=1e-7)
        assert got.group_means == pytest.approx([values[labels == j].mean() for j in range(k)], rel=1e-12)
        assert got.group_sizes.tolist() == np.bincount(labels).tolist()


# ---- boundaries -----------------------------------------------------------------------------------------------------


def test_one_group_has_no_share():
    got = eta_squared([0.1, 0.5, 0.7], ["a"] * 3)
    assert (got.eta_squared, got.epsilon_squared, got.omega_squared, got.null_expectation) == (0, 0, 0, 0)
    assert (got.f, got.p_value, got.interval, got.p_permutation) == (None, None, None, 1)
    assert "all 3 values are in one group" in got.undefined_because


def test_groups_of_one_have_the_whole_share_and_that_says_nothing():
    got = eta_squared([0.1, 0.5, 0.7], ["a", "b", "c"])
    assert (got.eta_squared, got.null_expectation, got.p_permutation) == (1, 1, 1)
    assert (got.epsilon_squared, got.omega_squared, got.f, got.p_value, got.interval) == (None,) * 5
    assert "each of the 3 values is a group of its own" in got.undefined_because


def test_no_spread_within_groups_has_a_permutation_p_and_no_f():
    # 0.1 + 0.2 is not 0.3 in floating point: equal up to the last bits is equal
    got = eta_squared([0.3, 0.1 + 0.2, 0.7, 0.7], list("aabb"))
    assert (got.eta_squared, got.omega_squared, got.f, got.p_value, got.interval) == (1, 1, None, None, None)
    assert got.p_permutation == pytest.approx(2 / 6)
    assert "do not vary within groups" in got.undefined_because


def test_a_million_rows_agree_with_the_blocks_of_them():
    """Several blocks, gaps in the codes, and values far from 0."""
    rng = np.random.default_rng(6)
    labels = rng.choice([2, 5, 900], 100_000)
    values = 1e6 + rng.normal(size=100_000) + 0.01 * labels
    got = eta_squared(values, labels)
    d = values - values.mean()
    between = sum((labels == j).sum() * d[labels == j].mean() ** 2 for j in (2, 5, 900))
    assert got.groups == (2, 5, 900)
    assert got.eta_squared == pytest.approx(between / (d @ d), rel=1e-9)
    assert got.permutation_method == "beta_moments"
    null = eta_squared(rng.normal(size=100_000), labels)
    assert null.p_permutation == pytest.approx(null.p_value, rel=1e-3)


def test_results_are_frozen_and_compare_as_a_whole():
    here = eta_squared([1, 2, 3, 5], list("aabb"))
    assert here == eta_squared([1, 2, 3, 5], list("aabb"))
    assert here != eta_squared([1, 2, 3, 6], list("aabb"))
    assert here.generalises_to == "new_models"
    with pytest.raises(ValueError, match="read-only"):
        here.group_means[0] = 0


@pytest.mark.parametrize(
    ("values", "groups", "options", "error", "message"),
    [
        ([0.3, 0.3, 0.3], list("aab"), {}, InsufficientData, "all 3 values equal 0.3"),
        ([0.3, 0.1 + 0.2, 0.3], list("aab"), {}, InsufficientData, "no spread is left"),
        ([0.3], ["a"], {}, InsufficientData, "at least 2 numbers, got 1"),
        ([], [], {}, InsufficientData, "at least 2 numbers, got 0"),
        ([1, 2, 3], list("ab"), {}, DomainError, "same length, got 2 and 3"),
        ([1, 2, 3], [1, 2], {}, DomainError, "same length, got 2 and 3"),
        ([1, 2, math.nan], list("abb"), {}, DomainError, "must be finite, got nan at position 2"),
        (np.array([1, 2, math.inf]), list("abb"), {}, DomainError, "must be finite, got inf at position 2"),
        ([1, 2, 3], ["a", "b", None], {}, DomainError, "missing label"),
        ([1, 2, 3], ["a", "b", math.nan], {}, DomainError, "missing label"),
        ([1, 2, 3], np.array([1.0, 2.0, math.nan]), {}, DomainError, "missing label"),
        ([1, 2, 3], "abb", {}, DomainError, "got the text 'abb'"),
        ([1, 2, 3], np.array([[1, 2, 3]]), {}, DomainError, r"one-dimensional, got shape \(1, 3\)"),
        ([1e200, 2, 3], list("abb"), {}, DomainError, "change the unit"),
        ([1e-100, 2e-100, 0], list("abb"), {}, DomainError, "change the unit"),
        ([True, False, True], list("abb"), {}, DomainError, "dtype bool"),
        ([1, 2, 3], list("abb"), {"level": 95}, DomainError, "95 % is written 0.95"),
        ([1, 2, 3], list("abb"), {"resamples": -1}, DomainError, "resamples must not be negative"),
        ([1, 2, 3], list("abb"), {"resamples": 0.5}, DomainError, "whole number"),
    ],
)
def test_refuses(values, groups, options, error, message):
    with pytest.raises(error, match=message):
        eta_squared(values, groups, **options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0, 2, 3), r"f must lie in \[0, 1e60\), got -1"),
        ((math.nan, 2, 3), "f must be finite"),
        ((1.0, 0, 3), "at least 1, got 0 and 3"),
        ((1.0, 2, 0), "at least 1, got 2 and 0"),
    ],
)
def test_refuses_what_is_no_f(arguments, message):
    with pytest.raises(DomainError, match=message):
        variance_shares_from_f(*arguments)


# ---- binomial null --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials"), [([0, 1, 3, 2], [2, 3, 4, 2]), ([1, 1, 0, 1], [1, 1, 1, 1]), ([1, 1, 9, 0], [3, 2, 16, 2])]
)
def test_binomial_null_is_the_distribution_it_says(successes, trials):
    """Two groups of two with few trials: enumerate all tables, weigh by binomial probability."""
    groups, p = list("aabb"), 0.4
    pmf = [scipy.stats.binom.pmf(np.arange(n + 1), n, p) for n in trials]
    mass, mean, beyond, equal = 0.0, 0.0, 0.0, 0.0
    rates = [k / n for k, n in zip(successes, trials, strict=True)]
    observed = eta_squared(rates, groups)
    for table in itertools.product(*(range(n + 1) for n in trials)):
        weight = math.prod(pmf[i][k] for i, k in enumerate(table))
        between, within = exact_shares([Fraction(k, n) for k, n in zip(table, trials, strict=True)], groups)
        if between + within == 0:
            equal += weight
            continue
        share = float(between / (between + within))
        mass, mean = mass + weight, mean + weight * share
        beyond += weight * (share >= observed.eta_squared - 1e-12)
    got = eta_squared_binomial_null(successes, trials, groups, null_rates=[p] * 4, resamples=40_000)
    assert got.null_mean == pytest.approx(mean / mass, abs=0.008)
    assert got.p_value == pytest.approx(beyond + equal, abs=0.01)
    assert got.undefined_draws / 40_000 == pytest.approx(equal, abs=0.006)
    if trials[2] == 16:
        # a lopsided null, so that mean and median cannot stand in for each other
        assert abs(got.null_mean - got.null_median) > 0.02
    assert got.observed == observed
    assert (got.null, got.generalises_to) == ("given", "these_models")


def test_trials_that_differ_move_the_null_away_from_k_minus_1_over_n_minus_1():
    """Statistics.md, report 164: with common p and 20-150 trials the null mean lies anywhere in .486-.663 by layout."""
    sizes = [10] + [1] * 11
    groups = [j for j, size in enumerate(sizes) for _ in range(size)]
    noisy_alone = [150] * 10 + [20] * 11
    noisy_together = [20] * 10 + [150] * 11
    apart, together = (
        eta_squared_binomial_null([round(0.4 * n) + i % 2 for i, n in enumerate(trials)], trials, groups, resamples=1999)
        for trials in (noisy_alone, noisy_together)
    )
    assert apart.observed.null_expectation == together.observed.null_expectation == 0.55
    assert apart.null_mean > 0.65
    assert together.null_mean < 0.49
    for got in (apart, together):
        assert got.null_median <= got.null_95 <= got.null_99 <= 1


def test_pooled_rate_is_the_common_null():
    got = eta_squared_binomial_null([1, 8, 3, 9], [10, 20, 10, 40], list("aabb"), resamples=99)
    assert got.null == "common"
    assert got.null_rates.tolist() == [21 / 80] * 4
    assert got == eta_squared_binomial_null([1, 8, 3, 9], [10, 20, 10, 40], list("aabb"), resamples=99, rng=20_260_630)
    assert got.p_value >= 1 / 100


def test_order_of_models_is_irrelevant_to_the_binomial_null():
    """The draws differ, the distribution does not: given rates travel with their models."""
    k, n, g, p = [1, 18, 3, 38], [10, 20, 100, 40], list("abab"), [0.1, 0.9, 0.03, 0.95]
    here = eta_squared_binomial_null(k, n, g, null_rates=p, resamples=20_000)
    order = [2, 0, 3, 1]
    there = eta_squared_binomial_null(
        *([column[i] for i in order] for column in (k, n, g)), null_rates=[p[i] for i in order], resamples=20_000
    )
    assert here.null_mean == pytest.approx(there.null_mean, abs=0.005)
    assert here.null_mean > 0.9


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1, 2], [5, 5], list("ab")), {}, InsufficientData, "each of the 2 values is a group of its own"),
        (([1, 2], [5, 5], list("aa")), {}, InsufficientData, "eta squared is fixed"),
        (([0, 0, 0], [5, 4, 3], list("aab")), {}, InsufficientData, "all 3 values equal 0"),
        (([1, 2, 3], [5, 5, 5], list("aab")), {"null_rates": [0.1, 0.2]}, DomainError, "same length"),
        (([1, 2, 3], [5, 5, 5], list("aab")), {"null_rates": [0.1, 20, 0.1]}, DomainError, "divide percent by 100"),
        (([1, 2, 3], [5, 5, 5], list("aab")), {"null_rates": [0, 0, 0]}, InsufficientData, "every simulated table"),
        (([1, 2, 3], [5, 5, 5], list("aab")), {"resamples": 9}, DomainError, "at least 99, got 9"),
        (([1, 6, 3], [5, 5, 5], list("aab")), {}, DomainError, "got 6 of 5"),
    ],
)
def test_binomial_null_refuses(arguments, options, error, message):
    with pytest.raises(error, match=message):
        eta_squared_binomial_null(*arguments, **options)


# ---- the strategy ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "corner",
    [
        lambda d: len(set(d[1])) == len(d[0]),
        lambda d: not spread_within(*d) and len(set(d[1])) < len(d[0]),
        lambda d: any(d[1].count(name) == 1 for name in d[1]) and any(d[1].count(name) > 2 for name in d[1]),
        lambda d: len(set(d[0])) == 2,
        lambda d: d[1] != sorted(d[1]),
    ],
)
def test_strategy_finds_the_corner(corner):
    search = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])
    assert corner(find(grouped_values(), corner, settings=search))
