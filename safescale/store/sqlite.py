"""A corpus as one SQLite file, made with sqlite-utils, that anyone can open with ``sqlite3`` or Datasette."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlite_utils import Database

from safescale.errors import DataError
from safescale.records.fields import arrow_schema
from safescale.store.base import SAME_TRACES_SCHEMA, TABLES, DeclaredSize, LedgerEntry
from safescale.store.fingerprint import Lanes, as_lanes
from safescale.store.lock import WriterLock
from safescale.store.pending import (
    CARRIED_TABLES,
    REFERENCE_TABLES,
    Pending,
    State,
    columns_schema,
    refuse_other_trace,
    with_hashes,
)
from safescale.store.sqlite_connection import Snapshot, connect_writer, data_error, translated
from safescale.store.sqlite_rows import insert_rows, select_batches, update_row

__all__ = ["SqliteCorpus", "SqliteTransaction"]

_LEDGER: Final = "file, sha256, size_bytes, format, options, rows_in, fates, reject_codes"


class SqliteTransaction:
    """Everything that one file adds: one SQLite transaction."""

    def __init__(self, corpus: SqliteCorpus, pending: Pending) -> None:
        self._corpus = corpus.path
        self._connection = corpus.connection
        self._pending = pending

    def add(self, table: str, rows: pa.Table, content_hash: Sequence[bytes] | None = None) -> None:
        """Append rows."""
        with translated(self._corpus):
            insert_rows(self._connection, table, self._pending.admit(table, rows, content_hash))

    def declare_sizes(self, sizes: Mapping[str, DeclaredSize]) -> None:
        """Add declared sizes."""
        self._pending.declare(sizes)

    def replace_trace(self, trace_id: str, row: pa.Table, content_hash: bytes) -> tuple[str, int]:
        """Put another row in the place of a trace of the same id; what came with the old row goes with it."""
        columns = "source_file, source_row, content_hash"
        with translated(self._corpus):
            found = self._connection.execute(f"SELECT {columns} FROM traces WHERE trace_id = ?", [trace_id]).fetchone()
            refuse_other_trace(trace_id, row, found)
            source_file, source_row, before = found
            carried = self._delete_carried(trace_id, source_file, source_row)
            update_row(self._connection, "traces", "trace_id", with_hashes(row, [content_hash]))
        self._pending.replaced([before, *carried], [content_hash])
        return source_file, source_row

    def _delete_carried(self, *came_with: object) -> list[bytes]:
        gone: list[bytes] = []
        for table in CARRIED_TABLES:
            of_row = f"FROM {table} WHERE trace_id = ? AND source_file = ? AND source_row = ?"
            gone += [content for (content,) in self._connection.execute(f"SELECT content_hash {of_row}", came_with)]
            self._connection.execute(f"DELETE {of_row}", came_with)
        return gone

    def finish(self, entry: LedgerEntry) -> None:
        """Write the ledger entry."""
        self._pending.finish(entry)
        values = (entry.file, entry.sha256, entry.size_bytes, entry.format, entry.options, entry.rows_in)
        counts = (json.dumps(dict(entry.fates)), json.dumps(dict(entry.reject_codes)))
        with translated(self._corpus):
            self._connection.execute(f"INSERT INTO files ({_LEDGER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*values, *counts))


class SqliteCorpus:
    """
    A corpus in one SQLite file (see ``Corpus`` for the methods).

    Opened without ``create`` it shows the state at opening and changes nothing on disk; with ``create`` it is made when missing,
    and this process is its only writer until ``close``.

    Parameters
    ----------
    path : Path
        The file.
    create : bool, default False
        Open for writing.

    Raises
    ------
    DataError
        When the file is no corpus, or another process writes to it.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        self._snapshot: Snapshot | None = None
        self._db: Database | None = None
        with contextlib.ExitStack() as undo, translated(path):
            if create:
                lock = undo.enter_context(WriterLock(Path(f"{path}.lock"), path))
                self._db = connect_writer(path)
                undo.callback(self._db.conn.close)
                self.connection: sqlite3.Connection = self._db.conn
                self._state = self._load_state()
                self._lock = lock
            else:
                self._snapshot = Snapshot(path)
                self.connection = self._snapshot.connection
            undo.pop_all()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def _load_state(self) -> State:
        return State(
            lanes=self._lanes(),
            references={table: {row[0]: row for row in self.connection.execute(_all_of(table))} for table in REFERENCE_TABLES},
            sizes=self.declared_sizes(),
            files=frozenset(self.connection.execute("SELECT sha256, options FROM files")),
        )

    def _writer(self) -> Database:
        if self._db is None:
            raise DataError("this corpus is open for reading: use open_corpus(path, create=True)", file=str(self._path))
        return self._db

    @contextlib.contextmanager
    def import_file(self) -> Iterator[SqliteTransaction]:
        """Open the transaction of one file; reading from the corpus while it is open shows its rows already."""
        db = self._writer()
        pending = Pending(self._state)
        committing = False
        try:
            with db.atomic():
                yield SqliteTransaction(self, pending)
                committing = True
                state = pending.committed()
                self._store(pending)
        except sqlite3.Error as error:
            if not committing:
                raise  # the caller's own: a source may be an SQLite database too
            raise data_error(error, self._path) from error
        self._state = state

    def _store(self, pending: Pending) -> None:
        self.connection.execute("UPDATE meta SET value = ? WHERE key = 'lanes'", [pending.lanes.digits])
        self.connection.executemany(
            "INSERT OR REPLACE INTO declared_sizes VALUES (?, ?, ?, ?)",
            [(model_id, total, active, int(guess)) for model_id, (total, active, guess) in pending.new_sizes.items()],
        )

    def ledger(self) -> Sequence[LedgerEntry]:
        """Files that were ingested, in order."""
        with self._reading():
            found = self.connection.execute(f"SELECT {_LEDGER} FROM files ORDER BY id").fetchall()
        rows = (dict(zip(_LEDGER.split(", "), row, strict=True)) for row in found)
        return [
            LedgerEntry(**{**row, "fates": json.loads(row["fates"]), "reject_codes": json.loads(row["reject_codes"])})
            for row in rows
        ]

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        with self._reading():
            if self._is_absent(_known(table)):
                return 0
            (rows,) = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(rows)

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a table."""
        return pa.Table.from_batches(self.batches(table, columns), schema=columns_schema(table, columns))

    def batches(self, table: str, columns: Sequence[str] | None = None, *, rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Rows of a table in pieces."""
        yield from self._batches(table, columns_schema(table, columns), rows=rows)

    def _batches(self, table: str, schema: pa.Schema, *, rows: int = 65536) -> Iterator[pa.RecordBatch]:
        with self._reading():
            if self._is_absent(table):
                return
            for batch in select_batches(self.connection, table, schema, rows=rows):
                self._check()
                yield batch

    def _is_absent(self, table: str) -> bool:
        """Whether the corpus is older than this table (a reader migrates nothing)."""
        return not self.connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [table]).fetchall()

    def content_hashes(self, table: str) -> npt.NDArray[np.uint64]:
        """Content hashes as an array of shape (rows, 2)."""
        with self._reading():
            found = self.connection.execute(f"SELECT content_hash FROM {_known(table)} ORDER BY rowid")
            return as_lanes([row[0] for row in found])

    def same_traces(self) -> pa.Table:
        """Traces that another source holds too, and the copy that counts."""
        return pa.Table.from_batches(self._batches("same_traces", SAME_TRACES_SCHEMA), schema=SAME_TRACES_SCHEMA)

    def set_same_traces(self, rows: pa.Table) -> None:
        """Replace that table as a whole."""
        self._replace("same_traces", rows.cast(SAME_TRACES_SCHEMA))

    def set_models(self, rows: pa.Table) -> None:
        """Replace the table ``models`` as a whole."""
        self._replace("models", rows.cast(arrow_schema("model")))

    def _replace(self, table: str, rows: pa.Table) -> None:
        with translated(self._path), self._writer().atomic():
            self.connection.execute(f"DELETE FROM {table}")
            insert_rows(self.connection, table, rows)

    def declared_sizes(self) -> Mapping[str, DeclaredSize]:
        """Sizes that the data declare."""
        with self._reading():
            rows = self.connection.execute("SELECT * FROM declared_sizes ORDER BY model_id").fetchall()
        return {model_id: (total, active, bool(guess)) for model_id, total, active, guess in rows}

    def fingerprint(self) -> str:
        """Fingerprint of the content."""
        return self._lanes().fingerprint

    def _lanes(self) -> Lanes:
        with self._reading():
            (digits,) = self.connection.execute("SELECT value FROM meta WHERE key = 'lanes'").fetchone()
        return Lanes.parse(digits)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with translated(self._path):
            yield
            self._check()

    def _check(self) -> None:
        if self._snapshot is not None:
            self._snapshot.check()

    def close(self) -> None:
        """Release the file."""
        self.connection.close()
        if self._db is not None:
            self._lock.release()

    def __enter__(self) -> SqliteCorpus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _known(table: str) -> str:
    if table not in TABLES:
        raise KeyError(table)
    return table


def _all_of(table: str) -> str:
    names = ", ".join(field.name for field in arrow_schema(TABLES[table]))
    return f"SELECT {names} FROM {table}"
