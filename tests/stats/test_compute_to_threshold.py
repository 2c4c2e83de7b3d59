"""Compute to a threshold by size, interval-censored: definition, least squares in the limit, coarse grids, laws, refusals."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import compute_to_threshold
from safescale.stats._interval_censored import CensoredLine

NAN = float("nan")
GRID = np.array([5, 10, 20, 50, 100, 200, 500, 1000, 2000])


def between_levels(log_compute, grid=GRID):
    """What a grid shows: the last level below and the first level above, NaN beyond its ends."""
    compute = 10 ** np.asarray(log_compute)
    low = [max(grid[grid < value], default=NAN) for value in compute]
    high = [min(grid[grid >= value], default=NAN) for value in compute]
    return low, high


def drawn(rng, models=8, slope=0.4, sd=0.3, middle=1.7):
    x = np.linspace(-1, 1, models)
    return 10**x, middle + slope * x + rng.normal(0, sd, models)


def log_likelihood(fit, a, b, sd):
    """Row by row with scipy's distribution; a model's rows share one weight."""
    x = np.log10(fit.params_b / fit.reference_params_b)
    total = 0.0
    for at, model in enumerate(fit.models):
        normal = scipy.stats.norm(a + b * x[at], sd)
        low, high = math.log10(fit.low[at]), math.log10(fit.high[at])
        if low == high:
            one = normal.logpdf(low)
        elif math.isnan(low):
            one = normal.logcdf(high)
        elif math.isnan(high):
            one = normal.logsf(low)
        else:
            between = normal.cdf(high) - normal.cdf(low)
            one = math.log(between) if between > 0 else -math.inf
        total += one / fit.models.count(model)
    return total


def test_the_likelihood_is_highest_at_the_estimates():
    for seed in range(6):
        size, y = drawn(np.random.default_rng(seed))
        fit = compute_to_threshold(size, *between_levels(y), range(8))
        at = (math.log10(fit.compute_at_reference), fit.slope, fit.scatter_decades)
        best = log_likelihood(fit, *at)
        assert fit.log_likelihood == pytest.approx(best, abs=1e-9)
        for which in range(3):
            for step in (-0.01, 0.01):
                moved = list(at)
                moved[which] += step
                assert log_likelihood(fit, *moved) < best


@pytest.mark.parametrize("width", [0.0, 1e-6, 1e-3])
def test_narrow_intervals_are_least_squares(width):
    """Known values: estimate, interval and p of linregress, exactly."""
    for seed in range(5):
        size, y = drawn(np.random.default_rng(seed), models=7)
        fit = compute_to_threshold(size, 10 ** (y - width / 2), 10 ** (y + width / 2), range(7))
        other = scipy.stats.linregress(np.log10(size), y)
        half = scipy.stats.t.ppf(0.975, 5) * other.stderr
        near = 1e-7 + 1e-3 * width
        assert fit.slope == pytest.approx(other.slope, abs=near)
        assert fit.interval == pytest.approx((other.slope - half, other.slope + half), abs=near)
        assert fit.p_value == pytest.approx(other.pvalue, rel=1e-3 if width else 1e-7)
        assert math.log10(fit.compute_at_reference) == pytest.approx(y.mean(), abs=near)
        assert (fit.between, fit.left, fit.right, fit.dof, fit.why) == (7, 0, 0, 5, None)


def test_attacks_repeated_on_a_model_do_not_count_as_models():
    size, y = drawn(np.random.default_rng(5), models=6)
    low, high = between_levels(y)
    once = compute_to_threshold(size, low, high, range(6))
    thrice = compute_to_threshold(np.tile(size, 3), low * 3, high * 3, [m for _ in range(3) for m in range(6)])
    assert thrice.slope == pytest.approx(once.slope, abs=1e-8)
    assert thrice.interval == pytest.approx(once.interval, abs=1e-7)
    assert (thrice.n, thrice.n_models, thrice.dof) == (18, 6, 4)
    uneven = compute_to_threshold([*size, size[0]], [*low, low[0]], [*high, high[0]], [*range(6), 0])
    assert uneven.interval == pytest.approx(once.interval, abs=1e-7)


def test_censored_models_count_for_what_they_say():
    """Leaving out the two that never fell, the largest ones, would halve the slope."""
    size, y = [1, 2, 4, 8, 16, 32, 64, 128], np.array([0.6, 1.1, 1.5, 1.6, 2.1, 2.2, 2.6, 3.1])
    low, high = between_levels(y, GRID[:6])
    fit = compute_to_threshold(size, low, high, range(8))
    assert (fit.left, fit.right) == (1, 2)
    assert fit.interval[0] < scipy.stats.linregress(np.log10(size), y).slope < fit.interval[1]
    assert fit.slope == pytest.approx(1.0, abs=0.25)
    assert fit.p_value < 0.01


def test_a_coarse_grid_has_a_range_of_slopes_and_still_an_interval():
    """Every model falls between the same two levels: slope 0 fits, so do others, and steep ones do not."""
    fit = compute_to_threshold([1, 3, 10, 30, 100], [10] * 5, [20] * 5, range(5))
    assert (fit.slope, fit.compute_at_reference, fit.scatter_decades) == (None, None, None)
    steepest = math.log10(2) / 2  # a line from corner to corner over two decades of size
    assert fit.slopes_that_fit == pytest.approx((-steepest, steepest), abs=2e-3)
    assert fit.interval[0] < fit.slopes_that_fit[0] < 0 < fit.slopes_that_fit[1] < fit.interval[1]
    assert fit.interval[1] < 1
    assert fit.p_value == pytest.approx(1, abs=1e-6)
    assert "the grid is too coarse for one estimate" in fit.why
    assert fit.log_likelihood == pytest.approx(0, abs=1e-6)


def test_touching_intervals_leave_one_line_and_no_scatter():
    """Two models of each size, on either side of a level: the line through the level is the only one."""
    size = [1, 1, 10, 10, 100, 100]
    fit = compute_to_threshold(size, [5, 10, 10, 20, 20, 40], [10, 20, 20, 40, 40, 80], range(6))
    assert (fit.slope, fit.slopes_that_fit) == (pytest.approx(math.log10(2), abs=1e-3), None)
    assert fit.interval[0] < 0.3 < fit.interval[1]
    assert fit.scatter_decades is None
    assert fit.log_likelihood >= 6 * math.log(0.5) - 1e-6


def test_too_few_crossings_leave_one_side_open():
    """Only the smallest model falls: no slope is too steep."""
    fit = compute_to_threshold([1, 3, 10, 30, 100], [10, *[2000] * 4], [20, *[NAN] * 4], range(5))
    assert fit.slope is None
    assert fit.interval is None
    low, high = fit.bounds
    assert high is None
    assert low is not None
    assert fit.slopes_that_fit[1] is None
    assert "no slope is excluded above: only 1 rows cross the threshold within the grid; extend it" in fit.why


def test_coverage_on_a_real_grid():
    """8 models on the grid of nine levels, censoring at both ends: a small run; the kept one is marked calibration."""
    rng, held, truth = np.random.default_rng(17), 0, 0.5
    for _ in range(120):
        size, y = drawn(rng, slope=truth, sd=0.35)
        low, high = compute_to_threshold(size, *between_levels(y), range(8)).bounds
        held += (low is None or low <= truth) and (high is None or truth <= high)
    assert 0.90 <= held / 120 <= 0.99


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 50.0]))
def test_law_units_order_and_mirror(seed, factor):
    rng = np.random.default_rng(seed)
    size, y = drawn(rng, sd=0.4)
    low, high = (np.array(end, dtype=float) for end in between_levels(y))
    one = compute_to_threshold(size, low, high, range(8))
    order = rng.permutation(8)
    other = compute_to_threshold(factor * size[order], factor * low[order], factor * high[order], [f"m{i}" for i in order])
    mirror = compute_to_threshold(1 / size, low, high, range(8))
    inverse = compute_to_threshold(size, 1 / high, 1 / low, range(8))
    if one.slope is None or one.interval is None:
        return
    assert other.slope == pytest.approx(one.slope, abs=1e-6)
    assert other.interval == pytest.approx(one.interval, abs=1e-6)
    assert other.compute_at_reference == pytest.approx(factor * one.compute_at_reference, rel=1e-5)
    for negated in (mirror, inverse):
        assert negated.slope == pytest.approx(-one.slope, abs=1e-6)
        assert negated.interval == pytest.approx((-one.interval[1], -one.interval[0]), abs=1e-6)
    assert (one.p_value < 0.05) == (not one.interval[0] <= 0 <= one.interval[1])


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_law_flops_for_tokens_shift_the_slope_by_one(seed):
    """log10 flops = log10 tokens + log10 size + constant, so the threshold's line is steeper by one decade per decade."""
    size, y = drawn(np.random.default_rng(seed), sd=0.4)
    low, high = (np.array(end, dtype=float) for end in between_levels(y))
    tokens, flops = (compute_to_threshold(size, low * f, high * f, range(8)) for f in (np.ones(8), 6e9 * size))
    if tokens.slope is not None and tokens.interval is not None:
        assert flops.slope == pytest.approx(tokens.slope + 1, abs=1e-6)
        assert flops.interval == pytest.approx((tokens.interval[0] + 1, tokens.interval[1] + 1), abs=1e-6)


