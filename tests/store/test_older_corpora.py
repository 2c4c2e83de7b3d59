"""Corpora of earlier schemas are read as they are, keep their fingerprint, and are migrated by the next writer."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from safescale.ingest.batch import table_of
from safescale.ingest.session import ingest
from safescale.store import open_corpus
from safescale.store.content import LATER, content_hashes
from safescale.store.verification import verify


def _as_of_schema_1(path: Path) -> None:
    """Undo what schema 2 brought."""
    open_corpus(path, create=True).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ?, '')", [" OR \"response_kind\" = 'not_asked'"])
        connection.execute(f"PRAGMA schema_version={version + 1}")
        connection.execute("PRAGMA writable_schema=OFF")
        connection.execute("DROP TABLE notes")
        _without_probabilities(connection)
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm002_notes'")
        connection.commit()


def _without_probabilities(connection: sqlite3.Connection) -> None:
    """Undo what schema 3 brought."""
    for name in LATER["grade"]:
        connection.execute(f"ALTER TABLE grades DROP COLUMN {name}")
    connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm003_probabilities'")


def _graded_lines(path: Path, **more: object) -> Path:
    line = {**_trace(), "response_kind": "text", "response": "plim brudd", "finish_reason": "stop", "attack_class": "none"}
    line |= {"grader_id": "demo-judge", "grader_kind": "llm", "verdict": "REFUSAL", "p_refusal": 0.75, **more}
    line = {name: value for name, value in line.items() if not name.startswith("source_")}
    path.write_text("".join(json.dumps(line | {"trace_id": f"demo:{i}", "prompt_id": f"p{i}"}) + "\n" for i in range(3)))
    return path


def _of_the_last_release(path: Path, lines: Path) -> None:
    """A corpus as the release before the probabilities wrote it."""
    with contextlib.closing(open_corpus(path, create=True)) as corpus:
        ingest([lines], corpus)
    if path.is_file():
        with contextlib.closing(sqlite3.connect(path)) as connection:
            _without_probabilities(connection)
            connection.commit()
        return
    (part,) = (path / "grades").glob("*.parquet")
    pq.write_table(pq.read_table(part).drop_columns(list(LATER["grade"])), part)
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 1}))


OF_THE_LAST_RELEASE = "ss1-d0386e0618df84788efee907621cd1c4"
"""Fingerprint that the release before the probabilities gave these lines (printed by its ``safescale ingest``)."""


def test_hashes_of_grades_without_class_probabilities_are_those_of_the_last_release() -> None:
    row = {
        "trace_id": "demo:1",
        "target": "text",
        "grader_id": "g",
        "grader_kind": "llm",
        "verdict": "REFUSAL",
        "raw_label": "x",
        "score": 1.5,
        "p_refusal": 0.25,
        "source_file": "a",
        "source_row": 1,
    }
    rows = [row, row | {"p_refusal": None, "score": None}, row | {"p_partial": 0.5}, row | {"p_compliance": 0.5}]
    found = [content.hex() for content in content_hashes(table_of("grade", rows), "grade")]
    assert found[:2] == ["10ef0267d693dea5775619d4f2267f49", "63d8cc1579928f2b863b7a757c04adfa"]
    assert len(set(found)) == 4


@pytest.mark.parametrize("name", ["old.db", "old"])
def test_a_corpus_of_the_last_release_is_read_and_written_and_keeps_its_fingerprint(name: str, tmp_path: Path) -> None:
    path, lines = tmp_path / name, _graded_lines(tmp_path / "l.jsonl")
    _of_the_last_release(path, lines)
    with contextlib.closing(open_corpus(path)) as corpus:
        assert corpus.fingerprint() == OF_THE_LAST_RELEASE
        read = corpus.read("grades")
        assert read["p_refusal"].to_pylist() == [0.75] * 3
        assert read["p_partial"].to_pylist() == read["p_compliance"].to_pylist() == [None] * 3
        (batch,) = corpus.batches("grades", ["p_compliance", "verdict"])
        assert batch.column("p_compliance").to_pylist() == [None] * 3
    more = _graded_lines(tmp_path / "more.jsonl", grader_id="other-judge", p_refusal=0.25, p_partial=0.5, p_compliance=0.25)
    with contextlib.closing(open_corpus(path, create=True)) as corpus:
        assert corpus.fingerprint() == OF_THE_LAST_RELEASE
        outcome = ingest([lines, more], corpus)
        assert [file.already_ingested for file in outcome.files] == [True, False]
    with contextlib.closing(open_corpus(path)) as corpus:
        read = corpus.read("grades")
        assert sorted(read["p_partial"].to_pylist(), key=str) == [0.5] * 3 + [None] * 3
        assert verify(corpus).ok


def _trace() -> dict[str, object]:
    return {
        "trace_id": "demo:1",
        "source": "demo",
        "model_id": "frimble-7b",
        "prompt_id": "zarvonic-001",
        "prompt_kind": "harmful",
        "attack_class": "role_play",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "not_asked",
        "finish_reason": "unknown",
        "source_file": "demo.jsonl",
        "source_row": 1,
    }


def test_a_reader_finds_no_notes_in_an_older_corpus(tmp_path: Path) -> None:
    _as_of_schema_1(tmp_path / "old.db")
    with contextlib.closing(open_corpus(tmp_path / "old.db")) as corpus:
        assert corpus.count("notes") == 0
        assert corpus.read("notes").num_rows == 0


def test_a_writer_gives_an_older_corpus_the_table_and_the_loosened_rule(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    _as_of_schema_1(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (before,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'traces'").fetchone()
    assert "not_asked" not in before
    from safescale.store.base import LedgerEntry

    entry = LedgerEntry(
        file="demo.jsonl",
        sha256="0" * 64,
        size_bytes=1,
        format="demo",
        options="{}",
        rows_in=1,
        fates={"trace": 1},
        reject_codes={},
    )
    note = {"source_file": "demo.jsonl", "source_row": 0, "code": "NOT_ASKED", "expected": "a prompt", "got": "none"}
    with contextlib.closing(open_corpus(path, create=True)) as corpus, corpus.import_file() as transaction:
        transaction.add("traces", table_of("trace", [_trace()]))
        transaction.add("notes", table_of("note", [note]))
        transaction.finish(entry)
    with contextlib.closing(open_corpus(path)) as corpus:
        assert corpus.count("traces") == corpus.count("notes") == 1
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("3",)
