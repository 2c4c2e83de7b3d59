"""Intraclass correlation of values and of counts."""

import math

import numpy as np
import pytest
import scipy.special
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import intraclass_correlation, intraclass_correlation_binary
from stats.variance_strategies import grouped_values, spread_within

# Shrout and Fleiss (1979), table 2: six targets, four judges
RATINGS = [9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7]
TARGETS = [target for target in range(6) for _ in range(4)]


def wald_ratio(values, labels, rho):
    """Wald's pivot by generalised least squares on the cluster means, written out."""
    y, g = np.array(values, dtype=float), np.array(labels)
    names = sorted(set(labels))
    means = np.array([y[g == name].mean() for name in names])
    sizes = np.array([np.sum(g == name) for name in names])
    within = sum(float(np.sum((y[g == name] - y[g == name].mean()) ** 2)) for name in names) / (len(y) - len(names))
    theta = rho / (1 - rho)
    covariance = np.diag(1 / sizes + theta)
    precision, one = np.linalg.inv(covariance), np.ones(len(names))
    mu = (one @ precision @ means) / (one @ precision @ one)
    return float((means - mu) @ precision @ (means - mu)) / (len(names) - 1) / within


@given(grouped_values(max_size=4), own.levels())
def test_law_interval_ends_put_back_give_the_quantiles_of_f(data, level):
    values, labels = data
    assume(spread_within(values, labels))
    got = intraclass_correlation(values, labels, level=level)
    tail, d1, d2 = (1 - level) / 2, got.df_between, got.df_within
    lowest = -1 / (int(got.group_sizes.max()) - 1)
    if got.interval is None:
        assert scipy.special.fdtr(d1, d2, wald_ratio(values, labels, lowest + 1e-9 * abs(lowest))) <= tail * (1 + 1e-3)
        return
    low, high = got.interval
    assert lowest <= low <= got.estimate <= high <= 1
    assume(high < 1 - 1e-9)
    # an end that was moved out to the estimate has less than the tail beyond it
    if high > got.estimate:
        assert scipy.special.fdtr(d1, d2, wald_ratio(values, labels, high)) == pytest.approx(tail, rel=1e-4)
    if lowest + 1e-6 < low < got.estimate:
        assert scipy.special.fdtrc(d1, d2, wald_ratio(values, labels, low)) == pytest.approx(tail, rel=1e-4)


def test_shrout_and_fleiss():
    """Their table 4: ICC(1,1) = .17; BMS 11.24, WMS 6.26; the interval by the closed form for equal sizes."""
    got = intraclass_correlation(RATINGS, TARGETS)
    assert round(got.estimate, 2) == 0.17
    assert (round(got.mean_square_between, 2), round(got.mean_square_within, 2)) == (11.24, 6.26)
    assert (got.n0, got.df_between, got.df_within, got.n) == (4, 5, 18, 24)
    f_high, f_low = scipy.special.fdtri(5, 18, 0.975), scipy.special.fdtri(5, 18, 0.025)
    closed = [(got.f / q - 1) / (got.f / q + 3) for q in (f_high, f_low)]
    assert got.interval == pytest.approx(closed, abs=1e-12)
    assert got.p_value == pytest.approx(float(scipy.special.fdtrc(5, 18, got.f)), rel=1e-12)


@given(grouped_values(max_size=4))
def test_estimate_is_the_ratio_of_variance_components(data):
    values, labels = data
    assume(len(set(labels)) < len(labels))
    got = intraclass_correlation(values, labels)
    between = (got.mean_square_between - got.mean_square_within) / got.n0
    assert got.anova_estimate == pytest.approx(between / (between + got.mean_square_within), abs=1e-9)
    sizes = [labels.count(name) for name in set(labels)]
    n = len(labels)
    assert got.estimate == max(got.anova_estimate, -1 / (max(sizes) - 1))
    assert got.n0 == pytest.approx((n - sum(m * m for m in sizes) / n) / (len(sizes) - 1))
    assert got.estimate <= 1


@st.composite
def unbalanced_values(draw):
    """Values in groups of which one is large: where the estimate with n0 and Wald's interval part."""
    sizes = [draw(st.integers(3, 25)), *draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))]
    labels = [at for at, size in enumerate(sizes) for _ in range(size)]
    values = draw(st.lists(st.integers(0, 20), min_size=len(labels), max_size=len(labels)))
    assume(spread_within(values, labels))
    return values, labels


@given(unbalanced_values(), own.levels())
def test_law_estimate_of_unbalanced_groups_lies_in_its_range_and_in_its_interval(data, level):
    values, labels = data
    got = intraclass_correlation(values, labels, level=level)
    lowest = -1 / (int(got.group_sizes.max()) - 1)
    assert lowest <= got.estimate <= 1
    if got.interval is not None:
        assert lowest <= got.interval[0] <= got.estimate <= got.interval[1] <= 1


