"""Exact power to tell two rates apart, against tables counted one by one."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.stats import fisher_exact_test, two_proportion_power
from stats.planning_strategies import alphas, alternatives

RATES = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1))


def score_rejects(k1, n1, k2, n2, critical, alternative):
    r = (k1 + k2) / (n1 + n2)
    if r in (0, 1):
        return False
    z = (k1 / n1 - k2 / n2) / math.sqrt(r * (1 - r) * (1 / n1 + 1 / n2))
    if alternative == "two-sided":
        return abs(z) >= critical
    return (z if alternative == "greater" else -z) >= critical


def by_tables(p1, p2, n1, n2, test, alpha, alternative):
    """The sum over all tables in which the test, run on the table, rejects."""
    b1, b2 = (scipy.stats.binom.pmf(np.arange(n + 1), n, p) for n, p in ((n1, p1), (n2, p2)))
    critical = scipy.stats.norm.isf(alpha / 2 if alternative == "two-sided" else alpha)
    total = 0.0
    for k1 in range(n1 + 1):
        for k2 in range(n2 + 1):
            if test == "score":
                rejected = score_rejects(k1, n1, k2, n2, critical, alternative)
            else:
                rejected = fisher_exact_test(k1, n1, k2, n2, alternative=alternative).p_value <= alpha
            total += rejected * b1[k1] * b2[k2]
    return total


def test_differential_power_is_the_sum_over_tables():
    """2,000 seeded designs; the score test table by table, every twentieth also Fisher's test run on each table."""
    rng = np.random.default_rng(1)
    worst, fisher = 0.0, 0
    for case in range(2000):
        n1, n2 = (int(n) for n in rng.integers(1, 9, 2))
        p1, p2 = rng.random(2)
        alpha = float(rng.choice([0.05, 0.1, 0.013]))
        alternative = ("two-sided", "greater", "less")[case % 3]
        for test in ("score", "fisher") if case % 20 == 0 else ("score",):
            got = two_proportion_power(p1, p2, n1, n2, test=test, alpha=alpha, alternative=alternative)
            worst = max(worst, abs(got.power - by_tables(p1, p2, n1, n2, test, alpha, alternative)))
            fisher += test == "fisher"
    print(f"2000 designs, {fisher} of them also with Fisher's test: largest difference {worst:.1e}")
    assert worst < 1e-11


def test_agrees_with_scipy_fisher_on_every_table():
    """scipy.stats.fisher_exact decides on each table of 9 and 14 traces."""
    n1, n2, p1, p2 = 9, 14, 0.7, 0.2
    b1, b2 = (scipy.stats.binom.pmf(np.arange(n + 1), n, p) for n, p in ((n1, p1), (n2, p2)))
    expected = sum(
        b1[a] * b2[b]
        for a in range(n1 + 1)
        for b in range(n2 + 1)
        if scipy.stats.fisher_exact([[a, n1 - a], [b, n2 - b]]).pvalue <= 0.05
    )
    assert two_proportion_power(p1, p2, n1, n2).power == pytest.approx(expected, abs=1e-12)


@given(RATES, RATES, st.integers(1, 30), st.integers(1, 30), st.sampled_from(["fisher", "score"]), alphas(), alternatives())
def test_law_fisher_holds_its_level_and_swapping_turns_the_test_round(p1, p2, n1, n2, test, alpha, alternative):
    got = two_proportion_power(p1, p2, n1, n2, test=test, alpha=alpha, alternative=alternative)
    assert 0 <= got.power <= 1
    if test == "fisher":
        assert got.size <= alpha * (1 + 1e-6)
    turned = {"two-sided": "two-sided", "greater": "less", "less": "greater"}[alternative]
    swapped = two_proportion_power(p2, p1, n2, n1, test=test, alpha=alpha, alternative=turned)
    assert swapped.power == pytest.approx(got.power, abs=1e-9)
    mirrored = two_proportion_power(1 - p1, 1 - p2, n1, n2, test=test, alpha=alpha, alternative=turned)
    assert mirrored.power == pytest.approx(got.power, abs=1e-9)
    assert (got.rate_1, got.rate_2, got.trials_1, got.trials_2) == (p1, p2, n1, n2)
    assert got.generalises_to == "these_models"


@given(st.floats(0.02, 0.98), st.integers(1, 40), alternatives())
def test_law_at_equal_rates_power_is_size(p, n, alternative):
    got = two_proportion_power(p, p, n, n, test="score", alternative=alternative)
    assert got.power == pytest.approx(got.size, abs=1e-12)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(1, 6))
def test_law_a_design_effect_divides_the_trials(n1, n2, deff):
    e1, e2 = math.floor(n1 / deff), math.floor(n2 / deff)
    if min(e1, e2) == 0:
        with pytest.raises(DomainError, match="trials over the design effect must be at least 1"):
            two_proportion_power(0.2, 0.6, n1, n2, design_effect=deff)
        return
    got = two_proportion_power(0.2, 0.6, n1, n2, design_effect=deff)
    assert (got.effective_trials_1, got.effective_trials_2) == (e1, e2)
    assert got.power == two_proportion_power(0.2, 0.6, e1, e2).power


def test_the_score_test_exceeds_its_level_somewhere_and_says_so():
    sizes = [two_proportion_power(p, p, 10, 200, test="score").size for p in np.linspace(0.01, 0.2, 20)]
    assert max(sizes) > 0.06


def test_large_samples_approach_the_normal_power():
    """1,000 traces each, 30 % against 35 %: z = .05 / sqrt(.3 .7/1000 + .35 .65/1000), one-sided in effect."""
    se0 = math.sqrt(2 * 0.325 * 0.675 / 1000)
    se1 = math.sqrt((0.3 * 0.7 + 0.35 * 0.65) / 1000)
    normal = scipy.stats.norm.sf((1.959964 * se0 - 0.05) / se1)
    assert two_proportion_power(0.3, 0.35, 1000, 1000, test="score").power == pytest.approx(normal, abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1.2, 0.5, 10, 10), {}, r"rate_1 must be a fraction in \[0, 1\], got 1.2"),
        ((0.2, -0.5, 10, 10), {}, "rate_2 must be a fraction"),
        ((0.2, 0.5, 0, 10), {}, "at least 1, got 0 and 10 over 1"),
        ((0.2, 0.5, 10.0, 10), {}, "trials_1 must be a whole number"),
        ((0.2, 0.5, 10, 10), {"design_effect": 0.5}, "design_effect must be at least 1, got 0.5"),
        ((0.2, 0.5, 10, 10), {"test": "chi2"}, "test must be one of 'fisher', 'score'"),
        ((0.2, 0.5, 10, 10), {"alternative": "up"}, "alternative must be one of"),
        ((0.2, 0.5, 10, 10), {"alpha": 0}, "alpha must lie strictly"),
        ((0.2, 0.5, 4000, 4000), {}, "more than 10,000,000 tables"),
    ],
)
def test_refuses(arguments, options, message):
    with pytest.raises(DomainError, match=message):
        two_proportion_power(*arguments, **options)
