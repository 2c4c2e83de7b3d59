"""Clopper-Pearson intervals."""

import pytest
import scipy.special
import scipy.stats
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import clopper_pearson_interval


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
