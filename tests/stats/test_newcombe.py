"""Newcombe's intervals, independent and paired."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import newcombe_interval, newcombe_intervals, paired_newcombe_interval, wilson_interval
from stats.two_sample_strategies import columns_of_pairs, pairs, random_columns


@given(own.cells(), own.cells(), own.levels())
def test_ends_are_the_distance_of_the_wilson_limits(first, second, level):
    got = newcombe_interval(*first, *second, level=level)
    a, b = wilson_interval(*first, level=level), wilson_interval(*second, level=level)
    below = (a.estimate - a.low) ** 2 + (b.high - b.estimate) ** 2
    above = (a.high - a.estimate) ** 2 + (b.estimate - b.low) ** 2
    assert got.estimate == a.estimate - b.estimate
    assert got.low == pytest.approx(max(-1, got.estimate - math.sqrt(below)), abs=1e-15)
    assert got.high == pytest.approx(min(1, got.estimate + math.sqrt(above)), abs=1e-15)


# R. G. Newcombe (1998), Statist. Med. 17, 873-890, table II, method 10, as printed there
@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
    ],
)
def test_matches_the_paper(counts, printed):
    got = newcombe_interval(*counts)
    assert (round(got.low, 4), round(got.high, 4)) == printed


@given(own.cells(), own.cells(), own.levels())
def test_swapping_the_samples_changes_the_sign(first, second, level):
    here = newcombe_interval(*first, *second, level=level)
    there = newcombe_interval(*second, *first, level=level)
    assert (here.estimate, here.low, here.high) == pytest.approx((-there.estimate, -there.high, -there.low), abs=1e-15)


@given(own.cells(), own.cells(), own.levels())
def test_stays_in_range_and_carries_its_inputs(first, second, level):
    got = newcombe_interval(*first, *second, level=level)
    assert -1 <= got.low <= got.estimate <= got.high <= 1
    assert got.low < got.high
    assert (got.successes_1, got.trials_1, got.successes_2, got.trials_2) == first + second
    assert (got.level, got.method, got.generalises_to) == (level, "newcombe", "these_models")


@given(columns_of_pairs(), own.levels())
def test_law_many_pairs_are_each_pair(rows, level):
    many = newcombe_intervals(*zip(*rows, strict=True), level=level)
    singles = [newcombe_interval(*row, level=level) for row in rows]
    for name in ("estimate", "low", "high"):
        assert getattr(many, name) == pytest.approx([getattr(one, name) for one in singles], abs=1e-15)
    assert (many.level, many.method) == (level, "newcombe")


@given(pairs(max_trials=500), st.integers(2, 20))
def test_law_replicating_the_data_narrows(pair, times):
    one, many = newcombe_interval(*pair), newcombe_interval(*(times * count for count in pair))
    assert many.high - many.low < one.high - one.low


@given(pairs(), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(pair, level, other):
    narrow, wide = (newcombe_interval(*pair, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


def test_differential_newcombe():
    """2,500 seeded tables against the textbook form of Wilson's limits, worked here."""
    k1, n1, k2, n2 = random_columns(2500, seed=24)
    z = scipy.special.ndtri(0.975)

    def wilson(k, n):
        centre = (k + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
        return centre - half, centre + half

    (l1, u1), (l2, u2), p1, p2 = wilson(k1, n1), wilson(k2, n2), k1 / n1, k2 / n2
    got = newcombe_intervals(k1, n1, k2, n2)
    low = np.maximum(-1, p1 - p2 - np.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2))
    high = np.minimum(1, p1 - p2 + np.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2))
    assert np.abs(got.low - low).max() < 1e-13
    assert np.abs(got.high - high).max() < 1e-13
    assert (low == -1).sum() > 20
    assert np.array_equal(got.estimate, p1 - p2)


def test_differential_paired_newcombe():
    """2,000 seeded tables, half of them with an empty cell, against the paper's steps in its own letters."""
    rng = np.random.default_rng(25)
    tables = rng.integers(0, rng.choice([3, 20, 300], (2000, 1)), (2000, 4)) * (rng.random((2000, 4)) > 0.2)
    tables[tables.sum(axis=1) == 0] = (1, 0, 0, 0)
    kinds = set()
    for a, b, c, d in tables.tolist():
        n, product = a + b + c + d, (a + b) * (c + d) * (a + c) * (b + d)
        cross = a * d - b * c
        numerator = cross - n / 2 if cross > n / 2 else (0 if cross >= 0 else cross)
        phi = numerator / math.sqrt(product) if product else 0.0
        kinds.add((product > 0, numerator > 0, numerator < 0))
        one, two = wilson_interval(a + b, n), wilson_interval(a + c, n)
        dl1, du1 = one.estimate - one.low, one.high - one.estimate
        dl2, du2 = two.estimate - two.low, two.high - two.estimate
        delta = math.sqrt(dl1**2 - 2 * phi * dl1 * du2 + du2**2)
        epsilon = math.sqrt(du1**2 - 2 * phi * du1 * dl2 + dl2**2)
        got = paired_newcombe_interval(a, b, c, d)
        assert got.low == pytest.approx(max(-1, (b - c) / n - delta), abs=1e-12)
        assert got.high == pytest.approx(min(1, (b - c) / n + epsilon), abs=1e-12)
    assert len(kinds) >= 4


