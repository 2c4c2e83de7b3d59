"""Paired differences and their slopes on size beside scipy and statsmodels."""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings

import strategies as own
from safescale.stats import (
    effect_meta_regression,
    item_interaction_slope,
    log_scaling_slope,
    paired_difference,
    permutation_slope_test,
    size_slope_test,
    slopes_over_replicates,
    within_group_slope,
)


@given(own.sized_rates(untied=True))
def test_law_a_slope_of_differences_is_linregress(rows):
    sizes, rates = rows
    y = [2 * r - 1 for r in rates]
    fit, other = log_scaling_slope(sizes, y, quantity="difference"), scipy.stats.linregress(np.log10(sizes), y)
    assert fit.slope_pp_per_decade == pytest.approx(100 * other.slope, abs=1e-8)
    if fit.standard_error_pp_per_decade is not None and fit.standard_error_pp_per_decade > 1e-4:
        assert fit.standard_error_pp_per_decade == pytest.approx(100 * other.stderr, rel=1e-6)
        assert fit.p_value == pytest.approx(other.pvalue, rel=1e-5)


def test_a_slope_of_differences_within_groups_is_statsmodels_ols_with_dummies():
    rng = np.random.default_rng(1)
    for _ in range(30):
        labels = np.repeat([0, 1, 2], 4)
        sizes, y = rng.choice(own.MODEL_SIZES, 12), rng.uniform(-1, 1, 12)
        other = sm.OLS(y, np.column_stack([np.log10(sizes), *(labels == g for g in range(3))]).astype(float)).fit()
        fit = within_group_slope(sizes, y, labels.tolist(), quantity="difference")
        assert fit.slope_pp_per_decade == pytest.approx(100 * other.params[0], rel=1e-8)
        assert fit.interval == pytest.approx(100 * other.conf_int()[0], rel=1e-7)


@settings(max_examples=15)
@given(own.sized_rates(untied=True, max_models=6))
def test_law_the_permutation_p_of_differences_is_scipys(rows):
    """Exact, all n! pairings, greater and less; scipy counts ties within a relative 1e-14 of its own."""
    sizes, rates = rows
    y = np.array([r - 0.5 for r in rates])
    x = np.log10(sizes) - np.mean(np.log10(sizes))
    for alternative in ("greater", "less"):
        other = scipy.stats.permutation_test(
            (y,),
            lambda z, axis: np.sum(x * z, axis=axis),
            permutation_type="pairings",
            alternative=alternative,
            n_resamples=np.inf,
            vectorized=True,
        )
        mine = permutation_slope_test(sizes, y, alternative=alternative, quantity="difference")
        assert mine.p_value == pytest.approx(other.pvalue, rel=1e-9)
        assert size_slope_test(sizes, y, alternative=alternative, quantity="difference").p_value == mine.p_value