def test_estimate_that_no_correlation_can_be_is_held_at_the_least_one():
    """Groups of four and one: n0 = 1.6 allows -1.59, four values that correlate equally allow no less than -1/3."""
    got = intraclass_correlation([0.5, 0.6, 0.4, 0.55, 0.5], list("aaaab"))
    assert got.anova_estimate == pytest.approx(-1.593, abs=1e-3)
    assert got.estimate == got.interval[0] == -1 / 3
    assert got.interval[1] == pytest.approx(0.896, abs=1e-3)


def test_interval_of_unequal_groups_is_stretched_to_its_estimate():
    """Groups of six, four and one: Wald's own lower end at .5 lies above the analysis-of-variance estimate."""
    values, labels = [4, 8, 0, 0, 1, 2, 7, 3, 0, 9, 3], list("aaaaaabbbbc")
    got = intraclass_correlation(values, labels, level=0.5)
    assert got.interval[0] == got.estimate == got.anova_estimate > -1 / 5
    assert scipy.special.fdtrc(2, 8, wald_ratio(values, labels, got.estimate)) < 0.25
    assert scipy.special.fdtr(2, 8, wald_ratio(values, labels, got.interval[1])) == pytest.approx(0.25, rel=1e-6)


@given(grouped_values(max_size=4), st.floats(-5, 5), st.sampled_from([-2.0, 0.1, 30.0]))
def test_law_moving_and_stretching_changes_nothing(data, shift, stretch):
    values, labels = data
    assume(spread_within(values, labels))
    here, there = intraclass_correlation(values, labels), intraclass_correlation(stretch * (np.array(values) + shift), labels)
    assert there.estimate == pytest.approx(here.estimate, abs=1e-7)
    assert (there.interval is None) == (here.interval is None)
    if here.interval is not None:
        assert there.interval == pytest.approx(here.interval, abs=1e-6)


