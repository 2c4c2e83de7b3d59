"""Reading a file with one adapter, and the laws that every batch keeps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa

from safescale.ingest.batch import Adapter, Batch, Options
from safescale.ingest.mapped import Mapped
from safescale.records.fields import arrow_schema
from safescale.records.rows import FileNote, RejectedRow
from safescale.records.rules import violations

TABLES = {"traces": "trace", "turns": "turn", "grades": "grade", "graders": "grader", "aggregates": "aggregate"}


@attrs.frozen
class Read:
    """All batches of a file together."""

    rows_in: int
    traces: list[dict[str, Any]]
    turns: list[dict[str, Any]]
    grades: list[dict[str, Any]]
    graders: list[dict[str, Any]]
    aggregates: list[dict[str, Any]]
    rejects: list[RejectedRow]
    metadata: list[int]
    sizes: dict[str, tuple[float | None, float | None, bool]]
    superseded: list[int] = attrs.field(factory=list)
    notes: list[FileNote] = attrs.field(factory=list)

    def verdicts(self, grader: str | None = None) -> Counter[str]:
        return Counter(g["verdict"] for g in self.grades if grader in {None, g["grader_id"]})

    def codes(self) -> list[tuple[int, str]]:
        return [(r.row, r.code.value) for r in self.rejects]


def assert_lawful(batch: Batch) -> None:
    """Conservation, exact schemas, no broken rule, no orphan, one fate a row."""
    records: set[int] = set()
    for table_name, record in TABLES.items():
        table = getattr(batch, table_name)
        if table is None:
            continue
        assert isinstance(table, pa.Table)
        assert table.schema.equals(arrow_schema(record))
        assert not violations(table, record).any()
        if "source_row" in table.schema.names:
            records.update(table["source_row"].to_pylist())
    rejected = [r.row for r in batch.rejects if r.row > 0]
    fates = [*records, *batch.metadata_rows, *batch.superseded_rows, *rejected]
    assert len(fates) == len(set(fates)) == batch.rows_in
    if batch.grades is not None:
        traces = set() if batch.traces is None else set(batch.traces["trace_id"].to_pylist())
        assert set(batch.grades["trace_id"].to_pylist()) <= traces
        graders = set() if batch.graders is None else set(batch.graders["grader_id"].to_pylist())
        assert set(batch.grades["grader_id"].to_pylist()) <= graders


def read(adapter: Adapter, path: Path, options: Options | None = None) -> Read:
    """Read a file and assert the laws of every batch; row numbers rise and are not given twice."""
    batches = list(adapter.read(path, options or Options()))
    rows: list[int] = []
    sizes: dict[str, tuple[float | None, float | None, bool]] = {}
    for batch in batches:
        assert_lawful(batch)
        sizes |= batch.declared_sizes
        rows += batch.metadata_rows
        rows += [r.row for r in batch.rejects if r.row]
        rows += batch.superseded_rows
        with_records: set[int] = set()
        for name in ("traces", "grades", "aggregates"):
            table = getattr(batch, name)
            with_records |= set() if table is None else set(table["source_row"].to_pylist())
        rows += with_records
    assert sorted(rows) == list(range(1, len(rows) + 1))
    tables = {
        name: [row for b in batches if getattr(b, name) is not None for row in getattr(b, name).to_pylist()] for name in TABLES
    }
    return Read(
        sum(b.rows_in for b in batches),
        **tables,
        rejects=[r for b in batches for r in b.rejects],
        metadata=[row for b in batches for row in b.metadata_rows],
        sizes=sizes,
        superseded=[row for b in batches for row in b.superseded_rows],
        notes=[note for b in batches for note in b.notes],
    )


def read_mapped(path: Path, map_path: Path, **options: Any) -> Read:
    return read(Mapped(), path, Options(column_map=map_path, **options))
