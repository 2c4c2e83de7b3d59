"""What two-sample functions share: the strategies, the refusals of columns, the root finder, the hypergeometric weights."""

from math import comb

import mpmath
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.stats import miettinen_nurminen_intervals, newcombe_intervals, risk_ratio_intervals
from safescale.stats._hypergeometric import MAX_TABLES, tables
from safescale.stats._root import increasing_root
from safescale.stats._two_samples import by_blocks, squared_quantile, two_columns
from stats.two_sample_strategies import columns_of_pairs, pairs, random_columns

_SEARCH = settings(max_examples=5000, derandomize=True, database=None, phases=[Phase.generate])
MANY = [newcombe_intervals, miettinen_nurminen_intervals, risk_ratio_intervals]


@pytest.mark.parametrize(
    "corner",
    [
        lambda t: t[0] == t[2] == 0 and t[1] != t[3],
        lambda t: t[0] == t[1] and t[2] == t[3] and t[1] != t[3],
        lambda t: t[0] == 0 and t[2] == t[3],
        lambda t: t[0] == t[1] and t[2] == 0,
        lambda t: t[1] == t[3] == 1,
        lambda t: 0 < t[0] < t[1] > 1000 and 0 < t[2] < t[3] < 10,
        lambda t: t[0] == 1 and t[1] > 100,
        lambda t: t[0] == t[1] - 1 and t[1] > 100,
    ],
)
def test_the_strategy_finds_the_corner(corner):
    assert corner(find(pairs(), corner, settings=_SEARCH))


def test_the_strategy_of_columns_finds_one_and_many():
    assert len(find(columns_of_pairs(), lambda rows: len(rows) == 1, settings=_SEARCH)) == 1
    assert len(find(columns_of_pairs(), lambda rows: len(rows) > 5, settings=_SEARCH)) > 5


def test_random_columns_hold_every_corner():
    k1, n1, k2, n2 = random_columns(2000, seed=1)
    for corner in ((k1 == 0) & (k2 == 0), (k1 == n1) & (k2 == n2), (k1 == 0) & (k2 == n2), (k1 > 0) & (k1 < n1) & (n2 > 100)):
        assert corner.sum() > 20
    assert np.all((k1 <= n1) & (k2 <= n2) & (n1 > 0) & (n2 > 0))


# ---- columns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", MANY)
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1], [2], [1, 1], [2]), "successes_1 and successes_2 must have the same length, got 1 and 2"),
        (([1], [2, 2], [1], [2]), "successes_1 and trials_1 must have the same length, got 1 and 2"),
        (([1], [2], [1], [2, 2]), "successes_1 and trials_2 must have the same length, got 1 and 2"),
        (([], [], [], []), "must hold at least one pair of cells, got none"),
        (([1, 0], [2, 0], [1, 1], [2, 2]), "trials_1 must be at least 1 in every cell, got 0 at position 1"),
        (([1, 1], [2, 2], [0, 1], [0, 2]), "trials_2 must be at least 1 in every cell, got 0 at position 0"),
        (([1, 3], [2, 2], [1, 1], [2, 2]), "successes_1 must not exceed trials_1, got 3 of 2 at position 1"),
        (([1, 1], [2, 2], [4, 1], [2, 2]), "successes_2 must not exceed trials_2, got 4 of 2 at position 0"),
        (([1.0], [2], [1], [2]), "successes_1 must hold whole numbers"),
        (([1], [2], [1], [-2]), "trials_2 must not be negative"),
    ],
)
def test_columns_are_refused_by_name_and_position(function, columns, message):
    with pytest.raises(DomainError, match=message):
        function(*columns)


@pytest.mark.parametrize("function", MANY)
def test_columns_refuse_a_percent_level(function):
    with pytest.raises(DomainError, match="level must lie strictly between 0 and 1, got 95"):
        function([1], [2], [1], [2], level=95)