@given(grouped_values(max_size=4), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(data, level, other):
    values, labels = data
    assume(spread_within(values, labels))
    narrow, wide = (intraclass_correlation(values, labels, level=value).interval for value in sorted((level, other)))
    if narrow is not None:
        assert wide is not None
        assert wide[0] <= narrow[0] + 1e-12
        assert narrow[1] <= wide[1] + 1e-12


@pytest.mark.calibration
@pytest.mark.parametrize("rho", [0.0, 0.2, 0.7])
def test_interval_is_exact_for_groups_of_unequal_sizes(rho):
    """1,500 tables of groups of 1-9: coverage .95 within three standard errors, where n0 would be an approximation."""
    rng, sizes = np.random.default_rng(8), [1, 2, 2, 3, 4, 9]
    labels = np.repeat(np.arange(6), sizes)
    hits = 0
    for _ in range(1500):
        values = math.sqrt(rho) * rng.normal(size=6)[labels] + math.sqrt(1 - rho) * rng.normal(size=len(labels))
        interval = intraclass_correlation(values, labels).interval
        hits += interval is not None and interval[0] <= rho <= interval[1]
    assert abs(hits / 1500 - 0.95) < 0.017


def test_no_spread_within_groups_is_a_correlation_of_one_without_interval():
    got = intraclass_correlation([1, 1, 2, 2], list("aabb"))
    assert (got.estimate, got.f, got.p_value, got.interval) == (1, None, None, None)
    assert got.undefined_because == "values do not vary within groups"


def test_groups_more_alike_than_any_correlation_allows_have_no_interval():
    got = intraclass_correlation([1, 5, 3, 1.01, 5, 3, 1, 5.01, 3], list("aaabbbccc"))
    assert got.estimate == pytest.approx(-0.5, abs=1e-4)
    # the lowest possible correlation of three is -1/2, and it is reached: the interval starts there
    assert got.interval is None or got.interval[0] >= -0.5
    two = intraclass_correlation([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.4, 0.6], list("aabbccdd"))
    assert two.estimate == -1
    assert two.interval is None
    assert "none is compatible" in two.undefined_because


# ---- counts ---------------------------------------------------------------------------------------------------------


def clusters():
    """Two or more clusters with both outcomes and a cluster of two or more."""
    return st.lists(own.cells(max_trials=12), min_size=2, max_size=8).filter(
        lambda cells: 0 < sum(k for k, _ in cells) < sum(n for _, n in cells) and any(n > 1 for _, n in cells)
    )


@given(clusters())
def test_law_counts_give_what_their_zeros_and_ones_give(cells):
    k, n = own.columns(cells)
    rows = [outcome for successes, trials in cells for outcome in [1] * successes + [0] * (trials - successes)]
    labels = [at for at, (_, trials) in enumerate(cells) for _ in range(trials)]
    got, rowwise = intraclass_correlation_binary(k, n), intraclass_correlation(rows, labels)
    assert got.estimate == pytest.approx(rowwise.anova_estimate, abs=1e-9)
    assert got.n0 == pytest.approx(rowwise.n0)
    assert (got.clusters, got.n) == (len(cells), sum(n))
    assert got.design_effect == pytest.approx(max(0.0, 1 + (sum(m * m for m in n) / sum(n) - 1) * got.estimate), abs=1e-9)
    if got.interval is not None:
        assert got.interval[0] <= got.estimate + 1e-9
        assert got.estimate <= got.interval[1] + 1e-9
        assert got.interval[1] <= 1


@given(clusters())
def test_law_swapping_success_and_failure_changes_nothing(cells):
    k, n = own.columns(cells)
    here, there = (intraclass_correlation_binary(c, n) for c in (k, [t - s for s, t in cells]))
    assert there.estimate == pytest.approx(here.estimate, abs=1e-9)
    assert (there.interval is None) == (here.interval is None)
    if here.interval is not None:
        assert there.interval == pytest.approx(here.interval, abs=1e-6)


def plain_f(rows, labels):
    """The F ratio row by row."""
    names = np.unique(labels)
    fitted = np.select([labels == name for name in names], [rows[labels == name].mean() for name in names])
    between, within = np.sum((fitted - rows.mean()) ** 2), np.sum((rows - fitted) ** 2)
    return between / (len(names) - 1) / (within / (len(rows) - len(names)))


def test_differential_intraclass_correlation_binary():
    """2,000 random tables: row by row, and the jackknife by deleting each cluster for real."""
    rng = np.random.default_rng(31)
    intervals = 0
    for _ in range(2000):
        m = rng.integers(1, 9, int(rng.integers(3, 12)))
        k = rng.binomial(m, rng.beta(1, 1.5, len(m)))
        if k.sum() in (0, m.sum()) or m.max() == 1:
            continue
        got = intraclass_correlation_binary(k, m)
        rows = np.concatenate([np.r_[np.ones(a), np.zeros(b - a)] for a, b in zip(k, m, strict=True)])
        labels = np.repeat(np.arange(len(m)), m)
        f = plain_f(rows, labels) if np.any((k > 0) & (k < m)) else math.inf
        ratio = 1 / f if f > 0 else math.inf
        assert got.estimate == pytest.approx((1 - ratio) / (1 + (got.n0 - 1) * ratio) if f > 0 else -1 / (got.n0 - 1), abs=1e-9)
        if got.interval is None:
            assert got.undefined_because
            continue
        intervals += 1
        logs = [math.log(plain_f(rows[labels != j], labels[labels != j])) for j in range(len(m))]
        whole, c = math.log(f), len(m)
        pseudo = [c * whole - (c - 1) * one for one in logs]
        half = float(scipy.special.stdtrit(c - 1, 0.975)) * np.std(pseudo, ddof=1) / math.sqrt(c)
        back = [(math.exp(v) - 1) / (math.exp(v) + got.n0 - 1) for v in (whole - half, whole + half)]
        assert got.interval == pytest.approx(back, rel=1e-6, abs=1e-8)
    assert intervals > 800


@pytest.mark.calibration
def test_interval_of_counts_covers():
    """500 tables of 30 clusters, beta-binomial, rate .3 and correlation .2, at .95."""
    rng, hits, known = np.random.default_rng(12), 0, 0
    for _ in range(500):
        m = rng.integers(3, 12, 30)
        got = intraclass_correlation_binary(rng.binomial(m, rng.beta(0.3 * 4, 0.7 * 4, 30)), m)
        if got.interval is not None:
            known, hits = known + 1, hits + (got.interval[0] <= 0.2 <= got.interval[1])
    assert known > 480
    assert 0.92 <= hits / known <= 0.98


def test_one_cluster_that_carries_all_has_no_interval():
    got = intraclass_correlation_binary([5, 0, 0], [5, 5, 5])
    assert (got.estimate, got.interval) == (1, None)
    assert "log F has no value" in got.undefined_because
    assert "rests on it alone" in intraclass_correlation_binary([1, 0], [5, 5]).undefined_because
    assert got.generalises_to == "these_models"
    assert got == intraclass_correlation_binary([5, 0, 0], [5, 5, 5])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: intraclass_correlation([1, 2, 3], list("aaa")), InsufficientData, "in one group"),
        (lambda: intraclass_correlation([1, 2, 3], list("abc")), InsufficientData, "no two values share a group"),
        (lambda: intraclass_correlation([2, 2, 2], list("aab")), InsufficientData, "all 3 values equal 2"),
        (lambda: intraclass_correlation([1, 2], list("aab")), DomainError, "same length"),
        (lambda: intraclass_correlation([1, 2, 3], list("aab"), level=1), DomainError, "level must lie"),
        (lambda: intraclass_correlation_binary([1], [5]), InsufficientData, "all 5 trials are in one cluster"),
        (lambda: intraclass_correlation_binary([1, 0], [1, 1]), InsufficientData, "no two trials share a cluster"),
        (lambda: intraclass_correlation_binary([0, 0], [5, 5]), InsufficientData, "0 of 10 trials succeeded"),
        (lambda: intraclass_correlation_binary([5, 5], [5, 5]), InsufficientData, "10 of 10 trials succeeded"),
        (lambda: intraclass_correlation_binary([6, 5], [5, 5]), DomainError, "got 6 of 5"),
        (lambda: intraclass_correlation_binary([1, 2], [5, 5], level=2), DomainError, "level must lie"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
