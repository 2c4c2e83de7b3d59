"""The tables of the SQLite form, as migrations; and whether a database is a corpus at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from sqlite_utils import Database, Migrations

from safescale.errors import DataError
from safescale.records.ddl import sqlite_column, sqlite_ddl, sqlite_indexes
from safescale.records.fields import field_specs
from safescale.store.base import TABLES
from safescale.store.content import LATER
from safescale.store.fingerprint import Lanes

__all__ = ["FORMAT", "SCHEMA_VERSION", "is_initialised", "migrations", "refuse_foreign"]

FORMAT: Final = "safescale corpus"
SCHEMA_VERSION: Final = 3
_APPLICATION_ID: Final = 0x53534331  # "SSC1", for file(1)

migrations: Final = Migrations("safescale")
"""A record that gains a column needs another migration here (``transform`` or ALTER TABLE) and another SCHEMA_VERSION."""

_LEDGER: Final = """
CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  file TEXT NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  format TEXT NOT NULL,
  options TEXT NOT NULL,
  rows_in INTEGER NOT NULL CHECK (rows_in >= 0),
  fates TEXT NOT NULL CHECK (json_valid(fates)),
  reject_codes TEXT NOT NULL CHECK (json_valid(reject_codes)),
  UNIQUE (sha256, options)
) STRICT
"""
_DECLARED_SIZES: Final = """
CREATE TABLE declared_sizes (
  model_id TEXT NOT NULL PRIMARY KEY CHECK (model_id <> ''),
  params_total_b REAL CHECK (params_total_b > 0),
  params_active_b REAL CHECK (params_active_b > 0),
  is_estimate INTEGER NOT NULL CHECK (is_estimate IN (0, 1))
) STRICT
"""
_SAME_TRACES: Final = """
CREATE TABLE same_traces (
  trace_id TEXT NOT NULL PRIMARY KEY REFERENCES traces (trace_id) DEFERRABLE INITIALLY DEFERRED,
  kept_trace_id TEXT NOT NULL REFERENCES traces (trace_id) DEFERRABLE INITIALLY DEFERRED
) STRICT
"""
_META: Final = "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT"


def m001_tables(db: Database) -> None:
    """Make the tables of the records, the ledger and what is derived."""
    for record in TABLES.values():
        db.execute(sqlite_ddl(record))
        for index in sqlite_indexes(record):
            db.execute(index)
    for statement in (_LEDGER, _DECLARED_SIZES, _SAME_TRACES, _META):
        db.execute(statement)
    rows = {"format": FORMAT, "schema_version": str(SCHEMA_VERSION), "lanes": Lanes().digits}
    db.conn.executemany("INSERT INTO meta VALUES (?, ?)", rows.items())
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")


def m002_notes(db: Database) -> None:
    """
    Corpora of schema 1: the table ``notes``, and ``not_asked`` as a kind of response.

    A CHECK is loosened by editing the stored statement, as SQLite documents for changes that leave the content as it is:
    a table that others refer to cannot be made anew while keys are enforced.
    """
    if "notes" not in db.table_names():
        db.execute(sqlite_ddl("note"))
    before = "\"response_kind\" = 'telemetry')"
    after = before[:-1] + " OR \"response_kind\" = 'not_asked')"
    (version,) = db.execute("PRAGMA schema_version").fetchone()
    db.execute("PRAGMA writable_schema=ON")
    db.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'traces'", [before, after])
    db.execute(f"PRAGMA schema_version={version + 1}")
    db.execute("PRAGMA writable_schema=OFF")
    db.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")


def m003_probabilities(db: Database) -> None:
    """Corpora of schema 2: a grade has a probability of each class. They are null in what is stored, and hash to nothing."""
    there = {column.name for column in db["grades"].columns}
    for field in field_specs("grade"):
        if field.name in LATER["grade"] and field.name not in there:
            db.execute(f"ALTER TABLE grades ADD COLUMN {sqlite_column(field)}")
    db.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(SCHEMA_VERSION)])


migrations()(m001_tables)
migrations()(m002_notes)
migrations()(m003_probabilities)


def is_initialised(connection: sqlite3.Connection) -> bool:
    """Whether the database holds a corpus; False only when it holds nothing at all."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return any(not name.startswith("sqlite_") and name != Migrations.migrations_table for name in names)


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """
    Check that a database with tables is a corpus that this version can read.

    Raises
    ------
    DataError
        For a database of another schema, and for a corpus of a newer safescale.
    """
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('format', 'schema_version')"))
    except sqlite3.OperationalError:
        meta = {}
    if meta.get("format") != FORMAT:
        raise DataError(
            "this SQLite database is not a safescale corpus (it has no safescale meta table): "
            f"take its rows into one with: safescale ingest {path} --into corpus.db",
            file=str(path),
        )
    if int(meta["schema_version"]) > SCHEMA_VERSION:
        raise DataError(
            f"this corpus was written by a newer safescale (schema {meta['schema_version']}, "
            f"this one reads up to {SCHEMA_VERSION}): upgrade safescale",
            file=str(path),
        )
