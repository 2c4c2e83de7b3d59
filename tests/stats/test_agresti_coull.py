"""Agresti-Coull intervals."""

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import agresti_coull_interval, agresti_coull_intervals, wilson_interval


@pytest.mark.parametrize(("k", "n"), [(1, 10**9), (3, 10**9), (486, 487), (10**9 - 1, 10**9), (0, 1), (1, 1), (3, 7), (20, 10**6)])
@pytest.mark.parametrize("level", [0.3, 0.95, 0.999999])
def test_agrees_with_fifty_digits(k, n, level):
    """The definition, without the rearrangement, and the clip."""
    with mpmath.workdps(50):
        z = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf(level))
        total = n + z**2
        p = (k + z**2 / 2) / total
        half = z * mpmath.sqrt(p * (1 - p) / total)
        low, high = max(mpmath.mpf(0), p - half), min(mpmath.mpf(1), p + half)
        got = agresti_coull_interval(k, n, level=level)
        # the lower end crosses 0 near k = z^2 / 2, where digits go with it
        assert abs(mpmath.mpf(got.low) - low) <= 4e-15 * low + 2e-16 * z**2 / n
        assert abs(mpmath.mpf(got.high) - high) <= 4e-16
        assert abs(mpmath.mpf(got.high) - high) <= 4e-15 * high


def test_a_published_midpoint():
    """At 95 % it is nearly "add two successes and two failures": 4 of 20."""
    got = agresti_coull_interval(4, 20)
    p = (4 + 1.9207294103) / (20 + 3.8414588207)
    assert (got.low + got.high) / 2 == pytest.approx(p, rel=1e-10)
    assert got.high - got.low == pytest.approx(2 * 1.9599639845 * np.sqrt(p * (1 - p) / 23.8414588207), rel=1e-9)


def test_what_leaves_the_unit_interval_is_cut_off():
    z2 = scipy.special.ndtri(0.975) ** 2
    p = z2 / 2 / (32 + z2)
    assert p - np.sqrt(z2 * p * (1 - p) / (32 + z2)) < 0
    assert agresti_coull_interval(0, 32).low == 0
    assert agresti_coull_interval(32, 32).high == 1
    assert agresti_coull_interval(1, 32).low == 0
    assert agresti_coull_interval(2, 32).low > 0


def test_differential_agresti_coull_textbook_formula():
    """3,000 cells against the formula as printed."""
    generator = np.random.default_rng(20260630)
    n = generator.integers(1, 3000, 3000)
    k = generator.binomial(n, generator.random(3000))
    for level in (0.2, 0.8, 0.95, 0.9999):
        z = scipy.special.ndtri((1 + level) / 2)
        total = n + z**2
        p = (k + z**2 / 2) / total
        half = z * np.sqrt(p * (1 - p) / total)
        got = agresti_coull_intervals(k, n, level=level)
        np.testing.assert_allclose(got.low, np.clip(p - half, 0, 1), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(got.high, np.clip(p + half, 0, 1), rtol=1e-10, atol=1e-13)


@given(own.cells(), own.levels())
def test_law_it_contains_the_wilson_interval_and_the_estimate(cell, level):
    k, n = cell
    got, wilson = agresti_coull_interval(k, n, level=level), wilson_interval(k, n, level=level)
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    assert got.estimate == k / n
    assert got.low <= wilson.low * (1 + 1e-12)
    assert wilson.high <= got.high + 1e-15
    assert (got.successes, got.trials, got.level, got.method) == (k, n, level, "agresti_coull")


@given(own.cells(), own.levels())
def test_law_swapping_success_and_failure_mirrors_the_interval(cell, level):
    k, n = cell
    here, there = agresti_coull_interval(k, n, level=level), agresti_coull_interval(n - k, n, level=level)
    assert here.low == pytest.approx(1 - there.high, abs=1e-14)
    assert here.high == pytest.approx(1 - there.low, abs=1e-14)


@given(own.cells(), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(cell, level, other):
    """Where both have room: the clip at 0 and 1 keeps the order."""
    narrow, wide = (agresti_coull_interval(*cell, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low + 1e-15
    assert narrow.high <= wide.high + 1e-15


@given(own.series(min_size=1), own.levels())
def test_law_many_cells_are_each_cell(cells, level):
    successes, trials = own.columns(cells)
    many = agresti_coull_intervals(successes, trials, level=level)
    singles = [agresti_coull_interval(k, n, level=level) for k, n in cells]
    assert many.low.tolist() == [one.low for one in singles]
    assert many.high.tolist() == [one.high for one in singles]
    assert (many.successes.tolist(), many.trials.tolist(), many.method) == (successes, trials, "agresti_coull")


@pytest.mark.parametrize(
    ("successes", "trials", "level", "message"),
    [
        (5, 4, 0.95, "successes must not exceed trials, got 5 of 4"),
        (0, 0, 0.95, "trials must be at least 1, got 0"),
        (True, 4, 0.95, "truth value True"),
        (1, 4, 1.0, "level must lie strictly between 0 and 1"),
    ],
)
def test_refuses_one_cell(successes, trials, level, message):
    with pytest.raises(DomainError, match=message):
        agresti_coull_interval(successes, trials, level=level)


def test_refuses_many_cells():
    with pytest.raises(DomainError, match="got 0 at position 1"):
        agresti_coull_intervals([1, 0], [4, 0])
