"""Size against attack compute within each lineage, and the means over lineages."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import slopes_over_replicates, surface_over_replicates, which_outweighs

SIZE = np.tile(np.repeat([0.5, 1, 4, 20], 5), 4)
COMPUTE = np.tile([5, 10, 20, 50, 100], 16)
SEEDS = np.repeat(np.arange(4), 20)


def simulated(rng, b=-0.05, c=0.1, d=0.02, sd=0.03, noise=0.01):
    s, k = np.log10(SIZE) - np.log10(SIZE).mean(), np.log10(COMPUTE) - np.log10(COMPUTE).mean()
    own = rng.normal(0, sd, (3, 4))[:, SEEDS]
    return 0.3 + own[2] + (b + own[0]) * s + (c + own[1]) * k + d * s * k + rng.normal(0, noise, len(s))


def test_means_and_intervals_are_those_of_the_fits_by_hand():
    y = simulated(np.random.default_rng(1))
    found = surface_over_replicates(SIZE, COMPUTE, y, SEEDS.tolist())
    s, k = np.log10(SIZE / found.reference_params_b), np.log10(COMPUTE / found.reference_compute)
    x = np.column_stack([np.ones(80), s, k, s * k])
    fits = np.array([np.linalg.lstsq(x[r == SEEDS], y[r == SEEDS], rcond=None)[0] for r in range(4)])
    for at, effect in ((1, found.size), (2, found.compute), (3, found.interaction)):
        other = scipy.stats.ttest_1samp(fits[:, at], 0)
        assert effect.estimate == pytest.approx(fits[:, at].mean())
        assert effect.interval == pytest.approx(tuple(other.confidence_interval()))
        assert effect.p_value == pytest.approx(other.pvalue)
    assert [row.size for row in found.replicates] == pytest.approx(fits[:, 1].tolist())
    assert [row.compute for row in found.replicates] == pytest.approx(fits[:, 2].tolist())
    other = which_outweighs(*fits[:, 1:3].mean(axis=0), np.cov(fits[:, 1:3].T) / 4, dof=3)
    assert found.outweighs.interval == pytest.approx(other.interval)
    # signs are plain here, so it is the t interval of the lineages' own differences
    own = np.abs(fits[:, 2]) - np.abs(fits[:, 1])
    assert found.outweighs.interval == pytest.approx(tuple(scipy.stats.ttest_1samp(own, 0).confidence_interval()))
    assert (found.n_replicates, found.dof, found.scale, found.undefined_because) == (4, 3, "values", None)


def test_the_size_effect_at_one_level_is_that_of_slopes_over_replicates():
    """A balanced grid: the slope on size at the mean level is the slope of the means over levels."""
    y = simulated(np.random.default_rng(2))
    found = surface_over_replicates(SIZE, COMPUTE, y, SEEDS.tolist())
    means = y.reshape(4, 4, 5).mean(axis=2)
    other = slopes_over_replicates(np.tile([0.5, 1, 4, 20], 4), means.ravel(), np.repeat(range(4), 4).tolist())
    assert 100 * found.size.estimate == pytest.approx(other.slope_pp_per_decade)
    assert 100 * found.size.interval[0] == pytest.approx(other.interval[0])


def test_counts_are_fitted_on_the_log_odds():
    rng = np.random.default_rng(3)
    k, s = np.log10(COMPUTE / 20.9), np.log10(SIZE / 2.5)
    trials = np.full(80, 4000)
    wins = rng.binomial(trials, scipy.special.expit(0.5 + 0.8 * s - 1.5 * k))
    found = surface_over_replicates(SIZE, COMPUTE, wins, SEEDS.tolist(), trials=trials)
    assert found.scale == "log_odds"
    assert found.size.estimate == pytest.approx(0.8, abs=0.1)
    assert found.compute.estimate == pytest.approx(-1.5, abs=0.1)
    assert found.outweighs.opposed
    assert found.outweighs.difference == pytest.approx(0.7, abs=0.15)
    assert found.trials == tuple(trials.tolist())
    row = found.replicates[1]
    mine = SEEDS == 1
    x = np.column_stack([np.ones(80), np.log10(SIZE / found.reference_params_b), np.log10(COMPUTE / found.reference_compute)])
    x = np.column_stack([x, x[:, 1] * x[:, 2]])[mine]
    intercept = scipy.optimize.brentq(
        lambda a: np.sum(wins[mine] - 4000 * scipy.special.expit(x @ [a, row.size, row.compute, row.interaction])), -5, 5
    )
    score = x.T @ (wins[mine] - 4000 * scipy.special.expit(x @ [intercept, row.size, row.compute, row.interaction]))
    assert np.abs(score).max() < 1e-5


def test_a_lineage_without_a_fit_is_listed_with_its_reason():
    trials = np.full(80, 20)
    wins = np.random.default_rng(4).binomial(trials, 0.5)
    wins[SEEDS == 0] = 0
    wins[SEEDS == 1] = np.where(COMPUTE[SEEDS == 1] > 20, 0, 20)
    found = surface_over_replicates(SIZE, COMPUTE, wins, SEEDS.tolist(), trials=trials)
    assert found.n_replicates == 2
    assert found.replicates[0].why == "no success in 400 traces: it has no log odds"
    assert "separated over size and compute" in found.replicates[1].why
    assert (found.replicates[0].size, found.replicates[1].compute) == (None, None)
    assert [row.cells for row in found.replicates] == [20] * 4


def test_equal_lineages_show_no_scatter():
    y = np.tile(simulated(np.random.default_rng(5))[:20], 4)
    found = surface_over_replicates(SIZE, COMPUTE, y, SEEDS.tolist())
    assert (found.size, found.compute, found.outweighs) == (None, None, None)
    assert "equal" in found.undefined_because
    assert found.replicates[0].size is not None


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 30.0]))
def test_law_order_names_and_units(seed, factor):
    rng = np.random.default_rng(seed)
    y = simulated(rng)
    one, order = surface_over_replicates(SIZE, COMPUTE, y, SEEDS.tolist()), rng.permutation(80)
    other = surface_over_replicates(factor * SIZE[order], factor * COMPUTE[order], y[order], [f"s{i}" for i in SEEDS[order]])
    for name in ("size", "compute", "interaction"):
        assert getattr(other, name).estimate == pytest.approx(getattr(one, name).estimate, abs=1e-9)
        assert getattr(other, name).interval == pytest.approx(getattr(one, name).interval, abs=1e-9)
    shifted = surface_over_replicates(SIZE, COMPUTE, y + rng.normal(size=4)[SEEDS], SEEDS.tolist())
    assert shifted.size.estimate == pytest.approx(one.size.estimate, abs=1e-9)  # what a lineage shares leaves it alone


def test_coverage_with_few_lineages():
    rng, held = np.random.default_rng(8), np.zeros(3)
    for _ in range(300):
        found = surface_over_replicates(SIZE, COMPUTE, simulated(rng, d=0.0), SEEDS.tolist())
        for at, (effect, truth) in enumerate([(found.size, -0.05), (found.compute, 0.1), (found.outweighs, 0.05)]):
            held[at] += effect.interval[0] <= truth <= effect.interval[1]
    assert held.min() >= 0.92 * 300, held


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"replicates": ["a"] * 80}, InsufficientData, "at least 2 with a fit, got 1 of 1; train another"),
        ({"replicates": list(range(80))}, InsufficientData, "at least 2 with a fit, got 0 of 80"),
        ({"params_b": np.tile([1.0, 2.0], 40)}, InsufficientData, "3 distinct sizes, got 2"),
        ({"compute": np.tile([1.0, 2.0], 40)}, InsufficientData, "3 distinct levels of attack compute, got 2"),
        ({"compute": np.zeros(80)}, DomainError, "compute must be positive"),
        ({"values": np.full(80, 1.5), "trials": np.full(80, 3)}, DomainError, "successes must hold whole numbers"),
        ({"values": np.zeros(79)}, DomainError, "same length"),
        ({"replicates": [None] * 80}, DomainError, "replicates must label every cell"),
    ],
)
def test_refuses(changes, error, message):
    given_cells = {"params_b": SIZE, "compute": COMPUTE, "values": np.zeros(80), "replicates": SEEDS.tolist()}
    with pytest.raises(error, match=message):
        surface_over_replicates(**(given_cells | changes))
