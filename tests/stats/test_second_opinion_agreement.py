"""Agreement by statsmodels, on random cases. This file alone needs statsmodels."""

import numpy as np
import pytest
from hypothesis import assume, given
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from safescale.stats import cohen_kappa_table, fleiss_kappa
from stats.agreement_strategies import equal_counts, square_tables


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@given(square_tables())
def test_cohen_kappa(weights, table):
    got = cohen_kappa_table(table, weights=weights, method="delta")
    assume(got.standard_error is not None)
    other = cohens_kappa(np.array(table), wt=weights)
    assert got.kappa == pytest.approx(other.kappa, abs=1e-12)
    assert got.standard_error == pytest.approx(other.std_kappa, rel=1e-6)
    assert got.interval == pytest.approx((max(-1, other.kappa_low), min(1, other.kappa_upp)), abs=1e-9)


@given(equal_counts())
def test_fleiss_kappa(counts):
    got = fleiss_kappa(counts)
    assume(got.kappa is not None)
    assert got.kappa == pytest.approx(statsmodels_fleiss(np.array(counts)), abs=1e-12)


def test_fleiss_kappa_from_raw_labels():
    rng = np.random.default_rng(8)
    raw = rng.integers(0, 3, (50, 4))
    counts, _ = aggregate_raters(raw)
    assert fleiss_kappa(counts).kappa == pytest.approx(statsmodels_fleiss(counts), abs=1e-12)


def test_where_statsmodels_says_nan_ours_says_why():
    with np.errstate(all="ignore"):
        other = cohens_kappa(np.array([[7, 0], [0, 0]]), return_results=False)
    assert np.isnan(other)
    got = cohen_kappa_table([[7, 0], [0, 0]])
    assert got.kappa is None
    assert "0/0" in got.undefined_because


def test_differential_cohen_kappa_against_statsmodels():
    rng = np.random.default_rng(20260630)
    seen = 0
    for _ in range(2000):
        q = int(rng.integers(2, 5))
        table = rng.integers(0, 40, (q, q))
        weights = [None, "linear", "quadratic"][int(rng.integers(3))]
        got = cohen_kappa_table(table, weights=weights)
        if got.standard_error is None:
            continue
        other = cohens_kappa(table, wt=weights)
        assert (got.kappa, got.standard_error) == pytest.approx((other.kappa, other.std_kappa), rel=1e-8, abs=1e-12)
        seen += 1
    assert seen > 1900
