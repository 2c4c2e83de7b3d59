"""Wilson intervals for clustered prompts."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import design_effect_wilson_interval, wilson_interval
from stats.proportion_strategies import clusters

SOME = ([4, 0, 4, 1, 0, 4, 0, 3], [4, 2, 4, 6, 1, 4, 3, 7])


@given(clusters(), own.levels())
def test_endpoints_solve_the_score_equation(data, level):
    """n_eff (p - rate)^2 = t^2 rate (1 - rate): put the answer back in."""
    got = design_effect_wilson_interval(*data, level=level)
    for rate in (got.low, got.high):
        left = got.effective_trials * (got.estimate - rate) ** 2
        assert left == pytest.approx(got.critical_value**2 * rate * (1 - rate), rel=1e-7, abs=1e-12)
    assert got.effective_trials == pytest.approx(got.trials / got.design_effect)


def working_matrices(trials):
    """Residual covariance under independence and the leverage weights, the long way."""
    n = np.array(trials, dtype=float)
    share = n / n.sum()
    maker = np.eye(len(n)) - np.outer(share, np.ones(len(n)))
    return maker @ np.diag(n) @ maker.T, np.diag(1 / (1 - share))


def test_raw_design_effect_is_the_sandwich_of_bell_and_mccaffrey():
    """CR2 of the mean of the 0/1 rows, built row by row: A_c = (I - H_cc)^(-1/2)."""
    k, n = SOME
    rows = np.concatenate([[1.0] * a + [0.0] * (b - a) for a, b in zip(k, n, strict=True)])
    cluster = np.repeat(np.arange(len(n)), n)
    total, p, meat = len(rows), rows.mean(), 0.0
    for c in range(len(n)):
        here = cluster == c
        values, vectors = np.linalg.eigh(np.eye(here.sum()) - np.full((here.sum(), here.sum()), 1 / total))
        adjusted = vectors @ np.diag(values**-0.5) @ vectors.T @ (rows[here] - p)
        meat += adjusted.sum() ** 2
    expected = meat / total**2 / (p * (1 - p) / total)
    assert design_effect_wilson_interval(k, n).design_effect_raw == pytest.approx(expected, rel=1e-12)


@given(clusters())
def test_degrees_of_freedom_are_satterthwaite_s(data):
    """2 E(v)^2 / Var(v) from explicit matrices; C - 1 for equal clusters."""
    got = design_effect_wilson_interval(*data)
    if got.source != "estimated":
        assert got.degrees_of_freedom is None
        return
    covariance, weight = working_matrices(data[1])
    product = weight @ covariance
    assert got.degrees_of_freedom == pytest.approx(np.trace(product) ** 2 / np.trace(product @ product), rel=1e-9)
    assert got.degrees_of_freedom <= got.clusters - 1 + 1e-9
    if len(set(data[1])) == 1:
        assert got.degrees_of_freedom == pytest.approx(got.clusters - 1, rel=1e-12)
    assert got.critical_value == pytest.approx(scipy.stats.t.isf(0.025, got.degrees_of_freedom), rel=1e-9)


def test_equal_clusters_give_the_textbook_ratio_estimator():
    k = np.array([4, 0, 3, 1, 0, 4, 2, 3])
    got = design_effect_wilson_interval(k, [4] * 8)
    v = np.var(k / 4, ddof=1) / 8
    assert got.design_effect_raw == pytest.approx(v / (got.estimate * (1 - got.estimate) / 32), rel=1e-12)
    # 1 + (4 - 1) icc, the other way round
    assert got.intraclass_correlation_raw == pytest.approx((got.design_effect_raw - 1) / 3, rel=1e-12)
    m = min(np.sum(k > 0), np.sum(k < 4))
    assert got.informative_clusters == pytest.approx(m, rel=1e-12)
    assert got.intraclass_correlation == pytest.approx((m * got.intraclass_correlation_raw + 1.5) / (m + 1.5), rel=1e-12)
    assert got.design_effect == pytest.approx(1 + 3 * got.intraclass_correlation, rel=1e-12)
    assert (got.successes, got.trials, got.clusters, got.source) == (17, 32, 8, "estimated")


def test_nothing_in_eight_prompts_is_worth_eight_trials():
    """0/32 in 8 prompts: no width of zero, and none of 32 independent traces either."""
    got = design_effect_wilson_interval([0] * 8, [4] * 8)
    assert (got.low, got.high) == (0, pytest.approx(wilson_interval(0, 8).high, rel=1e-12))
    assert got.naive == wilson_interval(0, 32)
    assert (got.design_effect, got.effective_trials, got.intraclass_correlation) == (4, 8, 1)
    assert got.design_effect_raw is None
    assert got.intraclass_correlation_raw is None
    assert (got.source, got.informative_clusters) == ("worst_case", 0)
    assert "do not identify the design effect" in got.note
    assert got.degrees_of_freedom is None
    full = design_effect_wilson_interval([4] * 8, [4] * 8)
    assert (full.low, full.high) == (pytest.approx(1 - got.high, rel=1e-12), 1)


def test_equal_rates_in_all_prompts_are_luck_not_certainty():
    """Between-cluster variance exactly zero: raw 0, floored at 1, drawn up by the imaginary clusters."""
    got = design_effect_wilson_interval([2] * 8, [4] * 8)
    assert got.design_effect_raw == 0
    assert got.intraclass_correlation_raw == pytest.approx(-1 / 3)
    assert got.intraclass_correlation == pytest.approx(1.5 / 9.5)
    assert got.design_effect == pytest.approx(1 + 3 * 1.5 / 9.5)
    assert "raw design effect 0 is below 1 and counted as 1" in got.note
    assert got.low < got.naive.low
    assert got.naive.high < got.high


def test_all_or_nothing_prompts_count_once_each():
    got = design_effect_wilson_interval([5, 0, 5, 5, 0, 0], [5] * 6)
    assert got.design_effect_raw == pytest.approx(6.0)
    assert "above its limit 5" in got.note
    assert got.effective_trials == pytest.approx(6)
    assert got.intraclass_correlation == 1


def test_single_trials_are_plain_wilson():
    got = design_effect_wilson_interval([1, 0, 0, 1, 0], [1] * 5)
    plain = wilson_interval(2, 5)
    assert (got.low, got.high) == (pytest.approx(plain.low, rel=1e-14), pytest.approx(plain.high, rel=1e-14))
    assert (got.source, got.design_effect, got.intraclass_correlation, got.note) == ("one_trial_per_cluster", 1, None, None)
    assert got.degrees_of_freedom is None


def test_a_known_correlation_replaces_the_estimate():
    got = design_effect_wilson_interval(*SOME, intraclass_correlation=0.3)
    n = np.array(SOME[1])
    assert got.design_effect == pytest.approx(1 + (np.sum(n**2) / np.sum(n) - 1) * 0.3, rel=1e-12)
    assert got.critical_value == pytest.approx(scipy.special.ndtri(0.975), rel=1e-12)
    assert (got.source, got.degrees_of_freedom, got.note) == ("given", None, None)
    assert got.design_effect_raw == design_effect_wilson_interval(*SOME).design_effect_raw
    independent = design_effect_wilson_interval(*SOME, intraclass_correlation=0)
    assert (independent.low, independent.high) == (independent.naive.low, independent.naive.high)
    one = design_effect_wilson_interval([3], [8], intraclass_correlation=1)
    assert one.effective_trials == pytest.approx(1)
    assert one.design_effect_raw is None


@given(clusters(), own.levels())
def test_law_it_contains_the_naive_interval(data, level):
    got = design_effect_wilson_interval(*data, level=level)
    assert 0 <= got.low <= got.naive.low <= got.estimate <= got.naive.high <= got.high <= 1
    assert 1 <= got.design_effect <= sum(n * n for n in data[1]) / sum(data[1]) * (1 + 1e-12)
    assert got.high > got.low
    assert not any(isinstance(v, float) and math.isnan(v) for v in (got.low, got.high, got.design_effect, got.critical_value))


@given(clusters(), own.levels())
def test_law_swapping_success_and_failure_mirrors_the_interval(data, level):
    k, n = data
    here = design_effect_wilson_interval(k, n, level=level)
    there = design_effect_wilson_interval([b - a for a, b in zip(k, n, strict=True)], n, level=level)
    assert here.low == pytest.approx(1 - there.high, abs=1e-12)
    assert here.high == pytest.approx(1 - there.low, abs=1e-12)
    assert here.design_effect == pytest.approx(there.design_effect, rel=1e-9)


@given(clusters(), st.randoms(use_true_random=False))
def test_law_order_of_clusters_is_irrelevant(data, random):
    pairs = list(zip(*data, strict=True))
    random.shuffle(pairs)
    here, there = design_effect_wilson_interval(*data), design_effect_wilson_interval(*own.columns(pairs))
    assert (here.low, here.high) == pytest.approx((there.low, there.high), rel=1e-12)


@given(clusters(), st.integers(2, 5))
def test_law_replicating_the_clusters_narrows(data, times):
    one = design_effect_wilson_interval(*data)
    many = design_effect_wilson_interval(data[0] * times, data[1] * times)
    assert many.high - many.low < one.high - one.low


@given(clusters(), own.levels(), own.levels())
def test_law_a_higher_level_contains_a_lower(data, level, other):
    narrow, wide = (design_effect_wilson_interval(*data, level=value) for value in sorted((level, other)))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(clusters(), st.floats(0, 1), st.floats(0, 1))
def test_law_more_correlation_never_narrows(data, first, second):
    less, more = sorted((first, second))
    narrow = design_effect_wilson_interval(*data, intraclass_correlation=less)
    wide = design_effect_wilson_interval(*data, intraclass_correlation=more)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


def test_the_result_is_frozen_and_compares_as_a_whole():
    mine = np.array([1, 2, 0])
    result = design_effect_wilson_interval(mine, [4, 4, 4])
    mine[0] = 4
    assert result == design_effect_wilson_interval([1, 2, 0], [4, 4, 4])
    assert result != design_effect_wilson_interval([2, 1, 0], [4, 4, 4])
    with pytest.raises(ValueError, match="read-only"):
        result.successes_by_cluster[0] = 0


@pytest.mark.parametrize(
    ("successes", "trials", "options", "error", "message"),
    [
        ([3], [8], {}, InsufficientData, "at least 2 clusters, got 1; add prompts, or pass an intraclass_correlation"),
        ([1, 5], [4, 4], {}, DomainError, "got 5 of 4 at position 1"),
        ([1, 0], [4, 0], {}, DomainError, "got 0 at position 1; drop the cell"),
        ([], [], {}, DomainError, "at least one cell, got none"),
        ([1, 2], [4, 4], {"level": 95}, DomainError, "95 % is written 0.95"),
        ([1, 2], [4, 4], {"intraclass_correlation": -0.1}, DomainError, r"must lie in \[0, 1\], got -0.1; pass 0"),
        ([1, 2], [4, 4], {"intraclass_correlation": math.nan}, DomainError, "must be finite"),
    ],
)
def test_refuses(successes, trials, options, error, message):
    with pytest.raises(error, match=message):
        design_effect_wilson_interval(successes, trials, **options)
