"""Slopes, shapes and surfaces over size against computations of another kind, on 2,000 random cases each."""

import itertools
import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    distinct_sizes,
    interaction_surface,
    log_scaling_slope,
    raw_difference_per_decade,
    scaling_form_comparison,
    scaling_label,
    shape_of_series,
    size_slope_test,
    slope_equivalence_test,
    spread_decades,
    within_group_slope,
)

CASES = 2_000


def random_models(rng, low, high):
    n = int(rng.integers(low, high))
    return np.round(10 ** rng.uniform(-0.5, 2.5, n), 3), np.round(rng.random(n), 4)


def test_differential_within_group_slope():
    """Means taken out of each group by hand, then the textbook line through the origin."""
    rng, compared = np.random.default_rng(1), 0
    for _ in range(CASES):
        size, rate = random_models(rng, 5, 14)
        group = rng.integers(0, 3, len(size))
        try:
            got = within_group_slope(size, rate, group.tolist())
        except InsufficientData:
            continue
        x, y = np.log10(size), rate.copy()
        for g in np.unique(group):
            x[group == g] -= x[group == g].mean()
            y[group == g] -= y[group == g].mean()
        slope = x @ y / (x @ x)
        dof = len(x) - len(np.unique(group)) - 1
        if dof < 1:
            continue
        se = math.sqrt((y - slope * x) @ (y - slope * x) / dof / (x @ x))
        assert got.slope_pp_per_decade == pytest.approx(100 * slope, rel=1e-9, abs=1e-9)
        assert got.standard_error_pp_per_decade == pytest.approx(100 * se, rel=1e-7)
        assert got.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(slope / se), dof), rel=1e-6)
        compared += 1
    assert compared > CASES * 0.9


def test_differential_slope_equivalence():
    """Two one-sided t tests around scipy's regression."""
    rng = np.random.default_rng(2)
    for _ in range(CASES):
        size, rate = random_models(rng, 4, 12)
        margin, alpha = float(rng.uniform(1, 40)), float(rng.uniform(0.01, 0.3))
        got = slope_equivalence_test(log_scaling_slope(size, rate), margin_pp_per_decade=margin, alpha=alpha)
        line = scipy.stats.linregress(np.log10(size), 100 * rate)
        t = scipy.stats.t(len(size) - 2)
        below, above = t.sf((line.slope + margin) / line.stderr), t.cdf((line.slope - margin) / line.stderr)
        assert got.p_value == pytest.approx(max(below, above), rel=1e-6)
        assert got.equivalent is bool(max(below, above) <= alpha)
        low, high = scipy.stats.t.interval(1 - 2 * alpha, len(size) - 2, line.slope, line.stderr)
        assert got.interval == pytest.approx((low, high), rel=1e-6, abs=1e-6)


def test_differential_size_slope_test():
    """Every order of the rates up to five models, doubled tail; scipy's t beyond eight."""
    rng = np.random.default_rng(3)
    for case in range(CASES):
        if case % 2:
            size, rate = random_models(rng, 9, 15)
            expected = scipy.stats.linregress(np.log10(size), rate).pvalue
            assert size_slope_test(size, rate).p_value == pytest.approx(expected, rel=1e-6)
            continue
        n = int(rng.integers(3, 6))
        size, rate = 10 ** np.arange(n) * 1.0, rng.integers(0, 5, n) / 8
        sums = [float(np.dot(np.arange(n), order)) for order in itertools.permutations(rate)]
        here = float(np.dot(np.arange(n), rate))
        tails = np.mean([s >= here - 1e-9 for s in sums]), np.mean([s <= here + 1e-9 for s in sums])
        got = size_slope_test(size, rate)
        assert got.method == "exact_permutation"
        assert got.p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-12)


def test_differential_raw_difference_sizes_and_labels():
    """Two sizes by hand; the span and the set of sizes; the three labels of report 353."""
    rng = np.random.default_rng(4)
    for _ in range(CASES):
        one, other = sorted(np.round(10 ** rng.uniform(-0.5, 2.5, 2), 3))
        rates = np.round(rng.random(4), 3)
        got = raw_difference_per_decade([one, other, other, one], rates)
        per_decade = 50 * (rates[1] + rates[2] - rates[0] - rates[3]) / math.log10(other / one)
        assert got.difference_pp_per_decade == pytest.approx(per_decade, rel=1e-9, abs=1e-9)
        sizes = 10 ** rng.uniform(-0.5, 2.5, 6)
        assert spread_decades(sizes) == pytest.approx(math.log10(max(sizes) / min(sizes)), rel=1e-12)
        assert distinct_sizes([*sizes, *sizes]) == tuple(sorted(set(sizes.tolist())))
        slope = float(rng.uniform(-12, 12))
        named = "INVERSE_SCALING" if slope > 5 else "POSITIVE_SCALING" if slope < -5 else "FLAT_OR_NOISY"
        assert scaling_label(slope) == named


def by_hand_shape(k, n, alpha):
    """Fisher by scipy, Holm step by step, and the name from the signs that are left."""
    pairs = list(itertools.pairwise(zip(k, n, strict=True)))
    p = [scipy.stats.fisher_exact([[a, m - a], [b, o - b]]).pvalue for (a, m), (b, o) in pairs]
    signs = [int(np.sign(b / o - a / m)) for (a, m), (b, o) in pairs]
    order = np.argsort(p, kind="stable")
    kept, alive = [0] * len(p), True
    for step, at in enumerate(order):
        alive = alive and p[at] * (len(p) - step) <= alpha
        kept[at] = signs[at] if alive else 0
    runs = [s for s, _ in itertools.groupby(s for s in kept if s)]
    if len(runs) > 2:
        return "several_turns"
    if len(runs) == 2:
        return "inverted_u" if runs[0] > 0 else "u"
    one_way = len({s for s in signs if s}) == 1
    return {1: "increasing", -1: "decreasing"}[runs[0]] if runs and one_way else "none"


