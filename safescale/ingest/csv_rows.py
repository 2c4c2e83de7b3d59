"""Rows of a CSV file with fixed columns, on their way into a gathering: what is no row is counted there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from safescale.ingest.gathering import Gathering
from safescale.ingest.mapped_csv import csv_pieces

__all__ = ["CsvRow", "csv_header", "csv_rows"]

_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_HEADER: Final = 1 << 13


@attrs.frozen(kw_only=True)
class CsvRow:
    """A record after the header (its number, from 1): its cells by column, and as it stands in the file."""

    row: int
    cells: dict[str, str]
    raw: bytes


def csv_rows(path: Path, gathering: Gathering) -> Iterator[CsvRow]:
    """
    Records of a CSV file; rejects of the reader and blank lines (metadata) go to ``gathering``, as do the bytes read.

    Every record has the columns of the header: one with more or fewer fields is a reject.
    """
    for piece in csv_pieces(path, delimiter=",", missing=frozenset()):
        for reject in piece.rejects:
            gathering.reject(reject)
        for row in piece.blank_rows:
            gathering.metadata(row)
        gathering.read(piece.bytes_read)
        names, raws = piece.names or {}, piece.raws or []
        for i, row in enumerate(piece.rows):
            cells = {name: piece.cells[at][i] for name, at in names.items()}
            yield CsvRow(row=row, cells=cells, raw=raws[i])


def csv_header(head: bytes) -> tuple[str, ...]:
    """Column names in the first line of a file's head, for detection; () when it is no line of text."""
    line, newline, _ = head.removeprefix(_BOM).partition(b"\n")
    if not newline or len(line) > _LONGEST_HEADER:
        return ()
    try:
        found = next(csv.reader([line.decode().rstrip("\r")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return ()
    return tuple(name.strip() for name in found)
