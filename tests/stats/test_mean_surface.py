"""The surface of a mean over model size and attack compute: beside the jackknife, in other units, and what it refuses."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import interaction_surface, mean_surface, which_outweighs

SIZES = [1, 1, 1, 10, 10, 10, 100, 100, 100, 3, 3, 3, 30, 30, 30]
COMPUTE = [1, 10, 100] * 5
DRIFT = [0.21, 0.30, 0.41, 0.15, 0.26, 0.34, 0.10, 0.19, 0.31, 0.17, 0.28, 0.37, 0.13, 0.22, 0.33]


def simulated(rng, models=7, levels=4, b=-0.05, c=0.1, d=0.02, sd=0.03, noise=0.01):
    size, compute = 10 ** rng.uniform(-0.3, 2, models), 10.0 ** np.arange(levels)
    model, level = np.repeat(np.arange(models), levels), np.tile(np.arange(levels), models)
    s, k = (np.log10(size) - np.log10(size).mean())[model], (np.arange(levels) - (levels - 1) / 2)[level]
    y = 0.3 + b * s + c * k + d * s * k + rng.normal(0, sd, models)[model] + rng.normal(0, noise, len(model))
    return size[model], compute[level], y, model.tolist()


def design_of(fit):
    s = np.log10(fit.params_b) - np.log10(fit.reference_params_b)
    k = np.log10(fit.compute_levels) - np.log10(fit.reference_compute)
    return np.column_stack([np.ones(len(s)), s, k, s * k])


def coefficients_of(fit):
    return np.array([fit.mean_at_reference, fit.size.estimate, fit.compute.estimate, fit.interaction.estimate])


def jackknife(fit):
    """Second opinion: refit without each model in turn; CR3 is the sum of squares of what that changes."""
    x, y, root = design_of(fit), fit.values, np.sqrt(fit.weights)
    labels, whole = np.array(fit.models), coefficients_of(fit)
    moved = []
    for label in sorted(set(fit.models)):
        rest = labels != label
        moved.append(np.linalg.lstsq(x[rest] * root[rest, None], y[rest] * root[rest], rcond=None)[0] - whole)
    return np.array(moved).T @ np.array(moved)


@pytest.mark.parametrize("weighted", [False, True])
def test_covariance_is_the_jackknife_over_models(weighted):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        size, compute, y, model = simulated(rng)
        weights = rng.integers(5, 80, len(y)) if weighted else None
        fit = mean_surface(size, compute, y, model, weights=weights)
        residual = fit.values - design_of(fit) @ coefficients_of(fit)
        assert np.abs(design_of(fit).T @ (fit.weights * residual)).max() < 1e-9
        covariance = jackknife(fit)
        got = [fit.size.standard_error, fit.compute.standard_error, fit.interaction.standard_error]
        assert got == pytest.approx(np.sqrt(np.diag(covariance))[1:].tolist(), rel=1e-7)
        other = which_outweighs(fit.size.estimate, fit.compute.estimate, covariance[1:3, 1:3], dof=fit.dof)
        assert fit.outweighs.interval == pytest.approx(other.interval, rel=1e-6)
        assert fit.outweighs.p_value == pytest.approx(other.p_value, rel=1e-5)
        if fit.exchange.interval is not None:
            t = scipy.stats.t.ppf(0.975, fit.dof)
            for r in fit.exchange.interval:
                variance = covariance[2, 2] + 2 * r * covariance[1, 2] + r * r * covariance[1, 1]
                assert (fit.compute.estimate + r * fit.size.estimate) ** 2 == pytest.approx(t * t * variance, rel=1e-5)


def test_intervals_and_p_values_are_students_with_models_less_two():
    fit = mean_surface(SIZES, COMPUTE, DRIFT, SIZES, level=0.9)
    assert fit.dof == 3
    for effect in (fit.size, fit.compute, fit.interaction):
        t = scipy.stats.t.ppf(0.95, 3)
        assert effect.interval == pytest.approx(
            (effect.estimate - t * effect.standard_error, effect.estimate + t * effect.standard_error)
        )
        assert effect.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(effect.estimate / effect.standard_error), 3))
    assert fit.outweighs.level == 0.9


def test_coverage_of_slopes_and_of_outweighs():
    rng, held = np.random.default_rng(20261129), np.zeros(4)
    for _ in range(300):
        size, compute, y, model = simulated(rng, models=8, b=-0.05, c=0.1, d=0.0)
        fit = mean_surface(size, compute, y, model)
        for at, (found, truth) in enumerate([(fit.size, -0.05), (fit.compute, 0.1), (fit.interaction, 0.0), (fit.outweighs, 0.05)]):
            held[at] += found.interval[0] <= truth <= found.interval[1]
    assert held.min() >= 0.92 * 300, held


def noise_beyond_both(rng, size, compute):
    """Scatter that neither unit of compute can fit: orthogonal to 1, s, k, s k and s^2."""
    s, k = np.log10(size), np.log10(compute)
    z = np.column_stack([np.ones(len(s)), s, k, s * k, s * s])
    e = rng.normal(0, 0.02, len(s))
    return e - z @ np.linalg.lstsq(z, e, rcond=None)[0]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_law_flops_for_tokens_leave_the_slope_on_compute_and_shift_that_on_size_by_it(seed, b, c):
    """flops = 6 x size x tokens: log k' = log k + s + constant. Without interaction b s + c k = (b - c) s + c k' + constant."""
    rng = np.random.default_rng(seed)
    size, tokens, _, model = simulated(rng)
    y = 0.3 + b * np.log10(size) + c * np.log10(tokens) + noise_beyond_both(rng, size, tokens)
    by_tokens, by_flops = mean_surface(size, tokens, y, model), mean_surface(size, 6e9 * size * tokens, y, model)
    assert by_tokens.compute.estimate == pytest.approx(c, abs=1e-9)
    assert by_flops.compute.estimate == pytest.approx(c, abs=1e-9)
    assert by_tokens.size.estimate == pytest.approx(b, abs=1e-9)
    assert by_flops.size.estimate == pytest.approx(b - c, abs=1e-9)
    assert by_flops.outweighs.difference == pytest.approx(abs(c) - abs(b - c), abs=1e-9)


def test_the_unit_of_compute_can_turn_the_answer():
    """At equal tokens size outweighs compute, at equal FLOPs compute outweighs size: two questions."""
    rng = np.random.default_rng(0)
    size, tokens, _, model = simulated(rng)
    y = 0.5 * np.log10(size) + 0.4 * np.log10(tokens) + noise_beyond_both(rng, size, tokens)
    assert mean_surface(size, tokens, y, model).outweighs.interval[1] < 0
    assert mean_surface(size, size * tokens, y, model).outweighs.interval[0] > 0


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 2.0, 1000.0]), st.randoms(use_true_random=False))
def test_law_units_order_and_scale(seed, factor, random):
    size, compute, y, model = simulated(np.random.default_rng(seed))
    one = mean_surface(size, compute, y, model)
    order = random.sample(range(len(y)), len(y))
    other = mean_surface(
        factor * size[order], factor * compute[order], factor * y[order], [f"m{model[i]}" for i in order], weights=[factor] * len(y)
    )
    assert coefficients_of(other) == pytest.approx(factor * coefficients_of(one), rel=1e-6, abs=1e-9)
    assert other.size.standard_error == pytest.approx(factor * one.size.standard_error, rel=1e-6)
    assert other.reference_compute == pytest.approx(factor * one.reference_compute)
    mirrored = mean_surface(size, compute, -y, model)
    assert mirrored.outweighs.difference == pytest.approx(one.outweighs.difference, abs=1e-9)
    assert mirrored.exchange.decades == pytest.approx(one.exchange.decades, rel=1e-5)


def test_carries_its_inputs():
    fit = mean_surface(SIZES, COMPUTE, DRIFT, SIZES)
    assert (fit.values.tolist(), fit.weights.tolist(), fit.models) == (DRIFT, [1.0] * 15, tuple(SIZES))
    assert (fit.n_models, fit.n_cells, fit.generalises_to) == (5, 15, "new_models")
    assert fit == mean_surface(SIZES, COMPUTE, DRIFT, SIZES)


def test_the_logit_surface_says_which_outweighs_too():
    """Its covariance through the exchange rate's own ends: where the contrast is clear, both must agree on the sign."""
    wins = [100, 152, 199, 91, 134, 185, 76, 128, 171, 57, 109, 150, 52, 94, 143]
    size = [1, 1, 1, 3, 3, 3, 8, 8, 8, 30, 30, 30, 70, 70, 70]
    fit = interaction_surface(size, COMPUTE, wins, [250] * 15, size)
    assert fit.outweighs.difference == pytest.approx(abs(fit.compute.estimate) - abs(fit.size.estimate))
    assert fit.outweighs.opposed
    # one decade of compute takes more than one of size to offset, and the interval of that excludes 1
    assert fit.exchange.interval[0] > 1
    assert fit.outweighs.interval[0] > 0
    assert fit.outweighs.dof == fit.dof


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"compute": [0, 10, 100] * 5}, DomainError, "compute must be positive"),
        ({"compute": [1, 10, 10] * 5}, InsufficientData, "at least 3 distinct levels of attack compute, got 2"),
        ({"models": ["a"] * 15}, DomainError, "has two sizes"),
        ({"params_b": [1] * 9 + [2] * 6, "models": [i // 3 for i in range(15)]}, InsufficientData, "3 distinct sizes, got 2"),
        ({"values": [0.3] * 15}, InsufficientData, "the values lie on the fitted surface"),
        ({"values": [float("nan"), *DRIFT[1:]]}, DomainError, "values must be finite"),
        ({"values": DRIFT[1:]}, DomainError, "same length"),
        ({"weights": [0, *[1] * 14]}, DomainError, "weights must be positive"),
        ({"weights": [1]}, DomainError, "same length"),
        ({"level": 95}, DomainError, "level must lie strictly"),
    ],
)
def test_refuses(changes, error, message):
    with pytest.raises(error, match=message):
        mean_surface(**({"params_b": SIZES, "compute": COMPUTE, "values": DRIFT, "models": SIZES} | changes))


def test_refuses_three_models_and_compute_that_moves_with_size():
    with pytest.raises(InsufficientData, match="at least 4 models, got 3"):
        mean_surface(SIZES[:9], COMPUTE[:9], DRIFT[:9], SIZES[:9])
    size = [1, 2, 4, 8, 16, 32]
    with pytest.raises(InsufficientData, match="move together"):
        mean_surface(size, [10 * s for s in size], DRIFT[:6], list("abcdef"))


def test_refuses_a_plane_even_where_rounding_scatters():
    plane = 0.1 + 0.07 * np.log10(SIZES) + 0.03 * np.log10(COMPUTE)
    with pytest.raises(InsufficientData, match="leaves no scatter"):
        mean_surface(SIZES, COMPUTE, plane, SIZES)
