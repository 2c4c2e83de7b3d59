"""
``decode(chunk)``: canonical lines to columns plus rejects, on two paths that agree.

The fast path (pyarrow's JSON reader, then the violation mask) is taken only when every line of a piece is provably good: each
line is ``{...}``, as many rows come back as lines went in, no unknown field, valid UTF-8, no rule broken. Any doubt sends the
piece to the exact path, line by line, with line number and reason. The reasons for two paths and their measurements:
docs/decisions/0002-two-path-decoder.md.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pajson

from safescale.records.fields import arrow_schema
from safescale.records.rows import RejectedRow
from safescale.records.rules import violations
from safescale.records.strict import line_decoder

__all__ = ["BLOCK_BYTES", "SPLITS", "Decoded", "decode"]

BLOCK_BYTES: Final = 1 << 21
"""Bytes that are decoded at once: less, and the calls weigh as much as the bytes; more, and one bad line spoils too many good."""

SPLITS: Final = (8, 8)
"""Into how many pieces lines that are not provably good are cut, and these again, before they are decoded one by one."""

HINTS: Final = 3
"""How many single bad lines are taken out of a block where the reader says which line it stumbled over, before it is cut."""

_BLANK: Final = b" \t\r"
_IN_ROW: Final = re.compile(r" in row ([0-9]+)$")


@attrs.frozen(kw_only=True)
class Decoded:
    """
    Rows of a chunk.

    Parameters
    ----------
    table : pyarrow.Table
        Good rows with the schema of the record.
    rows : ndarray of int64
        Shape (table.num_rows,): 1-based line number of each.
    rejects : tuple of RejectedRow
        Lines that were not taken.
    blank_rows : tuple of int
        Lines that hold nothing.
    rows_in : int
        Lines of the chunk: good + rejected + blank.
    """

    table: pa.Table
    rows: npt.NDArray[np.int64]
    rejects: tuple[RejectedRow, ...]
    blank_rows: tuple[int, ...]
    rows_in: int


def decode(chunk: bytes, *, first_row: int = 1, record: str = "graded_trace") -> Decoded:
    """
    Decode whole lines of JSON of one record strictly.

    Parameters
    ----------
    chunk : bytes
        Whole lines; the last may lack its newline.
    first_row : int, default 1
        1-based number of the first line.
    record : str, default "graded_trace"
        Record that each line must be.

    Returns
    -------
    Decoded
        Every line is in exactly one of ``rows``, ``rejects`` and ``blank_rows``.
    """
    ends = _line_ends(chunk)
    if not len(ends):
        return _joined([], 0, record)
    blocks = min(len(ends), max(1, round(len(chunk) / BLOCK_BYTES)))
    return _pieces(chunk, ends, (0, len(ends)), blocks, first_row, record, SPLITS, HINTS)


def _pieces(
    chunk: bytes,
    ends: npt.NDArray[np.int64],
    span: tuple[int, int],
    pieces: int,
    first_row: int,
    record: str,
    splits: Sequence[int],
    hints: int,
) -> Decoded:
    """Lines ``span[0]`` to ``span[1]`` (exclusive) in so many pieces."""
    low, high = span
    edges = np.unique(np.linspace(low, high, pieces + 1).astype(np.int64)).tolist()
    parts = [_lines(chunk, ends, a, b, first_row, record, splits, hints) for a, b in itertools.pairwise(edges)]
    return _joined(parts, high - low, record)


def _lines(
    chunk: bytes,
    ends: npt.NDArray[np.int64],
    low: int,
    high: int,
    first_row: int,
    record: str,
    splits: Sequence[int],
    hints: int,
) -> Decoded:
    """Lines ``low`` to ``high`` (exclusive): fast if they are provably good, else in smaller pieces, else one by one."""
    start = int(ends[low - 1]) + 1 if low else 0
    data = chunk[start : int(ends[high - 1])] if high - low < len(ends) else chunk
    local = ends[low:high] - start
    table, doubt = _read(data, local, record)
    if table is not None:
        rows = np.arange(first_row + low, first_row + high, dtype=np.int64)
        return Decoded(table=table, rows=rows, rejects=(), blank_rows=(), rows_in=high - low)
    if hints and doubt is not None and high - low > 1:
        edges = (low, low + doubt, low + doubt + 1, high)
        parts = [
            _lines(chunk, ends, a, b, first_row, record, () if b - a == 1 else splits, hints - 1)
            for a, b in itertools.pairwise(edges)
            if b > a
        ]
        return _joined(parts, high - low, record)
    if not splits:
        return _exact(data, local, first_row + low, record)
    return _pieces(chunk, ends, (low, high), splits[0], first_row, record, splits[1:], hints)


def _joined(parts: Sequence[Decoded], rows_in: int, record: str) -> Decoded:
    if len(parts) == 1:
        return parts[0]
    return Decoded(
        table=pa.concat_tables([p.table for p in parts]) if parts else arrow_schema(record).empty_table(),
        rows=np.concatenate([p.rows for p in parts]) if parts else np.empty(0, dtype=np.int64),
        rejects=tuple(r for p in parts for r in p.rejects),
        blank_rows=tuple(b for p in parts for b in p.blank_rows),
        rows_in=rows_in,
    )


def _line_ends(chunk: bytes) -> npt.NDArray[np.int64]:
    """Offset just past the content of each line (at its newline, or at the end)."""
    ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == 0x0A).astype(np.int64)
    if chunk and (len(ends) == 0 or ends[-1] != len(chunk) - 1):
        ends = np.append(ends, len(chunk))
    return ends


def _fast(data: bytes, ends: npt.NDArray[np.int64], record: str) -> pa.Table | None:
    """The rows, or None where a line is not provably good."""
    return _read(data, ends, record)[0]


def _read(data: bytes, ends: npt.NDArray[np.int64], record: str) -> tuple[pa.Table | None, int | None]:
    """The rows; or None and, where that is known, the first line (0-based) that is in doubt. Nothing rests on it but time."""
    if not len(ends):
        return None, None
    odd = _not_objects(data, ends)
    if odd.size:
        return None, int(odd[0])
    schema = arrow_schema(record)
    try:
        table = pajson.read_json(
            pa.BufferReader(data),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pajson.ParseOptions(explicit_schema=_nullable(schema), unexpected_field_behavior="error"),
        )
        if table.num_rows != len(ends):
            return None, None
        table.validate(full=True)
        mask = violations(table, record)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        named = _IN_ROW.search(str(error))
        return None, int(named[1]) if named and int(named[1]) < len(ends) else None
    if mask.any():
        return None, int(np.flatnonzero(mask)[0])
    return table.cast(schema), None


def _not_objects(data: bytes, ends: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Lines that do not begin with ``{`` and end with ``}`` (or ``}`` and a carriage return)."""
    view = np.frombuffer(data, dtype=np.uint8)
    starts = np.concatenate(([0], ends[:-1] + 1))
    short = np.flatnonzero(ends - starts < 2)
    if short.size:
        return short
    last = view[ends - 1]
    closing = np.where(last == 0x0D, view[ends - 2], last)
    return np.flatnonzero((view[starts] != 0x7B) | (closing != 0x7D))