@pytest.mark.parametrize("function", MANY)
def test_column_results_are_frozen_carry_their_inputs_and_compare_as_wholes(function):
    mine = np.array([1, 2])
    got = function(mine, [5, 5], [3, 3], [6, 6], level=0.9)
    mine[0] = 5
    assert got == function([1, 2], [5, 5], [3, 3], [6, 6], level=0.9)
    assert got != function([1, 3], [5, 5], [3, 3], [6, 6], level=0.9)
    assert [column.tolist() for column in (got.successes_1, got.trials_1, got.successes_2, got.trials_2)] == [
        [1, 2],
        [5, 5],
        [3, 3],
        [6, 6],
    ]
    assert (got.level, got.generalises_to) == (0.9, "these_models")
    for name in ("estimate", "low", "high", "successes_1", "trials_1", "successes_2", "trials_2"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(got, name)[0] = 0


@pytest.mark.parametrize("function", MANY)
def test_a_column_longer_than_a_block_is_its_rows(function):
    k1, n1, k2, n2 = random_columns(16_500, seed=2)
    k2 = np.maximum(k2, 1)
    got, tail = function(k1, n1, k2, n2), function(k1[-200:], n1[-200:], k2[-200:], n2[-200:])
    assert len(got.low) == 16_500
    assert got.low[-200:].tolist() == tail.low.tolist()
    assert got.high[-200:].tolist() == tail.high.tolist()


def test_blocks_keep_the_order_and_take_one_row():
    def twice(a, b):
        return 2 * a, a + b

    a, b = np.arange(40_000.0), np.ones(40_000)
    assert [column.tolist() for column in by_blocks(twice, a, b)] == [(2 * a).tolist(), (a + b).tolist()]
    assert [column.tolist() for column in by_blocks(twice, a[:1], b[:1])] == [[0.0], [1.0]]


def test_columns_pass_whole():
    assert [column.tolist() for column in two_columns([0], [1], [2], [2])] == [[0], [1], [2], [2]]


def test_the_squared_quantile_keeps_its_digits_near_one():
    with mpmath.workdps(40):
        for level in (0.5, 0.95, 1 - 2.0**-40):
            exact = 2 * mpmath.erfinv(mpmath.mpf(level)) ** 2
            assert squared_quantile(level) == pytest.approx(float(exact), rel=1e-13)


# ---- root finder ----------------------------------------------------------------------------------------------------


@given(st.floats(1e-9, 1e9), st.integers(1, 9), st.floats(0, 1))
def test_law_the_root_of_a_power(target, power, where):
    """x^p = target, bracketed loosely from anywhere, without and with a useful slope."""
    exact = target ** (1 / power)
    low, high = np.array([exact * where]), np.array([exact * (1 + 10 * (1 - where))])
    for helpful in (1.0, 0.0, 1e-6, 0.6, 1.5):
        got = increasing_root(lambda x, c=helpful: (x**power - target, c * power * x ** (power - 1)), low, high)
        assert got[0] == pytest.approx(exact, rel=1e-12)


def test_roots_at_the_ends_flat_stretches_jumps_and_points():
    def steps(x):
        return np.where(x < 2, -1.0, np.where(x < 3, 0.0, 1.0)), np.zeros_like(x)

    got = increasing_root(steps, np.array([0.0, 2.5]), np.array([10.0, 2.5]))
    assert 2 - 1e-14 <= got[0] <= 3
    assert got[1] == 2.5
    line = increasing_root(lambda x: (x - 7, np.ones_like(x)), np.array([7.0, 1.0, 0.0]), np.array([9.0, 7.0, 100.0]))
    assert line == pytest.approx([7, 7, 7], rel=1e-15)


def test_the_bracket_is_not_written_to_and_newton_is_quick():
    low, high, calls = np.array([1.0]), np.array([2.0]), []

    def square(x):
        calls.append(x)
        return x * x - 2, 2 * x

    assert increasing_root(square, low, high)[0] == pytest.approx(2**0.5, rel=4e-16)
    assert (low[0], high[0]) == (1.0, 2.0)
    assert len(calls) <= 6


def test_a_root_at_zero_needs_absolute_digits():
    got = increasing_root(lambda x: (np.tanh(x), 1 - np.tanh(x) ** 2), np.array([-1.0]), np.array([1.5]), absolute=1e-15)
    assert abs(got[0]) <= 1e-15


# ---- hypergeometric weights -----------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_weights_are_products_of_binomial_coefficients(n1, n2, data):
    total = data.draw(st.integers(0, n1 + n2))
    j, log_weight = tables(n1, n2, total, instead="-")
    ways = [comb(n1, int(i)) * comb(n2, total - int(i)) for i in j]
    assert j.tolist() == [i for i in range(n1 + 1) if 0 <= total - i <= n2]
    assert np.exp(log_weight) == pytest.approx([way / max(ways) for way in ways], rel=1e-12)


def test_weights_keep_their_digits_where_log_factorials_lose_them():
    n1, n2, total = 10**7, 3 * 10**6, 2 * 10**6
    j, log_weight = tables(n1, n2, total, instead="-")
    with mpmath.workdps(40):

        def exact(i):
            return mpmath.log(mpmath.binomial(n1, i)) + mpmath.log(mpmath.binomial(n2, total - i))

        top = int(j[np.argmax(log_weight)])
        for away in (-3000, -500, 200, 2500):
            want = float(exact(top + away) - exact(top))
            assert -40 < want < -0.01
            assert log_weight[top + away - int(j[0])] == pytest.approx(want, abs=1e-9)


def test_too_many_tables_are_refused_with_the_way_out():
    with pytest.raises(DomainError, match=r"would visit 5,000,001 tables, more than 5,000,000; .* large do this instead"):
        tables(MAX_TABLES, 10**9, 10**8, instead="do this instead")
    assert len(tables(1, 10**9, 10**8, instead="-")[0]) == 2
