"""Connections to the SQLite form: one that writes, and one that reads and leaves no trace."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlite_utils import Database

from safescale.errors import DataError
from safescale.store.sqlite_schema import is_initialised, migrations, refuse_foreign

__all__ = ["Snapshot", "connect_writer", "data_error", "translated"]

_BUSY_S = 30.0  # a foreign writer (sqlite3, Datasette) is waited for that long


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into DataError with the next step."""
    try:
        yield
    except sqlite3.Error as error:
        raise data_error(error, path) from error


def data_error(error: sqlite3.Error, path: Path) -> DataError:
    """An error of SQLite as DataError with the next step."""
    words = _integrity if isinstance(error, sqlite3.IntegrityError) else _operational
    return DataError(words(str(error)), file=str(path))


def _integrity(message: str) -> str:
    if message.startswith("FOREIGN KEY"):
        return "a grade or turn names a trace or grader that the corpus does not hold: nothing of this file was stored"
    return f"the corpus refused a row ({message}): nothing of this file was stored"


def _operational(message: str) -> str:
    if "not a database" in message:
        return "this file is not an SQLite database: name another file, or ingest it with: safescale ingest FILE --into corpus.db"
    if "locked" in message:
        return "another program is writing to this corpus: wait until it is done, then run again"
    if "full" in message or "disk I/O" in message:
        return f"the corpus could not be written ({message}): free some space, then run again; the corpus is as it was before"
    return f"the corpus could not be read or written ({message}): check it with: sqlite3 FILE 'PRAGMA integrity_check'"


def connect_writer(path: Path) -> Database:
    """
    Open for writing; creates the file and its tables when there are none.

    WAL, so that readers see the state before or after a file and never wait. ``synchronous=NORMAL``: after a loss of power the last
    files may be missing (as a whole, with their ledger entries: a rerun brings them back), but the corpus is never damaged; FULL
    would only add a wait for the disk to each file. Pages of 8 kB: most rows of 1-2 kB fit several to a page, and bulk
    writing measured 20 % faster than with 4 kB.
    """
    if path.exists() and path.stat().st_size:
        with contextlib.closing(Snapshot(path, may_be_empty=True)):
            pass  # refuses anything that is not a corpus before the first byte of it changes
    else:
        _create(path)
    return _connect(path)


def _create(path: Path) -> None:
    """Make the tables in a file aside and move it into place: a corpus is never half made."""
    new = Path(f"{path}.new")
    for left_over in (new, Path(f"{new}-wal"), Path(f"{new}-shm")):
        left_over.unlink(missing_ok=True)
    _connect(new).conn.close()
    os.replace(new, path)


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=_BUSY_S)
    try:
        for pragma in ("page_size=8192", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        for pragma in ("cache_size=-65536", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")
        db = Database(connection)
        migrations.apply(db)
    except BaseException:
        connection.close()
        raise
    return db


class Snapshot:
    """
    A read-only view of the state at opening, that creates and changes nothing, not even beside the file.

    While a writer is at work (there is a ``-wal`` file), SQLite's own read transaction keeps the state. Otherwise the file is
    read as immutable, because a plain read-only connection would leave ``-wal`` and ``-shm`` files, and fail in a
    read-only folder. Should a writer then change the file under the reader, ``check`` refuses: run again.
    """

    def __init__(self, path: Path, *, may_be_empty: bool = False) -> None:
        self._path = path
        self._immutable = not Path(f"{path}-wal").exists()
        self._signature = self._sign()
        mode = "mode=ro" + ("&immutable=1" if self._immutable else "")
        self.connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            self.connection.execute("PRAGMA foreign_keys=ON")
            self.connection.execute("BEGIN")
            if is_initialised(self.connection):  # its first read also fixes the state that is seen
                refuse_foreign(self.connection, path)
            elif not may_be_empty:
                raise DataError(
                    "this SQLite database is empty: fill it with: safescale ingest PATH... --into CORPUS", file=str(path)
                )
            self.check()
        except BaseException:
            self.connection.close()
            raise

    def _sign(self) -> tuple[int, int, int]:
        status = os.stat(self._path)
        return status.st_mtime_ns, status.st_size, status.st_ino

    def check(self) -> None:
        """Refuse what was read from a file that changed meanwhile."""
        if self._immutable and self._sign() != self._signature:
            raise DataError("the corpus was changed by another process while it was read: run again", file=str(self._path))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
