"""What a column map can say of a value: where it is from, what it becomes, and when a condition on it holds."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from safescale.ingest.mapped_input import Piece
from safescale.ingest.mapped_yaml import plain_text
from safescale.records.fates import RejectCode

__all__ = ["REDUCTIONS", "Condition", "Value", "cell_text", "numbers_in"]

REDUCTIONS: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "max": max,
    "min": min,
    "mean": lambda xs: math.fsum(xs) / len(xs),
    "first": lambda xs: xs[0],
    "last": lambda xs: xs[-1],
    "count": len,
}
"""How a list of numbers (``[0.0, 0.875]``) becomes one; an empty list becomes nothing (``count``: 0)."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")


def cell_text(value: Any) -> str | None:
    """A cell as text: JSON scalars as they are written, lists and objects as JSON; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, bool | int | float):
        return plain_text(value)
    return msgspec.json.encode(value, order="sorted", enc_hook=str).decode()


def numbers_in(value: Any) -> list[float] | None:
    """The numbers of a list cell (a JSON list, or its text); None when it is something else."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value.encode("utf-8", "surrogatepass"))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
    if isinstance(value, int | float):
        value = [value]
    if not isinstance(value, list):
        return None
    if any(isinstance(x, bool) or not isinstance(x, int | float) or not math.isfinite(x) for x in value):
        return None
    return [float(x) for x in value]


@attrs.frozen(kw_only=True)
class Value:
    """
    Where a field of the record is from.

    One of ``column``, ``const``, ``template`` and ``from_file`` is set; a template may come with ``from_file``, which its
    placeholder ``{from_file}`` then stands for. ``values`` translates what is found, without
    case (its keys are folded and may be shell patterns); what it does not know becomes ``otherwise``, or stays (``keep``), or
    rejects the row (None).
    """

    place: str
    column: str | None = None
    const: Any = None
    template: str | None = None
    from_file: re.Pattern[str] | None = None
    values: Mapping[str, str] | None = None
    keep: bool = False
    otherwise: str | None = None
    reduce: str | None = None
    optional: bool = False
    default: Any = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Source columns that it reads."""
        if self.template is not None:
            names = _PLACEHOLDER.findall(self.template)
            return tuple(name for name in names if self.from_file is None or name != "from_file")
        return () if self.column is None else (self.column,)

    def read(self, piece: Piece) -> list[Any]:
        """The value of each row of a piece, None where there is none. Rows that break the rules are refused."""
        found = self._found(piece)
        if self.reduce is not None:
            found = [self._reduced(piece, i, cell) for i, cell in enumerate(found)]
        if self.default is not None:
            found = [self.default if cell is None else cell for cell in found]
        if self.values is None:
            return found
        known: dict[str | None, str | None] = {}
        translated = []
        for i, cell in enumerate(found):
            text = cell_text(cell)
            if text not in known:
                known[text] = self._translated(text)
            if known[text] is None and text is not None:
                expected = "one of " + ", ".join(self.values)
                piece.refuse(i, RejectCode.UNKNOWN_VALUE, expected=expected, got=text, column=self.column or self.place)
            translated.append(known[text])
        return translated

    def _found(self, piece: Piece) -> list[Any]:
        if self.column is not None:
            return list(piece.column(self.column))
        if self.template is not None:
            return self._filled(piece)
        if self.from_file is not None:
            return [piece.file_match(self.from_file)] * piece.size
        return [self.const] * piece.size

    def _filled(self, piece: Piece) -> list[Any]:
        assert self.template is not None
        template = self.template
        if self.from_file is not None:
            template = template.replace("{from_file}", piece.file_match(self.from_file))
        parts = _PLACEHOLDER.split(template)  # text, name, text, ..., name, text
        literal = [part.replace("%", "%%") for part in parts[::2]]
        pattern = "%s".join(literal)
        cells = [[cell_text(cell) for cell in piece.column(name)] for name in parts[1::2]]
        return [None if None in row else pattern % row for row in zip(*cells, strict=True)] or [template] * piece.size

    def _reduced(self, piece: Piece, i: int, cell: Any) -> float | None:
        if cell is None:
            return None
        numbers = numbers_in(cell)
        if numbers is None:
            piece.refuse(i, RejectCode.WRONG_TYPE, expected="a list of finite numbers", got=cell, column=self.column)
            return None
        assert self.reduce is not None
        if not numbers:
            return 0.0 if self.reduce == "count" else None
        return float(REDUCTIONS[self.reduce](numbers))

    def _translated(self, text: str | None) -> str | None:
        assert self.values is not None
        if text is None:
            return self.otherwise
        folded = text.strip().casefold()
        exact = self.values.get(folded)
        if exact is not None:
            return exact
        for pattern, meaning in self.values.items():
            if fnmatch.fnmatchcase(folded, pattern):
                return meaning
        return text if self.keep else self.otherwise


@attrs.frozen(kw_only=True)
class Condition:
    """Tests on columns, all of which must hold: ``{column: (test, argument)}``. Texts are compared without case."""

    tests: Mapping[str, Sequence[tuple[str, Any]]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Source columns that it reads."""
        return tuple(self.tests)

    def holds(self, piece: Piece) -> list[bool]:
        """Whether it holds, for each row."""
        result = [True] * piece.size
        for column, tests in self.tests.items():
            cells = piece.column(column)
            for test, argument in tests:
                check = _TESTS[test]
                result = [good and check(cell, argument) for good, cell in zip(result, cells, strict=True)]
        return result


def _is_in(cell: Any, texts: frozenset[str]) -> bool:
    text = cell_text(cell)
    return text is not None and text.strip().casefold() in texts


def _is_empty(cell: Any, wanted: bool) -> bool:
    text = cell_text(cell)
    return (text is None or text.strip() in {"", "[]", "{}"}) == wanted


def _number(cell: Any) -> float | None:
    numbers = numbers_in(cell)
    return max(numbers) if numbers else None


def _compared(test: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    """A cell without a number is never above or below anything; of a list the largest number counts."""

    def check(cell: Any, bound: Any) -> bool:
        number = _number(cell)
        return number is not None and test(number, bound)

    return check


_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "in": _is_in,
    "not_in": lambda cell, texts: not _is_in(cell, texts),
    "empty": _is_empty,
    "matches": lambda cell, pattern: pattern.search(cell_text(cell) or "") is not None,
    "above": _compared(lambda x, bound: x > bound),
    "below": _compared(lambda x, bound: x < bound),
    "at_least": _compared(lambda x, bound: x >= bound),
    "at_most": _compared(lambda x, bound: x <= bound),
}
