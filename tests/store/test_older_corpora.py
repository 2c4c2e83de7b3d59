"""Corpora of schema 1 are read as they are and migrated by the next writer."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from safescale.ingest.batch import table_of
from safescale.store import open_corpus


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
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm002_notes'")
        connection.commit()


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
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("2",)
