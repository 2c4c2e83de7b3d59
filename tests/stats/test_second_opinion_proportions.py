"""Intervals of proportions from statsmodels. This file needs statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

from safescale.stats import (
    agresti_coull_intervals,
    clopper_pearson_intervals,
    design_effect_wilson_interval,
    jeffreys_intervals,
    wilson_intervals,
)


@pytest.mark.parametrize(
    ("ours", "method"),
    [
        (wilson_intervals, "wilson"),
        (agresti_coull_intervals, "agresti_coull"),
        (jeffreys_intervals, "jeffreys"),
        (clopper_pearson_intervals, "beta"),
    ],
)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_differential_statsmodels(ours, method, level):
    """5,000 cells; statsmodels does not set the ends of Jeffreys at 0 and n."""
    rng = np.random.default_rng(20260630)
    n = rng.integers(1, 3000, 5000)
    k = rng.binomial(n, rng.random(5000))
    k[:200], k[200:400] = 0, n[200:400]
    low, high = proportion_confint(k, n, alpha=1 - level, method=method)
    if method == "jeffreys":
        low, high = np.where(k == 0, 0, low), np.where(k == n, 1, high)
    got = ours(k, n, level=level)
    np.testing.assert_allclose(got.low, low, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(got.high, high, rtol=1e-8, atol=1e-13)


def test_raw_design_effect_of_equal_clusters_is_the_cluster_robust_variance():
    """CR0 of a mean from statsmodels, times C / (C - 1), which is CR2 where clusters are equal."""
    rng = np.random.default_rng(3)
    for clusters in (5, 12, 40):
        k = rng.binomial(6, rng.beta(0.8, 1.2, clusters))
        rows = np.concatenate([[1.0] * a + [0.0] * (6 - a) for a in k])
        group = np.repeat(np.arange(clusters), 6)
        options = {"groups": group, "use_correction": False}
        fit = sm.OLS(rows, np.ones(len(rows))).fit(cov_type="cluster", cov_kwds=options)
        p = rows.mean()
        expected = fit.bse[0] ** 2 * clusters / (clusters - 1) / (p * (1 - p) / len(rows))
        got = design_effect_wilson_interval(k, np.full(clusters, 6))
        assert got.design_effect_raw == pytest.approx(expected, rel=1e-10)
