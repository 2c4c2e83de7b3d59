"""The same numbers from statsmodels, on random cases. This file alone needs statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

import strategies as own
from safescale.stats import (
    clopper_pearson_interval,
    holm,
    log_scaling_slope,
    mcnemar_exact_test,
    newcombe_interval,
    ols,
    wilson_interval,
    wilson_intervals,
    within_group_slope,
)


@given(own.cells(), own.levels())
def test_wilson(cell, level):
    k, n = cell
    other = proportion_confint(k, n, alpha=1 - level, method="wilson")
    got = wilson_interval(k, n, level=level)
    assert (got.low, got.high) == pytest.approx(other, rel=1e-9, abs=1e-12)


@given(own.series(min_size=1))
def test_wilson_of_many_cells(cells):
    k, n = (np.array(column) for column in own.columns(cells))
    low, high = proportion_confint(k, n, method="wilson")
    got = wilson_intervals(k, n)
    assert got.low == pytest.approx(low, rel=1e-9, abs=1e-12)
    assert got.high == pytest.approx(high, rel=1e-9, abs=1e-12)


@given(own.cells(), own.levels())
def test_clopper_pearson(cell, level):
    k, n = cell
    other = proportion_confint(k, n, alpha=1 - level, method="beta")
    got = clopper_pearson_interval(k, n, level=level)
    assert (got.low, got.high) == pytest.approx(other, rel=1e-8, abs=1e-12)


@given(own.cells(), own.cells())
def test_newcombe(first, second):
    other = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")
    got = newcombe_interval(*first, *second)
    assert (got.low, got.high) == pytest.approx(other, rel=1e-8, abs=1e-10)


def test_where_the_score_interval_of_statsmodels_raises_newcombe_answers():
    """Report C's own Gemma cell, 0/32 against 15/241."""
    # under "warnings are errors" its warning on the way comes first
    with pytest.raises((ValueError, RuntimeWarning), match=r"different signs|invalid value"):
        confint_proportions_2indep(0, 32, 15, 241, method="score", compare="diff")
    assert newcombe_interval(0, 32, 15, 241).low < 0 < newcombe_interval(0, 32, 15, 241).high


@given(own.paired_tables())
def test_mcnemar(table):
    n11, n10, n01, n00 = table
    assume(n10 + n01 > 0)
    other = mcnemar([[n11, n10], [n01, n00]], exact=True).pvalue
    assert mcnemar_exact_test(n10, n01).p_value == pytest.approx(other, rel=1e-9)


@given(own.p_values())
def test_holm(p):
    assert holm(p).adjusted == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


@given(own.sized_rates(max_models=12))
def test_weighted_slope(data):
    sizes, rates = data
    assume(np.ptp(rates) > 1e-6)
    weights = np.arange(1, len(sizes) + 1)
    other = sm.WLS(rates, sm.add_constant(np.log10(sizes)), weights=weights).fit()
    assume(other.bse[1] > 1e-7)
    got = log_scaling_slope(sizes, rates, weights=weights)
    assert got.slope_pp_per_decade == pytest.approx(100 * other.params[1], abs=1e-9)
    assert got.standard_error_pp_per_decade == pytest.approx(100 * other.bse[1], rel=1e-6)
    assert got.r_squared == pytest.approx(other.rsquared, abs=1e-9)
    assert got.p_value == pytest.approx(other.pvalues[1], rel=1e-5)
    assert got.interval == pytest.approx(100 * other.conf_int()[1], rel=1e-5, abs=1e-6)


@given(own.grouped_rates())
def test_within_group_slope(data):
    sizes, rates, groups = data
    indicators = (np.array(groups)[:, np.newaxis] == np.array(sorted(set(groups)))).astype(float)
    design = np.column_stack([indicators, np.log10(sizes)])
    other = sm.OLS(rates, design).fit()
    assume(other.bse[-1] > 1e-7)
    got = within_group_slope(sizes, rates, groups)
    assert got.slope_pp_per_decade == pytest.approx(100 * other.params[-1], abs=1e-9)
    assert got.standard_error_pp_per_decade == pytest.approx(100 * other.bse[-1], rel=1e-6)
    fit = ols(design, rates)
    assert fit.coefficients == pytest.approx(other.params, abs=1e-10)
    assert fit.covariance == pytest.approx(other.cov_params(), rel=1e-6, abs=1e-12)
    assert fit.centred
    if np.ptp(rates) > 1e-6:
        assert fit.r_squared == pytest.approx(other.rsquared, abs=1e-9)
