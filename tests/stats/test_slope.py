"""Slopes on log10 size: the line, the raw difference, the line within groups."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, ols, raw_difference_per_decade, within_group_slope

LEVELS = own.levels()


def scatters(rates):
    return np.ptp(rates) > 1e-6


@given(own.sized_rates(max_models=12), LEVELS)
def test_agrees_with_scipy_linregress(data, level):
    sizes, rates = data
    assume(scatters(rates))
    other = scipy.stats.linregress(np.log10(sizes), rates)
    assume(other.stderr > 1e-7)
    fit = log_scaling_slope(sizes, rates, level=level)
    t = scipy.stats.t.ppf((1 + level) / 2, len(sizes) - 2)
    assert fit.slope_pp_per_decade == pytest.approx(100 * other.slope, abs=1e-9)
    assert fit.standard_error_pp_per_decade == pytest.approx(100 * other.stderr, rel=1e-6)
    assert fit.r_squared == pytest.approx(other.rvalue**2, abs=1e-9)
    assert fit.p_value == pytest.approx(other.pvalue, rel=1e-5)
    assert fit.rate_at_1b == pytest.approx(other.intercept, abs=1e-9)
    half = t * 100 * other.stderr
    assert fit.interval == pytest.approx((100 * other.slope - half, 100 * other.slope + half), rel=1e-5, abs=1e-6)
    assert (fit.n, fit.residual_dof, fit.level) == (len(sizes), len(sizes) - 2, level)
    assert (fit.params_b, fit.rates, fit.weights) == (tuple(sizes), tuple(rates), None)
    assert (fit.generalises_to, fit.undefined_because) == ("new_models", None)


@given(own.sized_rates())
def test_per_doubling_is_per_decade_times_log10_of_2(data):
    fit = log_scaling_slope(*data)
    assert fit.slope_pp_per_doubling == pytest.approx(fit.slope_pp_per_decade * math.log10(2), rel=1e-14, abs=1e-300)


@given(own.sized_rates(), st.floats(0.01, 100))
def test_the_unit_of_size_is_irrelevant(data, factor):
    sizes, rates = data
    here, there = log_scaling_slope(sizes, rates), log_scaling_slope([factor * s for s in sizes], rates)
    assert here.slope_pp_per_decade == pytest.approx(there.slope_pp_per_decade, abs=1e-9)
    assert (here.p_value is None) == (there.p_value is None)
    if here.p_value is not None and here.standard_error_pp_per_decade > 1e-6:
        assert here.p_value == pytest.approx(there.p_value, rel=1e-6)


@given(own.sized_rates())
def test_counting_refusals_instead_turns_the_sign(data):
    sizes, rates = data
    here, there = log_scaling_slope(sizes, rates), log_scaling_slope(sizes, [1 - r for r in rates])
    assert here.slope_pp_per_decade == pytest.approx(-there.slope_pp_per_decade, abs=1e-10)


@given(own.sized_rates(), st.randoms(use_true_random=False))
def test_order_of_models_is_irrelevant(data, random):
    pairs = list(zip(*data, strict=True))
    random.shuffle(pairs)
    here, there = log_scaling_slope(*data), log_scaling_slope(*zip(*pairs, strict=True))
    assert here.slope_pp_per_decade == pytest.approx(there.slope_pp_per_decade, abs=1e-10)


@given(own.sized_rates(max_models=6))
def test_weight_two_draws_the_line_of_a_doubled_model(data):
    sizes, rates = data
    weighted = log_scaling_slope(sizes, rates, weights=[2] + [1] * (len(sizes) - 1))
    doubled = log_scaling_slope([sizes[0], *sizes], [rates[0], *rates])
    assert weighted.slope_pp_per_decade == pytest.approx(doubled.slope_pp_per_decade, abs=1e-9)
    assert weighted.rate_at_1b == pytest.approx(doubled.rate_at_1b, abs=1e-10)
    assert weighted.residual_dof == doubled.residual_dof - 1
    if scatters(rates):
        assert weighted.r_squared == pytest.approx(doubled.r_squared, abs=1e-9)


@given(own.sized_rates(), st.floats(0.001, 1000))
def test_only_ratios_of_weights_count(data, factor):
    sizes, rates = data
    weights = np.arange(1, len(sizes) + 1)
    here = log_scaling_slope(sizes, rates, weights=weights)
    there = log_scaling_slope(sizes, rates, weights=factor * weights)
    assert here.slope_pp_per_decade == pytest.approx(there.slope_pp_per_decade, abs=1e-9)
    if here.standard_error_pp_per_decade is not None and there.standard_error_pp_per_decade is not None:
        assert here.standard_error_pp_per_decade == pytest.approx(there.standard_error_pp_per_decade, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("rate", [0.0, 0.1 + 0.2, 1 / 3, 1.0])
def test_equal_rates_have_slope_zero_and_no_inference(rate):
    fit = log_scaling_slope([1, 3, 10, 30], [rate] * 4)
    assert fit.slope_pp_per_decade == 0
    assert fit.slope_pp_per_doubling == 0
    assert fit.r_squared is None
    assert fit.standard_error_pp_per_decade is None
    assert fit.interval is None
    assert fit.p_value is None
    assert fit.rate_at_1b == rate
    assert "all 4 rates are equal" in fit.undefined_because


def test_equal_rates_have_slope_zero_even_where_rounding_says_otherwise():
    sizes, rates = [1.9, 7.0, 9.0, 123.0, 1.24, 27.0, 0.5, 70.6], [0.1 + 0.2] * 8
    assert ols(np.column_stack([np.ones(8), np.log10(sizes)]), rates).coefficients[1] != 0
    assert log_scaling_slope(sizes, rates).slope_pp_per_decade == 0


def test_points_on_a_line_have_a_slope_and_no_certainty():
    fit = log_scaling_slope([1, 10, 100, 1000], [0.1, 0.2, 0.3, 0.4])
    assert fit.slope_pp_per_decade == pytest.approx(10)
    assert fit.r_squared == pytest.approx(1)
    assert (fit.standard_error_pp_per_decade, fit.interval, fit.p_value) == (None, None, None)
    assert "lie on the fitted line" in fit.undefined_because


def test_where_linregress_claims_certainty_from_two_points():
    assert scipy.stats.linregress([0.0, 1.0], [0.1, 0.4]).stderr == 0
    with pytest.raises(InsufficientData, match="at least 3 distinct sizes, got 2; report raw_difference_per_decade"):
        log_scaling_slope([8, 70], [0.128, 0.149])


@pytest.mark.parametrize(
    ("sizes", "rates", "weights", "error", "message"),
    [
        ([8, 8, 70], [0.1, 0.2, 0.3], None, InsufficientData, "at least 3 distinct sizes, got 2"),
        ([24, 24], [0.051, 0.023], None, InsufficientData, "got 1; add models of other sizes"),
        ([], [], None, InsufficientData, "got 0; add models"),
        ([1, 2, 3], [58.6, 94.8, 78.9], None, DomainError, "fractions in .0, 1., got 58.6 at position 0; divide percent"),
        ([1, 0, 3], [0.1, 0.2, 0.3], None, DomainError, "params_b must be positive .*, got 0 at position 1"),
        ([1, 2, None], [0.1, 0.2, 0.3], None, DomainError, "params_b must hold real numbers"),
        ([1, 2, 3], [0.1, 0.2], None, DomainError, "same length, got 3 and 2"),
        ([1, 2, 3], [0.1, math.nan, 0.3], None, DomainError, "rates must be finite, got nan at position 1"),
        ([1, 2, 3], [0.1, 0.2, 0.3], [1, 0, 1], DomainError, "weights must be positive"),
        ([1, 2, 3], [0.1, 0.2, 0.3], [1, 1], DomainError, "params_b and weights must have the same length"),
    ],
)
def test_refuses(sizes, rates, weights, error, message):
    with pytest.raises(error, match=message):
        log_scaling_slope(sizes, rates, weights=weights)


# ---- raw differences ------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from([4.0, 27.0]), own.rates()), min_size=2, max_size=8))
def test_raw_difference_is_the_line_through_two_sizes(models):
    sizes, rates = zip(*models, strict=True)
    assume(len(set(sizes)) == 2)
    got = raw_difference_per_decade(sizes, rates)
    line = np.polyfit(np.log10(sizes), rates, 1)[0]
    assert got.difference_pp_per_decade == pytest.approx(100 * line, abs=1e-9)
    assert got.difference_pp == pytest.approx(got.difference_pp_per_decade * math.log10(27 / 4), abs=1e-12)
    assert (got.smaller_b, got.larger_b, got.n, got.generalises_to) == (4, 27, len(sizes), "these_models")
    assert not hasattr(got, "p_value")


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ([24, 24], InsufficientData, "needs 2 distinct sizes, got 1; one size has no slope"),
        ([1, 2, 3], DomainError, "for 2 distinct sizes, got 3; use log_scaling_slope"),
    ],
)
def test_raw_difference_refuses(sizes, error, message):
    with pytest.raises(error, match=message):
        raw_difference_per_decade(sizes, [0.1] * len(sizes))


# ---- within groups --------------------------------------------------------------------------------------------------


def centred_by_hand(sizes, rates, groups):
    x, y, g = np.log10(sizes), np.array(rates), np.array(groups)
    for name in set(groups):
        x[g == name] -= x[g == name].mean()
        y[g == name] -= y[g == name].mean()
    return x, y


@given(own.grouped_rates())
def test_within_slope_is_the_line_through_centred_groups(data):
    x, y = centred_by_hand(*data)
    slope, dof = (x @ y) / (x @ x), len(x) - len(set(data[2])) - 1
    rss = ((y - slope * x) ** 2).sum()
    fit = within_group_slope(*data)
    assert fit.slope_pp_per_decade == pytest.approx(100 * slope, abs=1e-9)
    assert (fit.n, fit.residual_dof, fit.n_groups) == (len(x), dof, len(set(data[2])))
    assert fit.groups == tuple(data[2])
    if fit.standard_error_pp_per_decade is not None and rss > 1e-12:
        se = math.sqrt(rss / dof / (x @ x))
        assert fit.standard_error_pp_per_decade == pytest.approx(100 * se, rel=1e-5)
        assert fit.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(slope) / se, dof), rel=1e-4)
        assert fit.r_squared == pytest.approx(1 - rss / (y @ y), abs=1e-9)
        half = scipy.stats.t.ppf(0.975, dof) * 100 * se
        assert fit.interval == pytest.approx((100 * slope - half, 100 * slope + half), rel=1e-4, abs=1e-6)


@given(own.grouped_rates(), st.floats(-0.3, 0.3))
def test_levels_of_groups_do_not_enter(data, shift):
    sizes, rates, groups = data
    squeezed = [0.4 + 0.2 * r for r in rates]
    moved = [r + shift if g == "b" else r for r, g in zip(squeezed, groups, strict=True)]
    here, there = within_group_slope(sizes, squeezed, groups), within_group_slope(sizes, moved, groups)
    assert here.slope_pp_per_decade == pytest.approx(there.slope_pp_per_decade, abs=1e-9)


@given(own.sized_rates())
def test_one_group_is_no_groups(data):
    here, there = log_scaling_slope(*data), within_group_slope(*data, ["all"] * len(data[0]))
    assert here.slope_pp_per_decade == pytest.approx(there.slope_pp_per_decade, abs=1e-9)
    assert (here.p_value is None) == (there.p_value is None)
    assert here.residual_dof == there.residual_dof


def test_simpson_within_and_across_disagree():
    sizes, rates, groups = [1, 2, 4, 30, 60, 120], [0.5, 0.4, 0.3, 0.9, 0.8, 0.75], list("aaabbb")
    assert within_group_slope(sizes, rates, groups).slope_pp_per_decade < -20
    assert log_scaling_slope(sizes, rates).slope_pp_per_decade > 15


def test_a_group_of_one_size_costs_its_level_and_moves_nothing():
    base = within_group_slope([1, 3, 10, 30], [0.1, 0.3, 0.2, 0.4], ["a"] * 4)
    more = within_group_slope([1, 3, 10, 30, 7], [0.1, 0.3, 0.2, 0.4, 0.9], ["a"] * 4 + ["b"])
    assert more.slope_pp_per_decade == pytest.approx(base.slope_pp_per_decade)
    assert more.p_value == pytest.approx(base.p_value)
    assert (more.n_groups, more.n_informative) == (2, 1)
    twins = within_group_slope([1, 3, 10, 30, 7, 7], [0.1, 0.3, 0.2, 0.4, 0.9, 0.7], ["a"] * 4 + ["b"] * 2)
    assert twins.slope_pp_per_decade == pytest.approx(base.slope_pp_per_decade)
    assert (twins.n_groups, twins.n_informative, twins.residual_dof) == (2, 1, base.residual_dof + 1)


def test_rates_equal_within_groups_have_slope_zero_and_no_inference():
    fit = within_group_slope([1, 2, 4, 1, 2, 4], [0.1] * 3 + [0.7] * 3, list("aaabbb"))
    assert fit.slope_pp_per_decade == 0
    assert (fit.standard_error_pp_per_decade, fit.interval, fit.p_value, fit.r_squared) == (None,) * 4
    assert fit.undefined_because


@pytest.mark.parametrize(
    ("sizes", "groups", "error", "message"),
    [
        ([1, 2, 4], ["a", "b", "c"], InsufficientData, "none of the 3 groups has two distinct sizes"),
        ([7, 13, 7, 13], ["a", "a", "b", "b"], InsufficientData, "at least 3 distinct sizes, got 2"),
        ([1, 2, 4], ["a", "a", "b"], InsufficientData, "at least 3 distinct sizes, got 2"),
        ([1, 2, 4, 8], ["a", "a", "b", "b"], None, None),
        ([1, 2, 4, 8, 9], ["a", "a", "b", "b", "c"], None, None),
        ([1, 2, 4], ["a", "a"], DomainError, "groups and params_b must have the same length, got 2 and 3"),
        ([1, 2, 4], ["a", None, "a"], DomainError, "missing label"),
        ([1, 2, 4], "aaa", DomainError, "got the text 'aaa'"),
    ],
)
def test_within_slope_refuses(sizes, groups, error, message):
    rates = [0.1, 0.3, 0.2, 0.5, 0.4][: len(sizes)]
    if error is None:
        assert within_group_slope(sizes, rates, groups).residual_dof == 1
        return
    with pytest.raises(error, match=message):
        within_group_slope(sizes, rates, groups)
