"""Residuals of a group from the line of the others: put back into least squares, and against other tools."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from safescale.errors import DomainError, InsufficientData
from safescale.stats import leave_group_out_residuals, log_scaling_slope, prediction_interval, residual_threshold_test

SIZES = [1, 3, 9, 2, 4, 30, 7, 70, 13]
RATES = [0.40, 0.45, 0.33, 0.61, 0.55, 0.52, 0.20, 0.25, 0.44]
GROUPS = list("aaabbbccd")


def test_one_model_left_out_is_the_prediction_of_one_more_model():
    """Second opinion: with m = 1 the interval is the prediction interval turned around."""
    d = leave_group_out_residuals(SIZES, RATES, GROUPS)[3]
    line = log_scaling_slope(SIZES[:-1], RATES[:-1])
    one = prediction_interval(line, SIZES[-1])
    assert d.group == "d"
    assert d.residual_pp == pytest.approx(100 * (RATES[-1] - one.estimate))
    assert d.interval == pytest.approx((100 * (RATES[-1] - one.high), 100 * (RATES[-1] - one.low)))
    assert d.residual_dof == 6


def test_p_is_that_of_a_dummy_variable_when_the_group_scatters_like_nothing():
    """
    Second opinion: least squares with an indicator of the group. Its estimate is the mean residual where the group's slope is
    tied to the others' by equal sizes; with one model in the group estimate, standard error and p agree exactly.
    """
    x, y = np.log10(SIZES), np.array(RATES)
    design = np.column_stack([np.ones(len(x)), x, np.arange(len(x)) == 8])
    beta, rss, _, _ = np.linalg.lstsq(design, y, rcond=None)
    cov = rss[0] / (len(x) - 3) * np.linalg.inv(design.T @ design)
    t = beta[2] / np.sqrt(cov[2, 2])
    d = leave_group_out_residuals(SIZES, RATES, GROUPS)[3]
    assert d.residual_pp == pytest.approx(100 * beta[2])
    assert d.standard_error_pp == pytest.approx(100 * np.sqrt(cov[2, 2]))
    assert d.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(t), len(x) - 3))


def test_the_interval_holds_no_effect_as_often_as_it_says():
    """Definition: models of one group drawn like the others are covered at the nominal level; n small, so the t matters."""
    rng = np.random.default_rng(3)
    sizes = np.geomspace(1, 100, 8)
    groups = [0, 0, 0, 1, 1, 2, 2, 2]
    inside = sum(
        low <= 0 <= high
        for _ in range(600)
        for low, high in [leave_group_out_residuals(sizes, 0.5 + 0.03 * rng.normal(size=8), groups)[0].interval]
    )
    assert inside / 600 == pytest.approx(0.95, abs=0.025)


def test_a_group_does_not_draw_the_line_to_itself():
    """Law: however far a group lies, the line of the others does not move, so neither does its standard error."""
    near = leave_group_out_residuals(SIZES, RATES, GROUPS)[2]
    far = leave_group_out_residuals(SIZES, [r + 0.5 * (g == "c") for r, g in zip(RATES, GROUPS, strict=True)], GROUPS)[2]
    assert far.residual_pp == pytest.approx(near.residual_pp + 50)
    assert far.standard_error_pp == pytest.approx(near.standard_error_pp)


def test_order_of_models_is_irrelevant():
    order = np.random.default_rng(1).permutation(len(SIZES))
    moved = leave_group_out_residuals([SIZES[i] for i in order], [RATES[i] for i in order], [GROUPS[i] for i in order])
    first = {r.group: r for r in leave_group_out_residuals(SIZES, RATES, GROUPS)}
    for residual in moved:
        assert residual.residual_pp == pytest.approx(first[residual.group].residual_pp)
        assert residual.p_value == pytest.approx(first[residual.group].p_value)


def test_a_group_without_which_there_is_no_line_says_so():
    found = leave_group_out_residuals([1, 2, 4, 8, 8], [0.1, 0.2, 0.4, 0.3, 0.2], list("aaabb"))
    assert found[0].interval is None
    assert found[0].undefined_because == "without 'a' only 1 distinct sizes remain, and a line needs 3"
    assert found[1].interval is not None
    with pytest.raises(InsufficientData, match="without 'a' only 1 distinct"):
        residual_threshold_test(found[0], threshold_pp=10)


def test_others_on_a_line_leave_no_certainty_of_zero_width():
    found = leave_group_out_residuals([1, 10, 100, 10], [0.1, 0.2, 0.3, 0.9], list("aaab"))[1]
    assert (found.residual_pp, found.interval, found.p_value) == (pytest.approx(70), None, None)
    assert "lie on the fitted line" in (found.undefined_because or "")


def test_refuses_one_group():
    with pytest.raises(InsufficientData, match="all 9 models are of one group"):
        leave_group_out_residuals(SIZES, RATES, ["a"] * 9)


def test_refuses_a_threshold_that_is_not_positive():
    with pytest.raises(DomainError, match="must be positive, got 0"):
        residual_threshold_test(leave_group_out_residuals(SIZES, RATES, GROUPS)[0], threshold_pp=0)


@pytest.mark.parametrize("threshold", [0.5, 5.0, 12.0, 25.0, 60.0])
def test_the_side_is_claimed_exactly_where_the_interval_lies_on_it(threshold):
    """Law: p at most 1 - level is the same as the whole interval on one side of the threshold, or within it."""
    for residual in leave_group_out_residuals(SIZES, RATES, GROUPS, level=0.9):
        low, high = residual.interval
        test = residual_threshold_test(residual, threshold_pp=threshold)
        claimed = {"below": high <= -threshold, "above": low >= threshold, "within": -threshold <= low and high <= threshold}
        assert (test.p_value <= 0.1) == claimed[test.side]
        assert sum(claimed.values()) <= 1


def test_thresholds_agree_with_scipy():
    residual = leave_group_out_residuals(SIZES, RATES, GROUPS)[1]
    test = residual_threshold_test(residual, threshold_pp=7)
    d, se, t = residual.residual_pp, residual.standard_error_pp, scipy.stats.t(residual.residual_dof)
    assert test.p_below == pytest.approx(t.cdf((d + 7) / se))
    assert test.p_above == pytest.approx(t.sf((d - 7) / se))
    assert test.p_within == pytest.approx(max(t.sf((d + 7) / se), t.cdf((d - 7) / se)))
