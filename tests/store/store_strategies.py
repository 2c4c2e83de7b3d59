"""What the tests of the store draw and build."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from safescale.records.fields import FieldSpec, arrow_schema, field_specs
from safescale.store.base import Corpus, DeclaredSize, FileTransaction, LedgerEntry
from safescale.store.content import content_hashes
from safescale.store.parquet import ParquetCorpus
from safescale.store.sqlite import SqliteCorpus

FORMS = ("sqlite", "parquet")
HASHED = ("trace", "turn", "grade", "aggregate")


def new_corpus(form: str, folder: Path, *, create: bool = True) -> Corpus:
    return SqliteCorpus(folder / "c.db", create=create) if form == "sqlite" else ParquetCorpus(folder / "c", create=create)


def table_of(record: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(record))


# ---- drawing --------------------------------------------------------------------------------------------------------

_TEXT = st.text(st.sampled_from("a0|\x00\x1f é“\n"), max_size=4)


def _values(field: FieldSpec) -> st.SearchStrategy[Any]:
    if field.allowed is not None:
        values: st.SearchStrategy[Any] = st.sampled_from(field.allowed)
    elif field.pattern is not None:
        values = st.sampled_from(["ab" * 32, "0" * 64] if "64" in field.pattern else ["2026-01-02", "2026-01-02T03:04:05Z"])
    elif field.kind == "text":
        values = _TEXT.filter(lambda text: len(text) >= (field.min_length or 0))
    elif field.kind == "integer":
        values = st.integers(int(field.low) if field.low is not None else -5, 2**40)
    else:
        low = 0.001 if field.low_open else field.low
        values = st.floats(low, field.high, allow_nan=False, allow_infinity=False)
    return st.one_of(st.none(), values) if field.nullable else values


def rows_of(record: str) -> st.SearchStrategy[dict[str, Any]]:
    """One row of a record: nulls, empty texts, separators and zeros on purpose."""
    return st.fixed_dictionaries({field.name: _values(field) for field in field_specs(record)})


def tables_of(record: str, *, min_size: int = 0, max_size: int = 3) -> st.SearchStrategy[pa.Table]:
    return st.lists(rows_of(record), min_size=min_size, max_size=max_size).map(lambda rows: table_of(record, rows))


# ---- building -------------------------------------------------------------------------------------------------------


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def trace(trace_id: str, **changes: Any) -> dict[str, Any]:
    response = changes.get("response", f"the réponse of {trace_id}")
    return {
        "trace_id": trace_id,
        "source": "made",
        "source_file": "made.jsonl",
        "source_row": 1,
        "model_id": "org/model-7b",
        "prompt_id": "p1",
        "prompt_kind": "harmful",
        "attack_class": "none",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "stop",
        "response_chars": len(response),
        "response_sha256": sha256(response),
        "prompt_sha256": sha256("say it"),
        "seed": 3,
        "created_at": "2026-01-02T03:04:05Z",
        "error": None,
        "prompt": "say it",
        "response": response,
    } | changes


def grade(trace_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "trace_id": trace_id,
        "target": "text",
        "grader_id": "judge",
        "grader_kind": "llm",
        "verdict": "REFUSAL",
        "raw_label": "",
        "score": 0.5,
        "score_scale": None,
        "p_refusal": None,
        "p_partial": None,
        "p_compliance": None,
        "rubric_version": None,
        "source_file": "made.jsonl",
        "source_row": 1,
    } | changes


GRADER = {"grader_id": "judge", "grader_kind": "llm", "outcome_map": "flip", "hallucination_refusal": "undeclared"}


def turn(trace_id: str, index: int, **changes: Any) -> dict[str, Any]:
    return {
        "trace_id": trace_id,
        "turn_index": index,
        "role": "user",
        "text": f"turn {index}\x00 of {trace_id}",
        "source_file": "made.jsonl",
        "source_row": 1,
    } | changes


def aggregate(number: int) -> dict[str, Any]:
    return {
        "aggregate_id": f"paper:{number}",
        "source": "paper",
        "source_file": "paper.csv",
        "source_row": number + 1,
        "model_id": "org/model-7b",
        "attack_class": "none",
        "condition": "default",
        "outcome": "strict",
        "grader_id": "judge",
        "rate": number % 10 / 10,
        "n": None if number % 2 else 10,
        "interval_low": 0.0,
        "interval_high": 1.0,
    }


def note(number: int) -> dict[str, Any]:
    return {
        "source_file": f"file-{number}.jsonl",
        "source_row": 0,
        "code": "HEADER_CONTRADICTS_ROWS",
        "column": "total",
        "expected": "50",
        "got": "4",
    }


def reject(number: int) -> dict[str, Any]:
    return {
        "source_file": "made.jsonl",
        "source_row": number,
        "code": "BAD_JSON",
        "column": None,
        "expected": "an object",
        "got": "",
        "raw_sha256": None,
    }


def run(number: int) -> dict[str, Any]:
    return dict.fromkeys((f.name for f in field_specs("run")), None) | {"run_id": f"run-{number}", "tool": "vllm"}


def model(model_id: str) -> dict[str, Any]:
    known = {"model_id": model_id, "canonical_id": model_id, "params_total_b": 7.0, "size_source": "name", "tampering": "none"}
    return dict.fromkeys((f.name for f in field_specs("model")), None) | known


def entry(number: int, rows: int = 1) -> LedgerEntry:
    return LedgerEntry(
        file=f"file-{number}.jsonl",
        sha256=sha256(f"file {number}"),
        size_bytes=1000 + number,
        format="made",
        options="{}",
        rows_in=rows,
        fates={"trace": rows},
        reject_codes={"BAD_JSON": 1},
    )


Contents = dict[str, list[dict[str, Any]]]


def file_contents(number: int, traces: int = 3) -> Contents:
    """What one made-up file brings to every table."""
    ids = [f"made:{number}-{i}" for i in range(traces)]
    at = {"source_file": f"file-{number}.jsonl"}
    return {
        "graders": [GRADER],
        "runs": [run(number)],
        "grades": [grade(name, source_row=i + 1, **at) for i, name in enumerate(ids)],  # before their traces, on purpose
        "traces": [trace(name, source_row=i + 1, **at) for i, name in enumerate(ids)],
        "turns": [turn(name, k, source_row=i + 1, **at) for i, name in enumerate(ids) for k in range(2)],
        "aggregates": [aggregate(number)],
        "rejects": [reject(number)],
        "notes": [note(number)],
    }


def add_rows(transaction: FileTransaction, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    record = table.removesuffix("s")
    made = table_of(record, rows)
    transaction.add(table, made, content_hashes(made, record) if record in HASHED else None)


def add_file(
    corpus: Corpus, number: int, contents: Contents | None = None, sizes: Mapping[str, DeclaredSize] | None = None
) -> None:
    contents = file_contents(number) if contents is None else contents
    with corpus.import_file() as transaction:
        for table, rows in contents.items():
            add_rows(transaction, table, rows)
        transaction.declare_sizes({f"org/{number}": (float(number + 1), None, False)} if sizes is None else sizes)
        transaction.finish(entry(number, len(contents.get("traces", ()))))


def everything(corpus: Corpus) -> dict[str, Any]:
    """The whole of a corpus, without the order of rows."""
    tables = ("traces", "turns", "grades", "graders", "aggregates", "models", "runs", "rejects", "notes")
    found: dict[str, Any] = {name: sorted(corpus.read(name).to_pylist(), key=repr) for name in tables}
    found["same_traces"] = corpus.same_traces().to_pylist()
    found["sizes"] = dict(corpus.declared_sizes())
    found["files"] = sorted(e.file for e in corpus.ledger())
    found["fingerprint"] = corpus.fingerprint()
    return found
