"""The surface over model size and attack compute, and its rate of exchange."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import interaction_surface, which_outweighs

SIZES = [1, 1, 1, 3, 3, 3, 8, 8, 8, 30, 30, 30, 70, 70, 70]
COMPUTE = [1, 10, 100] * 5
WINS = [100, 152, 199, 91, 134, 185, 76, 128, 171, 57, 109, 150, 52, 94, 143]
TRIALS = [250] * 15


def simulated(rng, models=6, levels=4, b=-0.6, c=0.8, d=0.1, sd=0.3, trials=200):
    size, compute = 10 ** rng.uniform(-0.3, 2, models), 10.0 ** np.arange(levels)
    u = rng.normal(0, sd, models)
    model, level = np.repeat(np.arange(models), levels), np.tile(np.arange(levels), models)
    s, k = (np.log10(size) - np.log10(size).mean())[model], (np.arange(levels) - (levels - 1) / 2)[level]
    wins = rng.binomial(trials, scipy.special.expit(b * s + c * k + d * s * k + u[model]))
    return size[model], compute[level], wins, np.full(len(wins), trials), model.tolist()


def design_of(fit):
    s = np.log10(fit.params_b) - math.log10(fit.reference_params_b)
    k = np.log10(fit.compute_levels) - math.log10(fit.reference_compute)
    return np.column_stack([np.ones(len(s)), s, k, s * k])


def coefficients_of(fit):
    return np.array([scipy.special.logit(fit.rate_at_reference), fit.size.estimate, fit.compute.estimate, fit.interaction.estimate])


def test_coefficients_solve_the_score_equations():
    for seed in range(20):
        fit = interaction_surface(*simulated(np.random.default_rng(seed)))
        x = design_of(fit)
        score = x.T @ (np.array(fit.successes) - np.array(fit.trials) * scipy.special.expit(x @ coefficients_of(fit)))
        assert np.abs(score).max() < 1e-5
    assert fit.reference_compute == pytest.approx(10**1.5)


def row_level_covariance(fit):
    """Mancl and DeRouen on rows of 0 and 1, with the hat matrix of each model as they print it."""
    x, k, n = design_of(fit), np.array(fit.successes), np.array(fit.trials)
    cell = np.repeat(np.arange(len(n)), n)
    y = (np.arange(len(cell)) - np.repeat(np.cumsum(n) - n, n) < k[cell]).astype(float)
    rows, labels = x[cell], np.array(fit.models)[cell]
    mu = scipy.special.expit(rows @ coefficients_of(fit))
    inverse = np.linalg.inv((rows.T * (mu * (1 - mu))) @ rows)
    middle = np.zeros((4, 4))
    for label in set(fit.models):
        mine = labels == label
        d, v = rows[mine] * (mu * (1 - mu))[mine, None], (mu * (1 - mu))[mine]
        hat = d @ inverse @ (d / v[:, None]).T
        u = (d / v[:, None]).T @ np.linalg.solve(np.eye(mine.sum()) - hat, (y - mu)[mine])
        middle += np.outer(u, u)
    return inverse @ middle @ inverse


def test_standard_errors_are_those_of_the_paper_on_rows():
    for seed in range(3):
        fit = interaction_surface(*simulated(np.random.default_rng(seed), models=5, levels=3, trials=40))
        expected = np.sqrt(np.diag(row_level_covariance(fit)))[1:]
        got = [fit.size.standard_error, fit.compute.standard_error, fit.interaction.standard_error]
        assert got == pytest.approx(expected.tolist(), rel=1e-6)


def test_which_outweighs_rests_on_the_joint_covariance():
    fit = interaction_surface(*simulated(np.random.default_rng(1), models=5, levels=3, trials=40))
    covariance = row_level_covariance(fit)[1:3, 1:3]
    other = which_outweighs(fit.size.estimate, fit.compute.estimate, covariance, dof=fit.dof)
    assert abs(covariance[0, 1]) > 0.01 * math.sqrt(covariance[0, 0] * covariance[1, 1])  # else the test could not fail
    assert fit.outweighs.interval == pytest.approx(other.interval, rel=1e-6)
    assert fit.outweighs.p_value == pytest.approx(other.p_value, rel=1e-5)


def test_intervals_and_p_values_are_students():
    fit = interaction_surface(SIZES, COMPUTE, WINS, TRIALS, SIZES, level=0.9)
    assert fit.dof == 3
    for effect in (fit.size, fit.compute, fit.interaction):
        t = scipy.stats.t.ppf(0.95, 3)
        assert effect.interval == pytest.approx(
            (effect.estimate - t * effect.standard_error, effect.estimate + t * effect.standard_error)
        )
        assert effect.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(effect.estimate / effect.standard_error), 3))


def test_the_ends_of_the_exchange_rate_solve_fiellers_equation():
    """At either end c + r b is just at the edge of its own interval."""
    met = 0
    for seed in range(30):
        fit = interaction_surface(*simulated(np.random.default_rng(seed), models=9, b=-0.9, sd=0.15))
        if fit.exchange.interval is None:
            continue
        met += 1
        covariance = row_level_covariance(fit)[1:3, 1:3] if seed < 2 else None
        low, high = fit.exchange.interval
        assert low < fit.exchange.decades < high
        assert fit.exchange.decades == pytest.approx(-fit.compute.estimate / fit.size.estimate)
        if covariance is not None:
            t = scipy.stats.t.ppf(0.975, fit.dof)
            for r in (low, high):
                variance = covariance[1, 1] + 2 * r * covariance[0, 1] + r * r * covariance[0, 0]
                assert (fit.compute.estimate + r * fit.size.estimate) ** 2 == pytest.approx(t * t * variance, rel=1e-5)
    assert met >= 20


def test_no_slope_on_size_means_no_bound_on_the_exchange():
    """Size does nothing: the answer is words, not a wide number."""
    met = 0
    for seed in range(20):
        fit = interaction_surface(*simulated(np.random.default_rng(seed), b=0.0, d=0.0))
        low, high = fit.size.interval
        assert (fit.exchange.interval is None) == (low <= 0 <= high)
        if fit.exchange.interval is None:
            met += 1
            assert "cannot be told from 0" in fit.exchange.undefined_because
    assert met >= 15


@pytest.mark.slow
def test_coverage_of_slopes_and_exchange():
    """300 surfaces over 8 models: each interval holds the truth at least as often as it says, less simulation error."""
    rng = np.random.default_rng(20261128)
    held = {"size": 0, "compute": 0, "interaction": 0, "exchange": 0}
    for _ in range(300):
        size, compute, wins, trials, model = simulated(rng, models=8, b=-0.8, c=0.8, d=0.0)
        fit = interaction_surface(size, compute, wins, trials, model)
        for name, truth in (("size", -0.8), ("compute", 0.8), ("interaction", 0.0)):
            low, high = getattr(fit, name).interval
            held[name] += low <= truth <= high
        ends = fit.exchange.interval
        held["exchange"] += ends is None or ends[0] <= 1.0 <= ends[1]
    assert min(held.values()) >= 0.92 * 300, held


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 2.0, 1000.0]))
def test_law_units_are_irrelevant(seed, factor):
    """Another unit of compute or of size moves the reference point along and changes nothing else."""
    size, compute, wins, trials, model = simulated(np.random.default_rng(seed), trials=60)
    one = interaction_surface(size, compute, wins, trials, model)
    other = interaction_surface(size * factor, compute * factor, wins, trials, model)
    assert other.size.estimate == pytest.approx(one.size.estimate, rel=1e-6, abs=1e-8)
    assert other.interaction.standard_error == pytest.approx(one.interaction.standard_error, rel=1e-6)
    assert other.reference_compute == pytest.approx(factor * one.reference_compute)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_law_order_of_cells_and_mirror(seed, random):
    cells = list(zip(*simulated(np.random.default_rng(seed), trials=60), strict=True))
    one = interaction_surface(*zip(*cells, strict=True))
    random.shuffle(cells)
    size, compute, wins, trials, model = zip(*cells, strict=True)
    other = interaction_surface(size, compute, wins, trials, model)
    assert coefficients_of(other) == pytest.approx(coefficients_of(one), rel=1e-6, abs=1e-8)
    mirrored = interaction_surface(size, compute, [n - k for k, n in zip(wins, trials, strict=True)], trials, model)
    assert mirrored.size.estimate == pytest.approx(-one.size.estimate, rel=1e-6, abs=1e-8)
    assert mirrored.exchange.decades == pytest.approx(one.exchange.decades, rel=1e-5)


def test_carries_its_inputs():
    fit = interaction_surface(SIZES, COMPUTE, WINS, TRIALS, SIZES)
    assert (fit.successes, fit.trials, fit.models) == (tuple(WINS), tuple(TRIALS), tuple(SIZES))
    assert (fit.n_models, fit.n_cells, fit.level, fit.generalises_to) == (5, 15, 0.95, "new_models")


def given_cells(**changes):
    return {"params_b": SIZES, "compute": COMPUTE, "successes": WINS, "trials": TRIALS, "models": SIZES} | changes


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"compute": [0, 10, 100] * 5}, DomainError, "compute must be positive"),
        ({"compute": [1, 10, 10] * 5}, InsufficientData, "at least 3 distinct levels of attack compute, got 2"),
        ({"models": ["a"] * 15}, DomainError, "has two sizes"),
        ({"params_b": [1] * 9 + [2] * 6}, InsufficientData, "at least 3 distinct sizes, got 2"),
        ({"successes": [0] * 15}, DomainError, "no maximum"),
        ({"successes": TRIALS}, DomainError, "no maximum"),
        ({"successes": [251, *WINS[1:]]}, DomainError, "must not exceed"),
        ({"trials": TRIALS[1:]}, DomainError, "same length"),
    ],
)
def test_refuses(changes, error, message):
    if "params_b" in changes:
        changes = changes | {"models": [f"m{i // 3}" for i in range(15)]}
    with pytest.raises(error, match=message):
        interaction_surface(**given_cells(**changes))


def test_refuses_three_models():
    with pytest.raises(InsufficientData, match="at least 4 models, got 3"):
        interaction_surface(SIZES[:9], COMPUTE[:9], WINS[:9], TRIALS[:9], SIZES[:9])


def test_refuses_compute_that_moves_with_size():
    size = [1, 2, 4, 8, 16, 32]
    with pytest.raises(InsufficientData, match="move together"):
        interaction_surface(size, [10 * s for s in size], [5, 9, 12, 20, 22, 30], [40] * 6, list("abcdef"))


def test_refuses_a_coefficient_that_one_model_carries():
    """Only the smallest model was attacked at more than one level."""
    size, compute = [1, 1, 1, 3, 8, 30, 70], [1, 10, 100, 10, 10, 10, 10]
    with pytest.raises(InsufficientData, match=r"alone carries|move together"):
        interaction_surface(size, compute, [40, 60, 80, 55, 50, 45, 40], [100] * 7, size)