def test_results_of_the_same_rows_are_equal_where_ends_are_missing():
    rows = ([1, 3, 10, 30], [NAN, 5, 10, 20], [5, 10, 50, NAN], range(4))
    assert compute_to_threshold(*rows) == compute_to_threshold(*rows)
    assert compute_to_threshold(*rows).generalises_to == "new_models"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"low": [NAN] * 5}, InsufficientData, "no model crosses the threshold between two levels of the grid"),
        ({"high": [NAN] * 5}, InsufficientData, "so every one is censored; extend the grid"),
        ({"low": [NAN, 5, 5, 10, 20], "high": [NAN, 10, 20, 20, 50]}, DomainError, "row 0 has neither low nor high"),
        ({"low": [0, 5, 5, 10, 20]}, DomainError, "has NaN in low, not 0"),
        ({"low": [30, 5, 5, 10, 20]}, DomainError, "low must not exceed high, got 30 and 10 at position 0"),
        ({"high": [math.inf, 10, 20, 20, 50]}, DomainError, "high must be positive and finite, or NaN"),
        ({"models": [1, 1, 2, 2, 3]}, DomainError, "has two sizes"),
        ({"models": [0, 0, 0, 1, 2], "params_b": [1, 1, 1, 10, 100]}, InsufficientData, "at least 4 models, got 3"),
        ({"params_b": [1, 1, 1, 10, 10]}, InsufficientData, "at least 3 distinct sizes, got 2"),
        ({"low": [5] * 4}, DomainError, "same length"),
        ({"low": ["a"] * 5}, DomainError, "low must hold one real number per row"),
        ({"low": [10, 20, 40, 80, 160], "high": [10, 20, 40, 80, 160]}, InsufficientData, "lie on a line exactly"),
    ],
)
def test_refuses(changes, error, message):
    rows = {"params_b": [1, 2, 4, 8, 16], "low": [5, 5, 5, 10, 20], "high": [10, 10, 20, 20, 50], "models": range(5)}
    with pytest.raises(error, match=message):
        compute_to_threshold(**(rows | changes))


