"""Gwet's AC1 and AC2, and PABAK."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import gwet_ac1, gwet_ac2, pabak, wilson_interval
from stats.agreement_strategies import ratings, square_tables

ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]


def pairs_of(table):
    return [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]


def by_definition(rows, order, weights):
    """Agreement, chance agreement and variance in Gwet's symbols, unit by unit, by loops."""
    q = len(order)

    def w(k, m):
        apart = Fraction(abs(k - m), q - 1)
        return float(k == m) if weights is None else float(1 - (apart if weights == "linear" else apart**2))

    rated = [[order.index(x) for x in unit if x is not None] for unit in rows]
    rated = [unit for unit in rated if unit]
    paired = [unit for unit in rated if len(unit) >= 2]
    n, n_paired = len(rated), len(paired)

    def pa_of(unit):
        r = len(unit)
        return sum(w(unit[i], unit[j]) for i in range(r) for j in range(r) if i != j) / (r * (r - 1))

    pi = [sum(unit.count(k) / len(unit) for unit in rated) / n for k in range(q)]
    t = sum(w(k, m) for k in range(q) for m in range(q))
    pa = sum(map(pa_of, paired)) / n_paired
    pe = t / (q * (q - 1)) * sum(p * (1 - p) for p in pi)
    ac = (pa - pe) / (1 - pe)
    stars = []
    for unit in rated:
        own_ac = n / n_paired * (pa_of(unit) - pe) / (1 - pe) if len(unit) >= 2 else 0.0
        pe_i = t / (q * (q - 1)) * sum(unit.count(k) / len(unit) * (1 - pi[k]) for k in range(q))
        stars.append(own_ac - 2 * (1 - ac) * (pe_i - pe) / (1 - pe))
    variance = sum((star - ac) ** 2 for star in stars) / (n * (n - 1)) if n > 1 else None
    return pa, pe, ac, variance


def check(got, rows, order, weights):
    pa, pe, ac, variance = by_definition(rows, order, weights)
    assert got.observed_agreement == pytest.approx(pa, abs=1e-12)
    assert got.expected_agreement == pytest.approx(pe, abs=1e-12)
    assert got.coefficient == pytest.approx(ac, abs=1e-12)
    if got.standard_error is not None:
        assert got.standard_error == pytest.approx(math.sqrt(variance), rel=1e-8)
    else:
        assert variance is None or variance < 1e-20


@given(ratings(), st.sampled_from([None, "linear", "quadratic"]))
def test_is_the_definition(rows, weights):
    order = [1, 2, 3, 4]
    got = gwet_ac1(rows, categories=order) if weights is None else gwet_ac2(rows, categories=order, weights=weights)
    check(got, rows, order, weights)
    assert got.units + got.unrated_units == len(rows)


def test_matches_the_vignette_of_irr_cac():
    """
    irrCAC (R), vignette "overview": gwet.ac1.table(cont3x3abstractors)
      Gwet's AC1 0.8493305 0.04321747 (0.764,0.935)
    bp2.table(cont3x3abstractors): Brennan-Prediger 0.835. Its table functions divide by n, ours by n - 1.
    """
    pairs = pairs_of(ABSTRACTORS)
    got = gwet_ac1(pairs, method="delta")
    assert round(got.coefficient, 7) == 0.8493305
    assert round(got.standard_error * math.sqrt(99 / 100), 8) == 0.04321747
    assert got.interval == pytest.approx((0.764, 0.935), abs=2e-3)
    assert pabak(*zip(*pairs, strict=True)).pabak == pytest.approx(0.835)


def test_standard_error_is_that_of_the_jackknife_for_many_units():
    rng = np.random.default_rng(5)
    rows = [[None if rng.random() < 0.2 else int(rng.choice(3, p=p)) for _ in range(4)] for p in rng.dirichlet([3, 1, 1], size=300)]
    rows = [unit for unit in rows if any(x is not None for x in unit)]
    got = gwet_ac2(rows, categories=(0, 1, 2))
    without = np.array([gwet_ac2(rows[:at] + rows[at + 1 :], categories=(0, 1, 2)).coefficient for at in range(len(rows))])
    jackknife = math.sqrt((len(rows) - 1) / len(rows) * ((without - without.mean()) ** 2).sum())
    assert got.standard_error == pytest.approx(jackknife, rel=0.02)


def test_one_category_is_undefined_in_words_and_naming_both_helps():
    alone = gwet_ac1([("no", "no")] * 6)
    assert (alone.coefficient, alone.expected_agreement, alone.interval) == (None, None, None)
    assert "name all of them with categories" in alone.undefined_because
    named = gwet_ac1([("no", "no")] * 6, categories=("yes", "no"))
    assert (named.coefficient, named.expected_agreement, named.interval_method) == (1.0, 0.0, "wilson")
    assert named.interval == pytest.approx((6 / (6 + 1.959963984540054**2), 1.0))


def test_an_unused_category_changes_ac1():
    pairs = pairs_of(ABSTRACTORS)
    assert gwet_ac1(pairs, categories=range(4)).coefficient > gwet_ac1(pairs).coefficient


def test_one_unit_has_no_interval():
    got = gwet_ac1([(0, 1)])
    assert (got.standard_error, got.interval) == (None, None)
    assert "one unit" in got.undefined_because


