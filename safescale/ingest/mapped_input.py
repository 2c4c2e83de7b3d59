"""A piece of a tabular file as columns of cells, with the row number of each and the rows that were refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.ingest.bytes_in import without_compression
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["PIECE_ROWS", "Piece", "bare_name"]

PIECE_ROWS: Final = 8192
"""Most rows of a piece; a piece of text-heavy rows is bounded by the size of a chunk instead."""

_STEP: Final = re.compile(r"\[(-?[0-9]+)\]|([^.\[\]]+)")


def bare_name(path: Path) -> str:
    """File name without ``.gz`` / ``.zst``."""
    return without_compression(path.name)


@attrs.define(kw_only=True)
class Piece:
    """
    Some rows of one file.

    Parameters
    ----------
    path : Path
        The file.
    rows : list of int
        1-based number of each row: the line of a JSONL file, the record after the header of a CSV, the row of a Parquet file.
    cells : sequence
        One list of cells per column (``names`` is set), or one JSON object per row (``names`` is None).
    raws : list of bytes, optional
        Each row as it stands in the file.
    rejects, blank_rows, left_out : list
        Rows that did not become cells, and those that the map leaves out. They are not in ``rows``.
    """

    path: Path
    rows: list[int]
    cells: Sequence[Any]
    names: dict[str, int] | None
    raws: list[bytes] | None = None
    missing: frozenset[str] = frozenset({""})
    rejects: list[RejectedRow] = attrs.field(factory=list)
    blank_rows: list[int] = attrs.field(factory=list)
    left_out: list[int] = attrs.field(factory=list)
    bytes_read: int = 0
    refused: dict[int, RejectedRow] = attrs.field(factory=dict)
    _columns: dict[str, list[Any]] = attrs.field(factory=dict)

    @property
    def size(self) -> int:
        """Number of rows that became cells."""
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """Cells of a column: None where there is none, or where the map calls the text missing."""
        found = self._columns.get(name)
        if found is None:
            missing = self.missing
            raw = self._raw_column(name)
            found = [None if isinstance(cell, str) and cell in missing else cell for cell in raw]
            self._columns[name] = found
        return found

    def has_column(self, name: str) -> bool:
        """Whether the column is in the file; of JSON objects: in any row of this piece."""
        if self.names is not None:
            return name in self.names
        return any(name in row or _at(row, name) is not None for row in self.cells)

    def known_columns(self) -> list[str]:
        """Names of the columns, for messages."""
        return list(self.names) if self.names is not None else sorted({key for row in self.cells for key in row})

    def whole_row(self, i: int) -> dict[str, Any]:
        """Everything that a row says."""
        if self.names is None:
            row: dict[str, Any] = self.cells[i]
            return row
        return {name: self.cells[at][i] for name, at in self.names.items()}

    def leave_out(self, flags: Sequence[bool]) -> Piece:
        """The same piece without the rows that are flagged."""
        at = [i for i, flag in enumerate(flags) if not flag]
        if len(at) == self.size:
            return self
        cells = self.cells
        return attrs.evolve(
            self,
            rows=[self.rows[i] for i in at],
            cells=[cells[i] for i in at] if self.names is None else [[column[i] for i in at] for column in cells],
            raws=None if self.raws is None else [self.raws[i] for i in at],
            left_out=[row for row, flag in zip(self.rows, flags, strict=True) if flag],
            columns={},
        )

    def file_match(self, pattern: re.Pattern[str]) -> str:
        """
        What a pattern finds in the file's name: its first group, or all of it.

        Raises
        ------
        DataError
            When the name does not match.
        """
        found = pattern.search(bare_name(self.path))
        if found is None:
            raise DataError(
                "the file's name does not fit the map (from_file)",
                file=str(self.path),
                expected=f"a name matching {pattern.pattern}",
                got=bare_name(self.path),
            )
        return found.group(1) if pattern.groups else found.group()

    def refuse(self, i: int, code: RejectCode, *, expected: str, got: object, column: str | None = None) -> None:
        """Reject row ``i``; the first reason stands."""
        if i not in self.refused:
            raw = self.raws[i] if self.raws is not None else None
            self.refused[i] = RejectedRow.of(self.rows[i], code, expected=expected, got=got, column=column, raw=raw)

    def _raw_column(self, name: str) -> Sequence[Any]:
        if self.names is not None:
            at = self.names.get(name)
            return [None] * self.size if at is None else self.cells[at]
        return [row[name] if name in row else _at(row, name) for row in self.cells]


def _at(row: dict[str, Any], path: str) -> Any:
    """The cell at a path such as ``meta.scores[0]``; None where it leads nowhere."""
    if "." not in path and "[" not in path:
        return None
    cell: Any = row
    for index, key in _STEP.findall(path):
        if index:
            cell = cell[int(index)] if isinstance(cell, list) and -len(cell) <= int(index) < len(cell) else None
        else:
            cell = cell.get(key) if isinstance(cell, dict) else None
    return cell
