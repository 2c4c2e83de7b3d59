"""Figures as papers print them, and the numbers that round to them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from safescale.audit import verify_claim
from safescale.audit.claims import read_interval, read_printed
from safescale.errors import DataError


@pytest.mark.parametrize(
    ("text", "value", "unit", "relation"),
    [
        ("99.8 %", "99.8", "0.1", "="),
        ("0.998", "0.998", "0.001", "="),
        ("<.001", "0.001", "0.001", "<"),
        ("p < .05", "0.05", "0.01", "<"),
        ("~100 %", "100", "1", "~"),
        (".640", "0.64", "0.001", "="),
        ("1,008", "1008", "1", "="),
        ("n = 1,008", "1008", "1", "="),
        ("57.5x", "57.5", "0.1", "="),
        ("\u22120.107", "-0.107", "0.001", "="),
        ("\u20130.107", "-0.107", "0.001", "="),
        ("1.2e-5", "0.000012", "0.000001", "="),
        ("78,3 %", "78.3", "0.1", "="),
        ("+7.5 pp", "7.5", "0.1", "="),
    ],
)
def test_reads_what_is_printed(text, value, unit, relation):
    printed = read_printed(text, field="x")
    assert (printed.value, printed.unit_in_last_place, printed.relation) == (Fraction(value), Fraction(unit), relation)


@pytest.mark.parametrize(
    "text", ["[0.521, 0.564]", "(0.521; 0.564]", "0.521\u20130.564", "95% CI [0.521, 0.564)", "0.521 to 0.564", ".521-.564"]
)
def test_reads_intervals_in_any_brackets(text):
    interval = read_interval(text, field="x")
    assert interval.low is not None
    assert interval.high is not None
    assert (interval.low.value, interval.high.value) == (Fraction("0.521"), Fraction("0.564"))


def test_a_tie_belongs_to_both_neighbours():
    """1/8 prints as 12 % half to even and as 13 % half up; 0.125 is no float trap."""
    for text in ("12 %", "13 %"):
        assert verify_claim({"kind": "proportion", "n": "8", "k": "1", "percentage": text}).verdict == "reproduces"
    assert verify_claim({"kind": "proportion", "n": "8", "k": "1", "percentage": "14 %"}).verdict == "impossible"


def test_truncation_is_named():
    result = verify_claim({"kind": "proportion", "n": "3", "percentage": "66.6 %"})
    assert (result.verdict, result.as_what) == ("reproduces only as", "truncated")


@pytest.mark.parametrize("more", [{}, {"k": "1"}])
def test_what_has_a_digit_of_its_own_is_not_truncated_to_another(more):
    """1/8 is 12.5 % however it is cut."""
    assert verify_claim({"kind": "proportion", "n": "8", "percentage": "12.4 %", **more}).verdict == "impossible"


def test_an_absurd_number_of_rows_is_no_long_search():
    """Of 10^12 rows no interval is a tenth of a percentage point wide."""
    assert verify_claim({"kind": "proportion", "n": 10**12, "percentage": "54.2%", "interval": "[54.1, 54.3]"}).found_wrong


@pytest.mark.parametrize("text", ["abc", "", "1.2.3", "[1", "12 apples"])
def test_refuses_what_is_no_figure(text):
    with pytest.raises(DataError, match="cannot be read"):
        read_printed(text, field="x")


def test_refuses_an_unknown_kind_and_field():
    with pytest.raises(DataError, match="a claim needs a kind"):
        verify_claim({"kind": "proportions"})
    with pytest.raises(DataError, match="no such field"):
        verify_claim({"kind": "proportion", "N": "3"})
