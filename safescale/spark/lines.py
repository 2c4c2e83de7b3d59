"""
What every machine of the cluster does: lines of a shard to checked rows and rejects, as one table.

A flat row is a trace with at most one grade, their content hashes, and what it declares of its model; or a reject; or the tally of
a chunk (lines in, blank lines). Everything here takes and gives Arrow, and knows nothing of Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safescale.ingest.batch import Options
from safescale.ingest.bytes_in import Chunk
from safescale.ingest.canonical import grades_of, refuse_half_grades, traces_of, truncated_reject
from safescale.ingest.decoding import decode
from safescale.ingest.shards import Shard, count_lines, read_shard
from safescale.ingest.texts import complete_texts
from safescale.records.fates import RejectCode
from safescale.records.fields import arrow_schema
from safescale.records.rows import RejectedRow
from safescale.store.content import content_hashes

__all__ = [
    "COUNTED",
    "FLAT",
    "GRADE_FIELDS",
    "REJECT_FIELDS",
    "SHARDS",
    "SIZE_FIELDS",
    "checked_lines",
    "counted_shards",
    "shard_table",
]

SHARDS: Final = pa.schema(
    [("path", pa.string()), ("low", pa.int64()), ("high", pa.int64()), ("file", pa.int64()), ("first_row", pa.int64())]
)
"""A shard a row."""

COUNTED: Final = pa.schema([("file", pa.int64()), ("low", pa.int64()), ("lines", pa.int64())])
"""Lines of each shard."""

GRADE_FIELDS: Final = tuple(name for name in arrow_schema("grade").names if name not in ("trace_id", "source_file", "source_row"))
"""Columns of a grade that its trace does not have."""

SIZE_FIELDS: Final = ("params_total_b", "params_active_b", "params_source")
REJECT_FIELDS: Final = ("code", "column", "expected", "got", "raw_sha256")

_TRACE: Final = arrow_schema("trace")
_GRADE: Final = arrow_schema("grade")

FLAT: Final = pa.schema(
    [
        pa.field("file", pa.int64()),
        pa.field("rows_in", pa.int64()),
        pa.field("blank", pa.int64()),
        *(pa.field(f.name, f.type) for f in _TRACE),
        pa.field("trace_hash", pa.binary()),
        *(pa.field(name, _GRADE.field(name).type) for name in GRADE_FIELDS),
        pa.field("grade_hash", pa.binary()),
        pa.field("outcome_map", pa.string()),
        *(pa.field(name, arrow_schema("graded_trace").field(name).type) for name in SIZE_FIELDS),
        *(pa.field(name, pa.string()) for name in REJECT_FIELDS),
    ]
)
"""Columns of a flat row. ``code`` is null in a row that is good; ``rows_in`` is null in all but tallies."""

_CHUNK_BYTES: Final = 1 << 22


def shard_table(shards: Sequence[Shard]) -> pa.Table:
    """Shards as rows, for those who send them out."""
    return pa.Table.from_pylist([attrs.asdict(shard) for shard in shards], schema=SHARDS)


def counted_shards(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Lines of each shard: what gives the rows of all shards their numbers."""
    for batch in batches:
        rows = [{"file": s.file, "low": s.low, "lines": count_lines(s)} for s in _shards(batch)]
        yield pa.RecordBatch.from_pylist(rows, schema=COUNTED)


def checked_lines(batches: Iterable[pa.RecordBatch], options: Options) -> Iterator[pa.RecordBatch]:
    """Every line of the shards as a flat row: strictly decoded, checked and hashed; in batches of a few megabytes."""
    for batch in batches:
        for shard in _shards(batch):
            for chunk in read_shard(shard, chunk_bytes=_CHUNK_BYTES):
                yield from _checked(shard, chunk, options).to_batches()


def _shards(batch: pa.RecordBatch) -> list[Shard]:
    return [Shard(**row) for row in batch.to_pylist()]


def _checked(shard: Shard, chunk: Chunk, options: Options) -> pa.Table:
    decoded = decode(chunk.data, first_row=chunk.first_row)
    lines, rows, rejects = refuse_half_grades(decoded)
    if chunk.broken is not None:
        rejects.append(truncated_reject(chunk.broken))
    traces, contradicted = complete_texts(traces_of(lines, rows, shard.path))
    grades, _ = grades_of(lines, rows, shard.path, options)
    columns = {name: traces[name] for name in traces.column_names}
    columns["trace_hash"] = pa.array(content_hashes(traces, "trace"), pa.binary())
    columns |= {name: lines[name] for name in ("outcome_map", *SIZE_FIELDS)}
    if grades is not None:
        columns |= _grades_beside(grades, rows)
    table = _filled(columns, len(rows))
    if contradicted.any():
        words = RejectedRow.of(
            1, RejectCode.CONTRADICTION, expected="the hash of the text beside it", got="another", column="response_sha256"
        )
        for name in REJECT_FIELDS:
            text = pa.scalar(getattr(words, name), pa.string())
            table = _with(table, name, pc.if_else(pa.array(contradicted), text, pa.scalar(None, pa.string())))
    tally = pa.Table.from_pylist([{"rows_in": decoded.rows_in, "blank": len(decoded.blank_rows)}], schema=FLAT)
    refused = pa.Table.from_pylist(
        [{**attrs.asdict(r), "code": r.code.value, "source_file": shard.path, "source_row": r.row} for r in rejects], schema=FLAT
    )
    whole = pa.concat_tables([table, refused, tally])
    return _with(whole, "file", pa.array(np.full(whole.num_rows, shard.file, dtype=np.int64)))


def _grades_beside(grades: pa.Table, rows: pa.Array) -> dict[str, pa.Array]:
    """Grades in the rows of their traces, null where there is none."""
    place = pc.index_in(rows, value_set=grades["source_row"].combine_chunks())
    columns = {name: grades[name].combine_chunks().take(place) for name in GRADE_FIELDS}
    columns["grade_hash"] = pa.array(content_hashes(grades, "grade"), pa.binary()).take(place)
    return columns


def _filled(columns: dict[str, pa.Array | pa.ChunkedArray], rows: int) -> pa.Table:
    arrays = [columns[f.name] if f.name in columns else pa.nulls(rows, f.type) for f in FLAT]
    return pa.Table.from_arrays(arrays, schema=FLAT)


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, FLAT.field(name), column)
