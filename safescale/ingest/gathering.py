"""Rows of records gathered one by one into batches of bounded size; what no record can hold becomes a reject, no exception."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import pyarrow as pa

from safescale.ingest.batch import Batch, grader_row, table_of
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.fields import arrow_schema
from safescale.records.rows import FileNote, RejectedRow, clip
from safescale.records.verdicts import Verdict

__all__ = ["ODD_VALUE", "Gathering", "Records", "Unusable"]

_ROWS: Final = 2_000
_CHARS: Final = 8 << 20

ODD_VALUE: Final = (AttributeError, TypeError, KeyError, ValueError, IndexError, OverflowError, RecursionError)
"""What reading a field of an unexpected shape may raise (text with half a surrogate pair is a ValueError)."""

_UNSTORABLE: Final = (pa.ArrowException, *ODD_VALUE)


class Unusable(Exception):
    """A row that cannot be taken, and why; raised while the records of one row are made."""

    def __init__(self, code: RejectCode, *, expected: str, got: object, column: str | None = None) -> None:
        super().__init__(expected)
        self.code, self.expected, self.got, self.column = code, expected, got, column


@attrs.define
class Records:
    """What one input row gives: a trace or several generations, with their turns, grades and the meaning of their graders."""

    trace: dict[str, Any] | None = None
    more_traces: list[dict[str, Any]] = attrs.field(factory=list)
    """Further generations, where a row of the format holds several."""
    turns: list[dict[str, Any]] = attrs.field(factory=list)
    grades: list[dict[str, Any]] = attrs.field(factory=list)
    graders: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    """Grader id to (kind, outcome map)."""
    aggregates: list[dict[str, Any]] = attrs.field(factory=list)
    sizes: dict[str, tuple[float | None, float | None, bool]] = attrs.field(factory=dict)

    @property
    def traces(self) -> list[dict[str, Any]]:
        """All its traces."""
        return ([] if self.trace is None else [self.trace]) + self.more_traces

    def grade(
        self,
        grader: str,
        kind: str,
        outcome_map: str,
        verdict: Verdict,
        label: str,
        *,
        score: float | None = None,
        score_scale: str | None = None,
    ) -> None:
        """Grade the text of the trace, and say what the grader's labels mean."""
        assert self.trace is not None
        self.graders[grader] = (kind, outcome_map)
        self.grades.append(
            {
                "trace_id": self.trace["trace_id"],
                "target": "text",
                "grader_id": grader,
                "grader_kind": kind,
                "verdict": verdict.value,
                "raw_label": clip(label),
                "score": score,
                "score_scale": score_scale,
            }
        )

    def chars(self) -> int:
        """Characters of its texts."""
        rows = self.traces + self.turns
        return sum(len(value) for row in rows for value in row.values() if isinstance(value, str))


