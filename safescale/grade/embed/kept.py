"""Rows kept in a file by what they are of: work that was stopped goes on, and a text that was seen before costs nothing."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import numpy as np

from safescale.errors import DataError
from safescale.grade.embed.embedder import Embedder, Rows, each_text_once

__all__ = ["KeptRows"]

_APPLICATION: Final = 0x53534532
_TABLE: Final = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID"
_AT_ONCE: Final = 256
_LOCKED_S: Final = 60.0


@attrs.frozen(kw_only=True)
class KeptRows:
    """
    An embedder whose rows are kept in an SQLite file.

    A row lies under the SHA-256 of the embedder's identity and the text; no text is in the file. Each ``256`` rows are one
    transaction: after a kill the file holds whole rows only, and the work goes on behind them. Several embedders and several
    processes may share a file.

    Parameters
    ----------
    inner : Embedder
        Asked for the texts that the file does not hold.
    path : Path
        The file; made where there is none.
    """

    inner: Embedder
    path: Path

    @property
    def name(self) -> str:
        """What opens it again."""
        return self.inner.name

    @property
    def measure(self) -> str:
        """What a mean distance is called."""
        return self.inner.measure

    @property
    def identity(self) -> str:
        """All that rows depend on."""
        return self.inner.identity

    def embed(self, texts: Sequence[str]) -> Rows:
        """
        Rows of length 1, shape (texts, width).

        Raises
        ------
        DataError
            For a file that is no such store.
        """
        return each_text_once(texts, self._rows)

    def _rows(self, texts: list[str]) -> Rows:
        if not texts:
            return self.inner.embed([])
        keys = [self._key(text) for text in texts]
        with self._opened() as connection:
            found = self._read(connection, keys)
            absent = [at for at, key in enumerate(keys) if key not in found]
            # texts of similar length lie together, so that their batches hold little padding
            absent.sort(key=lambda at: len(texts[at]))
            for start in range(0, len(absent), _AT_ONCE):
                places = absent[start : start + _AT_ONCE]
                rows = self.inner.embed([texts[at] for at in places])
                made = {keys[at]: row for at, row in zip(places, rows, strict=True)}
                with connection:
                    connection.executemany(
                        "INSERT OR IGNORE INTO kept VALUES (?, ?)",
                        [(key, row.astype("<f4").tobytes()) for key, row in made.items()],
                    )
                found.update(made)
        return np.stack([found[key] for key in keys])

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.inner.identity}\0{text}".encode("utf-8", "surrogatepass")).digest()

    def _read(self, connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Rows]:
        found: dict[bytes, Rows] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            asked = ",".join("?" * len(part))
            for key, row in connection.execute(f"SELECT key, row FROM kept WHERE key IN ({asked})", part):
                found[key] = np.frombuffer(row, dtype="<f4").astype(np.float32)
        if len({len(row) for row in found.values()}) > 1:
            raise DataError(
                "rows of one embedder have different widths here; delete this file, it holds nothing else", file=str(self.path)
            )
        return found

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=_LOCKED_S)) as connection:
                (application,) = connection.execute("PRAGMA application_id").fetchone()
                (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                if application != _APPLICATION and tables:
                    raise DataError("this SQLite file keeps something else; name another file for the rows", file=str(self.path))
                if application != _APPLICATION:
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                    connection.commit()
                yield connection
        except sqlite3.Error as error:
            raise DataError(
                f"rows cannot be kept in this file ({error}); name another one, or delete it: what it holds can be made again",
                file=str(self.path),
            ) from error
