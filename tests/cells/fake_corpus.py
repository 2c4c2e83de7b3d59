"""A corpus held in memory, for tests of everything that reads one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from safescale.records.fields import arrow_schema
from safescale.store.base import TABLES, FileTransaction, LedgerEntry

TRACE_DEFAULTS: dict[str, Any] = {
    "source": "s",
    "source_file": "f.jsonl",
    "source_row": 1,
    "prompt_kind": "harmful",
    "attack_class": "a",
    "condition": "default",
    "sample_index": 0,
    "response_kind": "text",
    "finish_reason": "stop",
}
GRADE_DEFAULTS: dict[str, Any] = {
    "target": "text",
    "grader_id": "judge",
    "grader_kind": "llm",
    "raw_label": "x",
    "source_file": "f.jsonl",
    "source_row": 1,
}
GRADER_DEFAULTS: dict[str, Any] = {
    "grader_id": "judge",
    "grader_kind": "llm",
    "outcome_map": "flip",
    "hallucination_refusal": "harmful_content",
}
MODEL_DEFAULTS: dict[str, Any] = {"size_source": "name", "tampering": "none"}
AGGREGATE_DEFAULTS: dict[str, Any] = {
    "source": "paper",
    "source_file": "paper.csv",
    "source_row": 1,
    "attack_class": "a",
    "condition": "default",
    "outcome": "strict",
    "grader_id": "judge",
}
REJECT_DEFAULTS: dict[str, Any] = {"source_file": "f.jsonl", "source_row": 1, "expected": "a record", "got": "x"}
NOTE_DEFAULTS: dict[str, Any] = {"source_file": "f.jsonl", "source_row": 0, "expected": "1", "got": "2"}


class FakeCorpus:
    """Implements the Protocol ``Corpus`` for reading; nothing can be imported into it."""

    def __init__(self, tables: Mapping[str, pa.Table], same: Iterable[tuple[str, str]] = ()) -> None:
        self._tables = {name: tables.get(name, arrow_schema(record).empty_table()) for name, record in TABLES.items()}
        pairs = list(same)
        self._same = pa.table(
            {
                "trace_id": pa.array([a for a, _ in pairs], pa.string()),
                "kept_trace_id": pa.array([b for _, b in pairs], pa.string()),
            }
        )
        self.columns_read: list[tuple[str, tuple[str, ...]]] = []

    @property
    def path(self) -> Path:
        return Path("memory")

    def import_file(self) -> AbstractContextManager[FileTransaction]:
        raise NotImplementedError

    def ledger(self) -> Sequence[LedgerEntry]:
        return ()

    def count(self, table: str) -> int:
        return int(self._tables[table].num_rows)

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        whole = self._tables[table]
        chosen = list(whole.column_names if columns is None else columns)
        self.columns_read.append((table, tuple(chosen)))
        return whole.select(chosen)

    def batches(self, table: str, columns: Sequence[str] | None = None, *, rows: int = 65536) -> Iterator[pa.RecordBatch]:
        yield from self.read(table, columns).to_batches(max_chunksize=rows)

    def content_hashes(self, table: str) -> Any:
        return np.zeros((self.count(table), 2), dtype=np.uint64)

    def same_traces(self) -> pa.Table:
        return self._same

    def set_same_traces(self, rows: pa.Table) -> None:
        self._same = rows

    def set_models(self, rows: pa.Table) -> None:
        self._tables["models"] = rows

    def declared_sizes(self) -> Mapping[str, tuple[float | None, float | None, bool]]:
        return {}

    def fingerprint(self) -> str:
        lines = sorted(str(row) for name in ("traces", "grades") for row in self._tables[name].to_pylist())
        return "ss1-" + hashlib.md5("\n".join(lines).encode(), usedforsecurity=False).hexdigest()

    def close(self) -> None:
        return None


def rows_table(record: str, rows: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any]) -> pa.Table:
    """Rows with the defaults filled in, in the schema of the record."""
    schema = arrow_schema(record)
    full = [dict.fromkeys(schema.names) | dict(defaults) | dict(row) for row in rows]
    return pa.Table.from_pylist(full, schema=schema)


def fake_corpus(
    traces: Iterable[Mapping[str, Any]] = (),
    grades: Iterable[Mapping[str, Any]] = (),
    models: Iterable[Mapping[str, Any]] = (),
    *,
    graders: Iterable[Mapping[str, Any]] = ({},),
    aggregates: Iterable[Mapping[str, Any]] = (),
    rejects: Iterable[Mapping[str, Any]] = (),
    notes: Iterable[Mapping[str, Any]] = (),
    same: Iterable[tuple[str, str]] = (),
) -> FakeCorpus:
    """A corpus from a few fields per row; the rest are the defaults of this module."""
    model_rows = [{"canonical_id": row["model_id"]} | dict(row) for row in models]
    aggregate_rows = [{"aggregate_id": f"paper:{i}"} | dict(row) for i, row in enumerate(aggregates)]
    return FakeCorpus(
        {
            "traces": rows_table("trace", traces, TRACE_DEFAULTS),
            "grades": rows_table("grade", grades, GRADE_DEFAULTS),
            "graders": rows_table("grader", graders, GRADER_DEFAULTS),
            "models": rows_table("model", model_rows, MODEL_DEFAULTS),
            "aggregates": rows_table("aggregate", aggregate_rows, AGGREGATE_DEFAULTS),
            "rejects": rows_table("reject", rejects, REJECT_DEFAULTS),
            "notes": rows_table("note", notes, NOTE_DEFAULTS),
        },
        same,
    )


def graded(
    model_id: str, verdicts: Sequence[str], *, prompts: Sequence[str] | None = None, tag: str = "", **fields: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One trace and one grade per verdict; prompts are ``p0, p1, ...`` unless they are given."""
    of_grade = ("grader_id", "grader_kind", "target", "rubric_version")
    grade_fields = {key: fields.pop(key) for key in of_grade if key in fields}
    names = [f"p{i}" for i in range(len(verdicts))] if prompts is None else list(prompts)
    cell = (model_id, *(fields.get(key, TRACE_DEFAULTS[key]) for key in ("attack_class", "condition", "source")), tag)
    traces = [
        {"trace_id": f"{cell}:{i}", "model_id": model_id, "prompt_id": prompt, "sample_index": 0, **fields}
        for i, prompt in enumerate(names)
    ]
    grades = [
        {"trace_id": trace["trace_id"], "verdict": verdict, **grade_fields} for trace, verdict in zip(traces, verdicts, strict=True)
    ]
    return traces, grades
