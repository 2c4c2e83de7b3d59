"""Wilson intervals with continuity correction."""

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import wilson_continuity_interval, wilson_continuity_intervals, wilson_interval


@given(own.cells(), own.levels())
def test_endpoints_solve_the_corrected_score_equation(cell, level):
    """n (|phat - p| - 1/(2n))^2 = z^2 p (1 - p): put the answer back in."""
    k, n = cell
    z = scipy.special.ndtri((1 + level) / 2)
    interval = wilson_continuity_interval(k, n, level=level)
    ends = ([interval.low] if k else []) + ([interval.high] if k < n else [])
    for p in ends:
        assert n * (abs(k / n - p) - 1 / (2 * n)) ** 2 == pytest.approx(z**2 * p * (1 - p), rel=1e-6, abs=1e-11)
    assert interval.high > interval.low


@pytest.mark.parametrize(("k", "n"), [(1, 10**6), (486, 487), (0, 1), (1, 1), (3, 7), (15, 148), (81, 263)])
def test_agrees_with_fifty_digits_of_the_published_formula(k, n):
    """Newcombe's method 4 as printed, without the rearrangement."""
    with mpmath.workdps(50):
        z, p = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf("0.95")), mpmath.mpf(k) / n
        q, z2 = 1 - p, z * z
        low = (2 * k + z2 - 1 - z * mpmath.sqrt(z2 - 2 - mpmath.mpf(1) / n + 4 * p * (n * q + 1))) / (2 * (n + z2)) if k else 0
        high = (2 * k + z2 + 1 + z * mpmath.sqrt(z2 + 2 - mpmath.mpf(1) / n + 4 * p * (n * q - 1))) / (2 * (n + z2)) if k < n else 1
        got = wilson_continuity_interval(k, n)
        assert abs(got.low - low) < 1e-14
        assert abs(got.high - high) < 1e-14


@given(own.cells(), own.levels())
def test_agrees_with_scipy(cell, level):
    k, n = cell
    other = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilsoncc")
    got = wilson_continuity_interval(k, n, level=level)
    # scipy's printed formula leaves the estimate's side near 0 and n at low levels
    assert (got.low, got.high) == pytest.approx((min(other.low, k / n), max(other.high, k / n)), rel=1e-8, abs=1e-9)


def test_matches_r_prop_test():
    """
    R 4.2.2
    > prop.test(486, 487)$conf.int
    [1] 0.986773422067 0.999892803524
    """
    got = wilson_continuity_interval(486, 487)
    assert (got.low, got.high) == pytest.approx((0.986773422067, 0.999892803524), abs=5e-13)


@given(own.cells(), own.levels())
def test_contains_the_interval_without_correction(cell, level):
    k, n = cell
    plain, wide = wilson_interval(k, n, level=level), wilson_continuity_interval(k, n, level=level)
    assert 0 <= wide.low <= plain.low
    assert plain.high <= wide.high <= 1
    assert (wide.low == 0) == (k == 0)
    assert (wide.high == 1) == (k == n)
    assert (wide.successes, wide.trials, wide.level, wide.method) == (k, n, level, "wilson_continuity")


@given(own.cells(), own.levels())
def test_swapping_success_and_failure_mirrors_the_interval(cell, level):
    k, n = cell
    here, there = wilson_continuity_interval(k, n, level=level), wilson_continuity_interval(n - k, n, level=level)
    assert here.low == pytest.approx(1 - there.high, abs=1e-15)
    assert here.high == pytest.approx(1 - there.low, abs=1e-15)


@given(own.series(min_size=1), own.levels())
def test_many_cells_are_each_cell(cells, level):
    many = wilson_continuity_intervals(*own.columns(cells), level=level)
    for at, (k, n) in enumerate(cells):
        one = wilson_continuity_interval(k, n, level=level)
        assert (many.low[at], many.high[at]) == (one.low, one.high)
    assert not np.asarray(many.low).flags.writeable


def test_refuses_more_successes_than_trials():
    with pytest.raises(DomainError, match="must not exceed trials"):
        wilson_continuity_interval(3, 2)


def test_refuses_a_level_in_percent():
    with pytest.raises(DomainError, match="95 % is written"):
        wilson_continuity_intervals([1], [2], level=95)
