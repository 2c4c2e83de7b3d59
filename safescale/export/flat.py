"""Flat rows as one file: Parquet, CSV, or the canonical JSON lines that ``safescale ingest`` reads back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from safescale.export.graded import graded_rows
from safescale.export.result import ExportRequest, Written
from safescale.records.fields import arrow_schema

__all__ = ["json_lines_of", "parquet_schema", "write_csv", "write_jsonl", "write_parquet"]

_HR_UNDECLARED: Final = "undeclared"


def parquet_schema(request: ExportRequest) -> pa.Schema:
    """Schema of the flat rows with the fingerprint of the corpus in its metadata."""
    return arrow_schema("graded_trace").with_metadata(
        {"safescale_record": "graded_trace", "safescale_fingerprint": request.corpus.fingerprint()}
    )


def write_parquet(request: ExportRequest, path: Path) -> Written:
    """One Parquet file (zstd)."""
    left_out: Counter[str] = Counter()
    rows = 0
    schema = parquet_schema(request)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in graded_rows(request, left_out):
            writer.write_table(table.replace_schema_metadata(schema.metadata))
            rows += table.num_rows
    return Written(rows={path: rows}, left_out=left_out)


def write_csv(request: ExportRequest, path: Path) -> Written:
    """One CSV file; a null is an empty field, an empty text is ``""``. ``.gz`` and ``.zst`` are compressed."""
    left_out: Counter[str] = Counter()
    rows = 0
    with pa.output_stream(path) as out, pa.csv.CSVWriter(out, arrow_schema("graded_trace")) as writer:
        for table in graded_rows(request, left_out):
            writer.write_table(table)
            rows += table.num_rows
    return Written(rows={path: rows}, left_out=left_out)


def write_jsonl(request: ExportRequest, path: Path) -> Written:
    """Canonical lines; keys without a value are left out. ``.gz`` and ``.zst`` are compressed."""
    left_out: Counter[str] = Counter()
    rows = 0
    with pa.output_stream(path) as out:
        for table in graded_rows(request, left_out):
            out.write(b"".join(json_lines_of(table)))
            rows += table.num_rows
    return Written(rows={path: rows}, left_out=left_out, notes=_meaning_notes(request))


def json_lines_of(table: pa.Table) -> Iterator[bytes]:
    """Rows as JSON lines."""
    encode = msgspec.json.Encoder().encode
    for row in table.to_pylist():
        given: dict[str, Any] = {key: value for key, value in row.items() if value is not None}
        yield encode(given) + b"\n"


def _meaning_notes(request: ExportRequest) -> list[str]:
    """A line has no place for what HALLUCINATION_REFUSAL means to its grader."""
    meanings = sorted(set(request.corpus.read("graders", ["hallucination_refusal"])["hallucination_refusal"].to_pylist()))
    if meanings in ([], [_HR_UNDECLARED]):
        return []
    if len(meanings) == 1:
        return [f"read it back with --hallucination-refusal {meanings[0]}: a line does not say it"]
    return [f"graders differ in what HALLUCINATION_REFUSAL means ({', '.join(meanings)}): a line does not say it"]
