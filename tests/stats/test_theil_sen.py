"""The Theil-Sen slope and Sen's interval."""

import itertools
import math
import statistics

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import kendall_test, log_scaling_slope, theil_sen_slope

SIZES = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 70.0]
RATES = [0.61, 0.55, 0.52, 0.44, 0.47, 0.30, 0.31, 0.22]


def slopes_of(sizes, rates):
    pairs = itertools.combinations(list(zip(sizes, rates, strict=True)), 2)
    return sorted(100 * (q[1] - p[1]) / (math.log10(q[0]) - math.log10(p[0])) for p, q in pairs if p[0] != q[0])


@given(own.sized_rates())
def test_slope_is_the_median_of_pairs(data):
    got = theil_sen_slope(*data)
    assert got.slope_pp_per_decade == pytest.approx(statistics.median(slopes_of(*data)), rel=1e-9, abs=1e-9)
    assert got.slope_pp_per_doubling == pytest.approx(got.slope_pp_per_decade * math.log10(2), rel=1e-12)
    assert got.n_slopes == len(slopes_of(*data))
    assert (got.n, got.params_b, got.rates) == (len(data[0]), tuple(data[0]), tuple(data[1]))
    assert got.generalises_to == "new_models"


def test_differential_theil_sen():
    """2,000 random designs: slope by scipy; interval by inverting Kendall's test, order by order, from brute force."""
    rng = np.random.default_rng(20260630)
    shares = {n: np.bincount(inversions_of_all_orders(n)) / math.factorial(n) for n in range(5, 7)}
    none = 0
    for _ in range(2000):
        n = int(rng.integers(5, 7))
        x, y = rng.choice(np.array(own.MODEL_SIZES), n, replace=False), rng.uniform(0, 1, n)
        level = float(rng.choice([0.5, 0.8, 0.9, 0.95, 0.99]))
        got, other = theil_sen_slope(x, y, level=level), scipy.stats.theilslopes(y, np.log10(x))
        assert got.slope_pp_per_decade == pytest.approx(100 * other.slope, rel=1e-9)
        cumulative = np.cumsum(shares[n])
        kept = [k for k in range(len(cumulative)) if 2 * cumulative[k] <= 1 - level + 1e-12]
        if not kept:
            none += 1
            assert got.interval is None
            assert "bear no bounded interval" in got.undefined_because
            continue
        slopes = slopes_of(x, y)
        assert got.interval == pytest.approx((slopes[kept[-1]], slopes[-1 - kept[-1]]), rel=1e-9)
        assert got.attained_level == pytest.approx(1 - 2 * cumulative[kept[-1]], abs=1e-12)
        assert got.attained_level >= level - 1e-12
    print(f"theil-sen: 2000 cases, {none} without a bounded interval")
    assert 100 < none < 1500


def inversions_of_all_orders(n):
    return [sum(p > q for p, q in itertools.combinations(order, 2)) for order in itertools.permutations(range(n))]


@given(own.sized_rates(min_models=6, untied=True), st.sampled_from([0.6, 0.8, 0.9]))
def test_law_interval_holds_the_slopes_that_kendalls_test_does_not_reject(data, level):
    """Put the answer back in: just inside the ends the shifted rates pass Kendall's exact test, just outside they do not."""
    got = theil_sen_slope(*data, level=level)
    if got.interval is None:
        return
    x, y = np.log10(data[0]), np.array(data[1])
    slopes = np.array(slopes_of(*data)) / 100
    gap = np.diff(np.unique(slopes))
    if len(gap) < 2 or gap.min() < 1e-6 or len(np.unique(slopes)) < len(slopes):
        return
    step = gap.min() / 3
    for end, inwards in zip(got.interval, (1, -1), strict=True):
        inside, outside = (kendall_test(x, y - (end / 100 + inwards * side * step) * x).p_value for side in (1, -1))
        assert inside > 1 - level - 1e-12
        assert outside <= 1 - level + 1e-12


@given(own.sized_rates(min_models=5), st.sampled_from([0.6, 0.8]))
def test_law_reflection_and_scale(data, level):
    x, y = np.array(data[0]), np.array(data[1])
    here, back = theil_sen_slope(x, y, level=level), theil_sen_slope(x, 1 - y, level=level)
    half = theil_sen_slope(2 * x, 0.5 * y, level=level)
    assert back.slope_pp_per_decade == pytest.approx(-here.slope_pp_per_decade, abs=1e-9)
    assert half.slope_pp_per_decade == pytest.approx(here.slope_pp_per_decade / 2, abs=1e-9)
    assert (here.interval is None) == (back.interval is None)
    if here.interval is not None:
        assert back.interval == pytest.approx((-here.interval[1], -here.interval[0]), rel=1e-6, abs=1e-7)
        assert here.interval[0] - 1e-9 <= here.slope_pp_per_decade <= here.interval[1] + 1e-9


@given(own.sized_rates(min_models=5), st.randoms(use_true_random=False))
def test_law_order_of_models_is_irrelevant(data, random):
    models = list(zip(*data, strict=True))
    random.shuffle(models)
    here, there = theil_sen_slope(*data, level=0.8), theil_sen_slope(*zip(*models, strict=True), level=0.8)
    assert there.slope_pp_per_decade == pytest.approx(here.slope_pp_per_decade, abs=1e-10)
    assert (there.p_value, there.undefined_because) == (here.p_value, here.undefined_because)
    assert there.rate_at_1b == pytest.approx(here.rate_at_1b, abs=1e-10)


