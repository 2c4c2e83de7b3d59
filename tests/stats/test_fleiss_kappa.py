"""Fleiss' kappa."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import fleiss_kappa
from stats.agreement_strategies import equal_counts

# Fleiss (1971): 30 patients, 6 psychiatrists, 5 diagnoses; the ten-subject table of his chapter, 14 raters, 5 categories
TEN_BY_FOURTEEN = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def by_pairs(counts):
    """Share of agreeing pairs of ratings within items; and of any two draws, with replacement, from the pool."""
    agree, pairs = 0, 0
    pool = []
    for row in counts:
        given_labels = [label for label, n in enumerate(row) for _ in range(n)]
        pool += given_labels
        for x, y in combinations(given_labels, 2):
            agree, pairs = agree + (x == y), pairs + 1
    return agree / pairs, sum(x == y for x in pool for y in pool) / len(pool) ** 2


@given(equal_counts())
def test_is_the_definition_by_pairs(counts):
    got = fleiss_kappa(counts)
    po, pe = by_pairs(counts)
    assert got.observed_agreement == pytest.approx(po)
    assert got.expected_agreement == pytest.approx(pe)
    if pe == 1:
        assert (got.kappa, got.interval, got.standard_error, got.standard_error_null) == (None, None, None, None)
        assert "0/0" in got.undefined_because
    else:
        assert got.kappa == pytest.approx((po - pe) / (1 - pe), abs=1e-12)


def test_the_worked_example():
    """Wikipedia, "Fleiss' kappa", worked example (10 subjects, 14 raters, 5 categories): 0.210."""
    assert round(fleiss_kappa(TEN_BY_FOURTEEN).kappa, 3) == 0.210


def test_matches_the_vignette_of_irr_cac_on_two_raters():
    """
    irrCAC (R), vignette "overview": scott2.table(cont3x3abstractors)
      Scott's Pi 0.7962397 0.05905473 (0.679,0.913)
    Its table functions divide by n, its raw functions (and ours) by n - 1.
    """
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    got = fleiss_kappa([[pair.count(label) for label in range(3)] for pair in pairs], method="delta")
    assert round(got.kappa, 7) == 0.7962397
    assert round(got.standard_error * math.sqrt(99 / 100), 8) == 0.05905473
    assert got.interval == pytest.approx((0.679, 0.913), abs=2e-3)


def test_standard_error_is_that_of_the_jackknife_for_many_items():
    rng = np.random.default_rng(3)
    counts = np.array([rng.multinomial(5, rng.dirichlet([1, 2, 1])) for _ in range(400)])
    got = fleiss_kappa(counts)
    without = np.array([fleiss_kappa(np.delete(counts, at, axis=0)).kappa for at in range(len(counts))])
    jackknife = math.sqrt((len(counts) - 1) / len(counts) * ((without - without.mean()) ** 2).sum())
    assert got.standard_error == pytest.approx(jackknife, rel=0.01)


def test_standard_error_null_is_the_spread_under_random_labels():
    """Labels drawn at random with the pooled shares: the formula against 4,000 simulated kappas."""
    rng = np.random.default_rng(4)
    p = np.array([0.6, 0.3, 0.1])
    kappas = [fleiss_kappa(rng.multinomial(4, p, size=60)).kappa for _ in range(4000)]
    got = np.mean([fleiss_kappa(rng.multinomial(4, p, size=60)).standard_error_null for _ in range(50)])
    assert np.std(kappas) == pytest.approx(got, rel=0.05)


def test_perfect_agreement_is_not_certainty():
    got = fleiss_kappa([[3, 0]] * 10 + [[0, 3]] * 10)
    share = 20 / (20 + 1.959963984540054**2)
    assert (got.kappa, got.standard_error, got.interval_method) == (1.0, None, "wilson")
    assert got.interval == pytest.approx((2 * share - 1, 1.0))


def test_one_item_has_no_interval():
    got = fleiss_kappa([[2, 1]])
    assert got.kappa == pytest.approx((1 / 3 - 5 / 9) / (4 / 9))
    assert (got.interval, got.standard_error) == (None, None)
    assert "one item" in got.undefined_because


@given(equal_counts(), own.levels())
def test_law_order_of_items_and_names_of_categories_are_irrelevant(counts, level):
    got = fleiss_kappa(counts, level=level)
    other = fleiss_kappa(np.array(counts)[::-1, ::-1], level=level)
    for name in ("kappa", "standard_error", "standard_error_null", "interval"):
        one, two = getattr(got, name), getattr(other, name)
        assert one == (pytest.approx(two, abs=1e-7) if two is not None else None)
    if got.interval:
        assert -1 <= got.interval[0] <= got.kappa + 1e-9
        assert got.kappa - 1e-9 <= got.interval[1] <= 1
        assert got.interval[1] > got.interval[0]


@given(equal_counts())
def test_law_an_empty_category_changes_nothing(counts):
    assert fleiss_kappa([[*row, 0] for row in counts]).kappa == fleiss_kappa(counts).kappa


def test_differential_fleiss_kappa():
    """2,000 random tables against the pairs by loops, and Gwet's variance item by item."""
    rng = np.random.default_rng(20260630)
    seen = 0
    for _ in range(2000):
        raters, q, items = int(rng.integers(2, 5)), int(rng.integers(2, 4)), int(rng.integers(2, 9))
        counts = rng.multinomial(raters, rng.dirichlet(np.ones(q)), size=items)
        got = fleiss_kappa(counts)
        po, pe = by_pairs(counts.tolist())
        if pe == 1:
            assert got.kappa is None
            continue
        kappa = (po - pe) / (1 - pe)
        assert got.kappa == pytest.approx(kappa, abs=1e-12)
        pool = counts.sum(axis=0) / counts.sum()
        own_kappas = []
        for row in counts.tolist():
            pa_i = sum(n * (n - 1) for n in row) / (raters * (raters - 1))
            pe_i = sum(n / raters * share for n, share in zip(row, pool, strict=True))
            own_kappas.append((pa_i - pe) / (1 - pe) - 2 * (1 - kappa) * (pe_i - pe) / (1 - pe))
        variance = sum((k - kappa) ** 2 for k in own_kappas) / (items * (items - 1))
        if got.standard_error is not None:
            assert got.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)
            seen += 1
        else:
            assert variance < 1e-20
    assert seen > 1500


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[2, 1], [1, 1]], "same number of ratings, got 3 at item 0 and 2 at item 1; leave incomplete items out"),
        ([[1, 0], [0, 1]], "at least 2 ratings per item, got 1"),
        ([1, 2], r"one row per item and one column per category, got shape \(2,\)"),
        ([[]], "one row per item"),
        ([[0.5, 1.5]], "whole numbers, got dtype float64"),
        ([[-1, 3]], "must not be negative, got -1"),
    ],
)
def test_refuses(counts, message):
    with pytest.raises(DomainError, match=message):
        fleiss_kappa(counts)


def test_carries_its_inputs_and_options():
    got = fleiss_kappa([[2, 0], [1, 1]], level=0.9)
    assert (got.counts, got.items, got.raters, got.level) == (((2, 0), (1, 1)), 2, 2, 0.9)
    with pytest.raises(DomainError, match="method must be one of"):
        fleiss_kappa([[2, 0], [1, 1]], method="wald")
