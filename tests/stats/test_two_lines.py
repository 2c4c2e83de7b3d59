"""The two-lines test of a U."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import two_lines_test
from stats.trend_strategies import many_sizes

SIZES = 2.0 ** np.arange(10)
NOISE = 0.02 * np.array([1, -1, 0, 1, -1, 1, 0, -1, 1, -1])
TENT = np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]) + NOISE
LEVELS_OFF = np.array([0.1, 0.3, 0.5, 0.6, 0.62, 0.63, 0.63, 0.64, 0.64, 0.64]) + NOISE


def two_regressions(sizes, rates, breakpoint_b):
    """Slopes (pp per decade), one-sided p for an inverted U and for a U: two separate lines with one pooled scatter."""
    x, y = np.log10(sizes), np.asarray(rates)
    parts, rss = [], 0.0
    for side in (sizes <= breakpoint_b, sizes > breakpoint_b):
        slope, at_0 = np.polyfit(x[side], y[side], 1)
        rss += float(((y[side] - at_0 - slope * x[side]) ** 2).sum())
        parts.append((slope, ((x[side] - x[side].mean()) ** 2).sum()))
    s2 = rss / (len(x) - 4)
    t = [slope / math.sqrt(s2 / sxx) for slope, sxx in parts]
    below = [float(scipy.special.stdtr(len(x) - 4, sign * t_i)) for t_i in t for sign in (1, -1)]
    return [100 * slope for slope, _ in parts], (below[1], below[2]), (below[0], below[3])


def check(got, sizes, rates):
    """The reported numbers are those of the two regressions at the reported breakpoint."""
    slopes, inverted, upright = two_regressions(np.asarray(sizes), rates, got.breakpoint_b)
    assert (got.slope_below_pp_per_decade, got.slope_above_pp_per_decade) == pytest.approx(slopes, rel=1e-6, abs=1e-6)
    expected = min(1, 2 * min(max(inverted), max(upright)))
    if got.shape is None:
        assert got.p_value == 1
        assert (got.p_below, got.p_above) == (None, None)
        assert slopes[0] * slopes[1] > -1e-12
    else:
        assert got.p_value == pytest.approx(expected, rel=1e-6, abs=1e-12)
        assert (got.p_below, got.p_above) == pytest.approx(inverted if got.shape == "inverted_u" else upright, rel=1e-6)


def test_a_tent_is_found_and_levelling_off_is_not():
    tent, level = two_lines_test(SIZES, TENT), two_lines_test(SIZES, LEVELS_OFF)
    assert tent.shape == "inverted_u"
    assert tent.p_value < 0.001
    assert tent.breakpoint_b == 16.0
    check(tent, SIZES, TENT)
    assert level.p_value > 0.5
    z = np.log10(SIZES)
    square = np.linalg.lstsq(np.vander(z, 3), LEVELS_OFF, rcond=None)[0]
    residual = LEVELS_OFF - np.vander(z, 3) @ square
    covariance = residual @ residual / 7 * np.linalg.inv(np.vander(z, 3).T @ np.vander(z, 3))
    assert abs(square[0]) / math.sqrt(covariance[0, 0]) > 4, "the square that misleads is there"


def test_a_valley_is_a_u():
    got = two_lines_test(SIZES, 1 - TENT)
    assert (got.shape, got.p_value) == ("u", pytest.approx(two_lines_test(SIZES, TENT).p_value, rel=1e-9))
    check(got, SIZES, 1 - TENT)


@given(many_sizes())
def test_law_numbers_are_those_of_two_regressions(data):
    sizes, rates = data
    got = two_lines_test(sizes, rates)
    distinct = sorted(set(sizes))
    last = distinct.index(got.breakpoint_b) + 1
    assert 3 <= last <= len(distinct) - 3
    assert (got.n_below, got.n_above) == (sum(s <= got.breakpoint_b for s in sizes), sum(s > got.breakpoint_b for s in sizes))
    assert (got.n, got.residual_dof, got.params_b, got.rates) == (len(sizes), len(sizes) - 4, tuple(sizes), tuple(rates))
    assert (got.breakpoint_from, got.generalises_to) == ("robin_hood", "new_models")
    if got.undefined_because is None:
        check(got, sizes, rates)
    else:
        assert (got.p_value, got.p_below, got.p_above) == (None, None, None)


@given(many_sizes(), st.randoms(use_true_random=False))
def test_law_order_of_models_and_reflection(data, random):
    models = list(zip(*data, strict=True))
    random.shuffle(models)
    sizes, rates = (list(column) for column in zip(*models, strict=True))
    here, moved = two_lines_test(*data), two_lines_test(sizes, rates)
    assert (moved.shape, moved.undefined_because) == (here.shape, here.undefined_because)
    if here.p_value is not None:
        assert moved.p_value == pytest.approx(here.p_value, rel=1e-6)
        assert two_lines_test(sizes, [1 - rate for rate in rates]).p_value == pytest.approx(here.p_value, rel=1e-6)


def robin_hood_by_hand(sizes, rates):
    """The paper's steps with numpy's polynomials: the breakpoint for an inverted U."""
    x, y = np.log10(sizes), np.asarray(rates)
    design = np.vander(x, 4)
    fit = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    rss = float(((y - fit) ** 2).sum())
    hat = design @ np.linalg.pinv(design)
    se = np.sqrt(np.diag(hat) * rss / (len(x) - 4))
    top = 1 + np.argmax(fit[1:-1])
    flat = x[fit >= fit[top] - se[top]]

    def clipped(at):
        last = min(max(int((x <= at + 1e-9).sum()), 3), len(x) - 3)
        return sizes[last - 1]

    first = clipped(np.median(flat))
    _, up, _ = two_regressions(sizes, rates, first)
    t = np.abs(scipy.special.stdtrit(len(x) - 4, up))
    return clipped(np.quantile(flat, t[1] / (t[0] + t[1])))


def test_differential_two_lines():
    """2,000 random untied series: breakpoints by the paper's steps written again, p by two regressions."""
    rng = np.random.default_rng(20260630)
    shapes = {"u": 0, "inverted_u": 0, None: 0}
    for _ in range(2000):
        n = int(rng.integers(8, 14))
        sizes = np.sort(10 ** rng.uniform(-0.5, 2.5, n))
        curve = rng.normal() * (np.log10(sizes) - rng.uniform(0, 2)) ** 2 + 0.3 * rng.normal() * np.log10(sizes)
        rates = 0.5 + 0.1 * np.clip(curve, -2, 2) + rng.uniform(0.01, 0.1) * rng.uniform(-1, 1, n)
        got = two_lines_test(sizes, rates)
        both = [robin_hood_by_hand(sizes, rates), robin_hood_by_hand(sizes, 1 - rates)]
        ps = []
        for at in both:
            slopes, inverted, upright = two_regressions(sizes, rates, at)
            ps.append(1.0 if slopes[0] * slopes[1] >= 0 else 2 * min(max(inverted), max(upright)))
        assert got.p_value == pytest.approx(min(ps), rel=1e-6)
        assert got.breakpoint_b in both
        shapes[got.shape] += 1
    print(f"two lines: 2000 cases, {shapes}")
    assert min(shapes.values()) > 100


