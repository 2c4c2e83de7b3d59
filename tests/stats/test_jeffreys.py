"""Jeffreys intervals."""

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import jeffreys_interval, jeffreys_intervals


@given(own.cells(max_trials=800), own.levels().filter(lambda level: level > 0.6))
def test_endpoints_leave_half_the_error_in_each_posterior_tail(cell, level):
    """Put the answer back into Beta(k + 1/2, n - k + 1/2)."""
    k, n = cell
    got = jeffreys_interval(k, n, level=level)
    if k > 0:
        assert scipy.special.betainc(k + 0.5, n - k + 0.5, got.low) == pytest.approx((1 - level) / 2, rel=1e-7)
    if k < n:
        assert scipy.special.betaincc(k + 0.5, n - k + 0.5, got.high) == pytest.approx((1 - level) / 2, rel=1e-7)


@pytest.mark.parametrize(("k", "n"), [(1, 2), (5, 10), (9, 10), (0, 32), (32, 32)])
def test_agrees_with_thirty_digits(k, n):
    with mpmath.workdps(30):
        a, b = k + mpmath.mpf(1) / 2, n - k + mpmath.mpf(1) / 2
        got = jeffreys_interval(k, n)
        if k > 0:
            assert abs(mpmath.betainc(a, b, 0, mpmath.mpf(got.low), regularized=True) - mpmath.mpf("0.025")) < 1e-15
        if k < n:
            assert abs(mpmath.betainc(a, b, mpmath.mpf(got.high), 1, regularized=True) - mpmath.mpf("0.025")) < 1e-15


def test_boundary_convention_is_that_of_brown_cai_and_dasgupta():
    """Low is 0 at k = 0 and high 1 at k = n; the other end keeps its tail of 2.5 %, not of 5 %."""
    none, all_ = jeffreys_interval(0, 32), jeffreys_interval(32, 32)
    assert (none.low, all_.high) == (0, 1)
    assert none.high == pytest.approx(scipy.stats.beta.ppf(0.975, 0.5, 32.5), rel=1e-10)
    assert all_.low == pytest.approx(scipy.stats.beta.ppf(0.025, 32.5, 0.5), rel=1e-10)
    # no further change at k = 1: the modified interval would say 0 here
    assert jeffreys_interval(1, 32).low == pytest.approx(scipy.stats.beta.ppf(0.025, 1.5, 31.5), rel=1e-9)
    assert jeffreys_interval(1, 32).low > 0


def test_without_the_convention_coverage_at_a_small_rate_would_be_nothing():
    n, p = 50, 1e-6
    got = jeffreys_intervals(np.arange(n + 1), np.full(n + 1, n))
    mass = scipy.stats.binom.pmf(np.arange(n + 1), n, p)
    assert mass[(got.low <= p) & (p <= got.high)].sum() > 0.99
    assert scipy.stats.beta.ppf(0.025, 0.5, n + 0.5) > p


def test_mean_coverage_is_the_level():
    """A property of Jeffreys intervals: coverage averaged over p is near nominal. n = 40, 199 rates."""
    k = np.arange(41)
    got = jeffreys_intervals(k, np.full(41, 40))
    rates = np.linspace(0.005, 0.995, 199)
    inside = (got.low <= rates[:, np.newaxis]) & (rates[:, np.newaxis] <= got.high)
    mean = float(np.mean(np.sum(scipy.stats.binom.pmf(k, 40, rates[:, np.newaxis]) * inside, axis=1)))
    print(f"mean coverage of 95 % Jeffreys intervals, n = 40: {mean:.4f}")
    assert mean == pytest.approx(0.95, abs=0.006)


def test_differential_jeffreys_scipy():
    """3,000 cells against scipy's quantiles of the posterior."""
    generator = np.random.default_rng(20260630)
    n = generator.integers(1, 3000, 3000)
    k = generator.binomial(n, generator.random(3000))
    for level in (0.8, 0.95, 0.9999):
        got = jeffreys_intervals(k, n, level=level)
        low = np.where(k == 0, 0, scipy.stats.beta.ppf((1 - level) / 2, k + 0.5, n - k + 0.5))
        high = np.where(k == n, 1, scipy.stats.beta.isf((1 - level) / 2, k + 0.5, n - k + 0.5))
        np.testing.assert_allclose(got.low, low, rtol=1e-9)
        np.testing.assert_allclose(got.high, high, rtol=1e-9)


@given(own.cells(), own.levels())
def test_law_it_lies_in_the_unit_interval_around_the_estimate(cell, level):
    """At low levels too, where the equal tails alone can miss k/n."""
    k, n = cell
    got = jeffreys_interval(k, n, level=level)
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    assert (got.low == 0) == (k == 0)
    assert (got.high == 1) == (k == n)
    assert (got.successes, got.trials, got.level, got.method) == (k, n, level, "jeffreys")


def test_at_a_low_level_the_near_end_is_the_estimate():
    assert scipy.special.betaincinv(1.5, 9.5, 0.45) > 0.1
    assert jeffreys_interval(1, 10, level=0.1).low == 0.1


@given(own.cells(), own.levels())
def test_law_swapping_success_and_failure_mirrors_the_interval(cell, level):
    k, n = cell
    here, there = jeffreys_interval(k, n, level=level), jeffreys_interval(n - k, n, level=level)
    assert here.low == pytest.approx(1 - there.high, abs=1e-11)
    assert here.high == pytest.approx(1 - there.low, abs=1e-11)


@given(own.cells(), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(cell, level, other):
    narrow, wide = (jeffreys_interval(*cell, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(own.cells().filter(lambda cell: cell[0] < cell[1]), own.levels())
def test_law_one_more_success_moves_neither_end_down(cell, level):
    k, n = cell
    here, more = jeffreys_interval(k, n, level=level), jeffreys_interval(k + 1, n, level=level)
    assert here.low < more.low
    assert here.high <= more.high


@given(own.series(min_size=1), own.levels())
def test_law_many_cells_are_each_cell(cells, level):
    successes, trials = own.columns(cells)
    many = jeffreys_intervals(successes, trials, level=level)
    singles = [jeffreys_interval(k, n, level=level) for k, n in cells]
    assert many.low.tolist() == [one.low for one in singles]
    assert many.high.tolist() == [one.high for one in singles]
    assert many.estimate.tolist() == [one.estimate for one in singles]
    assert (many.successes.tolist(), many.trials.tolist(), many.method) == (successes, trials, "jeffreys")


@pytest.mark.parametrize(
    ("successes", "trials", "level", "message"),
    [
        (5, 4, 0.95, "successes must not exceed trials, got 5 of 4"),
        (0, 0, 0.95, "trials must be at least 1, got 0"),
        (1.0, 4, 0.95, r"whole number, got 1.0 \(float\)"),
        (1, 4, 95, "95 % is written 0.95"),
    ],
)
def test_refuses_one_cell(successes, trials, level, message):
    with pytest.raises(DomainError, match=message):
        jeffreys_interval(successes, trials, level=level)


def test_refuses_many_cells():
    with pytest.raises(DomainError, match="got 5 of 4 at position 1"):
        jeffreys_intervals([1, 5], [4, 4])
