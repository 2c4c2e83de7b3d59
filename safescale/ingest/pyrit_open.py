"""A PyRIT database as a file: its tables, whatever the version, as rows in memory by conversation."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.ingest.jailbreak_db_open import DAMAGE, opened

__all__ = ["Database", "database", "is_pyrit", "listed", "loaded", "named"]

PIECES: Final = "promptmemoryentries"
ATTACKS: Final = "attackresultentries"
SCORES: Final = "scoreentries"
CONVERSATIONS: Final = "conversations"
_PIECE_COLUMNS: Final = frozenset({"role", "conversation_id"})


@attrs.frozen(kw_only=True)
class Database:
    """Rows of the tables, as mappings by column (lower case); ``rows`` of a table that is not there are none."""

    connection: sqlite3.Connection
    tables: Mapping[str, str]
    """Name in lower case to name."""
    identifiers: Mapping[str, Mapping[str, Any]]
    """Rows of the ``*Identifiers`` tables of newer versions, by hash."""
    targets: Mapping[str, Any]
    """Target identifier of each conversation (newer versions)."""
    scores: Mapping[str, list[dict[str, Any]]]
    """Scores by the id of the piece that they are of."""
    scores_by_id: Mapping[str, dict[str, Any]]
    places: Mapping[str, list[int]]
    """Rows of each conversation (an index of our own: older versions have none)."""

    def rows(self, table: str, order: str = "rowid") -> Iterator[dict[str, Any]]:
        """Rows of a table in a stable order."""
        name = self.tables.get(table)
        if name is None:
            return
        cursor = self.connection.execute(f'SELECT * FROM "{name}" ORDER BY {order}')
        columns = [str(c[0]).lower() for c in cursor.description]
        while found := cursor.fetchmany(500):
            for row in found:
                yield dict(zip(columns, row, strict=True))

    def pieces(self, conversation_id: Any) -> list[dict[str, Any]]:
        """Pieces of a conversation in their order."""
        name = self.tables[PIECES]
        found = []
        for rowid in self.places.get(str(conversation_id), ()):
            cursor = self.connection.execute(f'SELECT * FROM "{name}" WHERE rowid = ?', (rowid,))
            columns = [str(c[0]).lower() for c in cursor.description]
            found += [dict(zip(columns, row, strict=True)) for row in cursor]
        return sorted(found, key=lambda p: (_order(p.get("sequence")), str(p.get("timestamp") or ""), str(p.get("id"))))

    def identifier(self, value: Any, key: Any = None) -> Mapping[str, Any]:
        """An identifier as stored (JSON), else the row of the identifiers that its hash names."""
        found = loaded(value)
        if isinstance(found, dict) and found:
            return found
        return self.identifiers.get(str(key if key is not None else value), {})


def _order(value: Any) -> int:
    return value if isinstance(value, int) else -1


@contextlib.contextmanager
def database(path: Path) -> Iterator[Database]:
    """
    Open for the length of a block; the file is not touched.

    Raises
    ------
    DataError
        When it is no database, a damaged one, or one without messages.
    """
    with opened(path) as connection:
        try:
            tables = _tables(connection)
            if PIECES not in tables:
                message = "the database has no table PromptMemoryEntries"
                got = ", ".join(sorted(tables.values())) or "no table"
                raise DataError(message, file=str(path), expected="table PromptMemoryEntries", got=got)
            bare = Database(connection=connection, tables=tables, identifiers={}, targets={}, scores={}, scores_by_id={}, places={})
            scores: dict[str, list[dict[str, Any]]] = defaultdict(list)
            by_id: dict[str, dict[str, Any]] = {}
            for score in bare.rows(SCORES):
                scores[str(score.get("prompt_request_response_id"))].append(score)
                by_id[str(score.get("id"))] = score
            places: dict[str, list[int]] = defaultdict(list)
            for conversation, rowid in connection.execute(f'SELECT conversation_id, rowid FROM "{tables[PIECES]}" ORDER BY rowid'):
                places[str(conversation)].append(rowid)
            yield attrs.evolve(
                bare, identifiers=_identifiers(bare), targets=_targets(bare), scores=scores, scores_by_id=by_id, places=places
            )
        except DAMAGE as error:
            got = str(error)
            raise DataError(f"cannot read the database: {got}", file=str(path), expected="a whole database", got=got) from error


def is_pyrit(path: Path) -> bool:
    """Whether a file is a database of PyRIT."""
    try:
        with opened(path) as connection:
            tables = _tables(connection)
            if PIECES not in tables:
                return False
            columns = {str(row[1]).lower() for row in connection.execute(f'PRAGMA table_info("{tables[PIECES]}")')}
            return columns >= _PIECE_COLUMNS
    except (DataError, *DAMAGE):
        return False


def _tables(connection: sqlite3.Connection) -> dict[str, str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {str(name).lower(): str(name) for (name,) in found if isinstance(name, str) and '"' not in name}


def _identifiers(base: Database) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for table in base.tables:
        if table.endswith("identifiers"):
            for row in base.rows(table):
                if row.get("hash"):
                    whole = loaded(row.get("identifier_json"))
                    flat = {k: v for k, v in row.items() if v is not None}
                    found[str(row["hash"])] = {**(whole if isinstance(whole, dict) else {}), **flat}
    return found


def _targets(base: Database) -> dict[str, Any]:
    return {
        str(row.get("conversation_id")): (row.get("target_identifier"), row.get("target_identifier_hash"))
        for row in base.rows(CONVERSATIONS)
    }


def loaded(value: Any) -> Any:
    """A JSON column; None for what is none."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict | list) else None


def listed(value: Any) -> list[Any]:
    """A JSON column that holds a list."""
    found = loaded(value)
    return found if isinstance(found, list) else []


def named(identifier: Any, *keys: str) -> str | None:
    """The first text under one of the keys, in the identifier or its ``params``."""
    if not isinstance(identifier, Mapping):
        return None
    for home in (identifier, identifier.get("params")):
        if isinstance(home, Mapping):
            for key in keys:
                value = home.get(key)
                if isinstance(value, str) and value:
                    return value
    return None
