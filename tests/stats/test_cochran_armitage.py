"""The Cochran-Armitage trend test, on rows and on clusters of rows."""

import csv
import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import cochran_armitage_clustered_test, cochran_armitage_test, fisher_exact_test
from safescale.stats.cochran_armitage import _all_tables
from stats.trend_strategies import ALTERNATIVES, clustered_counts, scored_cells

# Failure-First report of 2026-06-30, transcribed in ../shared/data/failurefirst_tables/r198_obliteratus_qwen35_counts.csv:
# n, compliance and partial of the four abliterated models
SIZES, TRIALS, STRICT, PARTIAL = [0.8, 1.9, 4.2, 9.0], [487, 649, 1008, 2019], [486, 615, 789, 1095], [1, 0, 138, 924]
BROAD = [k + p for k, p in zip(STRICT, PARTIAL, strict=True)]


def z_of_rows(k, n, scores):
    """sqrt(N) times the correlation of score and outcome over single rows."""
    rows = [(s, int(i < a)) for a, b, s in zip(k, n, scores, strict=True) for i in range(b)]
    x, y = np.array(rows, dtype=float).T
    return float(np.corrcoef(x, y)[0, 1]) * math.sqrt(len(rows))


def exact_by_hand(k, n, scores, alternative):
    """All tables, with exact whole-number weights."""
    centre = sum(a * s for a, s in zip(n, scores, strict=True)) * sum(k) / sum(n)
    observed = sum(a * s for a, s in zip(k, scores, strict=True)) - centre
    extreme = total = 0
    for table in itertools.product(*(range(b + 1) for b in n)):
        if sum(table) == sum(k):
            weight = math.prod(math.comb(b, a) for a, b in zip(table, n, strict=True))
            t = sum(a * s for a, s in zip(table, scores, strict=True)) - centre
            counted = {"greater": t >= observed - 1e-9, "less": t <= observed + 1e-9, "two-sided": abs(t) >= abs(observed) - 1e-9}
            total, extreme = total + weight, extreme + weight * counted[alternative]
    return extreme / total


@pytest.mark.parametrize(("successes", "z"), [(STRICT, -25.3), (BROAD, 3.7)])
def test_strict_and_broad_trends_of_the_published_series(successes, z):
    """published-claims.md A: z about -25 for strict and +3.7 for broad, scores log10 size."""
    got = cochran_armitage_test(successes, TRIALS, np.log10(SIZES))
    assert round(got.z, 1) == z
    assert got.method == "normal"
    assert got.generalises_to == "these_models"
    print(f"z = {got.z:.3f}, chi2 = {got.z**2:.2f}, p = {got.p_value:.3g}")
    side = "greater" if z > 0 else "less"
    one = cochran_armitage_test(successes, TRIALS, np.log10(SIZES), alternative=side)
    assert one.p_value == pytest.approx(got.p_value / 2, rel=1e-12)


def test_chi2_of_the_printed_counts():
    """statistics.md section 4: Cochran-Armitage chi2 639.5."""
    assert round(cochran_armitage_test(STRICT, TRIALS, np.log10(SIZES)).z ** 2, 1) == 639.5