@given(own.sized_rates(min_models=6))
def test_law_intervals_are_nested_in_level(data):
    wide, narrow = theil_sen_slope(*data, level=0.9), theil_sen_slope(*data, level=0.6)
    if wide.interval is not None and narrow.interval is not None:
        assert wide.interval[0] <= narrow.interval[0] <= narrow.interval[1] <= wide.interval[1]
        assert wide.attained_level >= narrow.attained_level >= 0.6


def test_ties_in_size_use_the_tied_distribution():
    """Two models at each of four sizes: 24 slopes; orders of (1,1,2,2,3,3,4,4) by inversions, from brute force."""
    sizes = [1, 1, 2, 2, 4, 4, 8, 8]
    codes = sorted(set(itertools.permutations([0, 0, 1, 1, 2, 2, 3, 3])))
    shares = np.bincount([sum(p > q for p, q in itertools.combinations(order, 2)) for order in codes]) / len(codes)
    kept = np.flatnonzero(2 * np.cumsum(shares) <= 0.05)[-1]
    got = theil_sen_slope(sizes, RATES)
    slopes = slopes_of(sizes, RATES)
    assert (got.n_slopes, len(codes)) == (24, 2520)
    assert got.interval == pytest.approx((slopes[kept], slopes[-1 - kept]), rel=1e-9)
    assert got.attained_level == pytest.approx(1 - 2 * np.cumsum(shares)[kept], abs=1e-12)


def test_p_is_kendalls():
    got, test = theil_sen_slope(SIZES, RATES), kendall_test(SIZES, RATES)
    assert (got.p_value, got.p_floor, got.p_method) == (test.p_value, test.p_floor, test.method)


def test_the_line_passes_through_its_points():
    rates = [0.3 - 0.1 * math.log10(size) for size in SIZES]
    got = theil_sen_slope(SIZES, rates)
    assert got.rate_at_1b == pytest.approx(0.3)
    assert got.slope_pp_per_decade == pytest.approx(-10)
    assert got.interval is None
    assert "both ends of the interval equal" in got.undefined_because


def test_four_models_bear_no_interval_at_95_and_one_at_90():
    got = theil_sen_slope([1, 2, 4, 8], [0.9, 0.7, 0.8, 0.4])
    assert got.interval is None
    assert got.attained_level is None
    assert got.undefined_because == "4 models bear no bounded interval at 0.95: all slopes but the outermost have 0.917"
    narrower = theil_sen_slope([1, 2, 4, 8], [0.9, 0.7, 0.8, 0.4], level=0.9)
    assert narrower.attained_level == pytest.approx(1 - 2 / 24)
    assert narrower.interval == pytest.approx((slopes_of([1, 2, 4, 8], [0.9, 0.7, 0.8, 0.4])[0], 33.219281), abs=1e-5)


def test_a_level_that_is_attained_exactly_is_attained():
    """Five models, three of one size: 20 orders; the outermost slopes have 1 - 2/20, and 1 - 0.9 < 2/20 in floats."""
    got = theil_sen_slope([1, 2, 4, 4, 4], [0.9, 0.7, 0.5, 0.4, 0.3], level=0.9)
    assert got.attained_level == pytest.approx(0.9, abs=1e-12)
    assert got.interval is not None


def test_equal_rates_have_slope_0_and_no_certainty():
    got = theil_sen_slope(SIZES, [0.1 + 0.2] * 4 + [0.3] * 4)
    assert (got.slope_pp_per_decade, got.interval, got.p_value, got.p_method) == (0.0, None, None, None)
    assert got.undefined_because == "all 8 rates are equal, which leaves no scatter to judge a slope by"


def test_an_outlier_moves_it_less_than_least_squares():
    spoilt = [*RATES[:-1], 1.0]
    moved = [
        abs(f(SIZES, spoilt).slope_pp_per_decade - f(SIZES, RATES).slope_pp_per_decade)
        for f in (theil_sen_slope, log_scaling_slope)
    ]
    assert moved[0] < 0.4 * moved[1]


def test_many_models_use_the_normal_distribution_and_agree_with_scipy():
    rng = np.random.default_rng(9)
    x, y = rng.uniform(0.5, 400, 250), rng.uniform(0, 1, 250)
    got, other = theil_sen_slope(x, y), scipy.stats.theilslopes(y, np.log10(x), alpha=0.95)
    assert got.interval_method == "normal_kendall"
    assert got.interval == pytest.approx((100 * other.low_slope, 100 * other.high_slope), rel=0.01)
    assert got.attained_level == pytest.approx(0.95, abs=0.0005)
    assert theil_sen_slope(x[:80], y[:80]).interval_method == "exact_kendall"


@pytest.mark.parametrize(
    ("sizes", "rates", "error", "message"),
    [
        ([1, 2], [0.1, 0.2], InsufficientData, "at least 3 distinct sizes, got 2; report raw_difference_per_decade"),
        ([1, 1, 1], [0.1, 0.2, 0.3], InsufficientData, "at least 3 distinct sizes, got 1"),
        ([1, 2, 0], [0.1, 0.2, 0.3], DomainError, "params_b must be positive"),
        ([1, 2, 3], [10, 20, 30], DomainError, "rates must be fractions"),
        ([1, 2, 3], [0.1, 0.2], DomainError, "must have the same length, got 3 and 2"),
    ],
)
def test_refuses(sizes, rates, error, message):
    with pytest.raises(error, match=message):
        theil_sen_slope(sizes, rates)


def test_refuses_a_level_in_percent():
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1"):
        theil_sen_slope(SIZES, RATES, level=95)
