"""Adjacent separation: the note that says what disjoint means, and the tests beside it (Holm in test_multiplicity_and_shape)."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given

import strategies as own
from safescale.errors import DomainError
from safescale.stats import (
    adjacent_separation,
    disjoint_intervals_alpha,
    fisher_exact_test,
    holm,
    miettinen_nurminen_test,
    newcombe_interval,
    wilson_intervals,
)

REPORT_A = ([486, 615, 789, 1095], [487, 649, 1008, 2019])


def test_the_note_states_the_level_for_equal_and_unequal_widths_and_for_these_pairs():
    assert adjacent_separation(*REPORT_A).note == (
        "two disjoint 95 % intervals are a test of equal rates at level 0.0056 if equally wide, 0.0085 if one is twice and "
        "0.0175 if it is four times as wide; 0.0057 to 0.0136 for these pairs; overlap is no evidence of equality"
    )


def test_the_note_names_one_level_once_and_follows_the_level_of_the_intervals():
    assert "; 0.0056 for these pairs;" in adjacent_separation([5, 95], [100, 100]).note
    note = adjacent_separation([50, 60], [100, 100], level=0.999).note
    assert note.startswith("two disjoint 99.9 % intervals are a test of equal rates at level 3.3e-06 if equally wide")


@pytest.mark.parametrize(("n_1", "n_2"), [(900, 900), (300, 1200), (100, 1600)])
def test_disjoint_wilson_intervals_reject_equal_rates_at_about_the_stated_level(n_1, n_2):
    """
    The exact size of "reject when disjoint" at a common rate of 1/2, by enumeration of all tables.

    The widths are as the roots of the numbers of trials: 1, 2 and 4.
    """
    k_1, k_2 = np.arange(n_1 + 1), np.arange(n_2 + 1)
    a, b = wilson_intervals(k_1, np.full(n_1 + 1, n_1)), wilson_intervals(k_2, np.full(n_2 + 1, n_2))
    disjoint = (a.high[:, None] < b.low) | (b.high < a.low[:, None])
    weight = scipy.stats.binom.pmf(k_1, n_1, 0.5)[:, None] * scipy.stats.binom.pmf(k_2, n_2, 0.5)
    size = weight[disjoint].sum()
    assert size == pytest.approx(disjoint_intervals_alpha((n_2 / n_1) ** 0.5), rel=0.12)
    assert size < 0.02


@given(own.series())
def test_law_disjoint_intervals_leave_zero_out_of_newcombes(cells):
    """The reverse does not hold: an interval of the difference can exclude 0 while the two overlap."""
    for pair, (a, b) in zip(adjacent_separation(*own.columns(cells)).pairs, pairwise(cells), strict=True):
        difference = newcombe_interval(*b, *a)
        if pair.disjoint:
            assert difference.low > 0 or difference.high < 0


def test_overlapping_intervals_of_different_rates():
    series = adjacent_separation([20, 35], [100, 100], test="miettinen_nurminen")
    assert not series.pairs[0].disjoint
    assert series.pairs[0].p_value == pytest.approx(0.0178, abs=1e-3)
    assert newcombe_interval(35, 100, 20, 100).low > 0


@given(own.series())
def test_law_the_test_beside_is_the_named_one_and_holm_adjusted(cells):
    for name, function in (("fisher", fisher_exact_test), ("miettinen_nurminen", miettinen_nurminen_test)):
        got = adjacent_separation(*own.columns(cells), test=name)
        tests = [function(*b, *a) for a, b in pairwise(cells)]
        assert got.test == name
        assert [pair.p_value for pair in got.pairs] == [one.p_value for one in tests]
        assert [pair.p_holm for pair in got.pairs] == list(holm([one.p_value for one in tests]).adjusted)
        assert [pair.difference for pair in got.pairs] == [one.estimate for one in tests]


@given(own.series())
def test_law_reversing_the_series_reverses_the_pairs(cells):
    here, there = adjacent_separation(*own.columns(cells)), adjacent_separation(*own.columns(cells[::-1]))
    assert [pair.disjoint for pair in here.pairs] == [pair.disjoint for pair in there.pairs[::-1]]
    assert [pair.difference for pair in here.pairs] == [-pair.difference for pair in there.pairs[::-1]]
    assert [pair.p_value for pair in here.pairs] == pytest.approx([pair.p_value for pair in there.pairs[::-1]], rel=1e-8)


def test_differential_separation():
    """2,000 seeded pairs: disjointness and both p-values against scipy's intervals and chi-squared."""
    rng = np.random.default_rng(28)
    n = rng.integers(1, 150, (2000, 2))
    k = rng.binomial(n, np.clip(rng.random((2000, 1)) + rng.normal(0, 0.1, (2000, 2)), 0, 1))
    z2 = scipy.stats.norm.isf(0.025) ** 2
    centre, half = (k + z2 / 2) / (n + z2), np.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    low, high = centre - half, centre + half
    apart = np.maximum(low[:, 0], low[:, 1]) > np.minimum(high[:, 0], high[:, 1])
    for row in range(2000):
        exact, score = (adjacent_separation(k[row], n[row], test=name).pairs[0] for name in ("fisher", "miettinen_nurminen"))
        assert exact.disjoint == score.disjoint == apart[row]
        assert exact.difference == k[row, 1] / n[row, 1] - k[row, 0] / n[row, 0]
        total, all_k = int(n[row].sum()), int(k[row].sum())
        if 0 < all_k < total:
            pooled = all_k / total
            chi2 = exact.difference**2 / (pooled * (1 - pooled) * (1 / n[row]).sum()) * (total - 1) / total
            assert score.p_value == pytest.approx(scipy.stats.chi2.sf(chi2, 1), rel=1e-8)
        else:
            assert exact.p_value == score.p_value == 1
    assert 50 < apart.sum() < 1500


def test_the_score_test_takes_counts_that_fisher_refuses():
    successes, trials = [10**8, 10**8 + 10**6], [10**9, 10**9]
    with pytest.raises(DomainError, match="with counts this large use miettinen_nurminen_test"):
        adjacent_separation(successes, trials)
    assert adjacent_separation(successes, trials, test="miettinen_nurminen").all_disjoint


def test_refusals():
    with pytest.raises(DomainError, match="test must be one of 'fisher', 'miettinen_nurminen', got 'z'"):
        adjacent_separation([1, 1], [2, 2], test="z")
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1"):
        adjacent_separation([1, 1], [2, 2], level=95)
