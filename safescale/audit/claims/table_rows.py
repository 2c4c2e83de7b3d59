"""Rows of a pasted table, with the line that each stands on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Final

import attrs

from safescale.errors import DataError

__all__ = ["TableRow", "csv_rows", "markdown_rows"]

_SEPARATOR: Final = re.compile(r"^\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?$")
_CELL_BORDER: Final = re.compile(r"(?<!\\)\|")
_MARKS: Final = re.compile(r"\*\*|__|`|</?(?:b|i|strong|em|sup|sub|br)\s*/?>", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class TableRow:
    """Cells by heading; ``line`` counts from 1."""

    line: int
    cells: Mapping[str, str]

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings of its table."""
        return tuple(self.cells)


def csv_rows(text: str, *, file: str, first_line: int = 0) -> list[TableRow]:
    """
    Rows of a CSV table whose first line is its heading; commas, semicolons or tabs between.

    Raises
    ------
    DataError
        If a row has more cells than the heading, or a heading stands twice.
    """
    head = next((line for line in text.splitlines() if line.strip()), "")
    mark = max("\t;,", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    rows, headings = [], None
    try:
        for cells in reader:
            line = first_line + reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if headings is None:
                headings = _headings(cells, file=file, line=line)
                continue
            rows.append(_row(headings, cells, file=file, line=line))
    except csv.Error as error:
        raise DataError(f"the line is not CSV ({error}); close its quotes", file=file, row=first_line + reader.line_num) from None
    return rows


def markdown_rows(text: str, *, file: str, first_line: int = 0) -> list[TableRow]:
    """
    Rows of every pipe table in a text; what stands around them is passed over.

    Raises
    ------
    DataError
        If a row has more cells than the heading, or there is no table.
    """
    rows: list[TableRow] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines) - 1:
        if "|" in lines[at] and "-" in lines[at + 1] and _SEPARATOR.match(lines[at + 1].strip()):
            headings = _headings(_cells(lines[at]), file=file, line=first_line + at + 1)
            at += 2
            while at < len(lines) and "|" in lines[at]:
                cells = _cells(lines[at])
                if any(cells):
                    rows.append(_row(headings, cells, file=file, line=first_line + at + 1))
                at += 1
        at += 1
    if not rows:
        raise DataError("no table was found", file=file, expected="| heading | ... | over |---|---|", got=repr(text.strip()[:60]))
    return rows


def _cells(line: str) -> list[str]:
    parts = [_MARKS.sub("", part).replace("\\|", "|").strip() for part in _CELL_BORDER.split(line.strip())]
    if parts and not parts[0]:
        parts = parts[1:]
    return parts[:-1] if parts and not parts[-1] else parts


def _headings(cells: list[str], *, file: str, line: int) -> tuple[str, ...]:
    names = tuple(" ".join(cell.split()) for cell in cells)
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            "two columns have one heading", file=file, row=line, column=twice, expected="headings of their own", got=repr(twice)
        )
    return tuple(name or f"column {at + 1}" for at, name in enumerate(names))


def _row(headings: tuple[str, ...], cells: list[str], *, file: str, line: int) -> TableRow:
    if len(cells) > len(headings):
        raise DataError(
            "a row has more cells than its heading; a figure with a comma goes into quotes",
            file=file,
            row=line,
            expected=f"{len(headings)} cells",
            got=f"{len(cells)}: {cells[len(headings)]!r}",
        )
    filled = [cell.strip() for cell in cells] + [""] * (len(headings) - len(cells))
    return TableRow(line=line, cells=dict(zip(headings, filled, strict=True)))