def test_derivatives_are_those_of_the_likelihood():
    """Newton's gradient and Hessian beside differences of the likelihood."""
    line = CensoredLine(
        x=np.array([-1.0, -0.3, 0.2, 0.6, 1.0]),
        low=np.array([-np.inf, 0.7, 1.0, 1.7, 1.3]),
        high=np.array([0.7, 1.0, 1.0, np.inf, 1.7]),
        weight=np.array([1.0, 0.5, 1.0, 0.5, 1.0]),
        least_sd=1e-4,
    )
    base, theta = np.column_stack([np.ones(5), line.x]), np.array([2.5, 1.0, 2.2])
    value, gradient, hessian = line._derivatives(base, line.low, line.high, theta)
    assert value == pytest.approx(line._log_likelihood(base, line.low, line.high, theta))
    for at in range(3):
        up, down = theta.copy(), theta.copy()
        up[at] += 1e-5
        down[at] -= 1e-5
        values = [line._log_likelihood(base, line.low, line.high, there) for there in (up, down)]
        slopes = [line._derivatives(base, line.low, line.high, there)[1] for there in (up, down)]
        assert gradient[at] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)
        assert hessian[at] == pytest.approx((slopes[0] - slopes[1]) / 2e-5, rel=1e-5, abs=1e-7)
    assert np.linalg.eigvalsh(hessian).max() < 0
