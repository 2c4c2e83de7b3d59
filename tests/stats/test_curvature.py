"""The test of a bend over log10 size."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import curvature_test, log_scaling_slope
from stats.size_regression_strategies import bent_rows
from stats.trend_strategies import many_sizes

SIZES = [0.5, 1, 2, 4, 8, 16, 32, 64]
VALLEY = [0.52, 0.41, 0.36, 0.31, 0.29, 0.33, 0.40, 0.48]
P_VALUES = ("p_value", "joint_p_value", "ends_differ_p")


def exact_parabola(x, y):
    """Coefficients of 1, x, x^2 and the residual sum of squares in fractions, by Cramer's rule."""
    s = [sum(Fraction(v) ** k for v in x) for k in range(5)]
    t = [sum(w * Fraction(v) ** k for v, w in zip(x, y, strict=True)) for k in range(3)]

    def det(m):
        (a, b, c), (d, e, f), (g, h, i) = m
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    normal = [[s[i + j] for j in range(3)] for i in range(3)]
    whole = det(normal)
    coefficients = [det([[t[i] if j == k else normal[i][j] for j in range(3)] for i in range(3)]) / whole for k in range(3)]
    rss = sum((w - sum(c * Fraction(v) ** k for k, c in enumerate(coefficients))) ** 2 for v, w in zip(x, y, strict=True))
    minor = s[0] * s[2] - s[1] ** 2
    return coefficients, rss, minor / whole


def test_matches_fractions_worked_out_by_hand():
    """Decades as whole numbers: every sum is exact, and only the last root and the tail of t are floats."""
    x, y = [-1, 0, 1, 2, 3, 0, 2], [Fraction(n, 64) for n in (40, 21, 12, 17, 33, 24, 14)]
    (_, b, c), rss, inverse = exact_parabola(x, y)
    got = curvature_test([10.0**v for v in x], [float(v) for v in y])
    centre = Fraction(sum(x), len(x))
    se = math.sqrt(float(rss / 4 * inverse))
    assert got.curvature_pp_per_decade_squared == pytest.approx(float(100 * c), rel=1e-12)
    assert got.standard_error_pp_per_decade_squared == pytest.approx(100 * se, rel=1e-12)
    assert got.slope_pp_per_decade == pytest.approx(float(100 * (b + 2 * c * centre)), rel=1e-12)
    assert got.turning_point_b == pytest.approx(10 ** float(-b / (2 * c)), rel=1e-12)
    assert got.centre_b == pytest.approx(10 ** float(centre), rel=1e-12)
    assert got.p_value == pytest.approx(2 * scipy.stats.t.sf(float(c) / se, 4), rel=1e-10)
    mean = sum(y) / len(y)
    f = (sum((v - mean) ** 2 for v in y) - rss) / 2 / (rss / 4)
    assert got.joint_p_value == pytest.approx(scipy.stats.f.sf(float(f), 2, 4), rel=1e-10)
    assert (got.direction, got.n, got.n_groups, got.n_sizes, got.residual_dof) == ("u", 7, 1, 5, 4)


@given(many_sizes())
def test_agrees_with_numpy_polyfit(data):
    sizes, rates = data
    (c, b, _), covariance = np.polyfit(np.log10(sizes), rates, 2, cov=True)
    got = curvature_test(sizes, rates)
    assert got.curvature_pp_per_decade_squared == pytest.approx(100 * c, rel=1e-6, abs=1e-8)
    if got.standard_error_pp_per_decade_squared is not None:
        assert got.standard_error_pp_per_decade_squared == pytest.approx(100 * math.sqrt(covariance[0, 0]), rel=1e-5, abs=1e-8)
    at = math.log10(got.centre_b)
    assert got.slope_pp_per_decade == pytest.approx(100 * (b + 2 * c * at), rel=1e-6, abs=1e-7)


@given(bent_rows())
def test_definition_residuals_are_orthogonal_to_levels_slope_and_bend(data):
    """What is left of the rates after the parabola has no sum over any group, no slope and no bend."""
    sizes, rates, groups = data
    got = curvature_test(sizes, rates, groups=groups)
    z, names = np.log10(sizes) - math.log10(got.centre_b), np.array(groups)
    left = np.array(rates) - got.slope_pp_per_decade / 100 * z - got.curvature_pp_per_decade_squared / 100 * z * z
    assert left.mean() == pytest.approx(got.rate_at_centre, abs=1e-9)
    for name in set(groups):
        left[names == name] -= left[names == name].mean()
    assert left @ z == pytest.approx(0, abs=1e-9)
    assert left @ (z * z) == pytest.approx(0, abs=1e-9)
    if got.undefined_because is None:
        assert got.n - got.n_groups - 2 == got.residual_dof >= 2
        lower, upper = got.interval
        assert lower < got.curvature_pp_per_decade_squared < upper
        assert all(0 < getattr(got, name) <= 1 for name in P_VALUES)


