"""Tango's score interval for paired proportions."""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import tango_interval


def second_only(b, c, n, d):
    """The most likely rate r of 'only the second' under P(only first) = r + d, by halving on the likelihood's slope."""
    low, high = np.maximum(0.0, -d), (1.0 - d) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(60):
            r = (low + high) / 2
            slope = np.where(b > 0, b / (r + d), 0) + np.where(c > 0, c / r, 0)
            slope = slope - np.where(n > b + c, 2 * (n - b - c) / (1 - 2 * r - d), 0)
            low, high = np.where(slope > 0, r, low), np.where(slope > 0, high, r)
    return (low + high) / 2


def score(b, c, n, d):
    """(b - c - n d) / sqrt(n (2 r + d (1 - d))), Tango's statistic with the rate found numerically."""
    variance = n * (2 * second_only(b, c, n, d) + d * (1 - d))
    return (b - c - n * d) / np.sqrt(np.maximum(variance, 1e-300))


@given(own.paired_tables(), st.floats(-0.95, 0.95))
def test_halving_finds_the_top_of_the_likelihood(table, d):
    n11, b, c, n00 = table
    low, high = max(0.0, -d), (1 - d) / 2

    def loss(r):
        rest = max(1 - 2 * r - d, 0.0)
        return -sum(scipy.special.xlogy(k, p) for k, p in ((b, r + d), (c, r), (n11 + n00, rest)))

    numeric = scipy.optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    assert loss(float(second_only(b, c, sum(table), d))) <= numeric.fun + 1e-7


@given(own.paired_tables(), own.levels())
def test_limits_solve_the_score_equation(table, level):
    """Put the answer back in: just inside the limits the test does not reject, just outside it does."""
    n11, b, c, n00 = table
    n, z = n11 + b + c + n00, scipy.special.ndtri((1 + level) / 2)
    got = tango_interval(*table, level=level)
    for limit, sign in ((got.low, 1), (got.high, -1)):
        if abs(limit) < 1:
            assert sign * score(b, c, n, limit + sign * 1e-11) <= z * (1 + 1e-8)
            assert sign * score(b, c, n, limit - sign * 1e-11) >= z * (1 - 1e-8)
        else:
            assert limit == got.estimate


def test_differential_tango():
    """2,500 seeded tables, half of them with an empty cell, against a search with the numeric likelihood inside."""
    rng = np.random.default_rng(21)
    tables = rng.integers(0, rng.choice([3, 20, 300], (2500, 1)), (2500, 4)) * (rng.random((2500, 4)) > 0.2)
    tables[tables.sum(axis=1) == 0] = (1, 0, 0, 0)
    assert 1000 < np.any(tables == 0, axis=1).sum() < 2000
    n, b, c = tables.sum(axis=1), tables[:, 1], tables[:, 2]
    got = [tango_interval(*(int(count) for count in table)) for table in tables]
    for limits, end, sign in (([one.low for one in got], -1.0, 1), ([one.high for one in got], 1.0, -1)):
        inside, outside = (b - c) / n, np.full(len(n), end)
        for _ in range(45):
            d = (inside + outside) / 2
            accepted = sign * score(b, c, n, d) < scipy.special.ndtri(0.975)
            inside, outside = np.where(accepted, d, inside), np.where(accepted, outside, d)
        assert np.abs(np.array(limits) - inside).max() < 1e-10


@pytest.mark.parametrize(
    ("table", "level", "printed", "digits"),
    [
        # R package contingencytables (Fagerland, Lydersen, Laake 2017), stored output for Cavo et al. 2012
        ((59, 6, 16, 80), 0.95, (-0.1240, -0.0054), 4),
        # R package ratesci, the limits drawn in pairbinci's source for Bentur et al. 2009
        ((1, 1, 7, 12), 0.95, (-0.517, -0.026), 3),
        # R > PropCIs::scoreci.mp(25, 28, 618, 0.90), which estimates second minus first argument
        ((300, 28, 25, 265), 0.90, (-0.0148, 0.0247), 4),
    ],
)
def test_matches_r_packages(table, level, printed, digits):
    got = tango_interval(*table, level=level)
    assert (round(got.low, digits), round(got.high, digits)) == printed


@given(own.paired_tables(), own.levels())
def test_law_excludes_zero_exactly_where_mcnemar_rejects(table, level):
    _, b, c, _ = table
    z2 = scipy.special.ndtri((1 + level) / 2) ** 2
    assume(abs((b - c) ** 2 - z2 * (b + c)) > 1e-6 * (b + c + 1))
    got = tango_interval(*table, level=level)
    assert (got.low > 0 or got.high < 0) == ((b - c) ** 2 > z2 * (b + c))


@given(own.paired_tables(), own.levels())
def test_law_swap_changes_the_sign_and_agreement_enters_as_a_sum(table, level):
    n11, n10, n01, n00 = table
    here, there = tango_interval(n11, n10, n01, n00, level=level), tango_interval(n00, n01, n10, n11, level=level)
    assert (here.estimate, here.low, here.high) == (-there.estimate, -there.high, -there.low)
    together = tango_interval(n11 + n00, n10, n01, 0, level=level)
    assert (here.low, here.high) == (together.low, together.high)


@given(own.paired_tables(), own.levels())
def test_law_stays_in_range_around_the_estimate_and_carries_its_inputs(table, level):
    got = tango_interval(*table, level=level)
    assert -1 <= got.low <= got.estimate <= got.high <= 1
    assert got.low < got.high
    assert got.estimate == (table[1] - table[2]) / sum(table)
    assert (got.n11, got.n10, got.n01, got.n00, got.level) == (*table, level)
    assert (got.method, got.generalises_to) == ("tango", "these_models")


@given(own.paired_tables(), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(table, level, other):
    narrow, wide = (tango_interval(*table, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(own.paired_tables(), st.integers(2, 20))
def test_law_replicating_the_pairs_narrows(table, times):
    one, many = tango_interval(*table), tango_interval(*(times * count for count in table))
    assert many.high - many.low < one.high - one.low


@given(st.integers(1, 3000), own.levels())
def test_no_disagreement_is_not_certainty(n, level):
    z2 = scipy.special.ndtri((1 + level) / 2) ** 2
    got = tango_interval(n, 0, 0, 0, level=level)
    assert (got.low, got.high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), rel=1e-10)


@given(st.integers(1, 3000))
def test_only_disagreement_one_way_ends_at_one(n):
    got = tango_interval(0, n, 0, 0)
    assert (got.estimate, got.high) == (1.0, 1.0)
    z2 = scipy.special.ndtri(0.975) ** 2
    assert got.low == pytest.approx((n - z2) / (n + z2), rel=1e-10)


def test_a_million_pairs():
    got = tango_interval(600_000, 100_000, 99_000, 201_000)
    half = 1.959964 * np.sqrt(199_000 - 1.0) / 1e6
    assert (got.low, got.high) == pytest.approx((0.001 - half, 0.001 + half), abs=1e-8)


def test_refuses_no_pairs_and_floats():
    with pytest.raises(DomainError, match="without common prompts use miettinen_nurminen_interval"):
        tango_interval(0, 0, 0, 0)
    with pytest.raises(DomainError, match="n01 must be a whole number"):
        tango_interval(1, 2, 3.5, 4)
    with pytest.raises(DomainError, match="n00 must not be negative"):
        tango_interval(1, 2, 3, -4)
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1"):
        tango_interval(1, 2, 3, 4, level=0)