def test_meta_regression_of_effects_is_statsmodels_wls_at_its_tau():
    """WLS with weights 1/(v + tau^2) scales by its own residuals on t(n - 2): Knapp and Hartung's method."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        m = int(rng.integers(4, 10))
        sizes, v = rng.choice(own.MODEL_SIZES, m, replace=False), 10 ** rng.uniform(-4, -2, m)
        y = np.clip(rng.normal(0, 0.1, m), -1, 1)
        fit = effect_meta_regression(sizes, y, v, method="knapp_hartung", level=0.9)
        other = sm.WLS(y, sm.add_constant(np.log10(sizes)), weights=1 / (v + (fit.tau_pp / 100) ** 2)).fit()
        assert fit.slope_pp_per_decade == pytest.approx(100 * other.params[1], rel=1e-7, abs=1e-9)
        assert fit.effect_at_1b == pytest.approx(other.params[0], rel=1e-7, abs=1e-9)
        assert fit.interval == pytest.approx(100 * other.conf_int(alpha=0.1)[1], rel=1e-6)
        assert fit.p_value == pytest.approx(other.pvalues[1], rel=1e-6)


def test_an_unguarded_paired_difference_is_scipys_paired_t_test():
    rng = np.random.default_rng(3)
    seen = 0
    for _ in range(50):
        n, m = int(rng.integers(5, 60)), rng.integers(1, 4)
        n0, n1 = rng.integers(m, 5, n), rng.integers(m, 5, n)
        k0, k1 = rng.binomial(n0, 0.4), rng.binomial(n1, 0.6)
        found = paired_difference(k0, n0, k1, n1, level=0.9)
        other = scipy.stats.ttest_rel(k1 / n1, k0 / n0)
        assert found.delta == pytest.approx(np.mean(k1 / n1 - k0 / n0))
        if found.guarded:
            assert found.p_value >= other.pvalue
            continue
        seen += 1
        assert found.p_value == pytest.approx(other.pvalue, rel=1e-8)
        assert found.interval == pytest.approx(tuple(other.confidence_interval(0.9)), rel=1e-8)
    assert 10 < seen < 50


def test_the_mean_of_slopes_is_scipys_t_test_of_linregress_slopes():
    rng = np.random.default_rng(4)
    for _ in range(50):
        replicates = int(rng.integers(2, 6))
        sizes, y = np.tile([0.5, 2.0, 9.0, 40.0], replicates), rng.uniform(-1, 1, 4 * replicates)
        labels = np.repeat(np.arange(replicates), 4)
        slopes = [100 * scipy.stats.linregress(np.log10(sizes[:4]), y[labels == r]).slope for r in range(replicates)]
        other = scipy.stats.ttest_1samp(slopes, 0)
        found = slopes_over_replicates(sizes, y, labels.tolist(), quantity="difference")
        assert found.slopes_pp_per_decade == pytest.approx(slopes)
        assert found.p_value == pytest.approx(other.pvalue, rel=1e-7)
        assert found.interval == pytest.approx(tuple(other.confidence_interval()), rel=1e-7)


def test_the_interaction_of_complete_data_is_statsmodels_ols_clustered_by_prompt():
    """
    Items 0 and 1 by model, prompt and condition, with a column for every model-by-prompt pair and for condition: the coefficient of
    condition x log10 size, and its CR0 error times sqrt(J / (J - 1)), which is CR2 where every prompt has the same design.
    """
    rng = np.random.default_rng(5)
    for _ in range(10):
        sizes, prompts = np.sort(rng.choice(own.MODEL_SIZES, 4, replace=False)), 12
        control, treated = rng.binomial(1, 0.3, (4, prompts)), rng.binomial(1, 0.6, (4, prompts))
        once = np.ones((4, prompts), dtype=int)
        found = item_interaction_slope(sizes, control, once, treated, once)
        x = np.log10(sizes)
        pairs = np.kron(np.eye(4 * prompts), np.ones((2, 1)))
        condition = np.tile([0.0, 1.0], 4 * prompts)
        by_size = condition * np.repeat(x - x.mean(), 2 * prompts)
        y = np.stack([control, treated], axis=-1).ravel()
        clusters = np.tile(np.repeat(np.arange(prompts), 2), 4)
        options = {"groups": clusters, "use_correction": False}
        other = sm.OLS(y, np.column_stack([by_size, condition, pairs])).fit(cov_type="cluster", cov_kwds=options)
        assert found.slope_pp_per_decade == pytest.approx(100 * other.params[0], abs=1e-8)
        assert found.standard_error_pp_per_decade == pytest.approx(100 * other.bse[0] * np.sqrt(prompts / (prompts - 1)), rel=1e-6)
        slopes = (x - x.mean()) @ (treated - control) / np.sum((x - x.mean()) ** 2)
        assert found.p_value == pytest.approx(scipy.stats.ttest_1samp(slopes, 0).pvalue, rel=1e-7)
