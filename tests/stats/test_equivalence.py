"""Two one-sided tests: Student's t, and the tails of the reference prior's own distribution."""

import math

import attrs
import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, meta_regression_slope, slope_equivalence_test
from stats.size_regression_strategies import sized_counts

# rates within 6 points of each other, on 50 to 3,000 traces: the distribution of the slope is skewed
SKEWED = [0.5, 2.924, 17.1, 100], [871, 61, 12, 909], [3000, 200, 50, 3000]


@attrs.frozen(kw_only=True)
class Published:
    slope_pp_per_decade: float
    standard_error_pp_per_decade: float | None
    residual_dof: int
    generalises_to: str = "new_models"


@given(own.sized_rates(max_models=12), st.floats(0.5, 50), st.sampled_from([0.01, 0.05, 0.1]))
def test_flat_is_claimed_exactly_when_the_interval_is_inside_the_margin(data, margin, alpha):
    fit = log_scaling_slope(*data, level=1 - 2 * alpha)
    assume(fit.interval is not None)
    got = slope_equivalence_test(fit, margin_pp_per_decade=margin, alpha=alpha)
    low, high = fit.interval
    assert got.interval == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assume(min(abs(low + margin), abs(high - margin)) > 1e-9)
    assert got.equivalent == (-margin < low and high < margin)
    assert got.p_value == max(got.p_below, got.p_above)
    assert got.generalises_to == "new_models"


def test_equivalence_agrees_with_scipy_one_sided_t():
    b, se, dof, m = 1.3, 2.0, 7, 5.0
    got = slope_equivalence_test(Published(slope_pp_per_decade=b, standard_error_pp_per_decade=se, residual_dof=dof))
    assert got.p_below == pytest.approx(scipy.stats.t.sf((b + m) / se, dof), rel=1e-12)
    assert got.p_above == pytest.approx(scipy.stats.t.cdf((b - m) / se, dof), rel=1e-12)


# report B: slope -.006 per doubling, SE .0128, 19 df: TOST +-2 pp p .14, +-3 pp p .04 (statistics.md, section 4)
@pytest.mark.parametrize(("margin_per_doubling", "printed", "flat"), [(2, 0.14, False), (3, 0.04, True)])
def test_equivalence_of_report_164(margin_per_doubling, printed, flat):
    doublings = math.log2(10)
    slope = Published(slope_pp_per_decade=-0.6 * doublings, standard_error_pp_per_decade=1.28 * doublings, residual_dof=19)
    got = slope_equivalence_test(slope, margin_pp_per_decade=margin_per_doubling * doublings)
    assert (round(got.p_value, 2), got.equivalent) == (printed, flat)


@given(own.sized_rates(max_models=12))
def test_equivalence_turns_with_the_sign(data):
    sizes, rates = data
    fit, turned = log_scaling_slope(sizes, rates), log_scaling_slope(sizes, [1 - r for r in rates])
    assume(fit.standard_error_pp_per_decade is not None and fit.standard_error_pp_per_decade > 1e-6)
    here, there = slope_equivalence_test(fit), slope_equivalence_test(turned)
    assert (here.p_below, here.p_above) == pytest.approx((there.p_above, there.p_below), rel=1e-6)


def test_equal_rates_are_not_flat_by_equivalence():
    with pytest.raises(InsufficientData, match="no standard error, so flatness cannot be tested"):
        slope_equivalence_test(log_scaling_slope([1, 2, 4], [0, 0, 0]))


@pytest.mark.parametrize(
    ("margin", "alpha", "message"), [(0, 0.05, "must be positive, got 0"), (5, 0.5, "below 0.5.*use 0.05 or less")]
)
def test_equivalence_refuses(margin, alpha, message):
    fit = log_scaling_slope([1, 2, 4], [0.1, 0.3, 0.2])
    with pytest.raises(DomainError, match=message):
        slope_equivalence_test(fit, margin_pp_per_decade=margin, alpha=alpha)


# ---- slopes of the reference prior ----------------------------------------------------------------------------------


def test_the_verdict_does_not_depend_on_the_level_that_the_slope_is_printed_at():
    """It did: the standard error was read off the interval at that level, and p went from .036 to .057."""
    levels = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
    fits = [meta_regression_slope(*SKEWED, level=level) for level in levels]
    assert len({fit.interval for fit in fits}) == len(levels)
    assert len({fit.standard_error_pp_per_decade for fit in fits}) == 1
    assert len({slope_equivalence_test(fit) for fit in fits}) == 1


@given(sized_counts(), st.floats(0.5, 50), st.sampled_from([0.01, 0.05, 0.1]))
def test_the_interval_is_the_fits_own_and_flat_is_claimed_exactly_inside_the_margin(counts, margin, alpha):
    fit = meta_regression_slope(*counts, level=1 - 2 * alpha)
    got = slope_equivalence_test(fit, margin_pp_per_decade=margin, alpha=alpha)
    low, high = fit.interval
    assert got.interval == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assume(min(abs(low + margin), abs(high - margin)) > 1e-6)
    assert got.equivalent == (-margin < low and high < margin)


@given(sized_counts(), st.sampled_from([0.01, 0.05, 0.2]))
def test_p_at_a_margin_that_ends_the_interval_is_alpha(counts, alpha):
    """Put the answer back in: at the end farther from 0 of the interval at 1 - 2 alpha, p is alpha."""
    low, high = meta_regression_slope(*counts, level=1 - 2 * alpha).interval
    margin = max(-low, high)
    got = slope_equivalence_test(meta_regression_slope(*counts), margin_pp_per_decade=margin)
    assert got.p_value == pytest.approx(alpha, rel=1e-6)


@given(sized_counts())
def test_counting_refusals_instead_swaps_the_two_tails(counts):
    sizes, k, n = counts
    fit, turned = meta_regression_slope(sizes, k, n), meta_regression_slope(sizes, np.subtract(n, k), n)
    here, there = slope_equivalence_test(fit), slope_equivalence_test(turned)
    assert (here.p_below, here.p_above) == pytest.approx((there.p_above, there.p_below), rel=1e-6, abs=1e-12)


def test_without_sampling_noise_it_is_students():
    """As the noise vanishes the mixture becomes t with n - 2 degrees of freedom, and the two branches one."""
    sizes, k, n = [1, 2, 4, 8, 16], [90, 95, 92, 91, 96], [200] * 5
    line = slope_equivalence_test(log_scaling_slope(sizes, np.divide(k, n)), margin_pp_per_decade=6)
    fit = meta_regression_slope(sizes, k, n, variances=[1e-13] * 5)
    got = slope_equivalence_test(fit, margin_pp_per_decade=6)
    assert (got.p_below, got.p_above, *got.interval) == pytest.approx((line.p_below, line.p_above, *line.interval), rel=1e-6)


def test_knapp_hartung_slopes_are_students():
    for method in ("knapp_hartung", "knapp_hartung_guarded"):
        fit = meta_regression_slope(*SKEWED, method=method, level=0.9)
        got = slope_equivalence_test(fit)
        b, se = fit.slope_pp_per_decade, fit.standard_error_pp_per_decade
        assert got.interval == pytest.approx(fit.interval, rel=1e-9)
        assert got.p_below == pytest.approx(scipy.stats.t.sf((b + 5) / se, 2), rel=1e-9)