@given(bent_rows(), st.floats(-0.2, 0.2))
def test_law_a_shift_of_all_rates_changes_nothing(data, shift):
    sizes, rates, groups = data
    squeezed = [0.3 + 0.4 * rate for rate in rates]
    same(curvature_test(sizes, squeezed, groups=groups), curvature_test(sizes, [r + shift for r in squeezed], groups=groups))


@given(bent_rows(), st.sampled_from([0.01, 0.5, 3.0, 1000.0]))
def test_law_another_unit_of_size_moves_the_turning_point_only(data, factor):
    sizes, rates, groups = data
    here, there = curvature_test(sizes, rates, groups=groups), curvature_test([factor * s for s in sizes], rates, groups=groups)
    same(here, there, turn=factor)
    assert there.centre_b == pytest.approx(factor * here.centre_b, rel=1e-9)


@given(bent_rows())
def test_law_refusals_for_compliances_turn_the_bend_around(data):
    sizes, rates, groups = data
    here, there = curvature_test(sizes, rates, groups=groups), curvature_test(sizes, [1 - r for r in rates], groups=groups)
    same(here, there, sign=-1)
    turned = {"u": "inverted_u", "inverted_u": "u", "none": "none"}
    assert there.direction == turned[here.direction] or abs(here.curvature_pp_per_decade_squared) < 1e-8


@given(bent_rows(), st.randoms(use_true_random=False))
def test_law_the_order_of_models_is_irrelevant(data, random):
    rows = list(zip(*data, strict=True))
    random.shuffle(rows)
    sizes, rates, groups = (list(column) for column in zip(*rows, strict=True))
    same(curvature_test(data[0], data[1], groups=data[2]), curvature_test(sizes, rates, groups=groups))


@given(bent_rows())
def test_law_replicating_the_models_keeps_the_curve_and_narrows(data):
    sizes, rates, groups = data
    once, twice = curvature_test(sizes, rates, groups=groups), curvature_test(sizes * 2, rates * 2, groups=groups * 2)
    assert twice.curvature_pp_per_decade_squared == pytest.approx(once.curvature_pp_per_decade_squared, rel=1e-6, abs=1e-7)
    assert twice.slope_pp_per_decade == pytest.approx(once.slope_pp_per_decade, rel=1e-6, abs=1e-7)
    if once.standard_error_pp_per_decade_squared is not None:
        shrunk = once.standard_error_pp_per_decade_squared * math.sqrt(once.residual_dof / twice.residual_dof)
        assert twice.standard_error_pp_per_decade_squared == pytest.approx(shrunk, rel=1e-6)


def test_law_one_group_is_no_groups_and_levels_of_groups_do_not_enter():
    here, there = curvature_test(SIZES, VALLEY), curvature_test(SIZES, VALLEY, groups=["x"] * 8)
    same(here, there)
    assert (here.groups, there.groups) == (None, ("x",) * 8)
    two = SIZES * 2, [*VALLEY, *(0.9 * r for r in VALLEY)], ["a"] * 8 + ["b"] * 8
    moved = [r + 0.3 if g == "b" else r for r, g in zip(two[1], two[2], strict=True)]
    same(curvature_test(two[0], two[1], groups=two[2]), curvature_test(two[0], moved, groups=two[2]))


def test_law_a_model_without_siblings_changes_nothing():
    """Its level is its own: neither the curve, nor the ends, nor the centre, nor the scatter."""
    base = curvature_test(SIZES, VALLEY, groups=["a"] * 8)
    more = curvature_test([*SIZES, 5000], [*VALLEY, 0.99], groups=["a"] * 8 + ["lone"])
    same(base, more)
    assert more.centre_b == pytest.approx(base.centre_b)
    assert (more.n, more.n_groups, more.n_sizes, more.residual_dof) == (9, 2, 8, base.residual_dof)