def test_differential_shape_of_series():
    rng, seen = np.random.default_rng(5), set()
    for _ in range(CASES):
        n = rng.integers(20, 300, int(rng.integers(3, 6)))
        k = rng.binomial(n, rng.random(len(n)) * 0.7 + 0.1)
        expected = by_hand_shape(k, n, 0.05)
        assert shape_of_series(k, n).shape == expected
        seen.add(expected)
    assert seen == {"increasing", "decreasing", "u", "inverted_u", "several_turns", "none"}


def by_hand_surface(x, code, k, n):
    """Fisher scoring, and the sandwich with the leverage of Mancl and DeRouen as they write it: ``X'(I - H)^-1 r``."""
    beta = np.zeros(4)
    for _ in range(60):
        mu = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve(x.T @ ((n * mu * (1 - mu))[:, None] * x), x.T @ (k - n * mu))
    mu = 1 / (1 + np.exp(-x @ beta))
    bread = np.linalg.inv(x.T @ ((n * mu * (1 - mu))[:, None] * x))
    meat = np.zeros((4, 4))
    for g in np.unique(code):
        at = code == g
        hat = np.diag((n * mu * (1 - mu))[at]) @ x[at] @ bread @ x[at].T
        score = x[at].T @ np.linalg.solve(np.eye(at.sum()) - hat, (k - n * mu)[at])
        meat += np.outer(score, score)
    return beta, bread @ meat @ bread


def test_differential_interaction_surface():
    rng, compared = np.random.default_rng(6), 0
    for _ in range(CASES):
        m = int(rng.integers(4, 8))
        of_model = np.round(10 ** rng.uniform(-0.3, 2, m), 2)
        code, size = np.repeat(np.arange(m), 3), np.repeat(of_model, 3)
        compute = np.tile([1.0, 10.0, 100.0], m)
        s, c = np.log10(size) - np.log10(of_model).mean(), np.log10(compute) - 1
        n = rng.integers(50, 400, 3 * m)
        logit = rng.normal(0, 0.5) + rng.normal(0, 0.5) * s + rng.uniform(0, 1) * c + np.repeat(rng.normal(0, 0.3, m), 3)
        k = rng.binomial(n, 1 / (1 + np.exp(-logit)))
        try:
            got = interaction_surface(size, compute, k, n, code.tolist())
        except DomainError:
            continue
        beta, covariance = by_hand_surface(np.column_stack([np.ones(3 * m), s, c, s * c]), code, k, n)
        for effect, at in ((got.size, 1), (got.compute, 2), (got.interaction, 3)):
            assert effect.estimate == pytest.approx(beta[at], rel=1e-6, abs=1e-8)
            assert effect.standard_error == pytest.approx(math.sqrt(covariance[at, at]), rel=1e-5)
            p = 2 * scipy.stats.t.sf(abs(beta[at]) / math.sqrt(covariance[at, at]), m - 2)
            assert effect.p_value == pytest.approx(p, rel=1e-4, abs=1e-8)
        compared += 1
    assert compared > CASES * 0.9


def by_hand_left_out(form, x, k, n, at):
    """The same likelihood climbed by Nelder and Mead from several starts over the rates at the two ends."""

    def rates(ends, where):
        share = (where - x.min()) / (x.max() - x.min())
        if form == "log_linear":
            return ends[0] + (ends[1] - ends[0]) * share
        return np.exp(np.log(ends[0]) + (np.log(ends[1]) - np.log(ends[0])) * share)

    def loss(ends):
        if min(ends) <= 0 or max(ends) >= 1:
            return 1e12
        return -float(np.sum(scipy.stats.binom.logpmf(k, n, rates(ends, x))))

    starts = [(0.2, 0.2), (0.5, 0.5), (0.1, 0.8)]
    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
    fits = [scipy.optimize.minimize(loss, start, method="Nelder-Mead", options=options) for start in starts]
    return rates(min(fits, key=lambda fit: fit.fun).x, at)


def test_differential_scaling_form_comparison():
    """Fifteen cases: each is ten maximisations by another method from three starts, two seconds."""
    rng = np.random.default_rng(7)
    for _ in range(15):
        size = np.round(np.sort(10 ** rng.uniform(-0.3, 2, 5)), 2)
        n = rng.integers(100, 500, 5)
        k = np.clip(rng.binomial(n, rng.uniform(0.2, 0.7)), 5, n - 5)
        got = scaling_form_comparison(size, k, n)
        x = np.log10(size)
        for form, score in (("log_linear", got.log_score_log_linear), ("log_log", got.log_score_log_log)):
            total = 0.0
            for at in range(5):
                keep = np.arange(5) != at
                rate = by_hand_left_out(form, x[keep], k[keep], n[keep], x[at])
                nearest = 0.5 / (n[keep].sum() + 1)
                total += scipy.stats.binom.logpmf(k[at], n[at], np.clip(rate, nearest, 1 - nearest))
            assert score == pytest.approx(total, rel=1e-4, abs=1e-3)
