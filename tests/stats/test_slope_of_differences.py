"""Slopes on size of a difference of two rates: the same tests and fits as of rates, on [-1, 1]; rates are checked as before."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as own
from safescale.errors import DomainError
from safescale.stats import (
    log_scaling_slope,
    permutation_slope_test,
    prediction_interval,
    size_slope_test,
    slope_equivalence_test,
    within_group_slope,
)

SIZES, FALLING = [1.0, 3.0, 10.0, 30.0], [0.1, -0.02, -0.05, -0.2]
GROUPS = list("aaab")

# every function that takes the quantity, with what tells its slope
FITS = {
    "log_scaling_slope": lambda s, y, **kw: log_scaling_slope(s, y, **kw),
    "log_scaling_slope, weighted": lambda s, y, **kw: log_scaling_slope(s, y, weights=np.arange(1.0, len(s) + 1), **kw),
    "within_group_slope": lambda s, y, **kw: within_group_slope(s, y, ["one"] * len(s), **kw),
    "permutation_slope_test": lambda s, y, **kw: permutation_slope_test(s, y, **kw),
    "size_slope_test": lambda s, y, **kw: size_slope_test(s, y, **kw),
    "size_slope_test, groups": lambda s, y, **kw: size_slope_test(s, y, groups=["one"] * len(s), **kw),
}


def line_of(found):
    return found.slope if hasattr(found, "slope") else found


@st.composite
def sized_differences(draw):
    """Sizes, and rates in [0, .5] whose shift down by up to .5 stays a difference."""
    sizes, rates = draw(own.sized_rates(untied=True))
    return sizes, [rate / 2 for rate in rates]


@pytest.mark.parametrize("case", FITS)
@pytest.mark.parametrize("beyond", [1.01, -1.01])
def test_refuses_differences_outside_their_range(case, beyond):
    with pytest.raises(DomainError, match=rf"rates must be differences of two fractions in \[-1, 1\], got {beyond} at position 1"):
        FITS[case](SIZES, [0.1, beyond, 0.2, 0.3], quantity="difference")


@pytest.mark.parametrize("case", FITS)
def test_rates_are_still_refused_below_zero(case):
    """A forgotten keyword shows itself: nothing was loosened for rates."""
    for options in ({}, {"quantity": "rate"}):
        with pytest.raises(DomainError, match=r"rates must be fractions in \[0, 1\], got -0.02 at position 1"):
            FITS[case](SIZES, FALLING, **options)


@pytest.mark.parametrize("case", FITS)
@pytest.mark.parametrize("wrong", ["differences", None, 1])
def test_refuses_another_quantity(case, wrong):
    with pytest.raises(DomainError, match="quantity must be one of 'rate', 'difference'"):
        FITS[case](SIZES, FALLING, quantity=wrong)


@pytest.mark.parametrize("case", FITS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_refuses_differences_that_are_no_number(case, bad):
    with pytest.raises(DomainError, match="rates must be finite"):
        FITS[case](SIZES, [0.0, bad, 0.1, 0.2], quantity="difference")


@pytest.mark.parametrize("case", FITS)
def test_the_result_says_what_it_was_given(case):
    assert line_of(FITS[case](SIZES, FALLING, quantity="difference")).quantity == "difference"
    assert line_of(FITS[case](SIZES, [0.1, 0.2, 0.3, 0.1])).quantity == "rate"
    assert line_of(FITS[case](SIZES, FALLING, quantity="difference")).rates == tuple(FALLING)


@pytest.mark.parametrize("case", FITS)
@settings(max_examples=15)
@given(rows=own.sized_rates(untied=True))
def test_law_rates_read_as_differences_give_the_same_numbers(case, rows):
    """In [0, 1] the quantity is a matter of the check alone: every digit is the same."""
    as_rates = line_of(FITS[case](*rows))
    as_differences = line_of(FITS[case](*rows, quantity="difference"))
    assert attrs.evolve(as_differences, quantity="rate") == as_rates


@pytest.mark.parametrize("case", FITS)
@settings(max_examples=15)
@given(rows=sized_differences())
def test_law_a_shift_moves_no_slope_and_no_p(case, rows):
    """What a slope of rates is, a slope of those rates minus a constant is too; the p counts the same arrangements."""
    sizes, rates = rows
    as_rates, shifted = FITS[case](sizes, rates), FITS[case](sizes, [r - 0.5 for r in rates], quantity="difference")
    one, other = line_of(as_rates), line_of(shifted)
    assert other.slope_pp_per_decade == pytest.approx(one.slope_pp_per_decade, abs=1e-9)
    if as_rates.p_value is not None and shifted.p_value is not None:
        assert shifted.p_value == pytest.approx(as_rates.p_value, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("case", FITS)
@settings(max_examples=15)
@given(rows=own.sized_rates(untied=True))
def test_law_swapping_treated_and_control_mirrors_the_slope(case, rows):
    sizes, rates = rows
    up, down = FITS[case](sizes, rates, quantity="difference"), FITS[case](sizes, [-r for r in rates], quantity="difference")
    assert line_of(down).slope_pp_per_decade == pytest.approx(-line_of(up).slope_pp_per_decade, abs=1e-12)
    if up.p_value is not None:
        assert down.p_value == pytest.approx(up.p_value, rel=1e-9)


def test_the_largest_differences_are_taken():
    """From -1 in the smallest to 1 in the largest model: two points of a fraction over two decades."""
    fit = log_scaling_slope([1, 10, 100], [-1, 0, 1], quantity="difference")
    assert fit.slope_pp_per_decade == pytest.approx(100)
    assert fit.rate_at_1b == pytest.approx(-1)


def test_equal_negative_differences_have_slope_0_and_p_1():
    test = size_slope_test(SIZES, [-0.2] * 4, quantity="difference")
    assert (test.slope.slope_pp_per_decade, test.p_value) == (0.0, 1.0)


def test_equivalence_takes_a_slope_of_differences():
    fit = log_scaling_slope([1, 3, 10, 30, 100], [-0.01, 0.01, -0.012, 0.008, -0.002], quantity="difference")
    assert slope_equivalence_test(fit, margin_pp_per_decade=5).equivalent
    assert slope_equivalence_test(within_group_slope(SIZES, FALLING, GROUPS, quantity="difference")).generalises_to == "new_models"


def test_no_rate_is_predicted_from_a_line_of_differences():
    fit = log_scaling_slope(SIZES, FALLING, quantity="difference")
    with pytest.raises(DomainError, match="slope is of differences, and a rate is predicted here"):
        prediction_interval(fit, 70)
