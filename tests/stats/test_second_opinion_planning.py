"""Multiplicity and power against statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import FTestAnovaPower, FTestPower, FTestPowerF2
from statsmodels.stats.proportion import power_proportions_2indep

import strategies as own
from safescale.stats import anova_power, benjamini_hochberg, slope_power, two_proportion_power
from stats.planning_strategies import alphas


@given(own.p_values(), st.sampled_from([("positive", "fdr_bh"), ("arbitrary", "fdr_by")]), st.sampled_from([0.05, 0.2]))
def test_law_benjamini_hochberg(p, names, alpha):
    rejected, adjusted, *_ = multipletests(p, alpha=alpha, method=names[1])
    got = benjamini_hochberg(p, alpha=alpha, dependence=names[0])
    assert got.adjusted == pytest.approx(adjusted, abs=1e-14)
    if not np.any(np.abs(adjusted - alpha) < 1e-12):
        assert got.rejected == tuple(rejected)


@given(st.integers(3, 150), st.floats(1, 40), alphas())
def test_law_slope_power(n, slope, alpha):
    """Regression power with f2 = slope^2 sd_x^2 / s^2: FTestPowerF2, nobs - df terms as statsmodels counts them."""
    got = slope_power(n, slope_pp_per_decade=slope, size_sd_decades=0.5, residual_sd=0.1, alpha=alpha)
    # statsmodels: nc = f2 (df_num + df_denom + ncc); 1 + (n - 2) + 1 = n
    other = FTestPowerF2().power((slope / 100 * 0.5 / 0.1) ** 2, df_num=1, df_denom=n - 2, alpha=alpha, ncc=1)
    assert got.power == pytest.approx(other, abs=1e-9)


def test_the_swapped_degrees_of_freedom_of_ftestpower_are_not_ours():
    """statistics.md: FTestPower has df_num and df_denom swapped (0.052 against 0.564 there). Ours is F2's."""
    got = slope_power(21, slope_pp_per_decade=10, size_sd_decades=0.5, residual_sd=0.1).power
    right = FTestPowerF2().power(0.25, df_num=1, df_denom=19, alpha=0.05)
    swapped = FTestPower().power(math.sqrt(0.25), df_num=1, df_denom=19, alpha=0.05)
    assert got == pytest.approx(right, abs=1e-9)
    assert abs(swapped - right) > 0.3


@given(st.integers(2, 8), st.integers(2, 10), st.floats(0.01, 0.8), alphas())
def test_law_anova_power_of_these_groups(k, m, eta_squared, alpha):
    """FTestAnovaPower: nc = f^2 n with f^2 = eta^2 / (1 - eta^2)."""
    f = math.sqrt(eta_squared / (1 - eta_squared))
    other = FTestAnovaPower().power(f, nobs=k * m, alpha=alpha, k_groups=k)
    assert anova_power([m] * k, eta_squared=eta_squared, alpha=alpha).power == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize(("p1", "p2", "n"), [(0.3, 0.35, 1500), (0.1, 0.15, 800), (0.5, 0.58, 500)])
def test_large_samples_have_the_normal_power(p1, p2, n):
    other = power_proportions_2indep(p1 - p2, p2, n, return_results=False)
    assert two_proportion_power(p1, p2, n, n, test="score").power == pytest.approx(other, abs=0.01)
