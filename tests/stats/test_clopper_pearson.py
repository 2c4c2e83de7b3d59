"""Clopper-Pearson intervals."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import clopper_pearson_interval, clopper_pearson_intervals, wilson_interval


@given(own.cells(max_trials=800), own.levels())
def test_endpoints_put_half_the_error_in_each_tail(cell, level):
    """P(X >= k | low) = P(X <= k | high) = (1 - level) / 2."""
    k, n = cell
    got = clopper_pearson_interval(k, n, level=level)
    if k > 0:
        assert scipy.special.bdtrc(k - 1, n, got.low) == pytest.approx((1 - level) / 2, rel=1e-6)
    if k < n:
        assert scipy.special.bdtr(k, n, got.high) == pytest.approx((1 - level) / 2, rel=1e-6)
    assert (got.low == 0, got.high == 1) == (k == 0, k == n)


@given(own.cells(), own.levels())
def test_agrees_with_scipy(cell, level):
    k, n = cell
    other = scipy.stats.binomtest(k, n).proportion_ci(level, method="exact")
    got = clopper_pearson_interval(k, n, level=level)
    assert (got.low, got.high) == pytest.approx((other.low, other.high), rel=1e-8, abs=1e-12)


def test_matches_r_binom_test():
    """
    R 4.2.2
    > binom.test(486, 487)$conf.int
    [1] 0.988612808807 0.999948014066
    """
    got = clopper_pearson_interval(486, 487)
    assert (got.low, got.high) == pytest.approx((0.988612808807, 0.999948014066), abs=5e-13)


@given(own.cells(), own.levels())
def test_swapping_success_and_failure_mirrors_the_interval(cell, level):
    k, n = cell
    here = clopper_pearson_interval(k, n, level=level)
    there = clopper_pearson_interval(n - k, n, level=level)
    assert here.low == pytest.approx(1 - there.high, abs=1e-12)
    assert 0 <= here.low <= here.estimate <= here.high <= 1
    assert here.method == "clopper_pearson"


def test_nothing_in_n_has_a_closed_form():
    assert clopper_pearson_interval(0, 32).high == pytest.approx(1 - 0.025 ** (1 / 32), rel=1e-12)


def test_refuses_more_successes_than_trials():
    with pytest.raises(DomainError, match="got 5 of 4"):
        clopper_pearson_interval(5, 4)


@pytest.mark.parametrize("level", [1 - 1e-10, 1 - 2**-53])
@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (3, 100), (999, 1000)])
def test_a_tiny_alpha_keeps_its_digits(k, n, level):
    """scipy #9141: wrong bounds at tiny alpha. Both tails put back in with forty digits."""
    a = (1 - level) / 2
    got = clopper_pearson_interval(k, n, level=level)
    with mpmath.workdps(40):
        if k > 0:
            p = mpmath.mpf(got.low)
            assert float(_at_least(k, n, p)) == pytest.approx(a, rel=1e-11, abs=0)
        if k < n and got.high == 1:
            # the bound is nearer to 1 than half a last bit
            assert float(_at_least(n - k, n, mpmath.mpf(2) ** -54)) > a
        elif k < n:
            # the float nearest to 1 - q stands for q to within its last bit
            q = 1 - mpmath.mpf(got.high)
            assert float(_at_least(n - k, n, q)) == pytest.approx(a, rel=1e-11 + float(2**-53 * n / q), abs=0)


def _at_least(k, n, p):
    return mpmath.fsum(mpmath.binomial(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def test_ends_of_empty_and_full_cells_have_closed_forms():
    a = (1 - (1 - 1e-12)) / 2
    assert clopper_pearson_interval(0, 10**6, level=1 - 1e-12).high == pytest.approx(
        -math.expm1(math.log(a) / 10**6), rel=1e-14, abs=0
    )
    assert clopper_pearson_interval(7, 7, level=0.95).low == pytest.approx(0.025 ** (1 / 7), rel=1e-14)


def test_differential_clopper_pearson_bisection():
    """2,000 cells against bisection on the binomial tails, which shares nothing with the inverse of the beta."""
    generator = np.random.default_rng(20260630)
    n = generator.integers(1, 300, 2000)
    k = generator.binomial(n, generator.random(2000))
    got = clopper_pearson_intervals(k, n)
    for tail, ours, inside in (
        (lambda p: 0.025 - scipy.stats.binom.sf(k - 1, n, p), got.low, k > 0),
        (lambda p: scipy.stats.binom.cdf(k, n, p) - 0.025, got.high, k < n),
    ):
        low, high = np.zeros(2000), np.ones(2000)
        for _ in range(60):
            middle = (low + high) / 2
            left = tail(middle) > 0
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        np.testing.assert_allclose(ours[inside], ((low + high) / 2)[inside], rtol=1e-9)
        assert np.all(np.isin(ours[~inside], [0, 1]))


@given(own.series(min_size=1), own.levels())
def test_law_many_cells_are_each_cell(cells, level):
    successes, trials = own.columns(cells)
    many = clopper_pearson_intervals(successes, trials, level=level)
    singles = [clopper_pearson_interval(k, n, level=level) for k, n in cells]
    assert many.low.tolist() == [one.low for one in singles]
    assert many.high.tolist() == [one.high for one in singles]
    assert many.estimate.tolist() == [one.estimate for one in singles]
    assert (many.successes.tolist(), many.trials.tolist(), many.method) == (successes, trials, "clopper_pearson")


@given(own.cells(), own.levels())
def test_law_it_contains_the_mid_of_wilson(cell, level):
    wilson, got = wilson_interval(*cell, level=level), clopper_pearson_interval(*cell, level=level)
    assert got.low - 1e-15 <= got.estimate <= got.high
    if level >= 0.8:
        assert got.low <= (wilson.low + wilson.high) / 2 <= got.high


def test_refuses_many_cells():
    with pytest.raises(DomainError, match="got 5 of 4 at position 1"):
        clopper_pearson_intervals([1, 5], [4, 4])
