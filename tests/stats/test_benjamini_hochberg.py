"""Benjamini-Hochberg and Benjamini-Yekutieli."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError, InsufficientData
from safescale.stats import benjamini_hochberg, holm

DEPENDENCE = st.sampled_from(["positive", "arbitrary"])
BY_NAME = {"positive": "bh", "arbitrary": "by"}


def step_up(p, alpha, dependence):
    """The procedure as its authors wrote it: the largest i with p_(i) <= i alpha / (c m); reject the first i."""
    m = len(p)
    c = 1 if dependence == "positive" else sum(1 / i for i in range(1, m + 1))
    order = sorted(range(m), key=lambda i: p[i])
    last = max((i for i in range(1, m + 1) if p[order[i - 1]] * c * m <= i * alpha), default=0)
    return {order[i] for i in range(last)}


@given(own.p_values(), st.sampled_from([0.05, 0.01, 0.2]), DEPENDENCE)
def test_law_rejects_what_the_steps_reject(p, alpha, dependence):
    got = benjamini_hochberg(p, alpha=alpha, dependence=dependence)
    near = any(abs(a - alpha) < 1e-12 for a in got.adjusted)  # rounding may fall either way exactly on alpha
    assert near or {i for i, r in enumerate(got.rejected) if r} == step_up(p, alpha, dependence)
    assert got.rejections == sum(got.rejected)
    assert {p[i] for i in got.order[: got.rejections]} == {x for x, r in zip(p, got.rejected, strict=True) if r}


def test_differential_benjamini_hochberg():
    """scipy's false_discovery_control on 2,000 seeded lists, ties, zeros and ones among them."""
    rng = np.random.default_rng(1)
    worst = 0.0
    for case in range(2000):
        p = rng.random(int(rng.integers(1, 40))) ** rng.integers(1, 6)
        if case % 3 == 0:
            p = p.round(1)
        dependence = ("positive", "arbitrary")[case % 2]
        got = benjamini_hochberg(p, dependence=dependence)
        worst = max(worst, np.abs(got.adjusted - scipy.stats.false_discovery_control(p, method=BY_NAME[dependence])).max())
    print(f"2000 lists: largest difference from scipy {worst:.1e}")
    assert worst < 1e-14


@given(own.p_values(), DEPENDENCE)
def test_law_lies_between_raw_and_bonferroni_in_the_order_of_p(p, dependence):
    got = benjamini_hochberg(p, dependence=dependence)
    c = 1 if dependence == "positive" else sum(1 / i for i in range(1, len(p) + 1))
    assert all(raw <= a <= min(1, c * len(p) * raw) + 1e-15 for raw, a in zip(p, got.adjusted, strict=True))
    in_order = [got.adjusted[i] for i in got.order]
    assert in_order == sorted(in_order)
    assert [p[i] for i in got.order] == sorted(p)
    assert got.p_values == tuple(p)


@given(own.p_values())
def test_law_never_more_cautious_than_holm_and_less_than_arbitrary(p):
    found = benjamini_hochberg(p).adjusted
    assert all(a <= b + 1e-15 for a, b in zip(found, holm(p).adjusted, strict=True))
    assert all(a <= b for a, b in zip(found, benjamini_hochberg(p, dependence="arbitrary").adjusted, strict=True))


@given(own.p_values(), st.randoms(use_true_random=False))
def test_law_order_of_the_tests_is_irrelevant(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    there = benjamini_hochberg([p[i] for i in order])
    assert [benjamini_hochberg(p).adjusted[i] for i in order] == list(there.adjusted)


@given(own.p_values(max_size=6), st.integers(2, 5))
def test_law_repeating_every_test_changes_nothing(p, times):
    """Each p as often: m and the rank grow alike. (Holm's would grow.)"""
    assert benjamini_hochberg(p * times).adjusted[: len(p)] == pytest.approx(benjamini_hochberg(p).adjusted, abs=1e-15)


def test_equal_values_keep_their_order():
    assert benjamini_hochberg([0.5, 0.1, 0.5, 0.1]).order == (1, 3, 0, 2)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5, math.nan])
def test_refuses_alpha(alpha):
    with pytest.raises(DomainError, match="alpha must"):
        benjamini_hochberg([0.5], alpha=alpha)


@pytest.mark.parametrize(
    ("p", "options", "error", "message"),
    [
        ([], {}, InsufficientData, "no p-values to adjust"),
        ([0.5, 1.5], {}, DomainError, r"probabilities in \[0, 1\], got 1.5 at position 1"),
        ([0.5, -0.1], {}, DomainError, r"got -0.1 at position 1"),
        ([math.nan], {}, DomainError, "p_values must be finite"),
        ([0.5], {"dependence": "none"}, DomainError, "dependence must be one of 'positive', 'arbitrary'"),
    ],
)
def test_refuses(p, options, error, message):
    with pytest.raises(error, match=message):
        benjamini_hochberg(p, **options)


@pytest.mark.slow
@pytest.mark.parametrize("dependence", ["positive", "arbitrary"])
def test_false_discovery_rate_stays_below_alpha(dependence):
    """40 tests, 30 true nulls; independent, or in opposite pairs. The expected share of false claims is below .05."""
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(4000):
        z = rng.normal(size=40)
        if dependence == "arbitrary":
            z[20:] = -z[:20]
        z[:5] += 3
        z[20:25] += 3
        got = benjamini_hochberg(scipy.stats.norm.sf(z), dependence=dependence)
        false = [r for i, r in enumerate(got.rejected) if not (i < 5 or 20 <= i < 25)]
        shares.append(sum(false) / max(1, got.rejections))
    print(f"{dependence}: false discovery rate {np.mean(shares):.4f}")
    assert 0.002 < np.mean(shares) < 0.05 + 3 * np.std(shares) / math.sqrt(4000)
