"""A figure as printed: its text, the numbers that round to it, and the scale that it can be on."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, Literal, TypeAlias

import attrs

from safescale.errors import DataError

__all__ = ["Figure", "Printed", "PrintedInterval", "Relation", "Scale", "Style", "read_count", "read_interval", "read_printed"]

Relation: TypeAlias = Literal["=", "<", ">", "~"]
Scale: TypeAlias = Literal["percent", "fraction", "either"]
Style: TypeAlias = Literal["rounded", "truncated", "rounded up"]
Figure: TypeAlias = "str | int | float | Decimal"
"""What a printed figure may be given as; only text and Decimal keep zeros at the end."""

_MINUS: Final = str.maketrans(
    {"\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " "}
)
_DASH: Final = "\u2013\u2014\u2012\u2010\u2011"
_NUMBER: Final = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<digits>\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?|\d+,\d{1,2}(?!\d)|\d+(?:\.\d*)?|\.\d+)"
    r"(?:\s*(?:e|[x\u00d7*]\s*10\s*\^?)\s*(?P<power>[+-]?\s*\d+))?",
    re.IGNORECASE,
)
_RELATIONS: Final[tuple[tuple[str, Relation], ...]] = (
    ("<=", "<"),
    (">=", ">"),
    ("\u2264", "<"),
    ("\u2265", ">"),
    ("<", "<"),
    (">", ">"),
    ("~", "~"),
    ("\u2248", "~"),
    ("\u2243", "~"),
    ("about ", "~"),
    ("approximately ", "~"),
    ("approx. ", "~"),
    ("approx ", "~"),
    ("ca. ", "~"),
    ("circa ", "~"),
    ("=", "="),
)
_UNITS: Final = re.compile(r"^(?:%|percent|per cent|pp|pts?|points|[x\u00d7]|b|billion|bn|nats?|bits?|\*+|\u2020)$", re.IGNORECASE)
_NAME: Final = re.compile(r"^[A-Za-z\u0370-\u03ff\u00b2\u00b3()_^/ 0-9]{0,24}?\s*(?==|<|>|\u2264|\u2265|\u2248)")
_APPROXIMATE: Final = Fraction(1, 40)
"""What "about" leaves open, as a share of the figure."""


@attrs.frozen(kw_only=True)
class Printed:
    """
    One printed number.

    Attributes
    ----------
    text : str
        As it was printed.
    value : Fraction
        The number that the digits say, not divided by 100.
    unit_in_last_place : Fraction
        The step of its last printed digit.
    relation : {"=", "<", ">", "~"}
        ``p < .001`` bounds a number, "~100" is near it.
    scale : {"percent", "fraction", "either"}
        Whether it is read as a percentage. "either": nothing in it says so.
    """

    text: str
    value: Fraction
    unit_in_last_place: Fraction
    relation: Relation = "="
    scale: Scale = "either"

    def bounds(self, style: Style = "rounded") -> tuple[Fraction, Fraction]:
        """
        The closed range of numbers that print so.

        A tie belongs to both of its neighbours: half up and half to even are both in use. A bound (``<``) reaches to minus
        infinity, which is a number beyond any here.
        """
        half = self.unit_in_last_place / 2
        if self.relation == "~":
            half = max(2 * half, abs(self.value) * _APPROXIMATE)
        if self.relation == "<":
            return -_FAR, self.value
        if self.relation == ">":
            return self.value, _FAR
        if style == "rounded" or self.relation == "~":
            return self.value - half, self.value + half
        away = self.value + (2 * half if self.value >= 0 else -2 * half)
        towards = self.value - (2 * half if self.value >= 0 else -2 * half)
        other = away if style == "truncated" else towards
        return min(self.value, other), max(self.value, other)

    def admits(self, number: Fraction | float, style: Style = "rounded") -> bool:
        """Whether a number prints so; a float may be off by its last bits."""
        low, high = self.bounds(style)
        slack = Fraction(0) if isinstance(number, Fraction) else _float_slack(number)
        exact = number if isinstance(number, Fraction) else Fraction(number)
        return low - slack <= exact <= high + slack

    def meets(self, low: float, high: float) -> bool:
        """Whether some number of a range prints so."""
        own_low, own_high = self.bounds()
        reaches = math.isinf(low) or Fraction(low) <= own_high + _float_slack(low)
        return (low < math.inf and reaches) and (
            high == math.inf or (high > -math.inf and Fraction(high) >= own_low - _float_slack(high))
        )

    def as_fraction(self, scale: Literal["percent", "fraction"]) -> Printed:
        """The same number on the scale from 0 to 1."""
        if scale == "fraction":
            # a bare 0 or 1 is none or all: it does not stand for every share up to a half
            return self if self.unit_in_last_place < 1 else attrs.evolve(self, unit_in_last_place=Fraction(1, 100))
        return attrs.evolve(self, value=self.value / 100, unit_in_last_place=self.unit_in_last_place / 100, scale="fraction")

    @property
    def float_bounds(self) -> tuple[float, float]:
        """The range of ``bounds`` in floats, infinite where it is open."""
        low, high = self.bounds()
        return (
            float("-inf") if low <= -_FAR else float(low),
            float("inf") if high >= _FAR else float(high),
        )

    @property
    def decimals(self) -> int:
        """Printed digits after the point (0 for whole numbers)."""
        digits, unit = 0, self.unit_in_last_place
        if unit <= 0:
            return 3
        while unit < 1:
            digits, unit = digits + 1, unit * 10
        return digits

    def like(self, number: float, *, more: int = 0) -> str:
        """Another number with as many decimals, for the reader to compare."""
        return f"{number:.{min(12, self.decimals + more)}f}"


_FAR: Final = Fraction(10) ** 30


@attrs.frozen(kw_only=True)
class PrintedInterval:
    """
    A printed interval: two ends, or a half-width about an estimate that stands elsewhere.

    Attributes
    ----------
    text : str
        As it was printed.
    low, high : Printed or None
        The ends; None where a half-width was printed.
    below, above : Printed or None
        Distances from the estimate: both equal for ``± 2.2``.
    """

    text: str
    low: Printed | None = None
    high: Printed | None = None
    below: Printed | None = None
    above: Printed | None = None

    @property
    def figures(self) -> tuple[Printed, ...]:
        """What is printed of it."""
        return tuple(figure for figure in (self.low, self.high, self.below, self.above) if figure is not None)

    def as_fraction(self, scale: Literal["percent", "fraction"]) -> PrintedInterval:
        """The same interval on the scale from 0 to 1."""
        low, high, below, above = (
            None if figure is None else figure.as_fraction(scale) for figure in (self.low, self.high, self.below, self.above)
        )
        return PrintedInterval(text=self.text, low=low, high=high, below=below, above=above)


def _float_slack(number: float) -> Fraction:
    """A few last bits of what a formula of a dozen operations gives."""
    return Fraction(max(abs(number), 1e-6)) * Fraction(1, 10**10)


def read_printed(figure: Figure | Printed, *, field: str, scale: Scale = "either") -> Printed:
    """
    Read a printed number.

    Percent signs, thousands separators (``1,008``), a missing zero (``.640``), typographic minus signs, ``<``, ``~``, ``57.5x``,
    ``1.2e-5`` and a name before an equals sign (``p = .04``) are understood.

    Parameters
    ----------
    figure : str, int, float, Decimal or Printed
        As printed. A float has lost its zeros at the end, and is taken with those digits that it shows.
    field : str
        Name of the field, for the error.
    scale : {"percent", "fraction", "either"}, default "either"
        What the place says about the scale where the figure does not: a heading with a percent sign.

    Returns
    -------
    Printed
        Shape: scalar.

    Raises
    ------
    DataError
        If there is no number in it.
    """
    if isinstance(figure, Printed):
        return figure
    if isinstance(figure, bool) or not isinstance(figure, str | int | float | Decimal):
        raise _unreadable(figure, field)
    text = str(figure).strip()
    rest = text.translate(_MINUS).strip(" $`*_").removesuffix("\u2020").strip()
    if rest.lower().rstrip(".").replace(" ", "") in ("ns", "n.s"):
        return Printed(text=text, value=Fraction(1, 20), unit_in_last_place=Fraction(0), relation=">")
    rest = _without_name(rest)
    relation: Relation = "="
    for sign, meaning in _RELATIONS:
        if rest.lower().startswith(sign):
            relation, rest = meaning, rest[len(sign) :].strip()
            break
    for dash in _DASH:
        rest = "-" + rest[1:] if rest.startswith(dash) else rest
    match = _NUMBER.match(rest)
    if match is None:
        raise _unreadable(figure, field)
    after = rest[match.end() :].strip()
    percent = "%" in after or "percent" in after.lower() or "per cent" in after.lower() or after.lower().startswith("pp")
    if after == "+":
        relation = ">" if relation == "=" else relation
    elif after and not all(_UNITS.match(word) for word in re.findall(r"%|\*+|[^\s%*]+", after)):
        raise _unreadable(figure, field)
    value, unit = _digits(match, figure, field)
    if percent:
        scale = "percent"
    return Printed(text=text, value=value, unit_in_last_place=unit, relation=relation, scale=scale)


def _without_name(text: str) -> str:
    match = _NAME.match(text)
    if match is None or not match.group().strip():
        return text
    return text[match.end() :].strip()


def _digits(match: re.Match[str], figure: object, field: str) -> tuple[Fraction, Fraction]:
    # a comma before one or two last digits is a decimal one
    digits = re.sub(r"[,' ]", "", re.sub(r"^(\d+),(\d{1,2})$", r"\1.\2", match["digits"]))
    power = int((match["power"] or "0").replace(" ", ""))
    if abs(power) > 300 or len(digits) > 40:
        raise _unreadable(figure, field)
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise _unreadable(figure, field) from None
    sign = -1 if match["sign"] == "-" else 1
    decimals = len(digits.partition(".")[2])
    scale = Fraction(10) ** power
    return sign * Fraction(number) * scale, Fraction(1, 10**decimals) * scale


def read_count(figure: Figure | Printed, *, field: str) -> int:
    """
    Read a printed whole number that is not rounded: ``1,008``, ``n = 1,008``.

    Raises
    ------
    DataError
        If it is not whole, negative, or only bounded (``60+``, ``~500``).
    """
    printed = read_printed(figure, field=field)
    if printed.value.denominator != 1 or printed.value < 0 or printed.relation != "=" or printed.unit_in_last_place < 1:
        raise DataError(
            f"{field} is a count, not a rounded figure", column=field, expected="a whole number", got=repr(printed.text)
        )
    if printed.value > 10**12:
        raise DataError(f"{field} is beyond any count of rows", column=field, expected="at most 10^12", got=repr(printed.text))
    return int(printed.value)


_PLUS_MINUS: Final = re.compile(r"^(?:\u00b1|\+\s*/\s*-|\+-)\s*(?P<half>.+)$")
_ASYMMETRIC: Final = re.compile(r"^[(\[]?\s*\+(?P<above>[\d.]+)\s*%?\s*[,;/ ]\s*-\s*(?P<below>[\d.]+)\s*(?P<unit>%?)\s*[)\]]?$")
_SPLIT: Final = re.compile(
    r"^(?P<low>[+-]?\s*[\d.,]*\d\.?(?:e[+-]?\d+)?\s*(?:%|pp)?)\s*(?:,|;|\bto\b|\band\b|\.\.+|\u2026|-)\s*(?P<high>[+-]?\s*[\d.,]*\d\.?(?:e[+-]?\d+)?\s*(?:%|pp)?)$",
    re.IGNORECASE,
)
_BRACKETS: Final = "[](){}<>\u27e8\u27e9 "


def read_interval(
    figure: str | PrintedInterval | tuple[Figure, Figure] | list[Figure], *, field: str, scale: Scale = "either"
) -> PrintedInterval:
    """
    Read a printed interval: ``[0.989, 1.000]``, ``6.0-13.4 %``, ``(52.1%; 56.4%]``, ``± 2.2``, ``+2.1/-2.4``, or its two ends.

    Parameters
    ----------
    figure : str, pair of figures or PrintedInterval
        As printed; brackets of any kind, with a comma, semicolon, dash or "to" between.
    field : str
        Name of the field, for the error.
    scale : {"percent", "fraction", "either"}, default "either"
        As in `read_printed`.

    Returns
    -------
    PrintedInterval
        Shape: scalar.

    Raises
    ------
    DataError
        If there are not two numbers in it, or the lower one comes last.
    """
    if isinstance(figure, PrintedInterval):
        return figure
    if isinstance(figure, tuple | list):
        if len(figure) != 2:
            raise _unreadable(figure, field, expected="two ends")
        return _ends(figure[0], figure[1], text=f"[{figure[0]}, {figure[1]}]", field=field, scale=scale)
    if not isinstance(figure, str):
        raise _unreadable(figure, field, expected="an interval as text or a pair of figures")
    text = figure.strip()
    plain = text.translate(_MINUS).strip(" $`*_")
    plain = re.sub(r"^(?:\d+\s*%\s*)?(?:CI|confidence interval|CrI)\s*[:=]?\s*", "", plain, flags=re.IGNORECASE)
    half = _PLUS_MINUS.match(plain)
    if half is not None:
        width = read_printed(half["half"], field=field, scale=scale)
        return PrintedInterval(text=text, below=width, above=width)
    uneven = _ASYMMETRIC.match(plain)
    if uneven is not None:
        above, below = (read_printed(uneven[end] + uneven["unit"], field=field, scale=scale) for end in ("above", "below"))
        return PrintedInterval(text=text, below=below, above=above)
    inner = plain
    for dash in _DASH:
        inner = inner.replace(dash, "-")
    trailing_percent = bool(re.search(r"[\])]\s*%$", inner))
    inner = re.sub(r"([\])])\s*%$", r"\1", inner).strip(_BRACKETS)
    match = _SPLIT.match(inner)
    if match is None:
        raise _unreadable(figure, field, expected="an interval such as [0.52, 0.56] or 52.1-56.4 %")
    low, high = match["low"], match["high"]
    if "%" in high or "pp" in high.lower() or trailing_percent:
        scale = "percent"
    return _ends(low, high, text=text, field=field, scale=scale)


def _ends(low: Figure, high: Figure, *, text: str, field: str, scale: Scale) -> PrintedInterval:
    first, second = (read_printed(end, field=field, scale=scale) for end in (low, high))
    if second.scale == "percent" or first.scale == "percent":
        first, second = attrs.evolve(first, scale="percent"), attrs.evolve(second, scale="percent")
    if first.value > second.value:
        raise DataError(f"{field} has its ends the wrong way round", column=field, expected="the lower end first", got=repr(text))
    return PrintedInterval(text=text, low=first, high=second)


def _unreadable(
    figure: object, field: str, *, expected: str = "a printed figure such as 0.640, 99.8 %, <.001 or 1,008"
) -> DataError:
    shown = repr(figure)
    return DataError(
        f"{field} cannot be read; write the figure as it was printed, as text",
        column=field,
        expected=expected,
        got=shown if len(shown) <= 80 else shown[:77] + "...",
    )
