"""The cluster bootstrap: the counting by rows, the spread by the delta method, the coverage by simulation."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import cluster_bootstrap
from stats.planning_strategies import cluster_tables


def by_rows(k, n, contrasts, draws):
    """The same resamples, one row per trace: concatenate the rows of the drawn prompts, then count."""
    models = k.shape[1]
    rows = [np.repeat(np.arange(models), n[i]) for i in range(len(k))]
    outcomes = [np.concatenate([np.arange(n[i, j]) < k[i, j] for j in range(models)]) for i in range(len(k))]
    replicates = []
    for draw in draws:
        model = np.concatenate([rows[i] for i in draw])
        outcome = np.concatenate([outcomes[i] for i in draw])
        rates = [outcome[model == j].mean() for j in range(models)]
        replicates.append(contrasts @ rates)
    return np.array(replicates)


def random_table(rng, *, clusters=None, models=None, dense=True):
    clusters = clusters or int(rng.integers(10, 25))
    models = models or int(rng.integers(1, 4))
    n = rng.integers(1 if dense else 0, 5, (clusters, models))
    if not dense:
        n[:10] = np.maximum(n[:10], 1)
        n[n.sum(axis=1) == 0] = 1
    return rng.binomial(n, rng.beta(1, 2, (clusters, 1))), n


def delta_se(k, n, c):
    """``sqrt(C / (C - 1) sum_i e_i^2)``, ``e_i = sum_j c_j (k_ij - r_j n_ij) / N_j``: bootstrap variance to first order."""
    total = n.sum(axis=0)
    e = ((k - k.sum(axis=0) / total * n) / total) @ c
    return math.sqrt(len(k) / (len(k) - 1) * float(e @ e))


def test_differential_cluster_bootstrap_counts_what_rows_count():
    """2,000 tables: every replicate equals the one of explicit rows for the same drawn prompts, to the last bits."""
    rng = np.random.default_rng(1)
    replicates, unbalanced = 0, 0
    for case in range(2000):
        k, n = random_table(rng)
        c = rng.normal(size=(2, k.shape[1]))
        # few resamples, so that explicit rows are affordable; a level of .1 asks no more
        got = cluster_bootstrap(k, n, contrasts=c, resamples=12, level=0.1, rng=case)
        draws = np.random.default_rng(case).integers(0, len(k), size=(12, len(k)), dtype=np.uint16)
        assert np.abs(got.replicates - by_rows(k, n, c, draws)).max() < 1e-13
        assert got.redrawn == 0
        replicates += got.replicates.size
        unbalanced += bool(np.ptp(n))
    assert unbalanced > 1900
    print(f"{replicates} replicates of 2000 tables equal those of explicit rows")


def test_differential_standard_errors_agree_with_the_delta_method():
    """Balanced trials make a contrast a mean over prompts, whose bootstrap variance is known exactly."""
    rng = np.random.default_rng(2)
    ratios = []
    for case in range(100):
        clusters, models = int(rng.integers(10, 80)), int(rng.integers(1, 5))
        n = np.full((clusters, models), 3)
        k = rng.binomial(n, rng.beta(1, 1, (clusters, 1)))
        c = rng.normal(size=models)
        got = cluster_bootstrap(k, n, contrasts=c, resamples=4000, rng=case)
        ratios.append(got.standard_error[0] / delta_se(k, n, c))
    # each has relative error 1/sqrt(2 x 4000) = 1.1 %
    assert np.mean(ratios) == pytest.approx(1, abs=0.005)
    assert np.std(ratios) == pytest.approx(1 / math.sqrt(8000), rel=0.2)
    print(f"standard error over the exact one: mean {np.mean(ratios):.4f}, sd {np.std(ratios):.4f}")


def test_agrees_with_scipy_bca():
    """scipy.stats.bootstrap resamples prompts of a balanced table as units; its quantiles are not widened, so we undo that."""
    rng = np.random.default_rng(3)
    k = rng.binomial(101, rng.beta(0.1, 1.5, 40))
    n = np.full(40, 101)
    other = scipy.stats.bootstrap((k / 101,), np.mean, n_resamples=40_000, method="BCa", rng=1).confidence_interval
    # the level whose widened normal quantile is 1.96
    level = 1 - 2 * scipy.special.stdtr(39, -1.959964 / math.sqrt(40 / 39))
    got = cluster_bootstrap(k, n, resamples=40_000, level=level, rng=2)
    # a tail of 1,000 resamples: the quantiles of both have an error of .0004
    assert (got.low[0], got.high[0]) == pytest.approx((other.low, other.high), abs=0.002)
    wide = cluster_bootstrap(k, n, resamples=40_000, rng=2)
    assert wide.low[0] < got.low[0] < got.high[0] < wide.high[0]
    percentile = cluster_bootstrap(k, n, resamples=40_000, level=level, method="percentile", rng=2)
    ends = np.quantile(percentile.replicates[:, 0], scipy.special.ndtr([-1.959964, 1.959964]))
    assert (percentile.low[0], percentile.high[0]) == pytest.approx(tuple(ends), abs=1e-6)
    assert percentile.low[0] < got.low[0] - 0.0015, "the skewed case tells the two apart"


@pytest.mark.parametrize("balanced", [False, True])
def test_bca_is_the_formula_of_efron(balanced):
    """Bias, acceleration and quantiles written out for one table; balanced trials put many resamples on the estimate."""
    rng = np.random.default_rng(4)
    k, n = random_table(rng, clusters=30, models=2)
    if balanced:
        k, n = np.minimum(k, 2), np.full_like(n, 2)
    c = np.array([1.0, -1.0])
    got = cluster_bootstrap(k, n, contrasts=c, resamples=2000, rng=5)
    r, estimate = got.replicates[:, 0], got.estimate[0]
    z0 = scipy.special.ndtri((np.sum(r < estimate - 1e-12) + 0.5 * np.sum(np.abs(r - estimate) <= 1e-12)) / 2000)
    assert (np.mean(np.abs(r - estimate) <= 1e-12) > 0.02) == balanced
    left = []
    for i in range(30):
        keep = np.arange(30) != i
        left.append(c @ (k[keep].sum(axis=0) / n[keep].sum(axis=0)))
    u = np.mean(left) - np.array(left)
    a = np.sum(u**3) / (6 * np.sum(u**2) ** 1.5)
    z = math.sqrt(30 / 29) * scipy.stats.t.ppf(0.975, 29)
    for end, side in ((got.low[0], -z), (got.high[0], z)):
        alpha = scipy.special.ndtr(z0 + (z0 + side) / (1 - a * (z0 + side)))
        assert end == pytest.approx(np.quantile(r, alpha), abs=1e-9)
    assert abs(z0) > 1e-4
    assert abs(a) > 1e-3
    assert got.standard_error[0] == pytest.approx(r.std(ddof=1) * math.sqrt(30 / 29), rel=1e-12)


@given(cluster_tables(), st.integers(0, 2**32))
def test_law_a_contrast_is_the_contrast_of_the_rates(table, seed):
    k, n = table
    c = np.arange(1.0, k.shape[1] + 1) - 2
    rates = cluster_bootstrap(k, n, resamples=200, rng=seed)
    contrast = cluster_bootstrap(k, n, contrasts=c, resamples=200, rng=seed)
    assert contrast.replicates[:, 0] == pytest.approx(rates.replicates @ c, abs=1e-12)
    assert contrast.estimate[0] == pytest.approx(np.array(rates.estimate) @ c, abs=1e-12)
    assert rates.estimate == pytest.approx(tuple(k.sum(axis=0) / n.sum(axis=0)))


@given(cluster_tables(), st.integers(0, 2**32))
def test_law_swapping_success_and_failure_mirrors_the_percentile_interval(table, seed):
    k, n = table
    here = cluster_bootstrap(k, n, resamples=200, method="percentile", rng=seed)
    there = cluster_bootstrap(n - k, n, resamples=200, method="percentile", rng=seed)
    for low, high, mirrored in zip(here.low, here.high, zip(there.low, there.high, strict=True), strict=True):
        if low is None:
            assert mirrored == (None, None)
        else:
            assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-12)


@given(cluster_tables(), st.integers(0, 2**32), st.integers(2, 5))
def test_law_traces_of_the_same_prompts_bring_nothing(table, seed, times):
    """Ten copies of each trace are no more prompts: rates, spread and interval stay."""
    k, n = table
    one, many = (cluster_bootstrap(t * k, t * n, resamples=200, rng=seed) for t in (1, times))
    assert many.standard_error == pytest.approx(one.standard_error, abs=1e-12)
    assert many.replicates == pytest.approx(one.replicates, abs=1e-12)
    for a, b in zip(one.low + one.high, many.low + many.high, strict=True):
        assert (a is None) == (b is None)
        assert a is None or a == pytest.approx(b, abs=1e-9)


@given(cluster_tables(), st.sampled_from(["bca", "percentile"]))
def test_law_interval_holds_the_estimate_of_a_rate_inside_zero_and_one(table, method):
    k, n = table
    got = cluster_bootstrap(k, n, resamples=400, method=method)
    for low, high, reason, se in zip(got.low, got.high, got.undefined_because, got.standard_error, strict=True):
        if reason is None:
            assert 0 <= low < high <= 1
            assert se > 0
        else:
            assert low is high is se is None
    assert got.generalises_to == "these_models"
    assert np.array_equal(got.successes, k)
    assert np.array_equal(got.trials, n)


def test_the_same_seed_gives_the_same_answer_and_none_is_a_seed():
    rng = np.random.default_rng(6)
    k, n = random_table(rng, clusters=40, models=2)
    assert cluster_bootstrap(k, n) == cluster_bootstrap(k, n, rng=20_260_630)
    assert cluster_bootstrap(k, n, rng=1) != cluster_bootstrap(k, n, rng=2)


@pytest.mark.parametrize(
    ("largest", "dtype", "packed"),
    [
        (1, "float32", True),
        (4095 // 12, "float32", True),
        (4096 // 12 + 1, "float64", True),
        (2**22 + 1, "float64", True),
        (2**24 + 1, "float64", False),
        (2**49 + 1, "float64", False),
    ],
)
def test_sums_are_whole_numbers_whatever_the_counts(largest, dtype, packed):
    """Exact integers in Python, for counts up to 2^49; 2^24 + 1 has no float32, and two such do not share a float64."""
    from safescale.stats._cluster_resampling import _columns

    n = np.full((12, 2), largest)
    k = n - np.arange(12)[:, np.newaxis] % (largest + 1)
    k[:, 1] = n[:, 1]
    k[0, 1] -= 1
    columns, radix = _columns(k, n)
    assert (columns.dtype, radix is not None, columns.shape[1]) == (dtype, packed, 2 if packed else 4)
    got = cluster_bootstrap(k, n, resamples=300, rng=7)
    draws = np.random.default_rng(7).integers(0, 12, size=(300, 12), dtype=np.uint16)
    sums = [[sum(map(int, table[draw, j])) for j in (0, 1)] for draw in draws for table in (k, n)]
    exact = [[a / c, b / d] for (a, b), (c, d) in zip(sums[::2], sums[1::2], strict=True)]
    assert got.replicates.tolist() == exact


def test_blocks_do_not_show(monkeypatch):
    """Many blocks and slices, an odd rest: the shape, and rates over all of them, as in one block."""
    from safescale.stats import _cluster_resampling as module

    rng = np.random.default_rng(8)
    k, n = random_table(rng, clusters=50, models=3)
    for block, thread in ((50 * 7, 250_000), (50 * 64, 50 * 6 * 5), (1, 1)):
        monkeypatch.setattr(module, "_BLOCK", block)
        monkeypatch.setattr(module, "_ONE_THREAD", thread)
        got = cluster_bootstrap(k, n, resamples=1001, rng=9)
        assert got.replicates.shape == (1001, 3)
        # blocks of an even number of draws read the same random stream
        generator = np.random.default_rng(9)
        rows = max(1, block // 50)
        sizes = [min(rows, 1001 - start) for start in range(0, 1001, rows)]
        draws = np.concatenate([generator.integers(0, 50, size=(size, 50), dtype=np.uint16) for size in sizes])
        expected = np.array([k[d].sum(axis=0) / n[d].sum(axis=0) for d in draws])
        assert got.replicates == pytest.approx(expected, abs=1e-15)


def test_resamples_without_a_model_are_drawn_again_and_counted():
    """A model put to 10 of 400 prompts is absent from exp(-10) = 4.5e-5 of the resamples."""
    n = np.ones((400, 2), dtype=int)
    n[10:, 1] = 0
    k = n * (np.arange(400) % 2)[:, np.newaxis]
    got = cluster_bootstrap(k, n, resamples=60_000, rng=10)
    assert 0 < got.redrawn < 15
    assert np.all(np.isfinite(got.replicates))
    assert got.clusters == (400, 10)
    assert cluster_bootstrap(k, n, contrasts=[1, -1], rng=10).clusters == (10,), "a contrast knows as much as its rarest model"
    assert got.caution[0] is None
    assert "only 10 clusters" in got.caution[1]


def test_nothing_seen_is_not_nothing_there():
    n = np.full((40, 3), 4)
    k = np.zeros((40, 3), dtype=int)
    k[:20, 1] = 2
    k[:, 2] = 4
    got = cluster_bootstrap(k, n)
    assert (got.low[0], got.high[0], got.standard_error[0]) == (None, None, None)
    assert "model 0 has 0 successes in 160 trials" in got.undefined_because[0]
    assert "model 2 has 160 successes in 160 trials" in got.undefined_because[2]
    assert got.low[1] < 0.25 < got.high[1]
    difference = cluster_bootstrap(k, n, contrasts=[1, -1, 0])
    assert difference.undefined_because == (None,)
    assert "models [0] have no spread over clusters, and count as known" in difference.caution[0]


def test_equal_rates_of_all_prompts_show_no_spread():
    got = cluster_bootstrap(np.full((20, 1), 2), np.full((20, 1), 4))
    assert got.low == (None,)
    assert "every resample gives the same value" in got.undefined_because[0]


def test_a_rare_outcome_is_flagged():
    k = np.zeros((60, 1), dtype=int)
    k[:4] = 1
    assert "models [0] show the rarer outcome in fewer than 5 clusters" in cluster_bootstrap(k, np.ones_like(k)).caution[0]
    k[4] = 1
    assert cluster_bootstrap(k, np.ones_like(k)).caution == (None,)


def test_shared_prompts_cancel_in_a_difference():
    """Two models that answer each prompt alike differ with certainty by what they differ; unpaired counts would not."""
    rng = np.random.default_rng(11)
    difficulty = rng.binomial(1, 0.5, 200)
    k = np.column_stack([4 * difficulty, 3 * difficulty])
    got = cluster_bootstrap(k, np.full((200, 2), 4), contrasts=[[1, -1], [1, 0]])
    assert got.standard_error[0] < 0.3 * got.standard_error[1]


@pytest.mark.parametrize(
    ("successes", "trials", "options", "error", "message"),
    [
        (np.ones((12, 1), int), np.ones((11, 1), int), {}, DomainError, r"same shape, got \(12, 1\) and \(11, 1\)"),
        (np.ones(9, int), np.ones(9, int), {}, InsufficientData, "at least 10 clusters per model, got 9 for model 0"),
        (np.full((12, 2), 2), np.ones((12, 2), int), {}, DomainError, "got 2 of 1 at cluster 0, model 0"),
        (np.zeros((12, 1), int), np.r_[np.ones(11, int), 0][:, None], {}, DomainError, "cluster 11 has no trials"),
        (np.zeros((0, 2), int), np.zeros((0, 2), int), {}, InsufficientData, "no counts to resample"),
        (np.ones(12), np.ones(12), {}, DomainError, "whole numbers, got dtype float64"),
        (-np.ones(12, int), np.ones(12, int), {}, DomainError, "successes must not be negative, got -1"),
        ([[[1]]], [[[1]]], {}, DomainError, r"got \(1, 1, 1\)"),
        ([[1], [1, 2]], [[1], [1, 2]], {}, DomainError, "array of counts"),
        (np.ones(12, int), np.full(12, 2**52), {}, DomainError, "below 2\\^53"),
        (np.ones(12, int), np.ones(12, int), {"contrasts": [1, 2]}, DomainError, "shape \\(contrasts, 1\\)"),
        (np.ones(12, int), np.ones(12, int), {"contrasts": [0]}, DomainError, "contrast 0 has only zero weights"),
        (np.ones(12, int), np.ones(12, int), {"contrasts": [math.nan]}, DomainError, "contrasts must be finite"),
        (np.ones(12, int), np.ones(12, int), {"contrasts": ["a"]}, DomainError, "contrasts must be numbers"),
        (np.ones(12, int), np.ones(12, int), {"resamples": 100}, DomainError, "100 resamples put fewer than 5"),
        (np.ones(12, int), np.ones(12, int), {"resamples": 10_000, "level": 0.9999}, DomainError, "raise resamples"),
        (np.ones(12, int), np.ones(12, int), {"method": "normal"}, DomainError, "method must be one of"),
        (np.ones(12, int), np.ones(12, int), {"level": 95}, DomainError, "95 % is written 0.95"),
    ],
)
def test_refuses(successes, trials, options, error, message):
    with pytest.raises(error, match=message):
        cluster_bootstrap(successes, trials, **options)


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [10, 20, 50])
@pytest.mark.parametrize("icc", [0.05, 0.5])
def test_coverage_of_a_rate_and_of_a_difference(clusters, icc):
    """
    Prompts drawn anew, 4 traces of two models each, rates .2 and .35 over prompts.

    A Monte Carlo error of the coverage is .01 with 500 runs; the goal of .93 is held against that.
    """
    rng = np.random.default_rng(12)
    hits, runs = np.zeros(2), 500
    first, second = 0.2, 0.35
    for run in range(runs):
        u = rng.random(clusters)
        spread = (1 - icc) / icc
        p = [scipy.special.betaincinv(m * spread, (1 - m) * spread, u) for m in (first, second)]
        k = np.column_stack([rng.binomial(4, q) for q in p])
        got = cluster_bootstrap(k, np.full_like(k, 4), contrasts=[[1, 0], [1, -1]], resamples=1000, rng=run)
        truth = (first, first - second)
        hits += [got.low[s] is not None and got.low[s] <= truth[s] <= got.high[s] for s in range(2)]
    print(f"{clusters} clusters, ICC {icc}: coverage of a rate {hits[0] / runs:.3f}, of a difference {hits[1] / runs:.3f}")
    assert np.all(hits / runs > 0.91)