def same(here, there, *, sign=1, turn=1.0):
    """Equal but for the sign of the rates and the unit of sizes."""
    for name in (
        "curvature_pp_per_decade_squared",
        "slope_pp_per_decade",
        "slope_at_smallest_pp_per_decade",
        "slope_at_largest_pp_per_decade",
    ):
        assert getattr(there, name) == pytest.approx(sign * getattr(here, name), rel=1e-5, abs=1e-6), name
    assert (there.p_value is None) == (here.p_value is None)
    if here.p_value is None:
        return
    assert there.standard_error_pp_per_decade_squared == pytest.approx(here.standard_error_pp_per_decade_squared, rel=1e-5)
    # a bend that is rounding beside its error has a sign by chance, and with it the shape whose ends are tested
    names = P_VALUES if here.p_value < 0.9999 else P_VALUES[:2]
    for name in names:
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-4, abs=1e-12), name
    if here.turning_point_b is not None and there.turning_point_b is not None and here.p_value < 0.9999:
        assert there.turning_point_b == pytest.approx(turn * here.turning_point_b, rel=1e-4)


def test_a_valley_has_no_slope_and_a_bend_and_flips():
    flat, bend = log_scaling_slope(SIZES, VALLEY), curvature_test(SIZES, VALLEY)
    assert flat.p_value > 0.7
    assert (bend.direction, bend.p_value < 1e-4, bend.joint_p_value < 1e-3, bend.ends_differ_p < 1e-3) == ("u", True, True, True)
    assert 5 < bend.turning_point_b < 8
    assert bend.slope_at_smallest_pp_per_decade < 0 < bend.slope_at_largest_pp_per_decade
    hill = curvature_test(SIZES, [1 - r for r in VALLEY])
    assert (hill.direction, hill.p_value) == ("inverted_u", pytest.approx(bend.p_value))
    assert hill.slope_at_smallest_pp_per_decade > 0 > hill.slope_at_largest_pp_per_decade


def test_a_bend_that_does_not_turn_inside_has_no_turning_point_and_no_ends():
    rates = [0.1, 0.12, 0.15, 0.2, 0.26, 0.34, 0.43, 0.55]
    got = curvature_test(SIZES, rates)
    assert (got.direction, got.p_value < 1e-4, got.turning_point_b) == ("u", True, None)
    assert got.ends_differ_p > 0.5


def test_an_exact_parabola_leaves_no_scatter_and_no_certainty():
    decades = [-1.0, 0.0, 1.0, 2.0, 3.0]
    got = curvature_test([10**d for d in decades], [0.2 + 0.05 * (d - 1) ** 2 for d in decades])
    assert (got.curvature_pp_per_decade_squared, got.rate_at_centre) == (pytest.approx(5.0), pytest.approx(0.2))
    assert (got.direction, got.turning_point_b) == ("u", pytest.approx(10.0))
    assert (got.standard_error_pp_per_decade_squared, got.interval, got.p_value, got.joint_p_value, got.ends_differ_p) == (
        None,
    ) * 5
    assert got.undefined_because == "the 5 rates lie on the fitted parabola, which leaves no scatter to judge a bend by"


def test_a_straight_line_has_no_direction():
    got = curvature_test([1, 10, 100, 1000, 10_000], [0.1, 0.25, 0.4, 0.55, 0.7])
    assert (got.curvature_pp_per_decade_squared, got.direction, got.turning_point_b, got.p_value) == (0.0, "none", None, None)
    assert got.slope_pp_per_decade == pytest.approx(15)


@pytest.mark.parametrize("groups", [None, list("aaaabbbb")])
def test_equal_rates_are_flat_without_inference(groups):
    rates = [0.3] * 4 + [0.3 if groups is None else 0.8] * 4
    got = curvature_test([1, 2, 4, 8, 1, 2, 4, 8], rates, groups=groups)
    assert (got.curvature_pp_per_decade_squared, got.slope_pp_per_decade, got.direction, got.turning_point_b) == (
        0,
        0,
        "none",
        None,
    )
    assert (got.p_value, got.joint_p_value, got.ends_differ_p) == (None, None, None)
    assert got.undefined_because == "all 8 rates are equal, which leaves no scatter to judge a bend by"


