"""A mean with clusters of one or two kinds: definition, the guard, laws, refusals."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import cluster_robust_ols, clustered_mean


def crossed(rng, prompts=12, seeds=5, draws=2, by_prompt=1.0, by_seed=1.0, noise=1.0):
    prompt, seed, _ = (axis.ravel() for axis in np.indices((prompts, seeds, draws)))
    values = rng.normal(0, by_prompt, prompts)[prompt] + rng.normal(0, by_seed, seeds)[seed] + rng.normal(0, noise, len(prompt))
    return values, prompt.tolist(), seed.tolist()


def one_way(values, labels):
    """The formula, cluster by cluster."""
    values, labels = np.asarray(values, dtype=float), np.array(labels)
    sums = [(values - values.mean())[labels == label].sum() for label in set(labels.tolist())]
    g = len(sums)
    return g / (g - 1) * sum(s * s for s in sums) / len(values) ** 2


def test_variance_is_the_sum_of_the_two_less_that_of_the_intersections():
    for seed in range(10):
        values, prompt, seeds = crossed(np.random.default_rng(seed))
        found = clustered_mean(values, prompt, seeds)
        cells = [100 * p + s for p, s in zip(prompt, seeds, strict=True)]
        assert found.variance_first == pytest.approx(one_way(values, prompt), rel=1e-12)
        assert found.variance_second == pytest.approx(one_way(values, seeds), rel=1e-12)
        assert found.variance_both == pytest.approx(
            one_way(values, prompt) + one_way(values, seeds) - one_way(values, cells), rel=1e-9
        )
        assert found.used == "both"
        assert found.standard_error == pytest.approx(np.sqrt(found.variance_both))
        t = scipy.stats.t.ppf(0.975, 4)
        assert found.interval == pytest.approx(
            (found.estimate - t * found.standard_error, found.estimate + t * found.standard_error)
        )
        assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(found.estimate / found.standard_error), 4))
        assert (found.n, found.n_first, found.n_second, found.dof) == (120, 12, 5, 4)


def test_one_row_a_cluster_is_students_mean():
    values = [0.3, 0.9, 0.4, 0.7]
    found = clustered_mean(values, list("abcd"))
    other = scipy.stats.ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(other.pvalue)
    assert found.interval == pytest.approx(tuple(other.confidence_interval()))
    assert (found.n_second, found.second, found.variance_both, found.used) == (None, None, None, "first")


def test_equal_clusters_agree_with_cluster_robust_least_squares():
    values, prompt, _ = crossed(np.random.default_rng(4))
    fit = cluster_robust_ols(np.ones((len(values), 1)), values, prompt)
    found = clustered_mean(values, prompt)
    assert found.standard_error == pytest.approx(fit.standard_errors[0])
    assert found.interval == pytest.approx(tuple(fit.intervals[0]))


def test_a_difference_of_variances_below_the_larger_is_not_used():
    """Rows that alternate within prompts and within seeds: the two-way variance is negative, and the larger stands in."""
    values = [1.0, -1.0, -1.0, 1.0, 0.5, 0.1, -0.2, 0.3, 0.0]
    first, second = list("aabbccddd"), list("xyxyxyxyx")
    found = clustered_mean(values, first, second)
    assert found.variance_both < 0 < max(found.variance_first, found.variance_second)
    assert found.used in ("first", "second")
    assert found.standard_error == pytest.approx(np.sqrt(max(found.variance_first, found.variance_second)))


def test_coverage_with_both_kinds_of_clusters():
    """One-way by prompt misses what a seed shares; both together hold."""
    rng, held, naive = np.random.default_rng(1), 0, 0
    for _ in range(400):
        values, prompt, seed = crossed(rng, prompts=20, seeds=6, draws=1)
        low, high = clustered_mean(values, prompt, seed).interval
        held += low <= 0 <= high
        low, high = clustered_mean(values, prompt).interval
        naive += low <= 0 <= high
    assert held / 400 > 0.92
    assert naive / 400 < 0.85


@pytest.mark.parametrize(
    ("values", "first", "second", "reason"),
    [
        ([0.5, 0.5, 0.5], [1, 2, 3], None, "all 3 values are equal"),
        ([0.5, 0.7, 0.5], [1, 1, 1], None, "one cluster of the first way"),
        ([0.5, 0.7, 0.5], [1, 2, 3], [1, 1, 1], "one cluster of the second way"),
        ([0.0, 1.0, 0.0, 1.0], [1, 1, 2, 2], None, "balance exactly"),
        ([0.5], [1], None, "one cluster of the first way"),
    ],
)
def test_without_spread_there_is_a_mean_and_no_interval(values, first, second, reason):
    found = clustered_mean(values, first, second)
    assert found.estimate == pytest.approx(np.mean(values))
    assert (found.standard_error, found.interval, found.p_value, found.dof) == (None,) * 4
    assert reason in found.undefined_because


@given(st.integers(0, 10_000), st.floats(-100, 100), st.sampled_from([0.01, -3.0, 1e6]))
def test_law_shift_scale_order_and_names(seed, shift, factor):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 30))
    values, first, second = rng.normal(size=n), rng.integers(0, 5, n), rng.integers(0, 4, n)
    one = clustered_mean(values, first.tolist(), second.tolist())
    order = rng.permutation(n)
    other = clustered_mean((factor * values + shift)[order], [f"p{f}" for f in first[order]], [f"s{s}" for s in second[order]])
    swapped = clustered_mean(values, second.tolist(), first.tolist())
    assert other.estimate == pytest.approx(factor * one.estimate + shift, rel=1e-6, abs=1e-6)
    if one.standard_error is not None:
        assert other.standard_error == pytest.approx(abs(factor) * one.standard_error, rel=1e-5)
        assert swapped.standard_error == pytest.approx(one.standard_error, rel=1e-9)
        wider = clustered_mean(values, first.tolist())
        if wider.standard_error is not None:
            assert one.standard_error >= wider.standard_error * (1 - 1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], []), InsufficientData, "at least one row"),
        (([1.0, float("nan")], [1, 2]), DomainError, "values must be finite"),
        (([1.0, 2.0], [1]), DomainError, "first and values must have the same length"),
        (([1.0, 2.0], [1, 2], [1]), DomainError, "second and values must have the same length"),
        (([1.0, 2.0], [1, None]), DomainError, "first must label every row"),
        (([1.0, 2.0], [1, 2], [None, 2]), DomainError, "second must label every row"),
        (([1e80, 2.0], [1, 2]), DomainError, "values must stay below 1e60"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        clustered_mean(*arguments)
