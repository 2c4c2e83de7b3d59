"""The difference of two gaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.stats import difference_of_differences, newcombe_interval, paired_newcombe_interval


@st.composite
def gaps(draw):
    n1, n2 = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    return newcombe_interval(draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2)


@given(gaps(), gaps())
def test_limits_are_squared_and_added(first, second):
    """Definition: the squared distance of a limit is the sum of the squared distances that make it."""
    found = difference_of_differences(first, second)
    assert found.estimate == pytest.approx(first.estimate - second.estimate)
    assert (found.estimate - found.low) ** 2 == pytest.approx(
        (first.estimate - first.low) ** 2 + (second.high - second.estimate) ** 2, abs=1e-12
    )
    assert (found.high - found.estimate) ** 2 == pytest.approx(
        (first.high - first.estimate) ** 2 + (second.estimate - second.low) ** 2, abs=1e-12
    )
    assert found.low <= found.estimate <= found.high


@given(gaps(), gaps())
def test_swapping_the_gaps_mirrors_the_interval(first, second):
    """Law."""
    one, other = difference_of_differences(first, second), difference_of_differences(second, first)
    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))


@given(st.integers(0, 60), st.integers(0, 60))
def test_against_a_sure_zero_it_is_newcombe_for_one_difference(k1, k2):
    """Second opinion: Newcombe's interval is the same construction, one level down."""
    gap = newcombe_interval(k1, 60, k2, 60)
    none = paired_newcombe_interval(0, 0, 0, 10**15)
    found = difference_of_differences(gap, none)
    assert (found.low, found.high) == pytest.approx((gap.low, gap.high), abs=1e-7)


def test_wider_parts_make_a_wider_whole():
    narrow, wide = newcombe_interval(80, 100, 40, 100), newcombe_interval(8, 10, 4, 10)
    a, b = difference_of_differences(narrow, narrow), difference_of_differences(narrow, wide)
    assert a.estimate == b.estimate == 0
    assert b.high - b.low > a.high - a.low


def test_refuses_two_levels():
    with pytest.raises(DomainError, match=r"one level, got 0\.95 and 0\.9"):
        difference_of_differences(newcombe_interval(1, 2, 1, 2), newcombe_interval(1, 2, 1, 2, level=0.9))
