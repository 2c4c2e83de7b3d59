"""Rank and trend from statsmodels, on random cases. Needs statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given

from safescale.stats import cochran_armitage_test
from stats.trend_strategies import scored_cells


@given(scored_cells())
def test_cochran_armitage_is_the_ordinal_association_of_the_table(data):
    """Given both margins statsmodels divides by N - 1, Armitage by N."""
    k, n, scores = data
    assume(0 < sum(k) < sum(n))
    table = sm.stats.Table(np.array([np.subtract(n, k), k]), shift_zeros=False)
    other = table.test_ordinal_association(row_scores=np.array([0.0, 1.0]), col_scores=np.array(scores))
    got = cochran_armitage_test(k, n, scores, method="normal")
    # conditional variance over unconditional: N / (N - 1)
    shrink = np.sqrt((sum(n) - 1) / sum(n))
    assert got.z * shrink == pytest.approx(other.zscore, rel=1e-6, abs=1e-8)


@given(scored_cells())
def test_z_squared_is_the_score_test_of_a_logit(data):
    """Score and information of statsmodels' binomial GLM at slope 0."""
    k, n, scores = data
    assume(0 < sum(k) < sum(n))
    design = np.column_stack([np.ones(len(k)), scores])
    model = sm.GLM(np.column_stack([k, np.subtract(n, k)]), design, family=sm.families.Binomial())
    at_null = np.array([np.log(sum(k) / (sum(n) - sum(k))), 0.0])
    score, information = model.score(at_null, scale=1.0), -model.hessian(at_null, scale=1.0)
    other = float(score @ np.linalg.solve(information, score))
    assert cochran_armitage_test(k, n, scores, method="normal").z ** 2 == pytest.approx(other, rel=1e-7, abs=1e-9)
