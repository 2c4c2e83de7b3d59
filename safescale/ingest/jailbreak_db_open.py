"""The SQLite corpus as a file: opened without touching it, its tables and columns, one query over the joins."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from safescale.errors import DataError

__all__ = ["CHECKED_INTEGERS", "DAMAGE", "REQUIRED_TABLES", "SELECTED", "open_read_only", "opened", "result_rows", "tables_of"]

DAMAGE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged database raises: the module decodes SQLite's own messages, which may quote broken names."""

REQUIRED_TABLES: Final = ("results", "evaluation_runs", "models", "prompts", "source_datasets")
_REQUIRED_COLUMNS: Final = {
    "results": ("id", "evaluation_run_id", "prompt_id"),
    "evaluation_runs": ("id", "model_id"),
    "models": ("id", "name"),
    "prompts": ("id", "source_dataset_id"),
    "source_datasets": ("id", "name"),
}
_PROMPT_TEXTS: Final = ("text", "prompt", "content", "prompt_text")
CHECKED_INTEGERS: Final = ("duration_ms", "response_tokens", "thinking_tokens")
"""Columns that are not kept, but whose type is checked where they exist: a wrong one says that the row was written wrongly."""

SELECTED: Final = (
    "result_id",
    "run_id",
    "run_key",
    "model_key",
    "model",
    "parameter_count",
    "prompt_id",
    "prompt_key",
    "prompt",
    "dataset_id",
    "dataset",
    "family",
    "raw_response",
    "heuristic_verdict",
    "llm_verdict",
    "llm_classifier",
    *CHECKED_INTEGERS,
)
"""Columns of ``result_rows`` in order. ``*_key`` is null where the joined row does not exist."""

_WAL_VERSION_BYTE: Final = 18
_WAL: Final = 2


def open_read_only(path: Path) -> sqlite3.Connection:
    """
    Open the file so that nothing is written, not even beside it.

    A database in WAL mode whose log is gone is opened as immutable: SQLite would create the log's files anew, which fails in a
    folder that is read-only. With a log present, only ``mode=ro`` sees the rows that are in it.

    Raises
    ------
    DataError
        When it is not an SQLite database.
    """
    log = path.with_name(path.name + "-wal")
    try:
        with path.open("rb") as stream:
            head = stream.read(_WAL_VERSION_BYTE + 1)
        immutable = head[_WAL_VERSION_BYTE:] == bytes([_WAL]) and not log.exists()
        uri = f"file:{quote(str(path.resolve()))}?mode=ro{'&immutable=1' if immutable else ''}"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    except (OSError, *DAMAGE) as error:
        raise DataError(f"cannot read the database: {error}", file=str(path)) from error
    try:
        connection.text_factory = _text
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except DAMAGE as error:
        connection.close()
        raise DataError(f"cannot read the database: {error}", file=str(path)) from error
    return connection


def _text(raw: bytes) -> str | bytes:
    """Text that is not UTF-8 stays bytes: the row is rejected, the others are read."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def tables_of(connection: sqlite3.Connection) -> frozenset[str]:
    """Names of tables and views in lower case."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    return frozenset(str(name).lower() for (name,) in found)


def result_rows(connection: sqlite3.Connection, path: Path, *, fetch: int = 250) -> Iterator[Sequence[Any]]:
    """
    Rows of ``results`` in the order of their ids, joined as the reports join them; columns as in ``SELECTED``.

    Raises
    ------
    DataError
        When a required table or column is missing, an id is not unique (a join would count rows twice), or the file is damaged.
    """
    try:
        tables = tables_of(connection)
        _require(connection, tables, path)
        cursor = connection.execute(_query(connection, tables))
        while rows := cursor.fetchmany(fetch):
            yield from rows
    except DAMAGE as error:
        raise DataError(f"cannot read the database: {error}", file=str(path)) from error


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    return frozenset(str(row[1]).lower() for row in connection.execute(f"PRAGMA table_info({table})"))


def _require(connection: sqlite3.Connection, tables: frozenset[str], path: Path) -> None:
    if missing := [name for name in REQUIRED_TABLES if name not in tables]:
        named = ", ".join(missing)
        message = f"the database has no table {named}; it needs {', '.join(REQUIRED_TABLES)}"
        raise DataError(message, file=str(path), expected=f"table {named}", got=", ".join(sorted(tables)) or "no table")
    for table, needed in _REQUIRED_COLUMNS.items():
        present = _columns(connection, table)
        if absent := [name for name in needed if name not in present]:
            message = f"table {table} has no column {', '.join(absent)}"
            column = f"{table}.{absent[0]}"
            raise DataError(message, file=str(path), column=column, expected=f"column {column}", got=", ".join(sorted(present)))
    for table in (*REQUIRED_TABLES[1:], *({"techniques"} & tables)):
        twice = connection.execute(f"SELECT id FROM {table} GROUP BY id HAVING count(*) > 1 LIMIT 1").fetchone()
        if twice is not None:
            message = f"table {table} holds one id twice; every result of it would count twice"
            raise DataError(message, file=str(path), column=f"{table}.id", expected="unique ids", got=repr(twice[0]))


def _query(connection: sqlite3.Connection, tables: frozenset[str]) -> str:
    """The query; what an older schema lacks is NULL."""
    results, prompts = _columns(connection, "results"), _columns(connection, "prompts")
    text = next((name for name in _PROMPT_TEXTS if name in prompts), None)
    size = "m.parameter_count" if "parameter_count" in _columns(connection, "models") else "NULL"
    family, technique = _technique(connection, tables, prompts)
    optional = ("raw_response", "heuristic_verdict", "llm_verdict", "llm_classifier", *CHECKED_INTEGERS)
    columns = [
        "r.id, r.evaluation_run_id, er.id, m.id, m.name",
        size,
        "r.prompt_id, p.id",
        "NULL" if text is None else f'p."{text}"',
        "p.source_dataset_id, sd.name",
        family,
        *(f"r.{name}" if name in results else "NULL" for name in optional),
    ]
    return (
        f"SELECT {', '.join(columns)} FROM results r"
        " LEFT JOIN evaluation_runs er ON r.evaluation_run_id = er.id"
        " LEFT JOIN models m ON er.model_id = m.id"
        " LEFT JOIN prompts p ON r.prompt_id = p.id"
        f" LEFT JOIN source_datasets sd ON p.source_dataset_id = sd.id{technique} ORDER BY r.id"
    )


def _technique(connection: sqlite3.Connection, tables: frozenset[str], prompts: frozenset[str]) -> tuple[str, str]:
    """Column and join of the technique's family (its name where the schema has no families)."""
    if "techniques" not in tables or "technique_id" not in prompts:
        return "NULL", ""
    present = _columns(connection, "techniques")
    column = next((name for name in ("family", "name") if name in present), None)
    if column is None or "id" not in present:
        return "NULL", ""
    return f"t.{column}", " LEFT JOIN techniques t ON p.technique_id = t.id"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open for the length of a block."""
    connection = open_read_only(path)
    try:
        yield connection
    finally:
        connection.close()