class Gathering:
    """
    The rows of one file on their way into batches.

    ``source_file`` and ``source_row`` are filled in. A row is given to exactly one of ``take``, ``reject``, ``metadata`` and
    ``superseded``; ``full`` gives a batch when enough is gathered, ``rest`` what is left.

    Parameters
    ----------
    source_file : str
        The file as the user named it.
    hallucination_refusal : str, default "not_used"
        What HALLUCINATION_REFUSAL means to its graders.
    """

    def __init__(self, source_file: str, *, hallucination_refusal: str = "not_used") -> None:
        self._file, self._hr = source_file, hallucination_refusal
        self._nothing_yet = True
        self._start()

    def _start(self) -> None:
        self._rows: list[tuple[int, Records]] = []
        self._rejects: list[RejectedRow] = []
        self._metadata: list[int] = []
        self._superseded: list[int] = []
        self._notes: list[FileNote] = []
        self._chars = self._bytes = 0

    def take(self, row: int, make: Callable[[], Records], *, raw: bytes | None = None) -> Records | None:
        """
        Add the records that ``make`` gives for an input row; what it raises as ``Unusable``, or through an unexpected shape of the
        row, is a reject. Gives the records that were added.
        """
        try:
            records = make()
        except Unusable as why:
            self.reject(RejectedRow.of(row, why.code, expected=why.expected, got=why.got, column=why.column, raw=raw))
        except ODD_VALUE as error:
            expected = "a row of this format"
            self.reject(
                RejectedRow.of(row, RejectCode.WRONG_TYPE, expected=expected, got=f"{type(error).__name__}: {error}", raw=raw)
            )
        else:
            self._rows.append((row, records))
            self._chars += records.chars()
            return records
        return None

    def reject(self, reject: RejectedRow) -> None:
        """A row (or, with row 0, the file) that was not taken."""
        self._rejects.append(reject if reject.column is None else attrs.evolve(reject, column=clip(reject.column)))

    def metadata(self, row: int) -> None:
        """A row that carries no record."""
        self._metadata.append(row)

    def superseded(self, row: int) -> None:
        """A row that another row of the file replaces."""
        self._superseded.append(row)

    def note(self, code: NoteCode, *, expected: object, got: object, row: int = 0, column: str | None = None) -> None:
        """Something that a reader of the numbers must know of the file."""
        named = None if column is None else clip(column)
        self._notes.append(FileNote.of(code, expected=expected, got=got, row=row, column=named))

    def read(self, size: int) -> None:
        """Count bytes of the file as done, for the progress bar."""
        self._bytes += size

    def full(self) -> Iterator[Batch]:
        """A batch, when enough is gathered for one."""
        waiting = len(self._rows) + len(self._rejects) + len(self._metadata) + len(self._superseded)
        if waiting >= _ROWS or self._chars >= _CHARS:
            yield self._batch()

    def rest(self) -> Iterator[Batch]:
        """What is left; a file that gave nothing at all is a reject of the file."""
        if self._nothing_yet and not (self._rows or self._rejects or self._metadata or self._superseded):
            self.reject(RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="at least one row", got="none"))
        yield self._batch()

    def _batch(self) -> Batch:
        rows, bad = self._storable()
        traces = [t for _, r in rows for t in r.traces]
        turns = [t for _, r in rows for t in r.turns]
        grades = [g for _, r in rows for g in r.grades]
        aggregates = [a for _, r in rows for a in r.aggregates]
        graders: dict[str, tuple[str, str]] = {}
        sizes: dict[str, tuple[float | None, float | None, bool]] = {}
        for _, records in rows:
            graders.update(records.graders)
            sizes.update(records.sizes)
        counted = sum(reject.row > 0 for reject in self._rejects)
        batch = Batch(
            rows_in=len(self._rows) + counted + len(self._metadata) + len(self._superseded),
            traces=table_of("trace", traces) if traces else None,
            turns=table_of("turn", turns) if turns else None,
            grades=table_of("grade", grades) if grades else None,
            graders=table_of("grader", [grader_row(g, *m, self._hr) for g, m in graders.items()]) if graders else None,
            aggregates=table_of("aggregate", aggregates) if aggregates else None,
            rejects=[*self._rejects, *bad],
            metadata_rows=self._metadata,
            superseded_rows=self._superseded,
            declared_sizes=sizes,
            notes=self._notes,
            bytes_read=self._bytes,
        )
        self._start()
        self._nothing_yet = False
        return batch

    def _storable(self) -> tuple[list[tuple[int, Records]], list[RejectedRow]]:
        """Rows whose values fit their columns, with file and row filled in; the others as rejects."""
        for row, records in self._rows:
            self._place(records, row)
        if _fits([records for _, records in self._rows]):
            return self._rows, []
        kept, bad = [], []
        for row, records in self._rows:
            misfit = _misfit(records)
            if misfit is None:
                kept.append((row, records))
            else:
                column, value, error = misfit
                code = RejectCode.NOT_UTF8 if isinstance(error, UnicodeError) else RejectCode.WRONG_TYPE
                expected = "text without half a surrogate pair" if isinstance(error, UnicodeError) else f"a value for {column}"
                bad.append(RejectedRow.of(row, code, expected=expected, got=ascii(value), column=column))
        return kept, bad

    def _place(self, records: Records, row: int) -> None:
        for found in (*records.traces, *records.turns, *records.grades, *records.aggregates):
            found["source_file"], found["source_row"] = self._file, row


def _tables(records: Sequence[Records]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "trace", [t for r in records for t in r.traces]
    yield "turn", [t for r in records for t in r.turns]
    yield "grade", [g for r in records for g in r.grades]
    yield "aggregate", [a for r in records for a in r.aggregates]


def _fits(records: Sequence[Records]) -> bool:
    try:
        for record, rows in _tables(records):
            if rows:
                table_of(record, rows)
    except _UNSTORABLE:
        return False
    return True


def _misfit(records: Records) -> tuple[str, object, Exception] | None:
    """The first column whose value does not fit."""
    for record, rows in _tables([records]):
        schema = arrow_schema(record)
        for row in rows:
            found = _misfit_of_row(row, schema)
            if found is not None:
                return found
    return None


def _misfit_of_row(row: Mapping[str, Any], schema: pa.Schema) -> tuple[str, object, Exception] | None:
    for field in schema:
        try:
            pa.array([row.get(field.name)], type=field.type)
        except _UNSTORABLE as error:
            return field.name, row.get(field.name), error
    return None
