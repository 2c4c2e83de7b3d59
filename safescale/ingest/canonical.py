"""Adapter ``safescale``: the canonical flat lines (record GradedTrace), on the two-path decoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe, grader_row, table_of
from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.decoding import Decoded, decode
from safescale.ingest.parallel import map_ordered
from safescale.records.fates import RejectCode
from safescale.records.fields import arrow_schema
from safescale.records.rows import RejectedRow
from safescale.store.base import DeclaredSize
from safescale.store.fingerprint import merged_size

__all__ = ["Canonical", "declared_sizes", "grades_of", "refuse_half_grades", "traces_of", "truncated_reject"]

CHUNK_BYTES: Final = 1 << 23
"""8 MiB: the calls for each chunk weigh as much as its bytes (measured: 104 MB/s at 4 MiB, 118 at 8, no more at 16)."""

_MARKS: Final = frozenset({"trace_id", "model_id", "prompt_kind", "response_kind", "sample_index"})


def truncated_reject(reason: str) -> RejectedRow:
    """The file-level reject of an archive that ends early."""
    return RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a complete archive", got=reason)


class Canonical:
    """One JSON object a line with the columns of GradedTrace."""

    name = "safescale"
    facts = FormatFacts(
        files="safescale's own lines: one JSON object a line with the columns of the record graded_trace",
        polarity="a verdict in words; nothing is inferred from 0 or 1",
        outcome_map="the row's own, else flip",
        denominator="evaluable verdicts",
        cluster_key="prompt_id",
        attempts="sample_index numbers the repeats; equal rows are duplicates",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

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

        yield from map_ordered(work, line_chunks(path, chunk_bytes=CHUNK_BYTES))


def _batch(decoded: Decoded, file: str, options: Options, *, broken: str | None, size: int) -> Batch:
    table, rows, rejects = _refuse_second_meanings(*refuse_half_grades(decoded))
    if broken is not None:
        rejects = [*rejects, truncated_reject(broken)]
    traces = traces_of(table, rows, file)
    grades, graders = grades_of(table, rows, file, options)
    return Batch(
        rows_in=decoded.rows_in,
        traces=traces,
        grades=grades,
        graders=graders,
        rejects=rejects,
        metadata_rows=decoded.blank_rows,
        declared_sizes=declared_sizes(table),
        checked=True,
        bytes_read=size,
    )


def refuse_half_grades(decoded: Decoded) -> tuple[pa.Table, pa.Array, list[RejectedRow]]:
    """A verdict needs its grader and the grader's kind, and a grader needs its verdict: rows that lack one are rejects."""
    table, rows, rejects = decoded.table, pa.array(decoded.rows), list(decoded.rejects)
    for column, beside in (("grader_id", "verdict"), ("grader_kind", "verdict"), ("verdict", "grader_id")):
        half = pc.and_(pc.is_valid(table[beside]), pc.is_null(table[column]))
        if not pc.any(half).as_py():
            continue
        rejects += [
            RejectedRow.of(row, RejectCode.MISSING_FIELD, column=column, expected=f"given with every {beside}", got="null")
            for row in rows.filter(half).to_pylist()
        ]
        keep = pc.invert(half)
        table, rows = table.filter(keep), rows.filter(keep)
    return table, rows, rejects


def _refuse_second_meanings(
    table: pa.Table, rows: pa.Array, rejects: list[RejectedRow]
) -> tuple[pa.Table, pa.Array, list[RejectedRow]]:
    """One grader has one outcome map: rows that give it another than most rows do are rejects."""
    counted = table.group_by(["grader_id", "outcome_map"]).aggregate([("trace_id", "count")]).to_pylist()
    maps: dict[str, dict[str, int]] = {}
    for row in counted:
        if row["grader_id"] is not None:
            meanings = maps.setdefault(row["grader_id"], {})
            meanings[row["outcome_map"] or "flip"] = meanings.get(row["outcome_map"] or "flip", 0) + row["trace_id_count"]
    for grader_id, meanings in maps.items():
        if len(meanings) == 1:
            continue
        usual = min(meanings, key=lambda name: (-meanings[name], name))
        given = pc.fill_null(table["outcome_map"], "flip")
        other = pc.fill_null(pc.and_(pc.equal(table["grader_id"], grader_id), pc.not_equal(given, usual)), False)
        expected = f"one outcome map of the grader {grader_id!r}: {usual}"
        rejects = rejects + [
            RejectedRow.of(row, RejectCode.CONTRADICTION, column="outcome_map", expected=expected, got=got)
            for row, got in zip(rows.filter(other).to_pylist(), given.filter(other).to_pylist(), strict=True)
        ]
        table, rows = table.filter(pc.invert(other)), rows.filter(pc.invert(other))
    return table, rows, rejects


def traces_of(table: pa.Table, rows: pa.Array, file: str) -> pa.Table:
    """Canonical lines as traces."""
    schema = arrow_schema("trace")
    given = {"source_file": _constant(file, len(rows)), "source_row": rows}
    return pa.Table.from_arrays([given.get(f.name) if f.name in given else table[f.name] for f in schema], schema=schema)


def grades_of(table: pa.Table, rows: pa.Array, file: str, options: Options) -> tuple[pa.Table | None, pa.Table | None]:
    """Canonical lines as grades and graders; None and None where no line has a verdict."""
    graded = pc.is_valid(table["verdict"])
    if not pc.any(graded).as_py():
        return None, None
    schema = arrow_schema("grade")
    needed = [name for name in table.column_names if name in {*schema.names, "outcome_map"}]  # no texts: a filter copies
    table, rows = table.select(needed).filter(graded), rows.filter(graded)
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


def declared_sizes(table: pa.Table) -> dict[str, DeclaredSize]:
    """What the rows declare of each model; a model whose rows contradict each other has no declared size."""
    columns = ["model_id", "params_total_b", "params_active_b", "params_source"]
    if table["params_total_b"].null_count == table.num_rows:
        return {}
    distinct = table.select(columns).group_by(columns).aggregate([])
    found: dict[str, DeclaredSize] = {}
    for row in distinct.filter(pc.is_valid(distinct["params_total_b"])).to_pylist():
        size = (row["params_total_b"], row["params_active_b"], row["params_source"] == "estimated")
        model_id = row["model_id"]
        found[model_id] = merged_size(found[model_id], size) if model_id in found else size
    return found


def _constant(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text])).cast(pa.string())
