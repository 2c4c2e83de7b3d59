"""The SQLite corpus: joins, two grades of one trace, telemetry, and whatever an older schema lacks."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from safescale.errors import DataError
from safescale.ingest.batch import Batch, Options, Probe
from safescale.ingest.bytes_in import head_bytes
from safescale.ingest.jailbreak_db import JailbreakDb, declared_size
from safescale.records.fields import arrow_schema
from safescale.records.rules import violations
from safescale.simulate.database import DDL

BLOB = '{"synthetic": true, "source_kind": "telemetry", "quality_metrics": {"perplexity": 7.1}}'
Row = Mapping[str, Any]


def row(number: int, **values: Any) -> dict[str, Any]:
    """A row of ``results``."""
    return {
        "id": number,
        "evaluation_run_id": 11,
        "prompt_id": "JA-DAN-015",
        "raw_response": "plomé vask",
        "heuristic_verdict": None,
        "llm_verdict": None,
        "llm_classifier": None,
        "duration_ms": 5,
        "response_tokens": 3,
        "thinking_tokens": None,
    } | values


def database(path: Path, results: Sequence[Row], *after: str) -> Path:
    """A small corpus: two models, two runs, three datasets, a technique with a family and one without."""
    connection = sqlite3.connect(path)
    connection.executescript(DDL)
    connection.executemany(
        "INSERT INTO models VALUES (?,?,?,?)",
        [(1, "sim/arbel:1.7b", "ollama", "1.7B"), (2, "openai/gpt-4o-mini", "openai", "8B")],
    )
    connection.executemany("INSERT INTO evaluation_runs VALUES (?,?)", [(11, 1), (12, 2)])
    connection.executemany(
        "INSERT INTO source_datasets VALUES (?,?)",
        [(1, "DAN-In-The-Wild"), (2, "obliteratus_runs"), (3, "vla_benign_controls")],
    )
    connection.executemany(
        "INSERT INTO techniques VALUES (?,?,?,?)", [(1, "t one", "persona", "dan_2022"), (2, "t two", None, None)]
    )
    connection.executemany(
        "INSERT INTO prompts VALUES (?,?,?,?)",
        [("JA-DAN-015", 1, 1, "zorbel?"), ("OB-1", 2, None, None), ("BE-1", 3, 2, "glim?"), ("NO-1", None, None, "u")],
    )
    for values in results:
        marks = ",".join("?" * len(values))
        connection.execute(f"INSERT INTO results ({','.join(values)}) VALUES ({marks})", tuple(values.values()))
    for statement in after:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def read(path: Path, options: Options | None = None) -> Batch:
    (batch,) = JailbreakDb().read(path, options or Options())
    for record, table in (("trace", batch.traces), ("grade", batch.grades)):
        if table is not None:
            assert table.schema == arrow_schema(record)
            assert not violations(table, record).any()
    kept = 0 if batch.traces is None else batch.traces.num_rows
    assert batch.rows_in == kept + sum(r.row > 0 for r in batch.rejects)
    return batch


def rows(table: pa.Table | None) -> list[dict[str, Any]]:
    return [] if table is None else table.to_pylist()


def traces(path: Path) -> list[dict[str, Any]]:
    return rows(read(path).traces)


def grades(path: Path) -> list[tuple[str, str, str, str]]:
    return [(g["grader_id"], g["grader_kind"], g["verdict"], g["raw_label"]) for g in rows(read(path).grades)]


def test_result_is_a_trace_with_every_column(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(41)])
    assert traces(path) == [
        {
            "trace_id": "jailbreak-db/DAN-In-The-Wild:41",
            "source": "jailbreak-db/DAN-In-The-Wild",
            "source_file": str(path),
            "source_row": 1,
            "model_id": "sim/arbel:1.7b",
            "prompt_id": "JA-DAN-015",
            "prompt_kind": "unknown",
            "attack_class": "persona",
            "condition": "default",
            "sample_index": 0,
            "response_kind": "text",
            "finish_reason": "unknown",
            "response_chars": 10,
            "response_sha256": None,
            "prompt_sha256": None,
            "seed": None,
            "created_at": None,
            "error": None,
            "prompt": "zorbel?",
            "response": "plomé vask",
        }
    ]


def test_dataset_is_in_the_source_so_that_provenance_can_exclude(tmp_path: Path) -> None:
    prompts = ("JA-DAN-015", "OB-1", "BE-1", "NO-1")
    path = database(tmp_path / "c.db", [row(i, prompt_id=p) for i, p in enumerate(prompts)])
    assert [(t["source"], t["attack_class"], t["prompt_kind"]) for t in traces(path)] == [
        ("jailbreak-db/DAN-In-The-Wild", "persona", "unknown"),
        ("jailbreak-db/obliteratus_runs", "unclassified", "unknown"),
        ("jailbreak-db/vla_benign_controls", "unclassified", "benign"),
        ("jailbreak-db/unknown", "unclassified", "unknown"),
    ]
    assert rows(read(path, Options(source="mine")).traces)[1]["source"] == "mine/obliteratus_runs"


def test_heuristic_and_llm_verdict_are_two_grades_of_one_trace(tmp_path: Path) -> None:
    verdicts = {"heuristic_verdict": "COMPLIANCE", "llm_verdict": "INFRASTRUCTURE_ERROR", "llm_classifier": "ollama"}
    path = database(tmp_path / "c.db", [row(1, **verdicts)])
    assert grades(path) == [
        ("failure-first-heuristic", "keyword", "COMPLIANCE", "COMPLIANCE"),
        ("ollama", "llm", "ERROR", "INFRASTRUCTURE_ERROR"),
    ]
    assert {g["trace_id"] for g in rows(read(path).grades)} == {"jailbreak-db/DAN-In-The-Wild:1"}
    assert {(g["grader_id"], g["hallucination_refusal"]) for g in rows(read(path).graders)} == {
        ("failure-first-heuristic", "not_used"),
        ("ollama", "undeclared"),
    }


def test_imported_pair_never_passes_for_agreement_of_graders(tmp_path: Path) -> None:
    verdicts = {"heuristic_verdict": "PARTIAL", "llm_verdict": "PARTIAL", "llm_classifier": "obliteratus-import"}
    assert grades(database(tmp_path / "c.db", [row(1, **verdicts)])) == [
        ("obliteratus-import/heuristic", "imported", "PARTIAL", "PARTIAL"),
        ("obliteratus-import", "imported", "PARTIAL", "PARTIAL"),
    ]


@pytest.mark.parametrize(
    ("classifier", "grader", "kind"),
    [
        (None, "llm", "llm"),
        ("consensus_v1", "consensus_v1", "llm"),
        ("heuristic_trusted", "heuristic_trusted", "keyword"),
        ("skip", "skip", "keyword"),
        ("auto:infrastructure_error", "auto:infrastructure_error", "keyword"),
    ],
)
def test_verdict_that_no_model_gave_is_not_an_llm_grade(tmp_path: Path, classifier: str | None, grader: str, kind: str) -> None:
    path = database(tmp_path / "c.db", [row(1, llm_verdict="REFUSAL", llm_classifier=classifier)])
    assert grades(path) == [(grader, kind, "REFUSAL", "REFUSAL")]


def test_telemetry_is_marked_and_not_taken_for_text(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(1, raw_response=BLOB, llm_verdict="COMPLIANCE"), row(2, raw_response='{"a": 1}')])
    assert [(t["response_kind"], t["response"]) for t in traces(path)] == [("telemetry", None), ("text", '{"a": 1}')]
    assert [g[2] for g in grades(path)] == ["COMPLIANCE"]


@pytest.mark.parametrize(
    ("values", "kind", "verdict"),
    [
        ({"raw_response": None}, "none", None),
        ({"raw_response": None, "llm_verdict": "INFRA_ERROR"}, "none", "ERROR"),
        ({"raw_response": None, "llm_verdict": "PARTIAL"}, "withheld", "PARTIAL"),
        ({"raw_response": "[ERROR: Rate limit exceeded (429)]", "llm_verdict": "PARTIAL"}, "none", "ERROR"),
        ({"raw_response": "[TIMEOUT after 120s]", "heuristic_verdict": "COMPLIANCE"}, "none", "ERROR"),
    ],
)
def test_missing_response_is_withheld_only_where_someone_judged_it(
    tmp_path: Path, values: Row, kind: str, verdict: str | None
) -> None:
    path = database(tmp_path / "c.db", [row(1, **values)])
    assert [t["response_kind"] for t in traces(path)] == [kind]
    assert [g[2] for g in grades(path)] == ([] if verdict is None else [verdict])


def test_declared_sizes_are_kept_and_those_of_closed_models_are_guesses(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(1), row(2, evaluation_run_id=12)])
    assert read(path).declared_sizes == {"sim/arbel:1.7b": (1.7, None, False), "openai/gpt-4o-mini": (8.0, None, True)}


@pytest.mark.parametrize(
    ("text", "size"),
    [("1.5B", 1.5), ("671B", 671.0), ("0.8b ", 0.8), ("500M", 0.5), ("1T", 1000.0), ("7 billion", 7.0), ("unknown", None),
     ("", None), ("7", None), ("8x7B", None), ("0B", None), (None, None), (7, None), (b"7B", None)],
)  # fmt: skip
def test_parameter_count_without_a_unit_is_no_size(text: object, size: float | None) -> None:
    assert declared_size(text) == size


@pytest.mark.parametrize(
    ("name", "is_estimate"),
    [
        ("gpt-4o-mini", True),
        ("openai_gpt-4.1", True),
        ("openrouter/anthropic/claude-haiku-4.5", True),
        ("gemini-2.5-flash", True),
        ("openai/o3", True),
        ("x-ai/grok-4", True),
        ("amazon/nova-pro-v1", True),
        ("gpt-oss-120b", False),
        ("google/gemma-3-27b-it", False),
    ],
)
def test_only_closed_families_have_guessed_sizes(tmp_path: Path, name: str, is_estimate: bool) -> None:
    path = database(tmp_path / "c.db", [row(1)], f"UPDATE models SET name = '{name}', parameter_count = '20B'")
    assert read(path).declared_sizes == {name: (20.0, None, is_estimate)}


# ---- wrong rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code", "column"),
    [
        ({"llm_verdict": "MAYBE"}, "UNKNOWN_VERDICT", "llm_verdict"),
        ({"heuristic_verdict": ""}, "UNKNOWN_VERDICT", "heuristic_verdict"),
        ({"duration_ms": 12.5}, "WRONG_TYPE", "results.duration_ms"),
        ({"response_tokens": "many"}, "WRONG_TYPE", "results.response_tokens"),
        ({"raw_response": b"\x00\x01"}, "WRONG_TYPE", "results.raw_response"),
        ({"llm_verdict": b"REFUSAL"}, "WRONG_TYPE", "results.llm_verdict"),
        ({"prompt_id": None}, "MISSING_FIELD", "results.prompt_id"),
        ({"prompt_id": "nowhere"}, "MISSING_FIELD", "results.prompt_id"),
        ({"evaluation_run_id": 999}, "MISSING_FIELD", "results.evaluation_run_id"),
    ],
)
def test_wrong_value_is_one_reject_at_its_place_in_the_order_of_ids(tmp_path: Path, values: Row, code: str, column: str) -> None:
    path = database(tmp_path / "c.db", [row(90), row(70, **values), row(10), row(30)])
    batch = read(path)
    (reject,) = batch.rejects
    assert (reject.row, reject.code, reject.column) == (3, code, column)
    assert reject.raw_sha256
    assert [t["trace_id"].rpartition(":")[2] for t in rows(batch.traces)] == ["10", "30", "90"]
    assert [t["source_row"] for t in rows(batch.traces)] == [1, 2, 4]


def test_rows_are_numbered_by_id_whatever_their_order_on_disk(tmp_path: Path) -> None:
    path = database(
        tmp_path / "c.db",
        [row(3), row(1), row(2)],
        "CREATE TABLE shuffled AS SELECT * FROM results ORDER BY id % 3, id",
        "DROP TABLE results",
        "ALTER TABLE shuffled RENAME TO results",
    )
    found = [(t["source_row"], t["trace_id"].rpartition(":")[2]) for t in traces(path)]
    assert found == [(1, "1"), (2, "2"), (3, "3")]


@pytest.mark.parametrize(
    ("statement", "code", "column"),
    [
        ("UPDATE results SET raw_response = CAST(x'c328' AS TEXT)", "NOT_UTF8", "results.raw_response"),
        ("UPDATE prompts SET text = CAST(x'ff' AS TEXT)", "NOT_UTF8", "prompts"),
        ("UPDATE models SET name = NULL", "MISSING_FIELD", "models.name"),
        ("UPDATE models SET name = ' '", "MISSING_FIELD", "models.name"),
        ("UPDATE evaluation_runs SET model_id = 77", "MISSING_FIELD", "evaluation_runs.model_id"),
        ("UPDATE prompts SET source_dataset_id = 77", "MISSING_FIELD", "prompts.source_dataset_id"),
    ],
)
def test_broken_join_or_text_is_a_reject(tmp_path: Path, statement: str, code: str, column: str) -> None:
    (reject,) = read(database(tmp_path / "c.db", [row(1)], statement)).rejects
    assert (reject.code, reject.column) == (code, column)


def test_empty_table_is_a_reject_of_the_file(tmp_path: Path) -> None:
    batch = read(database(tmp_path / "c.db", []))
    assert [(r.row, r.code) for r in batch.rejects] == [(0, "EMPTY_FILE")]


# ---- other schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["results", "evaluation_runs", "models", "prompts", "source_datasets"])
def test_missing_table_is_named(tmp_path: Path, table: str) -> None:
    path = database(tmp_path / "c.db", [row(1)], f"DROP TABLE {table}")
    assert JailbreakDb().recognises(Probe(path=path, head=head_bytes(path)))
    with pytest.raises(DataError, match=rf"no table {table};"):
        list(JailbreakDb().read(path, Options()))


def test_missing_required_column_is_named(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(1)], "ALTER TABLE evaluation_runs DROP COLUMN model_id")
    with pytest.raises(DataError, match="evaluation_runs has no column model_id"):
        list(JailbreakDb().read(path, Options()))


@pytest.mark.parametrize(
    "column",
    ["raw_response", "heuristic_verdict", "llm_verdict", "llm_classifier", "duration_ms", "response_tokens", "thinking_tokens"],
)
def test_optional_result_column_may_be_absent(tmp_path: Path, column: str) -> None:
    path = database(
        tmp_path / "c.db",
        [row(1, heuristic_verdict="REFUSAL", llm_verdict="REFUSAL")],
        f"ALTER TABLE results DROP COLUMN {column}",
    )
    assert len(traces(path)) == 1
    assert len(grades(path)) == 2 - column.endswith("_verdict")


@pytest.mark.parametrize(
    ("statement", "attack_class"),
    [
        ("DROP TABLE techniques", "unclassified"),
        ("ALTER TABLE prompts DROP COLUMN technique_id", "unclassified"),
        ("ALTER TABLE techniques DROP COLUMN family", "t one"),
        ("ALTER TABLE models DROP COLUMN parameter_count", "persona"),
        ("ALTER TABLE models DROP COLUMN provider", "persona"),
    ],
)
def test_optional_table_or_column_may_be_absent(tmp_path: Path, statement: str, attack_class: str) -> None:
    (trace,) = traces(database(tmp_path / "c.db", [row(1)], statement))
    assert trace["attack_class"] == attack_class


@pytest.mark.parametrize(("column", "prompt"), [("prompt", "zorbel?"), ("content", "zorbel?"), ("something", None)])
def test_prompt_text_has_several_names_or_none(tmp_path: Path, column: str, prompt: str | None) -> None:
    (trace,) = traces(database(tmp_path / "c.db", [row(1)], f"ALTER TABLE prompts RENAME COLUMN text TO {column}"))
    assert trace["prompt"] == prompt


def test_id_that_stands_twice_is_refused_because_results_would_count_twice(tmp_path: Path) -> None:
    path = database(
        tmp_path / "c.db",
        [row(1)],
        "DROP TABLE models",
        "CREATE TABLE models (id INTEGER, name TEXT)",
        "INSERT INTO models VALUES (1, 'a'), (1, 'b')",
    )
    with pytest.raises(DataError, match="models holds one id twice"):
        list(JailbreakDb().read(path, Options()))


# ---- the file ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_reading_leaves_the_folder_as_it_was(tmp_path: Path, journal: str) -> None:
    path = database(tmp_path / "odd name #1?.db", [row(1)])
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.close()
    before = (path.read_bytes(), sorted(p.name for p in tmp_path.iterdir()))
    assert len(traces(path)) == 1
    assert (path.read_bytes(), sorted(p.name for p in tmp_path.iterdir())) == before


def test_rows_that_are_still_in_the_log_are_read(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(1)])
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode=wal")
    writer.execute("INSERT INTO results (id, evaluation_run_id, prompt_id) VALUES (2, 11, 'OB-1')")
    writer.commit()
    try:
        assert len(traces(path)) == 2
    finally:
        writer.close()


def test_batches_are_bounded_by_rows_and_by_characters(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(i) for i in range(4100)])
    batches = list(JailbreakDb().read(path, Options()))
    assert [b.rows_in for b in batches] == [2000, 2000, 100]
    assert [t["source_row"] for b in batches for t in rows(b.traces)] == list(range(1, 4101))
    long = database(tmp_path / "long.db", [row(i, raw_response="x" * (5 << 20)) for i in range(5)])
    assert [b.rows_in for b in JailbreakDb().read(long, Options())] == [2, 2, 1]


@pytest.mark.parametrize("tables", [(), ("models", "traces"), ("a", "b")])
def test_other_databases_are_not_ours(tmp_path: Path, tables: Sequence[str]) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    for table in tables:
        connection.execute(f"CREATE TABLE {table} (id)")
    connection.commit()
    connection.close()
    assert not JailbreakDb().recognises(Probe(path=path, head=head_bytes(path)))


def test_damaged_database_is_unreadable_and_says_so(tmp_path: Path) -> None:
    path = database(tmp_path / "c.db", [row(i, raw_response="x" * 3000) for i in range(50)])
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with pytest.raises(DataError, match="cannot read the database"):
        list(JailbreakDb().read(path, Options()))
    path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 20)
    assert not JailbreakDb().recognises(Probe(path=path, head=head_bytes(path)))
    with pytest.raises(DataError, match="cannot read the database"):
        list(JailbreakDb().read(tmp_path / "nowhere.db", Options()))