def test_the_counts_are_those_of_the_table(real_data):
    with (real_data / "failurefirst_tables" / "r198_obliteratus_qwen35_counts.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["abliterated"] == "1"]
    columns = [[int(row[name]) for row in rows] for name in ("n", "compliance", "partial")]
    assert columns == [TRIALS, STRICT, PARTIAL]
    assert [float(row["params_b"]) for row in rows] == SIZES


def test_the_mistral_line_of_the_leaderboard():
    """../shared/data/failurefirst_tables/README.md: z = 2.04, p = .042 for five sizes of one line."""
    got = cochran_armitage_test([10, 13, 16, 16, 18], [26, 28, 28, 28, 27], np.log10([8, 14, 24, 123, 675]))
    assert (round(got.z, 2), round(got.p_value, 3)) == (2.04, 0.042)


@given(scored_cells())
def test_z_is_the_correlation_of_rows(data):
    k, n, scores = data
    got = cochran_armitage_test(*data)
    if sum(k) in (0, sum(n)):
        assert (got.z, got.p_value) == (None, 1.0)
        assert "which leaves no trend to standardise" in got.undefined_because
    else:
        assert got.z == pytest.approx(z_of_rows(k, n, scores), rel=1e-9, abs=1e-9)
        assert got.undefined_because is None
    assert (got.successes, got.trials, got.scores) == (tuple(k), tuple(n), tuple(scores))


def test_differential_cochran_armitage():
    """2,000 random tables: z by rows, the exact p by all tables with whole-number weights."""
    rng = np.random.default_rng(20260630)
    compared = 0
    while compared < 2000:
        n = rng.integers(1, 5, int(rng.integers(2, 5))).tolist()
        k = [int(rng.integers(0, m + 1)) for m in n]
        scores = rng.choice([0.0, 0.3, 1.0, 1.7, 4.0], len(n)).tolist()
        if len(set(scores)) < 2 or sum(k) in (0, sum(n)):
            continue
        alternative = ("two-sided", "greater", "less")[compared % 3]
        exact = cochran_armitage_test(k, n, scores, alternative=alternative)
        assert exact.method == "exact"
        assert exact.p_value == pytest.approx(exact_by_hand(k, n, scores, alternative), rel=1e-9)
        z = z_of_rows(k, n, scores)
        normal = cochran_armitage_test(k, n, scores, alternative=alternative, method="normal")
        tail = {"two-sided": 2 * scipy.stats.norm.sf(abs(z)), "greater": scipy.stats.norm.sf(z), "less": scipy.stats.norm.cdf(z)}
        assert normal.p_value == pytest.approx(tail[alternative], rel=1e-9)
        compared += 1
    print(f"cochran-armitage: {compared} cases, exact and normal")


@given(own.cells(max_trials=60), own.cells(max_trials=60), ALTERNATIVES)
def test_law_two_scores_exactly_are_fisher_one_sided_and_pearsons_chi2(first, second, alternative):
    k, n = own.columns([first, second])
    got = cochran_armitage_test(k, n, [0, 1], alternative=alternative)
    assert got.method == "exact"
    if alternative != "two-sided":
        assert got.p_value == pytest.approx(fisher_exact_test(*second, *first, alternative=alternative).p_value, rel=1e-9)
    if 0 < sum(k) < sum(n):
        table = np.array([k, np.subtract(n, k)])
        assert got.z**2 == pytest.approx(scipy.stats.chi2_contingency(table, correction=False).statistic, rel=1e-9, abs=1e-12)


@given(scored_cells(max_cells=4, max_trials=12), ALTERNATIVES)
def test_law_shift_and_stretch_of_scores_change_nothing(data, alternative):
    k, n, scores = data
    for method in ("auto", "normal"):
        here = cochran_armitage_test(k, n, scores, alternative=alternative, method=method)
        there = cochran_armitage_test(k, n, [7 + 3 * s for s in scores], alternative=alternative, method=method)
        assert there.p_value == pytest.approx(here.p_value, rel=1e-7)
        assert there.z == (None if here.z is None else pytest.approx(here.z, rel=1e-7, abs=1e-9))


@given(scored_cells(max_cells=4, max_trials=12))
def test_law_swapping_success_and_failure_or_turning_scores_mirrors(data):
    k, n, scores = data
    for method in ("auto", "normal"):
        up = cochran_armitage_test(k, n, scores, alternative="greater", method=method)
        failures = cochran_armitage_test(np.subtract(n, k), n, scores, alternative="less", method=method)
        turned = cochran_armitage_test(k, n, [-s for s in scores], alternative="less", method=method)
        assert failures.p_value == pytest.approx(up.p_value, rel=1e-9)
        assert turned.p_value == pytest.approx(up.p_value, rel=1e-9)


@given(scored_cells(max_cells=4, max_trials=30), st.randoms(use_true_random=False))
def test_law_order_of_cells_is_irrelevant_and_splitting_a_cell_too(data, random):
    cells = list(zip(*data, strict=True))
    random.shuffle(cells)
    here, there = cochran_armitage_test(*data, method="normal"), cochran_armitage_test(*zip(*cells, strict=True), method="normal")
    assert there.p_value == pytest.approx(here.p_value, rel=1e-9)
    k, n, s = cells[0]
    split = [(k // 2, n // 2, s), (k - k // 2, n - n // 2, s), *cells[1:]]
    if n > 1 and k // 2 <= n // 2 and k - k // 2 <= n - n // 2:
        assert cochran_armitage_test(*zip(*split, strict=True), method="normal").p_value == pytest.approx(here.p_value, rel=1e-9)


def test_all_tables_are_all_tables():
    tables = _all_tables(np.array([2, 0, 3, 1]), 3)
    assert sorted(map(tuple, tables.tolist())) == [
        t for t in itertools.product(range(3), range(1), range(4), range(2)) if sum(t) == 3
    ]


def test_p_is_never_zero():
    got = cochran_armitage_test([0, 10**6], [10**6, 10**6], [0, 1], method="normal")
    assert got.p_value == np.finfo(float).tiny


@pytest.mark.parametrize(
    ("k", "n", "scores", "error", "message"),
    [
        ([1, 2], [3, 3], [1, 1], InsufficientData, "at least 2 distinct scores, got 1"),
        ([1, 2], [3, 3], [1, 2, 3], DomainError, "scores and cells must have the same length, got 3 and 2"),
        ([1, 4], [3, 3], [1, 2], DomainError, "must not exceed trials, got 4 of 3"),
        ([0, 2], [0, 3], [1, 2], DomainError, "at least 1 in every cell, got 0 at position 0"),
        ([1, 2], [3, 3], [1, math.inf], DomainError, "scores must be finite"),
        ([0.5, 2], [3, 3], [1, 2], DomainError, "successes must hold whole numbers"),
    ],
)
def test_refuses(k, n, scores, error, message):
    with pytest.raises(error, match=message):
        cochran_armitage_test(k, n, scores)


def test_refuses_an_exact_p_too_dear_and_unknown_words():
    with pytest.raises(DomainError, match=r"may visit 320,054,800 tables, more than 400,000; use method='normal'"):
        cochran_armitage_test(STRICT, TRIALS, SIZES, method="exact")
    for argument in ("method", "alternative"):
        with pytest.raises(DomainError, match=f"{argument} must be one of"):
            cochran_armitage_test([1, 2], [3, 3], [1, 2], **{argument: "either"})


# ---- clusters -------------------------------------------------------------------------------------------------------


def test_one_trial_per_prompt_and_model_is_the_t_test_of_prompt_slopes():
    rng = np.random.default_rng(2)
    scores = np.log10([0.8, 1.9, 4.2, 9.0])
    k = (rng.uniform(size=(60, 4)) < rng.beta(1, 1, size=(60, 1)) - 0.1 * scores).astype(int)
    got = cochran_armitage_clustered_test(k, np.ones_like(k), scores)
    slopes = k @ (scores - scores.mean())
    other = scipy.stats.ttest_1samp(slopes, 0)
    assert (got.t, got.p_value, got.residual_dof) == pytest.approx((other.statistic, other.pvalue, other.df), rel=1e-10)
    assert got.design_effect < 1, "prompts that models share cancel from the trend"


@given(clustered_counts(), ALTERNATIVES)
def test_law_clusters_by_hand(data, alternative):
    """Cluster by cluster, from the definition; the sums of the rows give the unclustered z."""
    k, n, scores = data
    got = cochran_armitage_clustered_test(k, n, scores, alternative=alternative)
    ks, ns = np.sum(k, axis=0), np.sum(n, axis=0)
    assert got.z_unclustered == cochran_armitage_test(ks, ns, scores, method="normal").z
    p, m = ks.sum() / ns.sum(), (ns @ scores) / ns.sum()
    u = [sum((s - m) * (a - b * p) for a, b, s in zip(ka, nb, scores, strict=True)) for ka, nb in zip(k, n, strict=True)]
    if got.t is None:
        assert got.undefined_because
        assert got.p_value is None
        assert 0 < p < 1 or got.z_unclustered is None
        assert p in (0, 1) or np.ptp(u) < 1e-4
        return
    other = scipy.stats.ttest_1samp(u, 0, alternative=alternative)
    assert (got.t, got.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-6, abs=1e-9)
    assert sum(u) == pytest.approx(got.z_unclustered * math.sqrt(p * (1 - p) * (ns @ (np.array(scores) - m) ** 2)), abs=1e-9)
    inflated = got.z_unclustered / math.sqrt(got.design_effect)
    assert got.t == pytest.approx(inflated, rel=1e-6, abs=1e-9)


def test_differential_clustered():
    """2,000 random designs against the one-sample t test of scipy on contributions computed row by row."""
    rng = np.random.default_rng(20260630)
    compared = 0
    while compared < 2000:
        shape = (int(rng.integers(2, 9)), int(rng.integers(2, 5)))
        n = rng.integers(0, 4, shape)
        if np.any(n.sum(axis=0) == 0) or np.any(n.sum(axis=1) == 0):
            continue
        k = rng.binomial(n, rng.uniform(0, 1, (shape[0], 1)))
        if k.sum() in (0, n.sum()):
            continue
        scores = rng.normal(size=shape[1])
        rows = [(c, scores[j], float(i < k[c, j])) for c in range(shape[0]) for j in range(shape[1]) for i in range(n[c, j])]
        cluster, s, y = np.array(rows).T
        u = np.bincount(cluster.astype(int), weights=(s - s.mean()) * (y - y.mean()))
        if np.ptp(u) < 1e-6:
            continue
        other = scipy.stats.ttest_1samp(u, 0)
        got = cochran_armitage_clustered_test(k, n, scores)
        assert (got.t, got.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-7, abs=1e-9)
        compared += 1
    print(f"clustered cochran-armitage: {compared} cases")


@given(clustered_counts(), st.randoms(use_true_random=False))
def test_law_order_of_clusters_shift_and_mirror(data, random):
    k, n, scores = data
    order = list(range(len(k)))
    random.shuffle(order)
    here = cochran_armitage_clustered_test(k, n, scores)
    moved = cochran_armitage_clustered_test([k[i] for i in order], [n[i] for i in order], [5 + 2 * s for s in scores])
    failed = cochran_armitage_clustered_test(np.subtract(n, k), n, scores)
    if here.t is None:
        assert moved.t is None
        assert failed.t is None
        return
    assert (moved.t, moved.p_value) == pytest.approx((here.t, here.p_value), rel=1e-6, abs=1e-9)
    assert (failed.t, failed.p_value) == pytest.approx((-here.t, here.p_value), rel=1e-6, abs=1e-9)


def test_rows_that_repeat_their_prompt_count_once():
    """Each row three times: z grows by sqrt(3), the clustered t stays."""
    rng = np.random.default_rng(4)
    k = rng.integers(0, 2, (30, 3))
    one, three = (cochran_armitage_clustered_test(m * k, m * np.ones_like(k), [0, 1, 2]) for m in (1, 3))
    assert three.t == pytest.approx(one.t, rel=1e-12)
    assert three.z_unclustered == pytest.approx(math.sqrt(3) * one.z_unclustered, rel=1e-12)
    assert three.design_effect == pytest.approx(3 * one.design_effect, rel=1e-12)
    assert one == cochran_armitage_clustered_test(k, np.ones_like(k), [0, 1, 2])
    assert (one.n_clusters, one.generalises_to, one.successes_by_cluster.shape) == (30, "these_models", (30, 3))


@pytest.mark.slow
def test_size_with_shared_prompts():
    """Equal rates over three models, prompts of very different difficulty, some cells missing: p <= .05 in 5 % of 4,000."""
    rng = np.random.default_rng(5)
    for clusters, missing in ((10, 0.0), (30, 0.0), (30, 0.3)):
        rejected = runs = 0
        for _ in range(4000):
            n = np.where(rng.uniform(size=(clusters, 3)) < missing, 0, 2)
            n[n.sum(axis=1) == 0] = 2
            k = rng.binomial(n, rng.beta(0.7, 0.7, (clusters, 1)))
            got = cochran_armitage_clustered_test(k, n, [0.0, 0.4, 1.2])
            if got.p_value is not None:
                rejected, runs = rejected + (got.p_value <= 0.05), runs + 1
        print(f"{clusters} prompts, {missing:.0%} of cells missing: size {rejected / runs:.4f}")
        assert 0.03 < rejected / runs < 0.065


@pytest.mark.parametrize(
    ("k", "n", "scores", "error", "message"),
    [
        ([[1, 0]], [[1, 1]], [0, 1], InsufficientData, "at least 2 clusters, got 1"),
        ([[1, 0], [0, 1]], [[1, 1], [1, 1]], [2, 2], InsufficientData, "at least 2 distinct scores"),
        ([[1, 0], [0, 1]], [[1, 1], [1, 1]], [1, 2, 3], DomainError, "scores and columns of trials_by_cluster must have"),
        ([[1, 2], [0, 1]], [[1, 1], [1, 1]], [0, 1], DomainError, r"got 2 of 1 at \(0, 1\)"),
        ([[1, 0], [0, 0]], [[1, 1], [0, 0]], [0, 1], DomainError, "cluster 1 has no trials"),
        ([[1, 0], [1, 0]], [[1, 0], [1, 0]], [0, 1], DomainError, "score 1 has no trials"),
        ([1, 0], [1, 1], [0, 1], DomainError, r"must be a table, shape \(clusters, scores\), got shape \(2,\)"),
        ([[1, -1], [0, 1]], [[1, 1], [1, 1]], [0, 1], DomainError, "successes_by_cluster must not be negative"),
    ],
)
def test_clusters_refuse(k, n, scores, error, message):
    with pytest.raises(error, match=message):
        cochran_armitage_clustered_test(k, n, scores)


def test_clusters_without_scatter_have_no_t():
    same = cochran_armitage_clustered_test([[1, 0], [1, 0]], [[1, 1], [1, 1]], [0, 1])
    assert (same.t, same.p_value, same.design_effect) == (None, None, None)
    assert "all 2 clusters contribute the same" in same.undefined_because
    none = cochran_armitage_clustered_test([[0, 0], [0, 0]], [[1, 1], [1, 1]], [0, 1])
    assert none.undefined_because == "none of the 4 trials succeeded, which leaves no trend to standardise"
