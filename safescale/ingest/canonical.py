"""Adapter ``safescale``: the canonical flat lines (record GradedTrace), on the two-path decoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safescale.ingest.batch import Batch, Options, Probe, grader_row, table_of
from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.decoding import Decoded, decode
from safescale.ingest.parallel import map_ordered
from safescale.records.fates import RejectCode
from safescale.records.fields import arrow_schema
from safescale.records.rows import RejectedRow

__all__ = ["Canonical", "truncated_reject"]

_MARKS: Final = frozenset({"trace_id", "model_id", "prompt_kind", "response_kind", "sample_index"})


def truncated_reject(reason: str) -> RejectedRow:
    """The file-level reject of an archive that ends early."""
    return RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a complete archive", got=reason)


class Canonical:
    """One JSON object a line with the columns of GradedTrace."""

    name = "safescale"

    def recognises(self, probe: Probe) -> bool:
        """Whether one of the first lines is an object with the columns that only this form has."""
        for line in probe.head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:20]:
            try:
                found = msgspec.json.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
            return isinstance(found, dict) and found.keys() >= _MARKS
        return False

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Decode chunk by chunk, in threads, in order."""
        file = str(path)

        def work(chunk: Chunk) -> Batch:
            decoded = decode(chunk.data, first_row=chunk.first_row)
            return _batch(decoded, file, options, broken=chunk.broken, size=len(chunk.data))

        yield from map_ordered(work, line_chunks(path))


def _batch(decoded: Decoded, file: str, options: Options, *, broken: str | None, size: int) -> Batch:
    table, rows, rejects = _refuse_half_grades(decoded)
    if broken is not None:
        rejects = [*rejects, truncated_reject(broken)]
    traces = _traces(table, rows, file)
    grades, graders = _grades(table, rows, file, options)
    return Batch(
        rows_in=decoded.rows_in,
        traces=traces,
        grades=grades,
        graders=graders,
        rejects=rejects,
        metadata_rows=decoded.blank_rows,
        declared_sizes=_sizes(table),
        checked=True,
        bytes_read=size,
    )


def _refuse_half_grades(decoded: Decoded) -> tuple[pa.Table, pa.Array, list[RejectedRow]]:
    """A verdict needs its grader and the grader's kind: rows that lack one are rejects."""
    table, rows, rejects = decoded.table, pa.array(decoded.rows), list(decoded.rejects)
    for column in ("grader_id", "grader_kind"):
        half = pc.and_(pc.is_valid(table["verdict"]), pc.is_null(table[column]))
        if not pc.any(half).as_py():
            continue
        rejects += [
            RejectedRow.of(row, RejectCode.MISSING_FIELD, column=column, expected="given with every verdict", got="null")
            for row in rows.filter(half).to_pylist()
        ]
        keep = pc.invert(half)
        table, rows = table.filter(keep), rows.filter(keep)
    return table, rows, rejects


def _traces(table: pa.Table, rows: pa.Array, file: str) -> pa.Table:
    schema = arrow_schema("trace")
    given = {"source_file": _constant(file, len(rows)), "source_row": rows}
    return pa.Table.from_arrays([given.get(f.name) if f.name in given else table[f.name] for f in schema], schema=schema)


def _grades(table: pa.Table, rows: pa.Array, file: str, options: Options) -> tuple[pa.Table | None, pa.Table | None]:
    graded = pc.is_valid(table["verdict"])
    if not pc.any(graded).as_py():
        return None, None
    table, rows = table.filter(graded), rows.filter(graded)
    schema = arrow_schema("grade")
    given = {
        "source_file": _constant(file, len(rows)),
        "source_row": rows,
        "target": pc.fill_null(table["target"], "text"),
        "raw_label": pc.coalesce(table["raw_label"], table["verdict"]),
    }
    grades = pa.Table.from_arrays([given[f.name] if f.name in given else table[f.name] for f in schema], schema=schema)
    graders = table.select(["grader_id", "grader_kind", "outcome_map"]).group_by(["grader_id", "grader_kind", "outcome_map"])
    described = [
        grader_row(g["grader_id"], g["grader_kind"], g["outcome_map"] or "flip", options.hallucination_refusal)
        for g in graders.aggregate([]).to_pylist()
    ]
    return grades, table_of("grader", described)


def _sizes(table: pa.Table) -> dict[str, tuple[float | None, float | None, bool]]:
    if table["params_total_b"].null_count == table.num_rows:
        return {}
    sized = table.filter(pc.is_valid(table["params_total_b"]))
    groups = sized.group_by(["model_id"]).aggregate([("params_total_b", "min"), ("params_active_b", "min")])
    return {row["model_id"]: (row["params_total_b_min"], row["params_active_b_min"], False) for row in groups.to_pylist()}


def _constant(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text])).cast(pa.string())