def test_a_given_breakpoint_is_kept():
    got = two_lines_test(SIZES, TENT, breakpoint_b=5)
    assert (got.breakpoint_b, got.breakpoint_from, got.n_below, got.n_above) == (4.0, "given", 3, 7)
    check(got, SIZES, TENT)
    assert two_lines_test(SIZES, TENT, breakpoint_b=16).p_value == two_lines_test(SIZES, TENT).p_value


def test_no_scatter_is_no_certainty():
    flat = two_lines_test(SIZES, [0.4] * 10)
    assert (flat.shape, flat.p_value) == (None, None)
    assert flat.undefined_because == "all 10 rates are equal, which leaves no scatter to judge slopes by"
    exact = two_lines_test(SIZES, [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0], breakpoint_b=16)
    assert (exact.shape, exact.p_value, exact.p_below) == ("inverted_u", None, None)
    assert exact.undefined_because == "the 10 rates lie on the fitted lines, which leaves no scatter to judge slopes by"


@pytest.mark.parametrize("given_size", [True, False])
@pytest.mark.calibration
def test_size_under_monotone_truths(given_size):
    """Rates that only rise: p <= .05 in at most 5 % of 600 series, at hinges of several places and heights."""
    rng = np.random.default_rng(7)
    worst = (0.0, "")
    for name, x in (
        ("8 even", np.arange(8.0)),
        ("8 uneven", np.log2([0.5, 0.8, 1.2, 2, 4, 8, 70, 405])),
        ("20 even", np.arange(20.0)),
    ):
        for hinge in (3, len(x) // 2, len(x) - 4):
            for side, truth in (("rises first", np.minimum(x, x[hinge])), ("rises last", np.maximum(x, x[hinge]))):
                height = 4 * 0.02 / np.ptp(truth)
                at = 2 ** x[len(x) // 2 - 1] if given_size else None
                rates = 0.5 + height * (truth - truth[0]) + 0.02 * rng.normal(size=(600, len(x)))
                size = np.mean([two_lines_test(2**x, row, breakpoint_b=at).p_value <= 0.05 for row in rates])
                worst = max(worst, (size, f"{name}, {side}, hinge at {hinge}"))
    print(f"breakpoint {'given' if given_size else 'searched'}: worst size {worst[0]:.3f} ({worst[1]})")
    assert worst[0] < 0.07


@pytest.mark.parametrize(
    ("sizes", "rates", "breakpoint_b", "error", "message"),
    [
        (SIZES[:7], TENT[:7], None, InsufficientData, "at least 8 distinct sizes, got 7; describe the series with shape_of_series"),
        ([*SIZES[:7]] * 2, [*TENT[:7]] * 2, None, InsufficientData, "at least 8 distinct sizes, got 7"),
        (SIZES, TENT, 3, InsufficientData, "at least 3 distinct sizes, got 2 up to 3 and 8 beyond; move breakpoint_b"),
        (SIZES, TENT, 200, InsufficientData, "got 8 up to 200 and 2 beyond"),
        (SIZES, TENT, math.nan, DomainError, "breakpoint_b must be finite"),
        (SIZES, 100 * TENT, None, DomainError, "rates must be fractions"),
        (-SIZES, TENT, None, DomainError, "params_b must be positive"),
    ],
)
def test_refuses(sizes, rates, breakpoint_b, error, message):
    with pytest.raises(error, match=message):
        two_lines_test(sizes, rates, breakpoint_b=breakpoint_b)
