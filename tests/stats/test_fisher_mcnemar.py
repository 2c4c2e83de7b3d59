"""Fisher's exact test, McNemar's exact and mid-p tests."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import fisher_exact_test, mcnemar_exact_test, mcnemar_midp_test
from stats.two_sample_strategies import random_columns

ALTERNATIVES = st.sampled_from(["two-sided", "greater", "less"])


def fisher_by_fractions(k1, n1, k2, n2, alternative):
    """The definition in whole numbers, with no tolerance needed."""
    total = k1 + k2
    ways = {j: comb(n1, j) * comb(n2, total - j) for j in range(max(0, total - n2), min(n1, total) + 1)}
    counted = {
        "two-sided": [w for w in ways.values() if w <= ways[k1]],
        "greater": [w for j, w in ways.items() if j >= k1],
        "less": [w for j, w in ways.items() if j <= k1],
    }[alternative]
    return Fraction(sum(counted), comb(n1 + n2, total))


@given(own.cells(max_trials=200), own.cells(max_trials=200), ALTERNATIVES)
def test_is_the_share_of_whole_numbers(first, second, alternative):
    got = fisher_exact_test(*first, *second, alternative=alternative)
    assert got.p_value == pytest.approx(float(fisher_by_fractions(*first, *second, alternative)), rel=1e-9)
    assert 0 < got.p_value <= 1
    assert (got.successes_1, got.trials_1, got.successes_2, got.trials_2) == first + second


@given(own.cells(max_trials=5000), own.cells(max_trials=5000), ALTERNATIVES)
def test_agrees_with_scipy(first, second, alternative):
    (k1, n1), (k2, n2) = first, second
    other = scipy.stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]], alternative=alternative).pvalue
    assert fisher_exact_test(*first, *second, alternative=alternative).p_value == pytest.approx(other, rel=1e-7)


@given(own.cells(), own.cells())
def test_two_sided_is_symmetric(first, second):
    (k1, n1), (k2, n2) = first, second
    p = fisher_exact_test(*first, *second).p_value
    assert p == pytest.approx(fisher_exact_test(*second, *first).p_value, rel=1e-8)
    assert p == pytest.approx(fisher_exact_test(n1 - k1, n1, n2 - k2, n2).p_value, rel=1e-8)


@given(own.cells(), own.cells())
def test_greater_and_less_are_each_other_swapped(first, second):
    greater = fisher_exact_test(*first, *second, alternative="greater").p_value
    assert greater == pytest.approx(fisher_exact_test(*second, *first, alternative="less").p_value, rel=1e-8)


@pytest.mark.parametrize("counts", [(0, 5, 0, 9), (5, 5, 9, 9), (0, 1, 0, 1), (1, 1, 1, 1)])
def test_one_possible_table_is_no_evidence(counts):
    assert fisher_exact_test(*counts).p_value == 1.0


def test_a_probability_too_small_for_a_float_is_not_zero():
    p = fisher_exact_test(0, 20_000, 20_000, 20_000).p_value
    assert 0 < p < 1e-300


def test_fisher_keeps_its_digits_at_large_counts():
    """Log factorials of a million lose eight digits, and with them the p of a rare table; here in whole numbers."""
    k1, n1, k2, n2 = 40, 10**6, 5, 10**6
    whole = fisher_by_fractions(k1, n1, k2, n2, "greater")
    assert fisher_exact_test(k1, n1, k2, n2, alternative="greater").p_value == pytest.approx(float(whole), rel=1e-12)


def test_differential_fisher():
    """2,000 seeded tables and all three alternatives against whole numbers."""
    columns = [column.tolist() for column in random_columns(2000, seed=26, max_trials=40)]
    for at, pair in enumerate(zip(*columns, strict=True)):
        alternative = ("two-sided", "greater", "less")[at % 3]
        got = fisher_exact_test(*pair, alternative=alternative).p_value
        assert got == pytest.approx(float(fisher_by_fractions(*pair, alternative)), rel=1e-11)


def test_fisher_refuses_counts_that_would_hang():
    with pytest.raises(DomainError, match="would visit 500,001,001 tables, more than 5,000,000; with counts this large"):
        fisher_exact_test(5 * 10**8, 10**9, 10**3, 10**9 * 2 + 10**3, alternative="less")
    assert fisher_exact_test(3, 10**9, 9, 10**9).p_value == pytest.approx(0.146, abs=1e-3)


def test_fisher_refuses_an_unknown_alternative():
    with pytest.raises(DomainError, match="alternative must be one of 'two-sided', 'greater', 'less', got 'larger'"):
        fisher_exact_test(1, 2, 1, 2, alternative="larger")


def test_fisher_refuses_more_successes_than_trials():
    with pytest.raises(DomainError, match="successes_2 must not exceed trials_2, got 3 of 2"):
        fisher_exact_test(1, 2, 3, 2)


@given(st.integers(0, 60), st.integers(0, 60), ALTERNATIVES)
def test_mcnemar_is_a_binomial_share(b, c, alternative):
    n = b + c
    tail = {
        "greater": range(b, n + 1),
        "less": range(b + 1),
        "two-sided": range(min(b, c) + 1),
    }[alternative]
    share = Fraction(sum(comb(n, j) for j in tail), 2**n) * (2 if alternative == "two-sided" else 1)
    got = mcnemar_exact_test(b, c, alternative=alternative)
    assert got.p_value == pytest.approx(float(min(Fraction(1), share)), rel=1e-12)
    assert got.p_floor <= got.p_value <= 1
    assert (got.n10, got.n01, got.alternative, got.method) == (b, c, alternative, "exact")


@given(st.integers(0, 300), st.integers(1, 300))
def test_mcnemar_agrees_with_scipy_binomtest(b, c):
    assert mcnemar_exact_test(b, c).p_value == pytest.approx(scipy.stats.binomtest(b, b + c).pvalue, rel=1e-9)


@given(st.integers(0, 30))
def test_mcnemar_floor_is_reached_when_all_pairs_point_one_way(n):
    got = mcnemar_exact_test(n, 0)
    assert got.p_value == pytest.approx(got.p_floor, rel=1e-12)
    assert mcnemar_exact_test(n, 0, alternative="greater").p_floor == 2.0**-n


def test_mcnemar_without_disagreement_is_no_evidence():
    assert mcnemar_exact_test(0, 0).p_value == mcnemar_exact_test(0, 0).p_floor == 1


def test_mcnemar_is_never_zero():
    assert mcnemar_exact_test(5000, 0).p_value > 0


def test_mcnemar_refuses_a_bool():
    with pytest.raises(DomainError, match="n10 must be a whole number, got the truth value"):
        mcnemar_exact_test(np.True_, 3)


# ---- mid-p ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 60), ALTERNATIVES)
def test_midp_counts_half_of_what_is_exactly_as_extreme(b, c, alternative):
    """The definition over all outcomes: P(more extreme) + P(equally extreme) / 2, with no doubling anywhere."""
    n = b + c
    extremity = {"greater": lambda j: j, "less": lambda j: -j, "two-sided": lambda j: abs(2 * j - n)}[alternative]
    doubled = sum(comb(n, j) * ((extremity(j) > extremity(b)) * 2 + (extremity(j) == extremity(b))) for j in range(n + 1))
    got = mcnemar_midp_test(b, c, alternative=alternative)
    assert got.p_value == pytest.approx(float(Fraction(doubled, 2 * 2**n)) if n else 1.0, rel=1e-12)
    assert got.p_floor <= got.p_value <= 1
    assert (got.n10, got.n01, got.alternative, got.method, got.generalises_to) == (b, c, alternative, "midp", "these_models")


@pytest.mark.parametrize(
    ("table", "midp", "exact"),
    [
        # Fagerland, Lydersen, Laake (2013), BMC Med. Res. Methodol. 13, 91: Bentur et al., 1 against 7
        ((1, 7), "0.039062", "0.070312"),
        # R package contingencytables (the same authors' book), stored outputs for Cavo et al., 6 against 16
        ((6, 16), "0.034690", "0.052479"),
    ],
)
def test_midp_matches_its_authors(table, midp, exact):
    assert f"{mcnemar_midp_test(*table).p_value:.6f}" == midp
    assert f"{mcnemar_exact_test(*table).p_value:.6f}" == exact


@given(st.integers(1, 200), ALTERNATIVES)
def test_law_midp_is_one_half_on_average(n, alternative):
    """Under the null hypothesis, whatever the number of disagreeing pairs; the exact p is larger on average."""
    average = sum(comb(n, b) / 2**n * mcnemar_midp_test(b, n - b, alternative=alternative).p_value for b in range(n + 1))
    assert average == pytest.approx(0.5, rel=1e-10)


@given(st.integers(0, 400), st.integers(0, 400), ALTERNATIVES)
def test_law_midp_is_below_exact_and_symmetric(b, c, alternative):
    midp, exact = (test(b, c, alternative=alternative) for test in (mcnemar_midp_test, mcnemar_exact_test))
    assert midp.p_value < exact.p_value or b + c == 0 or midp.p_value == 1
    mirrored = {"two-sided": "two-sided", "greater": "less", "less": "greater"}[alternative]
    assert mcnemar_midp_test(c, b, alternative=mirrored).p_value == midp.p_value


@given(st.integers(1, 400), ALTERNATIVES)
def test_law_midp_reaches_its_floor_when_all_pairs_point_one_way(n, alternative):
    b, c = (0, n) if alternative == "less" else (n, 0)
    got = mcnemar_midp_test(b, c, alternative=alternative)
    assert got.p_value == pytest.approx(got.p_floor, rel=1e-12)


def test_differential_mcnemar():
    """2,500 seeded counts up to a million pairs against scipy's binomial distribution."""
    rng = np.random.default_rng(27)
    n = np.concatenate([rng.integers(1, 40, 1000), rng.integers(990, 1010, 500), rng.integers(1, 10**6, 1000)])
    b = rng.binomial(n, np.where(rng.random(2500) < 0.5, 0.5, rng.uniform(0.48, 0.52, 2500)))
    m = np.minimum(b, n - b)
    tail, point = scipy.stats.binom.cdf(m, n, 0.5), scipy.stats.binom.pmf(m, n, 0.5)
    exact = np.where(2 * m == n, 1.0, 2 * tail)
    midp = np.where(2 * m == n, 1 - point / 2, 2 * tail - point)
    got = [
        (mcnemar_exact_test(int(x), int(y)).p_value, mcnemar_midp_test(int(x), int(y)).p_value)
        for x, y in zip(b, n - b, strict=True)
    ]
    assert np.array([pair[0] for pair in got]) == pytest.approx(exact, rel=1e-8)
    assert np.array([pair[1] for pair in got]) == pytest.approx(midp, rel=1e-8)
    assert (2 * m == n).sum() > 10


def test_midp_without_disagreement_is_no_evidence_and_never_zero():
    for alternative in ("two-sided", "greater", "less"):
        got = mcnemar_midp_test(0, 0, alternative=alternative)
        assert got.p_value == got.p_floor == 1
    assert mcnemar_midp_test(5000, 0).p_value == mcnemar_midp_test(5000, 0).p_floor > 0


def test_midp_refuses_what_exact_refuses():
    with pytest.raises(DomainError, match="n01 must not be negative, got -1"):
        mcnemar_midp_test(3, -1)
    with pytest.raises(DomainError, match="alternative must be one of"):
        mcnemar_midp_test(3, 1, alternative="larger")
