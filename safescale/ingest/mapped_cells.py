"""Cells to typed columns: text stays text, a number must be one; what is neither refuses its row."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from safescale.ingest.mapped_input import Piece
from safescale.ingest.mapped_values import Value, cell_text
from safescale.records.fates import RejectCode

__all__ = ["instant_cells", "integer_cells", "label_cells", "number_cells", "text_cells", "truth_cells"]

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}\Z")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_SPACED_INSTANT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2})")


def text_cells(piece: Piece, value: Value, field: str, *, identifier: bool = False) -> list[str | None]:
    """Text; an identifier may also be an integer (``"id": 17``)."""
    cells = value.read(piece)
    for i, cell in enumerate(cells):
        if cell is None or isinstance(cell, str):
            continue
        if identifier and isinstance(cell, int) and not isinstance(cell, bool):
            cells[i] = str(cell)
        else:
            cells[i] = _refused(piece, i, value, field, "text", cell)
    return cells


def label_cells(piece: Piece, value: Value) -> list[str | None]:
    """A label: text, number or truth value, as text. A list or an object is its JSON (and no map knows it)."""
    return [cell_text(cell) for cell in value.read(piece)]


def integer_cells(piece: Piece, value: Value, field: str) -> list[int | None]:
    """Integers; a text must be nothing but digits with a sign, a float must be integral."""
    cells = value.read(piece)
    for i, cell in enumerate(cells):
        if cell is None or (isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < 2**63):
            continue
        digits = isinstance(cell, str) and _INTEGER.match(cell.strip()) is not None
        integral = isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53
        cells[i] = int(cell) if digits or integral else _refused(piece, i, value, field, "an integer", cell)
    return cells


def number_cells(piece: Piece, value: Value, field: str) -> list[float | None]:
    """Finite numbers; ``7B``, ``NaN`` and ``true`` are none."""
    cells = value.read(piece)
    for i, cell in enumerate(cells):
        if cell is None:
            continue
        number = _number(cell)
        cells[i] = _refused(piece, i, value, field, "a finite number", cell) if number is None else number
    return cells


def truth_cells(piece: Piece, value: Value, field: str) -> list[bool | None]:
    """Truth values: true / false, in any case, or 1 / 0."""
    cells = value.read(piece)
    for i, cell in enumerate(cells):
        text = (cell_text(cell) or "").strip().lower()
        if cell is None or text in {"true", "false", "1", "0"}:
            cells[i] = None if cell is None else text in {"true", "1"}
        else:
            cells[i] = _refused(piece, i, value, field, "true or false", cell)
    return cells


def instant_cells(piece: Piece, value: Value, field: str) -> list[str | None]:
    """ISO 8601 instants; a blank between date and time becomes ``T``."""
    cells = text_cells(piece, value, field)
    return [None if cell is None else _SPACED_INSTANT.sub(r"\1T\2", cell, count=1) for cell in cells]


def _number(cell: Any) -> float | None:
    if isinstance(cell, str):
        if not _NUMBER.match(cell.strip()):
            return None
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    try:
        number = float(cell)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _refused(piece: Piece, i: int, value: Value, field: str, expected: str, cell: Any) -> Any:
    """Reject the row; what stands in the place of its cell is None."""
    piece.refuse(i, RejectCode.WRONG_TYPE, expected=f"{expected} for {field}", got=cell, column=value.column or field)
    return None