@pytest.mark.parametrize(
    ("sizes", "groups", "error", "message"),
    [
        ([1, 2, 4, 1, 2, 4], None, InsufficientData, "at least 4 distinct sizes, got 3; add models of other sizes"),
        ([1, 2, 4, 8], None, InsufficientData, "4 models leave 1 degrees of freedom beside level, slope and bend; a bend needs 2"),
        ([1, 2, 4, 8, 8], None, None, None),
        ([1, 2, 4, 8, 1, 2], list("aaaabb"), None, None),
        ([1, 2, 4, 8, 9, 1], list("aaaabb"), None, None),
        ([1, 2, 4, 8, 1], list("aaaab"), InsufficientData, "5 models leave 1 degrees of freedom beside the levels of the groups"),
        ([1, 2, 4, 8, 16, 1], list("aaabcd"), InsufficientData, "in groups of two or more sizes, got 3"),
        ([1, 10, 2, 5, 1, 10, 2, 5], list("aabbccdd"), InsufficientData, "slope and bend cannot be told apart by these sizes"),
        ([1, 2, 4, 8, -8], None, DomainError, "params_b must be positive"),
        ([1, 2, 4, 8], ["a"], DomainError, "groups and params_b must have the same length, got 1 and 4"),
        ([1, 2, 4, 8, 9], "aaaaa", DomainError, "got the text 'aaaaa'"),
    ],
)
def test_refuses(sizes, groups, error, message):
    rates = [0.1, 0.3, 0.2, 0.5, 0.4, 0.3, 0.2, 0.7][: len(sizes)]
    if error is None:
        assert curvature_test(sizes, rates, groups=groups).residual_dof == 2
        return
    with pytest.raises(error, match=message):
        curvature_test(sizes, rates, groups=groups)


@pytest.mark.parametrize(
    ("rates", "level", "message"),
    [
        ([10, 20, 30, 40, 50], 0.95, "rates must be fractions"),
        ([0.1] * 4, 0.95, "same length"),
        ([0.1] * 5, 95, "strictly between"),
    ],
)
def test_refuses_other_arguments(rates, level, message):
    with pytest.raises(DomainError, match=message):
        curvature_test([1, 2, 4, 8, 16], rates, level=level)


def sizes_of_the_tests(models, draws, *, slope, tau, rows, seed):
    """Shares of p at or below .05 and .005, and of both ends at .05, over counts of models on a straight line of rates."""
    rng = np.random.default_rng(seed)
    sizes = np.geomspace(0.5, 400, models)
    x = np.log10(sizes)
    ps, ends = [], []
    for _ in range(draws):
        truth = np.clip(0.4 + slope * (x - x.mean()) + tau * rng.normal(size=models), 0.01, 0.99)
        got = curvature_test(sizes, rng.binomial(rows, truth) / rows)
        ps.append(got.p_value)
        ends.append(got.ends_differ_p)
    return np.mean(np.array(ps) <= 0.05), np.mean(np.array(ps) <= 0.005), np.mean(np.array(ends) <= 0.05)


@pytest.mark.parametrize("slope", [0.0, 0.08])
def test_size_of_the_test_on_a_straight_line(slope):
    """800 series of 10 models: about one in twenty bends at .05; 3 binomial standard errors allowed."""
    five, half, ends = sizes_of_the_tests(10, 800, slope=slope, tau=0.05, rows=200, seed=20260630)
    assert five == pytest.approx(0.05, abs=0.023)
    assert half < 0.015
    assert ends < 0.11 if slope == 0 else ends < 0.073, "two shapes can be named where nothing slopes, one where something does"


@pytest.mark.calibration
@pytest.mark.parametrize("models", [6, 8, 12, 20, 66])
@pytest.mark.parametrize("tau", [0.0, 0.05, 0.10])
def test_calibration_of_the_size(models, tau):
    for slope in (0.0, 0.05, 0.10):
        five, half, ends = sizes_of_the_tests(models, 4000, slope=slope, tau=tau, rows=200, seed=7)
        print(f"{models} models, tau {tau}, slope {slope}: .05 -> {five:.4f}, .005 -> {half:.4f}, ends {ends:.4f}")
        assert 0.03 < five < 0.065
        assert half < 0.01
        assert ends < (0.11 if slope == 0 else 0.065)


def test_the_strategy_finds_bends_both_ways():
    directions = set()

    @given(bent_rows())
    def collect(data):
        directions.add(curvature_test(data[0], data[1], groups=data[2]).direction)

    collect()
    assert {"u", "inverted_u"} <= directions
