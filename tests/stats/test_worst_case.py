"""Bounds of differences and slopes whatever the missing outcomes would have been."""

import itertools

import numpy as np
import pytest

from safescale.errors import DomainError, InsufficientData
from safescale.stats import log_scaling_slope, within_group_slope, worst_case_difference, worst_case_slope


def test_every_filling_in_lies_within_the_bounds_and_two_reach_them():
    k1, m1, n1, k2, m2, n2 = 3, 2, 7, 1, 3, 6
    found = worst_case_difference(k1, m1, n1, k2, m2, n2)
    every = [(k1 + a) / n1 - (k2 + b) / n2 for a, b in itertools.product(range(m1 + 1), range(m2 + 1))]
    assert (found.low, found.high) == (min(every), max(every))


def test_nothing_missing_leaves_the_difference_itself():
    found = worst_case_difference(3, 0, 10, 1, 0, 10)
    assert found.low == found.high == pytest.approx(0.2)


@pytest.mark.parametrize("groups", [None, [*list("aabb"), "b"]])
def test_the_slope_bounds_are_the_extremes_over_all_corners(groups):
    sizes = [1.0, 4.0, 2.0, 9.0, 30.0]
    lows, highs = np.array([0.0, 0.1, -0.2, 0.0, 0.3]), np.array([0.1, 0.1, 0.2, 0.4, 0.35])
    found = worst_case_slope(sizes, lows, highs, groups=groups)
    fitted = []
    for corner in itertools.product((0, 1), repeat=5):
        y = np.where(corner, highs, lows)
        if groups is None:
            fitted.append(log_scaling_slope(sizes, y, quantity="difference").slope_pp_per_decade)
        else:
            fitted.append(within_group_slope(sizes, y, groups, quantity="difference").slope_pp_per_decade)
    assert found.low_pp_per_decade == pytest.approx(min(fitted))
    assert found.high_pp_per_decade == pytest.approx(max(fitted))
    assert found.low_pp_per_decade < found.high_pp_per_decade


def test_refuses_counts_that_do_not_fit_and_bounds_that_cross():
    with pytest.raises(DomainError, match="total_2 must hold its 3 successes and 2 missing"):
        worst_case_difference(1, 0, 2, 3, 2, 4)
    with pytest.raises(DomainError, match=r"total_1 .* above 0"):
        worst_case_difference(0, 0, 0, 0, 0, 1)
    with pytest.raises(DomainError, match=r"must not exceed its high one, got 0\.5 > 0\.4 at position 1"):
        worst_case_slope([1, 2, 3], [0, 0.5, 0], [0.1, 0.4, 0.1])
    with pytest.raises(InsufficientData, match="3 distinct sizes"):
        worst_case_slope([1, 2, 2], [0, 0, 0], [1, 1, 1])
    with pytest.raises(DomainError, match="sizes vary in no group"):
        worst_case_slope([1, 2, 3], [0, 0, 0], [1, 1, 1], groups=list("abc"))
