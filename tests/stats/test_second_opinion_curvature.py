"""The test of a bend beside statsmodels."""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import assume, given

from safescale.stats import curvature_test
from stats.size_regression_strategies import bent_rows

P_VALUES = ("p_value", "joint_p_value", "ends_differ_p")


def by_hand(sizes, rates, groups):
    """The same numbers from statsmodels: the curvature, the F test of both terms, and the slope at each end as a coefficient."""
    x, names = np.log10(sizes), np.array(groups)
    indicators = (names[:, np.newaxis] == np.array(sorted(set(groups)))).astype(float)
    counting = np.array([len({s for s, g in zip(sizes, groups, strict=True) if g == name}) > 1 for name in groups])
    low, high = x[counting].min(), x[counting].max()

    def around(at):
        return sm.OLS(rates, np.column_stack([indicators, x - at, (x - at) ** 2])).fit()

    middle, ends = around(x[counting].mean()), [around(at) for at in (low, high)]
    p = indicators.shape[1]
    joint = middle.f_test(np.eye(p + 2)[p:])
    t = [fit.tvalues[-2] for fit in ends]
    turn = x[counting].mean() - middle.params[-2] / (2 * middle.params[-1])
    sign = np.sign(middle.params[-1])
    return {
        "fit": middle,
        "curvature": 100 * middle.params[-1],
        "slope": 100 * middle.params[-2],
        "ends": [100 * fit.params[-2] for fit in ends],
        "p_value": middle.pvalues[-1],
        "joint_p_value": float(joint.pvalue),
        "ends_differ_p": max(scipy.stats.t.cdf(sign * t[0], middle.df_resid), scipy.stats.t.sf(sign * t[1], middle.df_resid)),
        "turn": 10**turn if low < turn < high else None,
    }


@given(bent_rows())
def test_agrees_with_statsmodels(data):
    sizes, rates, groups = data
    got = curvature_test(sizes, rates, groups=groups)
    assume(got.undefined_because is None)
    other = by_hand(sizes, rates, groups)
    assume(other["fit"].bse[-1] > 1e-6)
    assume(abs(other["fit"].tvalues[-1]) > 1e-6)
    assert got.curvature_pp_per_decade_squared == pytest.approx(other["curvature"], rel=1e-6, abs=1e-8)
    assert got.slope_pp_per_decade == pytest.approx(other["slope"], rel=1e-6, abs=1e-8)
    slopes = [got.slope_at_smallest_pp_per_decade, got.slope_at_largest_pp_per_decade]
    assert slopes == pytest.approx(other["ends"], rel=1e-6, abs=1e-7)
    assert got.standard_error_pp_per_decade_squared == pytest.approx(100 * other["fit"].bse[-1], rel=1e-6)
    assert got.interval == pytest.approx(100 * other["fit"].conf_int()[-1], rel=1e-6, abs=1e-7)
    for name in P_VALUES:
        assert getattr(got, name) == pytest.approx(other[name], rel=1e-5, abs=1e-12), name
    if other["turn"] is not None and got.turning_point_b is not None:
        assert got.turning_point_b == pytest.approx(other["turn"], rel=1e-5)
    assert got.generalises_to == "new_models"
    assert (got.params_b, got.rates, got.groups) == (tuple(sizes), tuple(rates), tuple(groups))