def _nullable(schema: pa.Schema) -> pa.Schema:
    """The reader's schema: a missing required key must come back as null, to be named by the exact path."""
    return pa.schema([pa.field(f.name, f.type) for f in schema])


def _exact(data: bytes, ends: npt.NDArray[np.int64], first_row: int, record: str) -> Decoded:
    decoder = line_decoder(record)
    good: list[tuple[Any, ...]] = []
    rows: list[int] = []
    rejects: list[RejectedRow] = []
    blank: list[int] = []
    start = 0
    for row, end in enumerate(ends.tolist(), start=first_row):
        line = data[start:end].removesuffix(b"\r")
        start = end + 1
        if not line.strip(_BLANK):
            blank.append(row)
            continue
        found = decoder.decode(line, row)
        if isinstance(found, RejectedRow):
            rejects.append(found)
        else:
            good.append(found)
            rows.append(row)
    return Decoded(
        table=_columns(decoder.columns, good, record),
        rows=np.asarray(rows, dtype=np.int64),
        rejects=tuple(rejects),
        blank_rows=tuple(blank),
        rows_in=len(ends),
    )


def _columns(names: Sequence[str], good: Sequence[tuple[Any, ...]], record: str) -> pa.Table:
    schema = arrow_schema(record)
    if not good:
        return schema.empty_table()
    by_name = dict(zip(names, zip(*good, strict=True), strict=True))
    return pa.Table.from_arrays([pa.array(by_name[f.name], type=f.type) for f in schema], schema=schema)
