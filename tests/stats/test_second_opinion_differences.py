"""Differences and ratios of two proportions against statsmodels. This file alone of their tests needs it."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.proportion import confint_proportions_2indep, score_test_proportions_2indep

import strategies as own
from safescale.stats import (
    miettinen_nurminen_interval,
    miettinen_nurminen_test,
    newcombe_intervals,
    odds_ratio,
    risk_ratio,
    risk_ratio_intervals,
)
from stats.two_sample_strategies import pairs, random_columns

INNER = pairs(max_trials=400).filter(lambda pair: 0 < pair[0] < pair[1] and 0 < pair[2] < pair[3])


def score_interval_of_statsmodels(pair):
    """Its limits, or None where it raises or one of them is NaN; its warnings on the way are its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            limits = confint_proportions_2indep(*pair, method="score", compare="diff", correction=True)
        except (ValueError, ZeroDivisionError):
            return None
    return None if np.isnan(limits).any() else limits


def test_miettinen_nurminen_where_statsmodels_can_be_compared():
    """
    Roughly equal limits for tables without an empty cell, and no closer.

    statsmodels 0.15 writes count0 for nobs0 in the cubic's linear term (score_test_proportions_2indep), so off d = 0 its
    rates are not the most likely ones; `test_the_statistic_is_that_of_the_paper` holds ours to the paper at 50 digits.
    """
    columns = random_columns(200, seed=29, max_trials=300)
    rows = [row for row in zip(*(c.tolist() for c in columns), strict=True) if 3 < row[0] < row[1] - 3 and 3 < row[2] < row[3] - 3]
    gaps = []
    for pair in rows:
        other, got = score_interval_of_statsmodels(pair), miettinen_nurminen_interval(*pair)
        if other is not None:
            gaps.append(max(abs(got.low - other[0]), abs(got.high - other[1])))
    print(f"statsmodels' score limits differ by {max(gaps):.1e} at most in {len(gaps)} of {len(rows)} ordinary tables")
    assert len(gaps) > 10
    assert 1e-5 < max(gaps) < 0.02


def test_the_rates_of_statsmodels_are_not_the_most_likely_ones():
    """1 of 2 twice at d = 0.1: by symmetry the rates are .55 and .45, and V = .33."""
    other = score_test_proportions_2indep(1, 2, 1, 2, value=0.1, compare="diff", correction=True, return_results=True)
    got = miettinen_nurminen_test(1, 2, 1, 2, difference=0.1)
    assert got.z == pytest.approx(-0.1 / math.sqrt(0.33), rel=1e-14)
    assert abs(other.statistic / got.z - 1) > 1e-5


def test_how_often_the_score_interval_of_statsmodels_fails_where_ours_answers():
    """Report C's cell is one of many: among 150 seeded tables with empty and full cells, count those it cannot do."""
    failures = 0
    for pair in zip(*(column.tolist() for column in random_columns(150, seed=29, max_trials=300)), strict=True):
        got = miettinen_nurminen_interval(*pair)
        assert -1 <= got.low < got.high <= 1
        failures += score_interval_of_statsmodels(pair) is None
    print(f"statsmodels' score interval failed on {failures} of 150 tables, ours on none")
    assert failures > 20


def test_newcombe_columns():
    columns = random_columns(2000, seed=30)
    other = confint_proportions_2indep(*columns, method="newcomb", compare="diff")
    got = newcombe_intervals(*columns)
    assert got.low == pytest.approx(other[0], abs=1e-10)
    assert got.high == pytest.approx(other[1], abs=1e-10)


@given(INNER, own.levels())
def test_koopman(pair, level):
    other = confint_proportions_2indep(*pair, method="score", compare="ratio", alpha=1 - level, correction=False)
    got = risk_ratio(*pair, level=level)
    assert (got.low, got.high) == pytest.approx(other, rel=1e-4)


@given(INNER, own.levels())
def test_katz(pair, level):
    other = confint_proportions_2indep(*pair, method="log", compare="ratio", alpha=1 - level)
    got = risk_ratio(*pair, level=level, method="katz")
    assert (got.low, got.high) == pytest.approx(other, rel=1e-8)


def test_katz_columns():
    k1, n1, k2, n2 = random_columns(2500, seed=31)
    keep = (k1 > 0) & (k2 > 0) & ~((k1 == n1) & (k2 == n2))
    columns = [column[keep] for column in (k1, n1, k2, n2)]
    other = confint_proportions_2indep(*columns, method="log", compare="ratio")
    got = risk_ratio_intervals(*columns, method="katz")
    assert got.low == pytest.approx(other[0], rel=1e-9)
    assert got.high == pytest.approx(other[1], rel=1e-9)


@given(INNER, own.levels())
def test_woolf(pair, level):
    k1, n1, k2, n2 = pair
    other = Table2x2(np.array([[k1, n1 - k1], [k2, n2 - k2]]))
    got = odds_ratio(*pair, level=level, method="woolf")
    assert got.estimate == pytest.approx(other.oddsratio, rel=1e-12)
    assert (got.low, got.high) == pytest.approx(other.oddsratio_confint(1 - level), rel=1e-8)


@given(pairs(max_trials=100))
def test_where_statsmodels_adds_one_half_in_silence_ours_says_so(pair):
    k1, n1, k2, n2 = pair
    assume(min(k1, n1 - k1, k2, n2 - k2) == 0)
    table = Table2x2(np.array([[k1, n1 - k1], [k2, n2 - k2]]))
    assert np.all(np.isfinite(table.oddsratio_confint()))
    got = odds_ratio(*pair, method="woolf")
    assert (got.low, got.high) == (None, None)
    assert got.undefined_because
