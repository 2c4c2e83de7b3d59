"""The tables of untied ranks: every permutation where that is possible, every count of the oracle, every moment elsewhere."""

import itertools
import json
import math
import time
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from safescale.stats._spearman_moments import permutation_moments
from safescale.stats._spearman_tables import LARGEST, TABLES
from safescale.stats._spearman_untied import LARGEST_TABLE, _lower_counts, untied_tails

SIZES = range(3, LARGEST_TABLE + 1)


def distribution(n):
    """Counts by steps above the smallest sum, differenced from the tails that the package answers with."""
    lowest, top = -(n**3 - n) // 3, (n**3 - n) // 6
    at_most = [untied_tails(n, lowest + 4 * t, 0).below for t in range(top + 1)]
    return [here - before for before, here in itertools.pairwise([0, *at_most])]


def test_there_is_a_table_for_every_n():
    assert list(TABLES) == list(SIZES)
    assert LARGEST == LARGEST_TABLE


@pytest.mark.parametrize("n", range(3, 9))
def test_every_permutation_is_counted(n):
    """The sum of squared rank differences is twice the number of steps below the largest sum."""
    every = Counter(sum((i - j) ** 2 for i, j in enumerate(order)) // 2 for order in itertools.permutations(range(n)))
    assert distribution(n) == [every[t] for t in range((n**3 - n) // 6 + 1)]


@pytest.mark.parametrize("n", SIZES)
def test_all_permutations_are_there_and_mirror_each_other(n):
    counts = distribution(n)
    assert sum(counts) == math.factorial(n)
    assert counts == counts[::-1]
    assert counts[0] == 1
    assert counts[1] == n - 1


@pytest.mark.parametrize("n", SIZES)
def test_moments_up_to_14_are_those_of_the_permutations(n):
    """The moments come from power sums of the ranks: a second algorithm that shares nothing with the tables."""
    counts, lowest = distribution(n), -(n**3 - n) // 3
    ranks = 2 * np.arange(n) - (n - 1)
    for p, moment in zip(range(15), permutation_moments(ranks, ranks), strict=False):
        weighted = sum(count * (lowest + 4 * t) ** p for t, count in enumerate(counts))
        assert Fraction(weighted, math.factorial(n)) == moment


@pytest.mark.parametrize("n", range(3, 13))
def test_both_tails_at_every_bound_inside_between_and_outside(n):
    counts, lowest = distribution(n), -(n**3 - n) // 3
    sums = [lowest + 4 * t for t in range(len(counts))]
    for bound in range(lowest - 5, -lowest + 6, 1 if n < 7 else 17):
        tails = untied_tails(n, bound, bound)
        assert tails.below == sum(c for c, s in zip(counts, sums, strict=True) if s <= bound)
        assert tails.above == sum(c for c, s in zip(counts, sums, strict=True) if s >= bound)


@pytest.mark.parametrize(
    ("n", "permutations"),
    [(24, 397636709514754860397628), (25, 9821528988688352393797090), (26, 252103806915215141589724620)],
)
def test_tail_counts_quoted_in_the_reference(n, permutations):
    """Worst-case tails near rho = .1, statistics.md section 2: some two-sided or one-sided tail of the table has this count."""
    lowest, top = -(n**3 - n) // 3, (n**3 - n) // 6
    tails = [untied_tails(n, -s, s) for s in (lowest + 4 * t for t in range(top // 2, top + 1))]
    assert permutations in {tail.above for tail in tails} | {tail.above + tail.below for tail in tails}


@pytest.mark.parametrize("n", [18, *range(20, 27)])
def test_every_count_equals_the_oracle(real_data, n):
    oracle = json.loads((real_data / "oracles" / "spearman_exact" / f"spearman_full_{n}.json").read_text())
    assert [int(count) for count in oracle] == distribution(n)


def test_first_use_is_quick_and_the_next_a_look_up():
    """Loose bounds, for the machine may be shared; benchmarks/stats_spearman.py prints the times."""
    _lower_counts.cache_clear()
    start = time.perf_counter()
    untied_tails(26, -400, 400)
    assert time.perf_counter() - start < 0.05
    best = min(_timed(lambda: untied_tails(26, -400, 400)) for _ in range(20))
    assert best < 0.001


def _timed(question):
    start = time.perf_counter()
    question()
    return time.perf_counter() - start
