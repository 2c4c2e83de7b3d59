"""
CSV read strictly: every field is text, a bad record is one reject, and the good ones around it are kept.

A *record* is what RFC 4180 calls one: its quoted fields may hold line breaks. The row number is that of the record after the
header, from 1. When a quote is never closed, the record would swallow the file up to the next quote: if the line after the one
where the record began is by itself a record with the right number of fields, only the first line is taken to be bad.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.mapped_input import PIECE_ROWS, Piece
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["csv_pieces"]

LONGEST_RECORD: Final = 64 << 20
"""Characters after which an open quote counts as an error."""

_FIELD_LIMIT: Final = 1 << 30


def csv_pieces(path: Path, *, delimiter: str, missing: frozenset[str]) -> Iterator[Piece]:
    """Pieces of a CSV file. The first may hold nothing but a reject of row 0 (an empty file, a header that is not text)."""
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))  # process-wide; responses exceed the default of 128 kB
    lines = _Lines(path)
    records = _Records(lines, delimiter)
    header = records.header()
    if isinstance(header, RejectedRow):
        yield _empty(path, [header])
        return
    names = {name.strip(): i for i, name in enumerate(header)}
    if len(names) < len(header):
        got = ", ".join(sorted({n for n in header if header.count(n) > 1}))
        reject = RejectedRow.of(0, RejectCode.DUPLICATE_KEY, expected="a header whose names differ", got=got)
        yield _empty(path, [reject])
        return
    more, found = True, 0
    while more:
        piece, more = _piece(path, records, names, missing)
        piece.bytes_read = lines.take_bytes()
        found += piece.size + len(piece.rejects)
        if not more and not found and lines.broken is None:
            piece.rejects.append(RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="at least one row", got="a header alone"))
        if not more and lines.broken is not None:
            piece.rejects.append(RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a whole compressed file", got=lines.broken))
        yield piece


def _empty(path: Path, rejects: list[RejectedRow]) -> Piece:
    return Piece(path=path, rows=[], cells=[], names={}, rejects=rejects)


def _piece(path: Path, records: _Records, names: dict[str, int], missing: frozenset[str]) -> tuple[Piece, bool]:
    """The next rows, about a chunk of them, and whether more may follow."""
    rows: list[int] = []
    fields: list[list[str]] = []
    raws: list[bytes] = []
    rejects: list[RejectedRow] = []
    blank: list[int] = []
    width, size, more = len(names), 0, False
    for record in records:
        size += len(record.raw)
        if record.problem is not None:
            rejects.append(record.problem)
        elif not record.fields:
            blank.append(record.row)
        elif len(record.fields) != width:
            code = RejectCode.MISSING_FIELD if len(record.fields) < width else RejectCode.UNKNOWN_FIELD
            rejects.append(_reject(record, code, f"{width} fields", f"{len(record.fields)} fields"))
        else:
            rows.append(record.row)
            fields.append(record.fields)
            raws.append(record.raw)
        if size > 1 << 20 or len(rows) >= PIECE_ROWS:
            more = True
            break
    cells = list(zip(*fields, strict=True)) if fields else [()] * width
    piece = Piece(
        path=path,
        rows=rows,
        cells=cells,
        names=names,
        raws=raws,
        missing=missing,
        rejects=rejects,
        blank_rows=blank,
    )
    return piece, more


@attrs.frozen
class _Record:
    row: int
    fields: list[str]
    raw: bytes
    problem: RejectedRow | None = None


def _reject(record: _Record, code: RejectCode, expected: str, got: str) -> RejectedRow:
    return RejectedRow.of(record.row, code, expected=expected, got=got, raw=record.raw)


class _Lines:
    """Physical lines as text (invalid bytes as lone surrogates), with those of the record being read at hand."""

    def __init__(self, path: Path) -> None:
        self._chunks = line_chunks(path)
        self._ready: deque[str] = deque()
        self.record: list[str] = []
        self.broken: str | None = None
        self._bytes = 0
        self._length = 0
        self.dirty = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._ready:
            self._fill(next(self._chunks))
        if self._length > LONGEST_RECORD:
            raise csv.Error(f"a field longer than {LONGEST_RECORD} characters: is a quote not closed?")
        line = self._ready.popleft()
        self._length += len(line)
        self.record.append(line)
        return line

    def begin_record(self) -> None:
        self.record = []
        self._length = 0

    def push_back(self) -> None:
        """Give back all lines of the record but the first."""
        self._ready.extendleft(reversed(self.record[1:]))
        del self.record[1:]

    def take_bytes(self) -> int:
        taken, self._bytes = self._bytes, 0
        return taken

    def _fill(self, chunk: Chunk) -> None:
        self._bytes += len(chunk.data)
        self.broken = chunk.broken or self.broken
        try:
            text = chunk.data.decode()
            self.dirty = self.dirty or "\x00" in text
        except UnicodeDecodeError:
            text = chunk.data.decode("utf-8", "surrogateescape")
            self.dirty = True  # from here on records are looked at one by one; a clean file never pays for it
        lines = text.split("\n")
        last = lines.pop()
        self._ready.extend([f"{line}\n" for line in lines])
        if last:
            self._ready.append(last)


class _Records:
    def __init__(self, lines: _Lines, delimiter: str) -> None:
        self._lines, self._delimiter = lines, delimiter
        self._row = 0
        self._width = 0
        self._reader = self._new_reader()

    def _new_reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True)

    def header(self) -> list[str] | RejectedRow:
        """Names of the columns, or why there are none."""
        for record in self:
            if record.problem is not None:
                return attrs.evolve(record.problem, row=0)
            if record.fields:
                self._row, self._width = 0, len(record.fields)
                return record.fields
        broken = self._lines.broken
        if broken is not None:
            return RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a whole compressed file", got=broken)
        return RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="a header line", got="no line")

    def __iter__(self) -> Iterator[_Record]:
        lines = self._lines
        while True:
            lines.begin_record()
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(str(error))
                continue
            self._row += 1
            raw = "".join(lines.record)
            record = _Record(self._row, fields, raw.encode("utf-8", "surrogateescape"))
            yield attrs.evolve(record, problem=_unclean(record)) if lines.dirty else record

    def _broken(self, error: str) -> _Record:
        """One reject for a record that is not CSV; the lines that it swallowed are given back if they are records."""
        lines = self._lines
        if len(lines.record) > 1 and self._is_record(lines.record[1]):
            lines.push_back()
        self._reader = self._new_reader()
        self._row += 1
        raw = "".join(lines.record).encode("utf-8", "surrogateescape")
        span = f" (record of {len(lines.record)} lines)" if len(lines.record) > 1 else ""
        problem = RejectedRow.of(
            self._row, RejectCode.UNREADABLE, expected="a CSV record with closed quotes", got=error + span, raw=raw
        )
        return _Record(self._row, [], raw, problem)

    def _is_record(self, line: str) -> bool:
        try:
            fields = next(csv.reader([line], delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration):
            return False
        return len(fields) == self._width > 1


def _unclean(record: _Record) -> RejectedRow | None:
    try:
        record.raw.decode()
    except UnicodeDecodeError as error:
        got = record.raw[max(0, error.start - 20) : error.start + 20]
        return _reject(record, RejectCode.NOT_UTF8, "UTF-8", f"byte {error.start}: {got!r}")
    if b"\x00" in record.raw:
        return _reject(record, RejectCode.UNREADABLE, "text without NUL", f"NUL at byte {record.raw.index(0)}")
    return None
