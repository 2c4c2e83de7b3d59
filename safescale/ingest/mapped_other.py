"""JSONL and Parquet files as pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.mapped_input import Piece
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow
from safescale.records.strict import reject_of_error, repeated_key

__all__ = ["jsonl_pieces", "parquet_pieces"]

_KEY: Final = re.compile(rb'[^\\]"[ \t\r]*:')
_PARQUET_ROWS: Final = 2048


def jsonl_pieces(path: Path, *, missing: frozenset[str]) -> Iterator[Piece]:
    """Pieces of a file with one JSON object a line; the row number is the line's."""
    any_line = False
    for chunk in line_chunks(path):
        piece = _jsonl_piece(path, chunk, missing)
        any_line = any_line or bool(chunk.data)
        if chunk.broken is not None:
            piece.rejects.append(RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a whole compressed file", got=chunk.broken))
        yield piece
    if not any_line:
        reject = RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="at least one line", got="no line")
        yield Piece(path=path, rows=[], cells=[], names=None, rejects=[reject])


def _jsonl_piece(path: Path, chunk: Chunk, missing: frozenset[str]) -> Piece:
    piece = Piece(path=path, rows=[], cells=[], names=None, raws=[], missing=missing, bytes_read=len(chunk.data))
    objects: list[dict[str, Any]] = []
    raws: list[bytes] = []
    lines = chunk.data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for row, line in enumerate(lines, chunk.first_row):
        if not line.strip():
            piece.blank_rows.append(row)
            continue
        found = _json_object(line, row)
        if isinstance(found, RejectedRow):
            piece.rejects.append(found)
            continue
        piece.rows.append(row)
        objects.append(found)
        raws.append(line)
    piece.cells, piece.raws = objects, raws
    return piece


_decode: Final = msgspec.json.Decoder().decode


def _json_object(line: bytes, row: int) -> dict[str, Any] | RejectedRow:
    try:
        value = _decode(line)
        key = repeated_key(line) if _may_repeat_a_key(line, value) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return reject_of_error(error, line, row, "graded_trace")
    if not isinstance(value, dict):
        got = line[:200].decode("utf-8", "replace")
        return RejectedRow.of(row, RejectCode.NOT_AN_OBJECT, expected="one JSON object", got=got, raw=line)
    if key is not None:
        expected = "keys that differ"
        return RejectedRow.of(row, RejectCode.DUPLICATE_KEY, expected=expected, got=key, column=key, raw=line)
    return value


def _may_repeat_a_key(line: bytes, value: Any) -> bool:
    """
    False only when it is sure: as many keys came out as stand in the line.

    A quote inside a text is escaped, so ``_KEY`` finds keys only; it misses those that end in an escaped backslash.
    """
    return b'\\\\"' in line or len(_KEY.findall(line)) != _key_count(value)


def _key_count(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_key_count(v) for v in value.values() if isinstance(v, dict | list))
    return sum(_key_count(v) for v in value if isinstance(v, dict | list)) if isinstance(value, list) else 0


def parquet_pieces(path: Path, *, missing: frozenset[str]) -> Iterator[Piece]:
    """Pieces of a Parquet file; a file that is damaged is a reject of row 0, after the rows that could be read."""
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            names = {name: i for i, name in enumerate(file.schema_arrow.names)}
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                piece = _parquet_piece(path, batch, names, first, missing)
                first += batch.num_rows
                yield piece
    except (pa.ArrowException, OSError) as error:
        reject = RejectedRow.of(0, RejectCode.UNREADABLE, expected="a Parquet file", got=str(error))
        yield Piece(path=path, rows=[], cells=[], names={}, rejects=[reject])
        return
    if first == 1:
        reject = RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="at least one row", got="0 rows")
        yield Piece(path=path, rows=[], cells=[], names={}, rejects=[reject])


def _parquet_piece(path: Path, batch: Any, names: dict[str, int], first: int, missing: frozenset[str]) -> Piece:
    rows = list(range(first, first + batch.num_rows))
    bad: dict[int, str] = {}
    cells = [_column(batch.column(i), name, bad) for name, i in names.items()]
    rejects = [
        RejectedRow.of(rows[i], RejectCode.NOT_UTF8, expected="UTF-8", got="invalid bytes", column=name) for i, name in bad.items()
    ]
    if bad:
        rows = [row for i, row in enumerate(rows) if i not in bad]
        cells = [[cell for i, cell in enumerate(column) if i not in bad] for column in cells]
    return Piece(
        path=path,
        rows=rows,
        cells=cells,
        names=names,
        missing=missing,
        rejects=rejects,
        bytes_read=batch.nbytes,
    )


def _column(column: Any, name: str, bad: dict[int, str]) -> list[Any]:
    """Cells as Python values; instants as ISO 8601. Rows whose text is not UTF-8 are named in ``bad``."""
    if pa.types.is_temporal(column.type) and not pa.types.is_duration(column.type):
        return [None if cell is None else cell.isoformat() for cell in column.to_pylist()]
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        cells: list[Any] = []
        for i, cell in enumerate(column):
            try:
                cells.append(cell.as_py())
            except UnicodeDecodeError:
                bad.setdefault(i, name)
                cells.append(None)
        return cells
