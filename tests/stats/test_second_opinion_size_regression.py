"""The regressions on size beside statsmodels. This file alone needs statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given

import strategies as own
from safescale.stats import (
    binomial_regression,
    cluster_robust_covariance,
    log_scaling_slope,
    meta_regression_slope,
    ols,
    prediction_interval,
)
from stats.size_regression_strategies import sized_counts


def test_cr0_and_cr1_are_statsmodels_clustered_covariances():
    rng = np.random.default_rng(1)
    for _ in range(100):
        G = int(rng.integers(4, 12))
        labels = np.repeat(np.arange(G), rng.integers(1, 8, G))
        X = np.column_stack([np.ones(len(labels)), rng.normal(size=len(labels))])
        y = rng.normal(size=G)[labels] + rng.normal(size=len(labels))
        e = ols(X, y).residuals
        for kind, correction in (("CR0", False), ("CR1", True)):
            options = {"groups": labels, "use_correction": correction, "df_correction": False}
            other = sm.OLS(y, X).fit(cov_type="cluster", cov_kwds=options)
            got = cluster_robust_covariance(X, e, labels, kind=kind)
            assert got.covariance == pytest.approx(other.cov_params(), rel=1e-8)


def test_binomial_and_quasi_binomial_are_statsmodels_glm():
    rng = np.random.default_rng(2)
    for _ in range(150):
        m = int(rng.integers(3, 9))
        sizes, n = rng.choice(own.MODEL_SIZES, size=m, replace=False), rng.integers(20, 500, m)
        k = rng.binomial(n, rng.uniform(0.1, 0.9, m))
        X = sm.add_constant(np.log10(sizes))
        other = sm.GLM(np.column_stack([k, n - k]), X, family=sm.families.Binomial()).fit(tol=1e-12)
        # its own scale="X2" divides grouped counts by the trials once more, so its binomial error is scaled here
        scales = {"binomial": 1.0, "quasi": np.sqrt(other.pearson_chi2 / other.df_resid)}
        for dispersion, scale in scales.items():
            got = binomial_regression(sizes, k, n, dispersion=dispersion)
            assert got.slope_logit_per_decade == pytest.approx(other.params[1], rel=1e-6, abs=1e-8)
            assert got.intercept_logit_at_1b == pytest.approx(other.params[0], rel=1e-6, abs=1e-8)
            assert got.standard_error_logit_per_decade == pytest.approx(scale * other.bse[1], rel=1e-6)
            assert got.deviance == pytest.approx(other.deviance, rel=1e-6)
            assert got.pearson == pytest.approx(other.pearson_chi2, rel=1e-6)


@given(sized_counts())
def test_law_knapp_hartung_is_statsmodels_wls_at_the_reml_tau(counts):
    """WLS with weights 1/(v + tau2) scales by its own residual variance and uses t(n - 2): Knapp and Hartung's method."""
    fit = meta_regression_slope(*counts, method="knapp_hartung")
    if fit.p_value is None:
        return
    y, x = np.divide(counts[1], counts[2]), np.log10(counts[0])
    weights = 1 / (np.array(fit.variances) + (fit.tau_pp / 100) ** 2)
    other = sm.WLS(y, sm.add_constant(x), weights=weights).fit()
    assert fit.slope_pp_per_decade == pytest.approx(100 * other.params[1], rel=1e-6, abs=1e-7)
    assert fit.standard_error_pp_per_decade == pytest.approx(100 * other.bse[1], rel=1e-5)
    assert fit.p_value == pytest.approx(other.pvalues[1], rel=1e-4)
    assert fit.interval == pytest.approx(100 * other.conf_int()[1], rel=1e-4, abs=1e-5)


def test_prediction_is_statsmodels_obs_ci():
    rng = np.random.default_rng(3)
    for _ in range(100):
        m = int(rng.integers(3, 10))
        sizes, rates = rng.choice(own.MODEL_SIZES, size=m, replace=False), rng.uniform(0, 1, m)
        other = sm.OLS(rates, sm.add_constant(np.log10(sizes))).fit().get_prediction([[1.0, np.log10(50.0)]])
        got = prediction_interval(log_scaling_slope(sizes, rates), 50, level=0.9)
        assert (got.low, got.high) == pytest.approx(tuple(other.conf_int(obs=True, alpha=0.1)[0]), rel=1e-8)
        assert got.estimate == pytest.approx(other.predicted_mean[0], rel=1e-9)
