"""Slopes in many groups: each group as the scalar function says, masks where nothing is defined, no cancellation."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import SLOPE_REASONS, log_scaling_slope, log_scaling_slopes, slopes_by_group
from stats.size_regression_strategies import grouped_rows

NUMBERS = (
    "slope_pp_per_decade",
    "slope_pp_per_doubling",
    "rate_at_1b",
    "standard_error_pp_per_decade",
    "low_pp_per_decade",
    "high_pp_per_decade",
    "p_value",
    "r_squared",
)


def one_by_one(sizes, rates, groups, level):
    """The scalar function per group, as plain rows."""
    found = []
    for g in sorted(set(groups)):
        mine = [i for i, other in enumerate(groups) if other == g]
        try:
            fit = log_scaling_slope([sizes[i] for i in mine], [rates[i] for i in mine], level=level)
        except InsufficientData:
            found.append((g, len(mine), None))
        else:
            found.append((g, len(mine), fit))
    return found


@given(grouped_rows(), st.floats(0.5, 0.99))
def test_law_each_group_is_the_scalar_function(rows, level):
    sizes, rates, groups = rows
    got = log_scaling_slopes(sizes, rates, groups, level=level)
    for at, (group, n, fit) in enumerate(one_by_one(sizes, rates, groups, level)):
        assert (got.groups[at], got.n[at]) == (group, n)
        code = got.reason_codes[at]
        known = {name for name in NUMBERS if not np.isnan(getattr(got, name)[at])}
        assert got.has_slope[at] == (fit is not None)
        assert got.has_inference[at] == (fit is not None and fit.p_value is not None) == (code == 0)
        if fit is None:
            distinct = len({s for s, g in zip(sizes, groups, strict=True) if g == group})
            assert (code, known) == (distinct, set())
            continue
        assert got.slope_pp_per_decade[at] == pytest.approx(fit.slope_pp_per_decade, rel=1e-9, abs=1e-9)
        assert got.slope_pp_per_doubling[at] == pytest.approx(fit.slope_pp_per_doubling, rel=1e-9, abs=1e-9)
        assert got.rate_at_1b[at] == pytest.approx(fit.rate_at_1b, rel=1e-9, abs=1e-9)
        if fit.p_value is None:
            assert code == (3 if fit.r_squared is None else 4)
            assert known == set(NUMBERS[:3]) | (set() if code == 3 else {"r_squared"})
            continue
        assert known == set(NUMBERS)
        assert got.standard_error_pp_per_decade[at] == pytest.approx(fit.standard_error_pp_per_decade, rel=1e-6)
        assert (got.low_pp_per_decade[at], got.high_pp_per_decade[at]) == pytest.approx(fit.interval, rel=1e-6, abs=1e-7)
        assert got.p_value[at] == pytest.approx(fit.p_value, rel=1e-5)
        assert got.r_squared[at] == pytest.approx(fit.r_squared, abs=1e-8)
    assert len(got.groups) == len(set(groups))
    assert (got.params_b.tolist(), got.rates.tolist(), got.row_groups.tolist()) == (sizes, rates, groups)


@given(grouped_rows(), st.randoms(use_true_random=False))
def test_law_order_of_rows_is_irrelevant(rows, random):
    order = list(range(len(rows[0])))
    random.shuffle(order)
    here, there = log_scaling_slopes(*rows), log_scaling_slopes(*([column[i] for i in order] for column in rows))
    assert there.reason_codes.tolist() == here.reason_codes.tolist()
    np.testing.assert_allclose(there.slope_pp_per_decade, here.slope_pp_per_decade, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(there.p_value, here.p_value, rtol=1e-4, atol=1e-12)


@given(grouped_rows())
def test_law_no_nan_without_its_mask(rows):
    got = log_scaling_slopes(*rows)
    for name in NUMBERS[:3]:
        assert np.isnan(getattr(got, name)).tolist() == (~got.has_slope).tolist()
    for name in NUMBERS[3:7]:
        assert np.isnan(getattr(got, name)).tolist() == (~got.has_inference).tolist()
    assert (got.reason_codes >= 0).all()
    assert (got.reason_codes < len(SLOPE_REASONS)).all()
    assert got == log_scaling_slopes(*rows)


def test_differential_slopes_by_group():
    """2,500 random groups against scipy.stats.linregress."""
    rng = np.random.default_rng(1)
    n = rng.integers(3, 30, 2500)
    groups = np.repeat(np.arange(2500), n)
    sizes, rates = 10 ** rng.uniform(-0.3, 2.6, len(groups)), rng.uniform(0, 1, len(groups))
    got = log_scaling_slopes(sizes, rates, groups, level=0.9)
    assert got.has_inference.all()
    for at in range(2500):
        mine = groups == at
        fit = scipy.stats.linregress(np.log10(sizes[mine]), rates[mine])
        t = scipy.stats.t.ppf(0.95, n[at] - 2)
        assert got.slope_pp_per_decade[at] == pytest.approx(100 * fit.slope, rel=1e-9, abs=1e-9)
        assert got.standard_error_pp_per_decade[at] == pytest.approx(100 * fit.stderr, rel=1e-8)
        assert got.p_value[at] == pytest.approx(fit.pvalue, rel=1e-6)
        assert got.low_pp_per_decade[at] == pytest.approx(100 * (fit.slope - t * fit.stderr), rel=1e-6, abs=1e-7)
        assert got.rate_at_1b[at] == pytest.approx(fit.intercept, rel=1e-8, abs=1e-9)
        assert got.r_squared[at] == pytest.approx(fit.rvalue**2, abs=1e-9)


def test_sizes_far_from_one_lose_no_digits():
    """Trap: the one-pass formula on x shifted by 1e8 gives -inf. Here log sizes near 300 that differ by 1e-6."""
    x = 1e300 * (1 + 1e-6 * np.arange(6))
    y = np.array([0.1, 0.2, 0.15, 0.4, 0.35, 0.5])
    got = log_scaling_slopes(x, y, [7] * 6)
    about = np.log1p(1e-6 * np.arange(6)) / np.log(10)
    exact = scipy.stats.linregress(about, y)
    # log(1e300) = 690.8 carries 1e-13, against steps of 1e-6: seven digits are what the sizes hold
    assert got.slope_pp_per_decade[0] == pytest.approx(100 * exact.slope, rel=1e-5)
    assert got.p_value[0] == pytest.approx(exact.pvalue, rel=1e-5)


def test_rates_that_differ_by_little_keep_their_digits():
    y = 0.5 + 1e-9 * np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    got = log_scaling_slopes([1, 10, 100, 1000, 10000], y, ["a"] * 5)
    assert got.slope_pp_per_decade[0] == pytest.approx(100 * 0.8e-9, rel=1e-6)


def test_groups_that_straddle_the_blocks_are_whole(monkeypatch):
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), rng.integers(1, 12, 40))
    sizes, rates = rng.choice([1.0, 2.0, 4.0, 8.0], len(groups)), rng.uniform(0, 1, len(groups))
    whole = log_scaling_slopes(sizes, rates, groups)
    for block in (1, 3, 7, 50):
        monkeypatch.setattr(slopes_by_group, "_BLOCK", block)
        pieces = log_scaling_slopes(sizes, rates, groups)
        assert pieces.reason_codes.tolist() == whole.reason_codes.tolist()
        np.testing.assert_allclose(pieces.slope_pp_per_decade, whole.slope_pp_per_decade, rtol=1e-12)
        np.testing.assert_allclose(pieces.p_value, whole.p_value, rtol=1e-9)


def test_rates_on_a_line_up_to_rounding_have_no_standard_error():
    """Their residuals are 1e-17, not 0: rounding is no scatter."""
    sizes = np.array([1.24, 8.03, 70.6, 405.9])
    got = log_scaling_slopes(sizes, 0.3 + 0.1 * np.log10(sizes), [1] * 4)
    assert got.reason_codes.tolist() == [4]
    assert np.isnan(got.p_value[0])
    assert got.slope_pp_per_decade[0] == pytest.approx(10)
    assert got.r_squared[0] == pytest.approx(1)


def test_two_sizes_are_a_difference_and_never_p_zero():
    """Trap: linregress of two points says p = 0."""
    got = log_scaling_slopes([1, 10, 1, 10, 100], [0.2, 0.9, 0.1, 0.3, 0.4], [1, 1, 2, 2, 2])
    assert got.reason_codes.tolist() == [2, 0]
    assert np.isnan(got.p_value).tolist() == [True, False]
    assert SLOPE_REASONS[2] == "two sizes: a difference, not a slope"


def test_texts_numbers_and_truth_values_name_groups():
    x, y = [1, 10, 100, 1000], [0.1, 0.4, 0.2, 0.3]
    for labels in (["b", "b", "b", "a"], [9, 9, 9, -4], [True, True, True, False], np.array([9, 9, 9, 4], dtype=np.uint8)):
        got = log_scaling_slopes(x, y, labels)
        assert got.reason_codes.tolist() == [1, 0]
        assert got.groups.tolist() == sorted(set(np.asarray(labels).tolist()))


def test_results_do_not_change_with_their_callers_arrays():
    x, y, g = np.array([1.0, 10, 100]), np.array([0.1, 0.4, 0.2]), np.array([1, 1, 1])
    got = log_scaling_slopes(x, y, g)
    x[0], y[0], g[0] = 5, 0.9, 7
    assert got == log_scaling_slopes([1, 10, 100], [0.1, 0.4, 0.2], [1, 1, 1])
    assert got != log_scaling_slopes([1, 10, 100], [0.1, 0.4, 0.3], [1, 1, 1])
    for array in (got.slope_pp_per_decade, got.params_b, got.row_groups, got.n, got.groups):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [0.1, 0.2], [1]), "groups and params_b must have the same length, got 1 and 2"),
        (([1, 2], [0.1, 0.2], "ab"), "got the text 'ab'"),
        (([1, 2], [0.1, 0.2], np.array([[1], [2]])), "one-dimensional, got shape"),
        (([1, 2], [0.1, 0.2], [1.0, 2.0]), "whole numbers or texts, got 1.0 at position 0"),
        (([1, 2], [0.1, 0.2], ["a", None]), r"missing label \(None\) at position 1"),
        (([1, 2], [0.1, 0.2], [[1], [2, 3]]), r"whole numbers or texts, got \[1\] at position 0"),
        (([], [], []), "at least one model, got none"),
        (([1, -2], [0.1, 0.2], [1, 1]), "params_b must be positive"),
        (([1, 2], [0.1, 20], [1, 1]), "divide percent by 100"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(DomainError, match=message):
        log_scaling_slopes(*arguments)


def test_refuses_a_level_in_percent():
    with pytest.raises(DomainError, match=r"95 % is written 0\.95"):
        log_scaling_slopes([1], [0.5], [1], level=95)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([float("nan"), "a", "a", "b", "b", "b"], r"got a missing label \(nan\) at position 0; leave the model out"),
        (["a", "a", "b", "b", "b", None], r"got a missing label \(None\) at position 5; leave the model out"),
        ([1, "1", "1", "b", "b", "b"], "got the whole number 1 at position 0 and the text '1' at position 1; write all"),
        (["a", "a", True, "b", "b", "b"], "got the text 'a' at position 0 and the truth value True at position 2"),
        (["a", "a", b"a", "b", "b", "b"], "got the text 'a' at position 0 and the bytes b'a' at position 2"),
        (["a", "a", 2.0, "b", "b", "b"], "must be whole numbers or texts, got 2.0 at position 2"),
        ([1, 1, float("nan"), 2, 2, 2], r"got a missing label \(nan\) at position 2"),
        ([("a", 1)] * 6, "must be whole numbers or texts, got .'a', 1. at position 0"),
        (np.array(["a", None, "b", "b", "b", "b"], dtype=object), "got dtype object"),
        (np.array([1, 1, np.nan, 2, 2, 2]), "got dtype float64"),
    ],
)  # fmt: skip
def test_refuses_missing_and_mixed_labels_before_numpy_makes_texts_of_them(groups, message):
    """Numpy turns nan into 'nan' and 1 into '1': a missing lineage became a lineage, and two groups became one."""
    with pytest.raises(DomainError, match=message):
        log_scaling_slopes([1, 2, 4, 8, 16, 32], [0.1, 0.2, 0.25, 0.3, 0.35, 0.5], groups)


def test_labels_that_read_nan_are_texts_like_others():
    got = log_scaling_slopes([1, 2, 4], [0.1, 0.2, 0.4], ["nan", "nan", "nan"])
    assert got.groups.tolist() == ["nan"]


@pytest.mark.parametrize("make", [list, tuple, iter, np.array])
def test_labels_may_come_in_any_sequence(make):
    given, groups = ([1, 2, 4, 1, 2, 8], [0.1, 0.2, 0.4, 0.3, 0.1, 0.2]), ["b", "b", "b", "a", "a", "a"]
    assert log_scaling_slopes(*given, make(groups)) == log_scaling_slopes(*given, groups)


# what each reason code leaves known
KNOWN = {
    0: set(NUMBERS),
    1: set(),
    2: set(),
    3: {"slope_pp_per_decade", "slope_pp_per_doubling", "rate_at_1b"},
    4: {"slope_pp_per_decade", "slope_pp_per_doubling", "rate_at_1b", "r_squared"},
}


def test_numbers_are_nan_exactly_where_the_reason_code_says():
    """The promise of the room, cell by cell; all five codes occur."""
    sizes = [1, 10, 100, 1, 1, 1, 10, 1, 10, 100, 1, 10, 100]
    rates = [0.1, 0.3, 0.4, 0.1, 0.2, 0.1, 0.2, 0.3, 0.3, 0.3, 0.25, 0.5, 0.75]
    got = log_scaling_slopes(sizes, rates, list("aaabbccdddeee"))
    assert got.reason_codes.tolist() == [0, 1, 2, 3, 4]
    assert len(SLOPE_REASONS) == len(KNOWN)
    for name in NUMBERS:
        assert np.isnan(getattr(got, name)).tolist() == [name not in KNOWN[code] for code in got.reason_codes.tolist()]
    assert got.has_slope.tolist() == ["slope_pp_per_decade" in KNOWN[code] for code in got.reason_codes.tolist()]
    assert got.has_inference.tolist() == ["p_value" in KNOWN[code] for code in got.reason_codes.tolist()]


@given(grouped_rows())
def test_law_nan_is_where_the_reason_code_says(rows):
    got = log_scaling_slopes(*rows)
    for at, code in enumerate(got.reason_codes.tolist()):
        assert {name for name in NUMBERS if not np.isnan(getattr(got, name)[at])} == KNOWN[code]


def test_results_that_hold_arrays_are_equal_and_have_no_hash():
    one, other = (log_scaling_slopes([1, 2, 4], [0.1, 0.2, 0.4], ["a"] * 3) for _ in range(2))
    assert one == other
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)
