"""Variance shares from statsmodels, on random cases. This file alone needs statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.oneway import anova_oneway, convert_effectsize_fsqu, effectsize_oneway

from safescale.stats import commonality, eta_squared, intraclass_correlation, partial_pooling
from stats.variance_strategies import grouped_values, spread_within


@given(grouped_values(min_size=2))
def test_eta_omega_and_epsilon_squared(data):
    values, labels = data
    assume(spread_within(values, labels))
    got = eta_squared(values, labels, resamples=0)
    other = anova_oneway(np.array(values), np.array(labels), use_var="equal")
    assert got.f == pytest.approx(other.statistic, rel=1e-8, abs=1e-10)
    assert got.p_value == pytest.approx(other.pvalue, rel=1e-7)
    means = [np.mean([v for v, label in zip(values, labels, strict=True) if label == name]) for name in sorted(set(labels))]
    sizes = np.array([labels.count(name) for name in sorted(set(labels))])
    pooled = got.sum_of_squares_within / got.df_within
    f2 = effectsize_oneway(means, pooled, sizes, use_var="equal")
    assert got.sum_of_squares_between / got.n / pooled == pytest.approx(f2, rel=1e-7, abs=1e-10)
    shares = convert_effectsize_fsqu(f2=got.sum_of_squares_between / got.sum_of_squares_within)
    assert got.eta_squared == pytest.approx(shares.eta2, rel=1e-9, abs=1e-12)


@given(grouped_values(min_size=2, max_groups=4), st.integers(0, 10**6))
@settings(max_examples=50)
def test_commonality_from_nested_models(data, seed):
    y, labels = data
    assume(spread_within(y, labels))
    x = np.random.default_rng(seed).normal(size=len(y))
    indicators = (np.array(labels)[:, None] == np.array(sorted(set(labels)))).astype(float)
    assume(len(y) > indicators.shape[1] + 1)
    got = commonality(y, labels, x)
    first, second = sm.OLS(y, indicators).fit(), sm.OLS(y, sm.add_constant(x)).fit()
    both = sm.OLS(y, np.column_stack([indicators, x])).fit()
    shares = (got.adjusted.first_alone, got.adjusted.second_alone, got.adjusted.total)
    assert shares == pytest.approx((first.rsquared_adj, second.rsquared_adj, both.rsquared_adj), abs=1e-7)
    assert both.ssr > 1e-8
    assert got.p_first == pytest.approx(both.compare_f_test(second)[1], rel=1e-5)
    assert got.p_second == pytest.approx(both.compare_f_test(first)[1], rel=1e-5)


def test_restricted_likelihood_of_a_balanced_table_gives_the_same_icc():
    """For equal group sizes the ANOVA estimate, where positive, is the REML one."""
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(12), 5)
    values = rng.normal(size=12)[labels] + rng.normal(size=60)
    fit = MixedLM(values, np.ones(60), groups=labels).fit(reml=True)
    between, within = float(fit.cov_re[0, 0]), float(fit.scale)
    assert between > 0.1
    assert intraclass_correlation(values, labels).estimate == pytest.approx(between / (between + within), abs=1e-4)


def test_partial_pooling_given_tau_is_the_random_effects_mean():
    """Where the groups are many and tau is known well, the mean and its interval are those of a random-effects analysis."""
    rng = np.random.default_rng(9)
    v = rng.uniform(0.5, 1.5, 400)
    y = 3 + rng.normal(0, 2, 400) + rng.normal(size=400) * np.sqrt(v)
    other = combine_effects(y, v, method_re="iterated")
    got = partial_pooling(y, v)
    assert got.tau_reml**2 == pytest.approx(other.tau2, rel=0.05)
    assert got.mean == pytest.approx(other.mean_effect_re, abs=2e-3)
    assert got.mean_interval == pytest.approx(other.conf_int()[1], abs=0.01)
