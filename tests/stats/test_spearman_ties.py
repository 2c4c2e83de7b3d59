"""Counting with ties: every assignment where that is possible, a second route elsewhere, and a cost known beforehand."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as own
from safescale.stats import _spearman_ties, spearman_test
from safescale.stats._spearman_ties import MAX_ADDITIONS, MAX_BYTES, _layer_sizes, _plan, tied_plan, tied_tails
from safescale.stats._spearman_untied import untied_tails
from safescale.stats.spearman import _centred_midranks

ORDERS = {n: np.array(list(itertools.permutations(range(n)))) for n in range(3, 8)}
# 21 models as report B has them: sizes of which some are equal
SIZES_21 = [0.5, 0.8, 0.8, 1.24, 1.9, 1.9, 3.2, 4, 7, 7, 7, 8, 8, 8, 9, 13, 13, 27, 70, 70, 405]


def ranks(*columns):
    return tuple(_centred_midranks(np.asarray(column, dtype=float)) for column in columns)


def every_sum(a, b):
    return b[ORDERS[len(a)]] @ a


def shares(tails):
    return tails.below / tails.total, tails.above / tails.total


@given(own.tied_columns(), st.integers(-3, 3), st.sampled_from([_plan, lambda a, b: _plan(b, a)]))
def test_both_tails_count_every_assignment(columns, beside, plan):
    """At the observed sum and at bounds off the lattice of sums, rows from either column."""
    a, b = ranks(*columns)
    sums, observed = every_sum(a, b), int(a @ b)
    low, high = -abs(observed) + beside, abs(observed) + beside
    tails = tied_tails(plan(a, b), low, high)
    repeats, left = divmod(len(sums), tails.total)
    assert left == 0
    assert tails.below * repeats == np.count_nonzero(sums <= low)
    assert tails.above * repeats == np.count_nonzero(sums >= high)


def test_differential_spearman_ties_2000_cases_against_every_assignment():
    rng = np.random.default_rng(20_260_630)
    checked = differ = 0
    while checked < 2_000:
        n = int(rng.integers(3, 8))
        x, y = (rng.integers(0, rng.integers(2, n + 1), n) for _ in range(2))
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        a, b = ranks(x, y)
        sums, observed = every_sum(a, b), int(a @ b)
        above, below = np.mean(sums >= observed), np.mean(sums <= observed)
        expected = {
            ("greater", "abs_rho"): above,
            ("less", "abs_rho"): below,
            ("two-sided", "abs_rho"): np.mean(abs(sums) >= abs(observed)),
            ("two-sided", "doubled_tail"): min(1.0, 2 * min(above, below)),
        }
        differ += expected["two-sided", "abs_rho"] != expected["two-sided", "doubled_tail"]
        alternative, two_sided = list(expected)[checked % 4]
        got = spearman_test(x, y, alternative=alternative, two_sided=two_sided)
        assert got.method == "exact"
        assert got.p_error == 0
        assert got.p_value == pytest.approx(expected[alternative, two_sided], abs=1e-12)
        checked += 1
    assert differ > 300


@pytest.mark.parametrize("n", [9, 12, 13])
def test_without_ties_the_count_equals_the_table(n):
    (a,) = ranks(range(n))
    for bound in (0, n**3 // 12, n**3 // 5):
        assert tied_tails(tied_plan(a, a), -bound, bound) == untied_tails(n, -bound, bound)


def test_beyond_enumeration_random_assignments_agree():
    """15 pairs with a tie: 20,000 random assignments within five standard errors."""
    rng = np.random.default_rng(4)
    x, y = np.array([1, 2, 2, *range(3, 15)]), rng.permutation(15)
    a, b = ranks(x, y)
    tails = tied_tails(tied_plan(a, b), int(a @ b), int(a @ b))
    drawn = np.array([a @ rng.permutation(b) for _ in range(20_000)])
    for share, seen in zip(shares(tails), (drawn <= a @ b, drawn >= a @ b), strict=True):
        assert share == pytest.approx(seen.mean(), abs=5 * math.sqrt(0.25 / 20_000))
    assert tails.below + tails.above > tails.total


def test_float_sums_agree_with_whole_numbers(monkeypatch):
    a, b = ranks([0] * 4 + [1] * 3 + [2] * 5, [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5])
    plan = tied_plan(a, b)
    assert plan.whole_numbers
    whole = tied_tails(plan, -60, 60)
    monkeypatch.setattr(_spearman_ties.TiedPlan, "whole_numbers", False)
    floats = tied_tails(plan, -60, 60)
    assert isinstance(whole.above, int)
    assert isinstance(floats.above, float)
    assert shares(floats) == pytest.approx(shares(whole), rel=1e-12)


@pytest.mark.parametrize(("zeros", "ones", "whole"), [(10, 7, True), (34, 35, True), (45, 45, False), (120, 80, False)])
def test_two_groups_equal_the_hypergeometric_law(zeros, ones, whole):
    """On two levels T is a shifted hypergeometric count. 69 pairs need more than 32 bits, 200 pairs more than 64."""
    x = [0] * zeros + [1] * ones
    y = [int(3 * i % 7 < 3) for i in range(len(x))]
    a, b = ranks(x, y)
    chosen, both, n = sum(y), sum(j for i, j in zip(x, y, strict=True) if i), len(x)
    above = sum(math.comb(ones, k) * math.comb(zeros, chosen - k) for k in range(both, min(ones, chosen) + 1))
    for plan in (_plan(a, b), _plan(b, a)):
        assert plan.whole_numbers == whole
        tails = tied_tails(plan, int(a @ b), int(a @ b))
        assert tails.above / tails.total == pytest.approx(above / math.comb(n, chosen), rel=1e-12)
        if whole:
            assert tails.above * math.comb(n, chosen) == above * tails.total
    assert spearman_test(x, y, alternative="greater").p_value == pytest.approx(above / math.comb(n, chosen), rel=1e-12)


@given(own.tied_columns(max_pairs=9))
def test_predicted_states_and_steps_are_those_of_all_vectors(columns):
    m = np.unique(columns[0], return_counts=True)[1].tolist()
    states, moves = _layer_sizes(tuple(m))
    vectors = list(itertools.product(*(range(k + 1) for k in m)))
    assert states == [sum(sum(u) == r for u in vectors) for r in range(sum(m) + 1)]
    free = [(sum(u), sum(used < k for used, k in zip(u, m, strict=True))) for u in vectors]
    assert moves == [sum(count for total, count in free if total == r) for r in range(sum(m) + 1)]


def test_the_cost_is_known_before_and_the_cheaper_column_moves():
    a, b = ranks(range(20), [0, 1] * 10)
    assert tied_plan(a, b).multiplicities == (10, 10)
    assert tied_plan(a, b).additions == min(_plan(a, b).additions, _plan(b, a).additions)
    assert tied_plan(b, a).additions == tied_plan(a, b).additions


def test_the_budget_bounds_additions_and_bytes():
    a, b = ranks([0, 1] * 10, range(20))
    plan = tied_plan(a, b)
    assert plan.affordable
    assert not plan._replace(additions=MAX_ADDITIONS + 1).affordable
    assert not plan._replace(bytes=MAX_BYTES + 1).affordable


def test_predicted_bytes_cover_the_layers(monkeypatch):
    """The largest layer made is within the plan, and the plan is not far above it."""
    made = []
    original = _spearman_ties._give_row

    def watched(plan, half, used, codes, old):
        fresh, new = original(plan, half, used, codes, old)
        made.append(old.nbytes + new.nbytes)
        return fresh, new

    monkeypatch.setattr(_spearman_ties, "_give_row", watched)
    a, b = ranks([0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8], [0, 1, 1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 9])
    plan = tied_plan(a, b)
    tied_tails(plan, 0, 0)
    assert max(made) <= plan.bytes <= 2.5 * max(made)


@pytest.mark.parametrize(
    "columns",
    [
        (range(27), range(27)),
        (list(range(40)) * 2, list(range(40)) * 2),
        ([i // 2 for i in range(3_000)], [i % 2 for i in range(3_000)]),
        ([i // 1_000 for i in range(2_000)], [i % 2 for i in range(2_000)]),
    ],
)
def test_what_is_too_dear_is_seen_at_once(columns):
    """Too many states, pairs or orders: no plan, and an answer from moments at once."""
    start = time.perf_counter()
    assert tied_plan(*ranks(*columns)) is None
    assert time.perf_counter() - start < 5


def test_21_models_with_equal_sizes_and_rates_to_5_points_take_less_than_10_s():
    """The request of this field: sizes with repeats, rates rounded to 5 percent. Processor time: the machine may be shared."""
    rng = np.random.default_rng(1)
    rates = np.round(rng.beta(2, 3, size=21) * 20) / 20
    assert len(set(rates)) > 8
    start = time.process_time()
    got = spearman_test(SIZES_21, rates)
    assert time.process_time() - start < 10
    assert got.method == "exact"
    drawn = spearman_test(SIZES_21, rates, method="monte_carlo")
    assert abs(got.p_value - drawn.p_value) < 2 * drawn.p_error
