"""Adapter ``safescale-grades``: grades of traces that the corpus knows, as ``safescale grade run`` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe, grader_row, table_of
from safescale.ingest.bytes_in import line_chunks, newlines
from safescale.ingest.canonical import truncated_reject
from safescale.ingest.decoding import decode
from safescale.records.fates import RejectCode
from safescale.records.fields import arrow_schema
from safescale.records.models import GRADER_KINDS, HR_MEANINGS
from safescale.records.rows import RejectedRow

__all__ = ["FORMAT_VERSION", "MARK", "GradeLines", "is_grades_file"]

MARK: Final = "safescale_grades"
"""Key that only the first line of a grades file has."""
FORMAT_VERSION: Final = 1
SUFFIX: Final = ".grades.jsonl"
HEADER_START: Final = f'{{"{MARK}":'.encode()


def is_grades_file(path: Path) -> bool:
    """Whether a file holds grades by its name: they are read after the traces beside them, which they name."""
    lowered = path.name.lower()
    return lowered.removesuffix(".gz").removesuffix(".zst").endswith(SUFFIX)


class GradeLines:
    """Lines of the record ``grade_line`` behind a line that declares their graders; files may be joined end to end."""

    name = "safescale-grades"
    facts = FormatFacts(
        files="grades of `safescale grade run` (*.grades.jsonl): a line that declares the graders, then one grade a line",
        polarity="a verdict in words; nothing is inferred from 0 or 1",
        outcome_map="as the first line declares for each grader",
        denominator="evaluable verdicts",
        cluster_key="that of the trace, which must be in the corpus (or among the files of the same ingest) already",
        attempts="none: a grade of an unknown trace is a reject",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """Whether it begins with the line that declares graders."""
        return probe.head.removeprefix(b"\xef\xbb\xbf").startswith(HEADER_START)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a file chunk by chunk."""
        graders: dict[str, dict[str, str]] = {}
        for chunk in line_chunks(path):
            row = chunk.first_row
            for piece in _pieces(chunk.data):
                if piece.startswith(HEADER_START):
                    yield _declared(piece, row, graders)
                elif piece:
                    yield _grades(piece, row, graders, str(path))
                row += newlines(piece)
            if chunk.broken is not None:
                yield Batch(rows_in=0, rejects=[truncated_reject(chunk.broken)])


def _pieces(data: bytes) -> Iterator[bytes]:
    """Lines that declare graders each for itself, and what is between them."""
    start = 0
    while start < len(data):
        if data.startswith(HEADER_START, start):
            stop = data.find(b"\n", start) + 1 or len(data)
        else:
            stop = data.find(b"\n" + HEADER_START, start) + 1 or len(data)
        yield data[start:stop]
        start = stop


def _declared(line: bytes, row: int, graders: dict[str, dict[str, str]]) -> Batch:
    """Graders of a first line; what it cannot declare is a reject, and so are then the grades of that grader."""
    try:
        header = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _refused(line, row, RejectCode.BAD_JSON, "one JSON object", str(error))
    if header.get(MARK) != FORMAT_VERSION:
        expected = f"version {FORMAT_VERSION} of the format; a newer safescale wrote this: upgrade"
        return _refused(line, row, RejectCode.UNKNOWN_VALUE, expected, header.get(MARK), MARK)
    found = [_grader(declared) for declared in header.get("graders", [])] if isinstance(header.get("graders"), list) else []
    if not found or None in found:
        expected = "graders with grader_id, grader_kind, outcome_map and hallucination_refusal"
        return _refused(line, row, RejectCode.WRONG_TYPE, expected, header.get("graders"), "graders")
    rows = [grader for grader in found if grader is not None]
    graders.update({grader["grader_id"]: grader for grader in rows})
    return Batch(rows_in=1, graders=table_of("grader", rows), metadata_rows=[row], bytes_read=len(line))


def _grader(declared: Any) -> dict[str, str] | None:
    names = ("grader_id", "grader_kind", "outcome_map", "hallucination_refusal")
    if not isinstance(declared, Mapping) or not all(isinstance(declared.get(n), str) and declared[n] for n in names):
        return None
    row = grader_row(*(declared[n] for n in names))
    return row if row["grader_kind"] in GRADER_KINDS and row["hallucination_refusal"] in HR_MEANINGS else None


def _refused(line: bytes, row: int, code: RejectCode, expected: str, got: object, column: str | None = None) -> Batch:
    reject = RejectedRow.of(row, code, expected=expected, got=got, column=column, raw=line)
    return Batch(rows_in=1, rejects=[reject], bytes_read=len(line))


def _grades(data: bytes, first_row: int, graders: Mapping[str, Mapping[str, str]], file: str) -> Batch:
    decoded = decode(data, first_row=first_row, record="grade_line")
    table, rows, rejects = decoded.table, pa.array(decoded.rows), list(decoded.rejects)
    for column, expected in (("grader_id", "a grader that a line before it declares"), ("grader_kind", "the kind it declares")):
        known = [graders[g][column] if g in graders else None for g in table["grader_id"].to_pylist()]
        fits = pc.fill_null(pc.equal(table[column], pa.array(known, pa.string())), False)
        if not pc.all(fits).as_py():
            other = pc.invert(fits)
            rejects += [
                RejectedRow.of(row, RejectCode.CONTRADICTION, column=column, expected=expected, got=got)
                for row, got in zip(rows.filter(other).to_pylist(), table[column].filter(other).to_pylist(), strict=True)
            ]
            table, rows = table.filter(fits), rows.filter(fits)
    source = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), dtype=np.int32)), pa.array([file])).cast(pa.string())
    given = {"source_file": source, "source_row": rows}
    schema = arrow_schema("grade")
    grades = pa.Table.from_arrays([given[f.name] if f.name in given else table[f.name] for f in schema], schema=schema)
    return Batch(
        rows_in=decoded.rows_in,
        grades=grades,
        # with the grades, so that those of a meaning that contradicts the corpus are refused
        graders=table_of("grader", list(graders.values())) if graders else None,
        rejects=rejects,
        metadata_rows=decoded.blank_rows,
        checked=True,
        bytes_read=len(data),
    )
