"""Wilson intervals."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import wilson_interval, wilson_intervals

HUGE = [(1, 10**9), (486, 487), (10**9 - 1, 10**9), (5 * 10**8, 10**9), (0, 1), (1, 1), (3, 7)]


@given(own.cells(), own.levels())
def test_endpoints_solve_the_score_equation(cell, level):
    """n (phat - p)^2 = z^2 p (1 - p): put the answer back in."""
    k, n = cell
    z = scipy.special.ndtri((1 + level) / 2)
    interval = wilson_interval(k, n, level=level)
    for p in (interval.low, interval.high):
        assert n * (k / n - p) ** 2 == pytest.approx(z**2 * p * (1 - p), rel=1e-7, abs=1e-12)
    assert interval.high - interval.low > 0


@pytest.mark.parametrize(("k", "n"), HUGE)
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999999])
def test_agrees_with_fifty_digits(k, n, level):
    with mpmath.workdps(50):
        z = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf(level))
        phat, z2 = mpmath.mpf(k) / n, z * z
        half = z * mpmath.sqrt(phat * (1 - phat) / n + z2 / (4 * mpmath.mpf(n) ** 2)) / (1 + z2 / n)
        centre = (phat + z2 / (2 * n)) / (1 + z2 / n)
        low, high = centre - half, centre + half
        got = wilson_interval(k, n, level=level)
        assert abs(mpmath.mpf(got.low) - low) <= 4e-15 * low + 1e-48
        assert abs(mpmath.mpf(got.high) - high) <= 4e-16
        assert float(abs((1 - mpmath.mpf(got.high)) - (1 - high))) <= 2e-16


@given(own.cells(), own.levels())
def test_agrees_with_scipy(cell, level):
    k, n = cell
    other = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    got = wilson_interval(k, n, level=level)
    assert (got.low, got.high) == pytest.approx((other.low, other.high), rel=1e-9, abs=1e-12)


def test_matches_r_prop_test():
    """
    R 4.2.2
    > prop.test(486, 487, correct=FALSE)$conf.int
    [1] 0.988461657882 0.999637434573
    """
    got = wilson_interval(486, 487)
    assert (got.low, got.high) == pytest.approx((0.988461657882, 0.999637434573), abs=5e-13)


@given(own.cells(), own.levels())
def test_lies_in_the_unit_interval_around_the_estimate(cell, level):
    k, n = cell
    got = wilson_interval(k, n, level=level)
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    assert (got.low == 0) == (k == 0)
    assert (got.high == 1) == (k == n)
    assert (got.successes, got.trials, got.level, got.method) == (k, n, level, "wilson")


def test_differential_wilson_fifty_digits():
    """2,000 cells up to 1e12 trials, edges on purpose: both ends to 1e-15 of themselves, at levels from .01 to 1 - 1e-12."""
    rng, worst = np.random.default_rng(20260630), 0.0
    for _ in range(2000):
        n = int(10 ** rng.uniform(0, 12))
        k = min(n, [0, n, 1, n - 1, int(rng.integers(0, n + 1)), int(10 ** rng.uniform(0, 6))][rng.integers(6)])
        level = float(rng.choice([0.01, 0.5, 0.9, 0.95, 0.999, 1 - 1e-12]))
        got = wilson_interval(k, n, level=level)
        with mpmath.workdps(50):
            z = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf(level))
            half = z * mpmath.sqrt(mpmath.mpf(k) * (n - k) / n + z * z / 4)
            low, high = (k + z * z / 2 - half) / (n + z * z), (k + z * z / 2 + half) / (n + z * z)
            worst = max(worst, float(abs(got.high - high) / high), float(abs(got.low - low) / low) if k else 0.0)
    print(f"largest relative error of an end: {worst:.1e}")
    assert worst <= 1e-15


def test_a_level_near_zero_is_a_point_not_a_nan():
    for level in (1e-300, 1e-17):
        got = wilson_interval(0, 5, level=level)
        assert 0 == got.low <= got.high < 1e-15
        assert wilson_interval(3, 5, level=level).low == pytest.approx(0.6, rel=1e-15)


@pytest.mark.parametrize("cells", [8191, 8192, 8193, 20_000])
def test_blocks_do_not_show(cells):
    """The seams of the blocked computation: every cell is as if alone."""
    rng = np.random.default_rng(cells)
    n = rng.integers(1, 3000, cells)
    k = rng.binomial(n, rng.random(cells))
    many = wilson_intervals(k, n)
    for at in (0, 8190, *range(8191, min(cells, 8195)), cells - 1):
        one = wilson_interval(int(k[at]), int(n[at]))
        assert (many.low[at], many.high[at], many.estimate[at]) == (one.low, one.high, one.estimate)


def test_the_order_of_the_three_holds_where_they_meet():
    """At a level near 0 all three are k/n, and the last bit alone decides."""
    pairs = [(k, n) for n in range(1, 120) for k in range(n + 1)]
    many = wilson_intervals(*own.columns(pairs), level=1e-15)
    assert np.all(many.low <= many.estimate)
    assert np.all(many.estimate <= many.high)


@given(own.cells(), own.levels())
def test_swapping_success_and_failure_mirrors_the_interval(cell, level):
    k, n = cell
    here, there = wilson_interval(k, n, level=level), wilson_interval(n - k, n, level=level)
    assert here.low == pytest.approx(1 - there.high, abs=1e-15)
    assert here.high == pytest.approx(1 - there.low, abs=1e-15)


@given(own.cells(), st.integers(2, 50))
def test_replicating_the_data_never_widens(cell, times):
    k, n = cell
    one, many = wilson_interval(k, n), wilson_interval(times * k, times * n)
    assert many.high - many.low < one.high - one.low


@given(own.cells(), own.levels(), own.levels())
def test_a_higher_level_contains_a_lower(cell, level, other):
    k, n = cell
    narrow, wide = (wilson_interval(k, n, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(own.cells().filter(lambda cell: cell[0] < cell[1]))
def test_one_more_success_moves_both_ends_up(cell):
    k, n = cell
    here, more = wilson_interval(k, n), wilson_interval(k + 1, n)
    assert here.low < more.low
    assert here.high < more.high


@given(own.series(min_size=1), own.levels())
def test_many_cells_are_each_cell(cells, level):
    successes, trials = own.columns(cells)
    many = wilson_intervals(successes, trials, level=level)
    singles = [wilson_interval(k, n, level=level) for k, n in cells]
    assert many.low.tolist() == [one.low for one in singles]
    assert many.high.tolist() == [one.high for one in singles]
    assert many.estimate.tolist() == [one.estimate for one in singles]
    assert (many.successes.tolist(), many.trials.tolist()) == (successes, trials)


def test_many_cells_are_frozen_and_compare_as_a_whole():
    mine = np.array([1, 2])
    result = wilson_intervals(mine, [5, 5])
    mine[0] = 5
    assert result == wilson_intervals([1, 2], [5, 5])
    assert result != wilson_intervals([1, 3], [5, 5])
    with pytest.raises(ValueError, match="read-only"):
        result.low[0] = 0


def test_nothing_seen_is_not_nothing_there():
    assert wilson_interval(0, 32).low == 0
    assert wilson_interval(0, 32).high == pytest.approx(3.8414588 / (32 + 3.8414588), rel=1e-8)
    assert wilson_interval(32, 32).low == pytest.approx(32 / (32 + 3.8414588), rel=1e-8)


@pytest.mark.parametrize(
    ("successes", "trials", "level", "message"),
    [
        (5, 4, 0.95, "successes must not exceed trials, got 5 of 4"),
        (0, 0, 0.95, "trials must be at least 1, got 0"),
        (-1, 4, 0.95, "successes must not be negative, got -1"),
        (True, 4, 0.95, "truth value True"),
        (1.0, 4, 0.95, r"whole number, got 1.0 \(float\)"),
        (math.nan, 4, 0.95, "whole number, got nan"),
        (1, "4", 0.95, "trials must be a whole number, got '4'"),
        (1, 4, 1.0, "level must lie strictly between 0 and 1, got 1.0"),
        (1, 4, 95, "95 % is written 0.95"),
        (1, 4, True, "level must be a real number, got True"),
        (1, 4, math.nan, "level must be finite"),
    ],
)
def test_refuses_one_cell(successes, trials, level, message):
    with pytest.raises(DomainError, match=message):
        wilson_interval(successes, trials, level=level)


@pytest.mark.parametrize(
    ("successes", "trials", "message"),
    [
        ([1, 5], [4, 4], "got 5 of 4 at position 1"),
        ([1, 0], [4, 0], "trials must be at least 1 in every cell, got 0 at position 1"),
        ([1], [4, 4], "same length, got 1 and 2"),
        ([], [], "at least one cell, got none"),
        ([[1]], [[4]], r"one-dimensional, got shape \(1, 1\)"),
        ([0.5], [4], "whole numbers, got dtype float64"),
        ([True], [4], "dtype bool"),
        ([-1], [4], "must not be negative, got -1 at position 0"),
        ([2**64 - 1], [2**64 - 1], "must fit 64-bit integers"),
        ([[1], [2, 3]], [4, 4], "one-dimensional sequence of numbers"),
    ],
)
def test_refuses_many_cells(successes, trials, message):
    with pytest.raises(DomainError, match=message):
        wilson_intervals(successes, trials)


def test_numpy_integers_are_counts():
    assert wilson_interval(np.int64(3), np.uint8(7)) == wilson_interval(3, 7)
