"""A mean with clusters of two kinds beside statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.sandwich_covariance import cov_cluster, cov_cluster_2groups

from safescale.stats import clustered_mean


def test_variances_are_those_of_statsmodels_on_a_column_of_ones():
    rng, used = np.random.default_rng(9), set()
    for _ in range(40):
        n = int(rng.integers(12, 60))
        prompt, seed = rng.integers(0, 6, n), rng.integers(0, 4, n)
        y = rng.normal(0, 1, 6)[prompt] + rng.normal(0, rng.choice([0.0, 1.0]), 4)[seed] + rng.normal(size=n)
        fit = sm.OLS(y, np.ones(n)).fit()
        both, first, second = (float(v.item()) for v in cov_cluster_2groups(fit, prompt, seed))
        found = clustered_mean(y, prompt.tolist(), seed.tolist())
        assert found.variance_both == pytest.approx(both, rel=1e-9)
        assert found.variance_first == pytest.approx(first, rel=1e-9)
        assert found.variance_second == pytest.approx(second, rel=1e-9)
        assert clustered_mean(y, prompt.tolist()).standard_error ** 2 == pytest.approx(cov_cluster(fit, prompt).item(), rel=1e-9)
        used.add(found.used)
    assert used == {"both", "first", "second"}