@given(ratings(), own.levels(), st.sampled_from(["score", "delta"]), st.randoms(use_true_random=False))
def test_law_order_of_units_and_raters_is_irrelevant(rows, level, method, random):
    other = [random.sample(unit, len(unit)) for unit in random.sample(rows, len(rows))]
    got, again = (gwet_ac1(data, categories=(1, 2, 3, 4), level=level, method=method) for data in (rows, other))
    assert got.coefficient == pytest.approx(again.coefficient, abs=1e-12)
    if got.interval:
        assert got.interval == pytest.approx(again.interval, abs=1e-6)
        assert -1 <= got.interval[0] <= got.coefficient + 1e-9
        assert got.coefficient - 1e-9 <= got.interval[1] <= 1
        assert got.interval[1] > got.interval[0]
    else:
        assert got.undefined_because


@given(ratings())
def test_law_an_unrated_unit_says_nothing(rows):
    got, more = gwet_ac1(rows, categories=(1, 2, 3, 4)), gwet_ac1([[None, None], *rows], categories=(1, 2, 3, 4))
    assert (got.coefficient, got.interval) == (more.coefficient, more.interval)
    assert more.unrated_units == got.unrated_units + 1


@given(ratings(max_raters=2))
def test_law_two_categories_need_no_weights(rows):
    two = [[None if x is None else x % 2 for x in unit] for unit in rows]
    plain = gwet_ac1(two, categories=(0, 1))
    for weights in ("linear", "quadratic"):
        got = gwet_ac2(two, categories=(0, 1), weights=weights)
        assert (got.coefficient, got.interval) == (plain.coefficient, plain.interval)


def test_differential_gwet():
    rng = np.random.default_rng(20260630)
    for _ in range(2000):
        raters, count, q = int(rng.integers(2, 4)), int(rng.integers(1, 8)), int(rng.integers(2, 5))
        rows = [[None if rng.random() < 0.2 else int(rng.integers(q)) for _ in range(raters)] for _ in range(count)]
        rows.append([int(rng.integers(q)) for _ in range(raters)])
        weights = [None, "linear", "quadratic"][int(rng.integers(3))]
        order = list(range(q))
        got = gwet_ac1(rows, categories=order) if weights is None else gwet_ac2(rows, categories=order, weights=weights)
        check(got, rows, order, weights)


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        ([[1, None]], {}, InsufficientData, r"no unit has two ratings \(of 1 units\)"),
        ([[1, math.nan]], {}, DomainError, "got nan at position 1; write a missing rating as None"),
        ([[1, 2]], {"categories": (1,)}, DomainError, "the label 2 is not among the categories"),
        ([[1, 2]], {"method": "wald"}, DomainError, "method must be one of 'score', 'delta'"),
        ([[1, 2]], {"level": 0.0}, DomainError, "level must lie strictly between 0 and 1"),
    ],
)
def test_refuses(rows, options, error, message):
    with pytest.raises(error, match=message):
        gwet_ac1(rows, **options)


def test_ac2_refuses_weights_without_order():
    with pytest.raises(DomainError, match=r"quadratic weights need categories=\(...\) in their order"):
        gwet_ac2([[1, 2]], categories=None)
    with pytest.raises(DomainError, match="weights must be one of 'linear', 'quadratic', got 'ordinal'"):
        gwet_ac2([[1, 2]], categories=(1, 2), weights="ordinal")


# ---- PABAK ----------------------------------------------------------------------------------------------------------


@given(square_tables(), own.levels())
def test_pabak_is_agreement_and_its_wilson_interval_on_another_scale(table, level):
    a, b = zip(*pairs_of(table), strict=True)
    q, n = len(table), len(a)
    agreeing = sum(table[i][i] for i in range(q))
    got, agreement = pabak(a, b, categories=range(q), level=level), wilson_interval(agreeing, n, level=level)
    assert got.pabak == pytest.approx((q * agreeing / n - 1) / (q - 1), abs=1e-12)
    assert got.interval == pytest.approx([(q * bound - 1) / (q - 1) for bound in (agreement.low, agreement.high)], abs=1e-12)
    assert (got.agreeing, got.n, got.level) == (agreeing, n, level)


def test_pabak_of_two_labels_is_twice_the_agreement_less_one():
    assert pabak([0, 1, 1, 0], [0, 1, 0, 0]).pabak == pytest.approx(0.5)


@pytest.mark.parametrize("given_categories", [None, ("no",)])
def test_pabak_with_one_category_is_undefined_in_words(given_categories):
    got = pabak(["no"] * 3, ["no"] * 3, categories=given_categories)
    assert (got.pabak, got.interval) == (None, None)
    assert "one category only ('no')" in got.undefined_because


@given(square_tables())
def test_law_pabak_swaps_and_relabels(table):
    a, b = zip(*pairs_of(table), strict=True)
    q = len(table)
    got = pabak(a, b, categories=range(q))
    other = pabak([q - 1 - x for x in b], [q - 1 - x for x in a], categories=range(q))
    assert (got.pabak, got.interval) == (other.pabak, other.interval)


def test_pabak_refuses():
    with pytest.raises(InsufficientData, match="at least one trace that both graders labelled, got none"):
        pabak([], [])
    with pytest.raises(DomainError, match="same length, got 1 and 2"):
        pabak([1], [1, 2])