# R. G. Newcombe (1998), Statist. Med. 17, 2635-2650: 36, 12, 2, 0 printed as .0569 to .3404 for method 10
def test_paired_matches_the_paper():
    got = paired_newcombe_interval(36, 12, 2, 0)
    assert (round(got.low, 4), round(got.high, 4)) == (0.0569, 0.3404)


def test_paired_by_hand_with_corrected_correlation():
    """phi = max(60*25 - 10*5 - 50, 0) / sqrt(70*30*65*35), worked outside the package."""
    phi = (60 * 25 - 10 * 5 - 50) / math.sqrt(70 * 30 * 65 * 35)
    a, b = wilson_interval(70, 100), wilson_interval(65, 100)
    low = 0.05 - math.sqrt((0.7 - a.low) ** 2 - 2 * phi * (0.7 - a.low) * (b.high - 0.65) + (b.high - 0.65) ** 2)
    high = 0.05 + math.sqrt((a.high - 0.7) ** 2 - 2 * phi * (a.high - 0.7) * (0.65 - b.low) + (0.65 - b.low) ** 2)
    got = paired_newcombe_interval(60, 10, 5, 25)
    assert (got.estimate, got.low, got.high) == pytest.approx((0.05, low, high), abs=1e-14)


def test_pairing_helps_where_the_models_agree():
    paired, unpaired = paired_newcombe_interval(60, 10, 5, 25), newcombe_interval(70, 100, 65, 100)
    assert paired.high - paired.low < 0.7 * (unpaired.high - unpaired.low)


def test_small_agreement_is_corrected_to_no_correlation():
    """n11 n00 - n10 n01 = 5 is positive but below n/2 = 10."""
    assert 2 * 5 - 1 * 5 == 5
    got, free = paired_newcombe_interval(2, 5, 1, 5), newcombe_interval(7, 13, 3, 13)
    assert (got.low, got.high) == pytest.approx((free.low, free.high), abs=1e-15)


@given(own.paired_tables(), own.levels())
def test_paired_swap_changes_the_sign(table, level):
    n11, n10, n01, n00 = table
    here = paired_newcombe_interval(n11, n10, n01, n00, level=level)
    there = paired_newcombe_interval(n11, n01, n10, n00, level=level)
    assert (here.estimate, here.low, here.high) == pytest.approx((-there.estimate, -there.high, -there.low), abs=1e-14)
    assert -1 <= here.low <= here.estimate <= here.high <= 1
    assert (here.n11, here.n10, here.n01, here.n00, here.level) == (*table, level)


@given(own.paired_tables(), own.levels())
def test_paired_is_unchanged_when_models_and_outcomes_both_swap(table, level):
    n11, n10, n01, n00 = table
    here = paired_newcombe_interval(n11, n10, n01, n00, level=level)
    there = paired_newcombe_interval(n00, n10, n01, n11, level=level)
    assert (here.low, here.high) == pytest.approx((there.low, there.high), abs=1e-14)


@pytest.mark.parametrize("table", [(32, 0, 0, 0), (0, 0, 0, 32), (0, 5, 0, 0), (5, 0, 5, 0)])
def test_paired_with_an_empty_margin_is_the_unpaired_one(table):
    n11, n10, n01, _ = table
    n = sum(table)
    got, free = paired_newcombe_interval(*table), newcombe_interval(n11 + n10, n, n11 + n01, n)
    assert (got.low, got.high) == pytest.approx((free.low, free.high), abs=1e-15)
    assert got.low < got.high


def test_refuses_swapped_arguments():
    with pytest.raises(DomainError, match="are the two arguments swapped"):
        newcombe_interval(1, 2, 32, 3)


def test_refuses_no_pairs():
    with pytest.raises(DomainError, match="without common prompts use newcombe_interval"):
        paired_newcombe_interval(0, 0, 0, 0)


def test_refuses_float_pairs():
    with pytest.raises(DomainError, match="n01 must be a whole number"):
        paired_newcombe_interval(1, 2, 3.5, 4)
