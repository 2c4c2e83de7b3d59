"""The SQLite form defends itself: against other programs, and for people who open it with other programs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from safescale.errors import DataError
from safescale.records.ddl import BIG_TEXTS, PRIMARY_KEYS, column_order, quoted, sqlite_ddl, sqlite_indexes
from safescale.records.fields import field_specs, record_names
from safescale.store.base import TABLES
from safescale.store.pending import REFERENCE_TABLES
from safescale.store.sqlite import SqliteCorpus
from safescale.store.sqlite_schema import migrations
from safescale.store.verification import verify
from store.store_strategies import (
    GRADER,
    add_file,
    add_rows,
    aggregate,
    entry,
    file_contents,
    grade,
    model,
    reject,
    run,
    trace,
    turn,
)

GOOD: dict[str, dict[str, Any]] = {
    "trace": trace("t"),
    "turn": turn("t", 0),
    "grade": grade("t"),
    "grader": GRADER,
    "aggregate": aggregate(1),
    "model": model("m"),
    "run": run(1),
    "reject": reject(1),
}


def _insert(record: str, row: dict[str, Any]) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(sqlite_ddl(record))
        row = row | ({"content_hash": b"x" * 16} if "content_hash" in column_order(record) else {})
        names, places = ", ".join(map(quoted, row)), ", ".join("?" * len(row))
        db.execute(f"INSERT INTO {record}s ({names}) VALUES ({places})", list(row.values()))


@pytest.mark.parametrize("record", GOOD)
def test_a_good_row_is_taken_and_each_rule_refuses(record: str) -> None:
    _insert(record, GOOD[record])
    refused = 0
    for field in field_specs(record):
        bad: list[Any] = [b"blob"]
        bad += [] if field.nullable else [None]
        bad += ["nonsense"] if field.allowed or field.kind != "text" else []
        bad += [""] if field.min_length else []
        bad += ["AB" * 32, "ab" * 31, "ab" * 31 + "g0"] if field.pattern and "64" in field.pattern else []
        bad += [field.low if field.low_open else field.low - 1] if field.low is not None else []
        bad += [field.high + 0.1] if field.high is not None else []
        bad += [float("inf"), float("-inf")] if field.kind == "number" else []
        bad += [float("nan")] if field.kind == "number" and not field.nullable else []
        for value in bad:
            with pytest.raises(sqlite3.IntegrityError):
                _insert(record, GOOD[record] | {field.name: value})
            refused += 1
        if field.nullable:
            _insert(record, GOOD[record] | {field.name: None})
    assert refused > len(field_specs(record))


def test_a_text_that_begins_with_nul_is_not_empty() -> None:
    _insert("trace", GOOD["trace"] | {"trace_id": "\x00"})


@pytest.mark.parametrize("record", record_names())
def test_ddl_has_every_column_once_and_big_texts_last(record: str) -> None:
    names = [field.name for field in field_specs(record)]
    order = [name for name in column_order(record) if name != "content_hash"]
    assert sorted(order) == sorted(names)
    big = [name for name in order if name in BIG_TEXTS]
    assert order[len(order) - len(big) :] == big
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(sqlite_ddl(record))
        for index in sqlite_indexes(record):
            db.execute(index)
        found = db.execute(f"PRAGMA table_info({record}s)").fetchall()
        assert [row[1] for row in found] == list(column_order(record))


def test_the_file_is_a_wal_strict_database_with_keys_and_indexes(tmp_path: Path) -> None:
    with closing(SqliteCorpus(tmp_path / "c.db", create=True)) as corpus:
        add_file(corpus, 1)
        assert corpus.connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    db = Database(tmp_path / "c.db")
    with closing(db.conn):
        assert db.journal_mode == "wal"
        assert {*TABLES, "files", "declared_sizes", "same_traces", "meta"} <= set(db.table_names())
        assert all(db[name].strict for name in (*TABLES, "files", "declared_sizes", "same_traces", "meta"))
        assert db["traces"].pks == ["trace_id"]
        assert {(k.column, k.other_table) for k in db["grades"].foreign_keys} == {("trace_id", "traces"), ("grader_id", "graders")}
        assert {tuple(i.columns) for i in db["traces"].indexes} >= {("attack_class", "model_id", "condition")}
        assert {tuple(i.columns) for i in db["grades"].indexes} == {("trace_id",)}
        assert [m.name for m in migrations.applied(db)] == ["m001_tables", "m002_notes", "m003_probabilities"]
        assert migrations.pending(db) == []
        (row,) = db.query("SELECT response, typeof(response) AS kind FROM traces WHERE trace_id = 'made:1-0'")
        assert row == {"response": "the réponse of made:1-0", "kind": "text"}


@pytest.mark.parametrize(
    ("table", "row"), [("grades", grade("nobody")), ("turns", turn("nobody", 0)), ("grades", grade("made:1-0", grader_id="nobody"))]
)
def test_foreign_keys_are_enforced(table: str, row: dict[str, Any], tmp_path: Path) -> None:
    with closing(SqliteCorpus(tmp_path / "c.db", create=True)) as corpus:
        add_file(corpus, 1)
        before = corpus.fingerprint()
        with pytest.raises(DataError, match="names a trace or grader that the corpus does not hold"):
            add_file(corpus, 2, {table: [row], "rejects": [reject(4)]})
        assert corpus.fingerprint() == before
        assert corpus.count("rejects") == 1
        assert len(corpus.ledger()) == 1


def test_a_second_trace_of_an_id_and_a_bad_row_are_refused(tmp_path: Path) -> None:
    with closing(SqliteCorpus(tmp_path / "c.db", create=True)) as corpus:
        add_file(corpus, 1)
        for row in (trace("made:1-0", condition="other"), trace("new", sample_index=-1)):
            with pytest.raises(DataError, match="the corpus refused a row"):
                add_file(corpus, 2, {"traces": [row]})
        assert corpus.count("traces") == 3


def test_errors_of_the_callers_own_database_are_not_ours(tmp_path: Path) -> None:
    with closing(SqliteCorpus(tmp_path / "c.db", create=True)) as corpus:
        with pytest.raises(sqlite3.OperationalError, match="their trouble"):
            _import_that_raises(corpus, sqlite3.OperationalError("their trouble"))
        assert corpus.count("traces") == 0


def _import_that_raises(corpus: SqliteCorpus, error: Exception) -> None:
    with corpus.import_file() as transaction:
        add_rows(transaction, "traces", [trace("t")])
        raise error


def test_verify_detects_an_edit_by_hand(tmp_path: Path) -> None:
    with closing(SqliteCorpus(tmp_path / "c.db", create=True)) as corpus:
        add_file(corpus, 1)
    for statement, table in (
        ("UPDATE grades SET verdict = 'COMPLIANCE' WHERE trace_id = 'made:1-1'", "grades"),
        ("UPDATE traces SET response = 'edited' WHERE trace_id = 'made:1-2'", "traces"),
    ):
        with closing(sqlite3.connect(tmp_path / "c.db")) as db, db:
            db.execute(statement)
        with closing(SqliteCorpus(tmp_path / "c.db")) as corpus:
            found = verify(corpus)
            assert not found.ok
            assert found.changed_rows[table] == 1
    with closing(sqlite3.connect(tmp_path / "c.db")) as db, db:  # foreign keys are off in this connection
        db.execute("DELETE FROM traces WHERE trace_id = 'made:1-0'")
    with closing(SqliteCorpus(tmp_path / "c.db")) as corpus:
        assert verify(corpus).orphans == {"turns.trace_id": 2, "grades.trace_id": 1, "grades.grader_id": 0}


def test_a_transaction_without_finish_stores_nothing(tmp_path: Path) -> None:
    with closing(SqliteCorpus(tmp_path / "c.db", create=True)) as corpus:
        with pytest.raises(Exception, match="without finish"), corpus.import_file() as transaction:
            add_rows(transaction, "traces", file_contents(1)["traces"])
        with corpus.import_file():
            pass
        with corpus.import_file() as transaction:
            transaction.finish(entry(1, 0))
        assert corpus.count("traces") == 0
        assert len(corpus.ledger()) == 1


@pytest.mark.parametrize("table", REFERENCE_TABLES)
def test_the_key_of_a_reference_table_is_its_first_column(table: str) -> None:
    """The state of a writer is loaded by it."""
    assert PRIMARY_KEYS[TABLES[table]] == field_specs(TABLES[table])[0].name
