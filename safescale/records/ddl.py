"""
SQLite tables derived from the records: STRICT, with the rules as CHECKs, so that other programs cannot write nonsense either.

What SQLite cannot express stays with the reader of the rows: a pattern becomes a CHECK only when it is one character class
repeated a fixed number of times (``[0-9a-f]{64}``); for any other pattern only the type is checked. NaN needs no rule: SQLite
stores it as NULL, which NOT NULL refuses.
"""

from __future__ import annotations

from typing import Final

from safescale.records.fields import FieldSpec, field_specs

__all__ = [
    "BIG_TEXTS",
    "HASHED_RECORDS",
    "PRIMARY_KEYS",
    "column_order",
    "quoted",
    "sqlite_column",
    "sqlite_ddl",
    "sqlite_indexes",
    "table_name",
]

BIG_TEXTS: Final = ("prompt", "response", "text")
"""Columns that come last in a row: who reads only the columns before them never touches an overflow page."""

HASHED_RECORDS: Final = ("trace", "turn", "grade", "aggregate")
"""Records whose rows carry ``content_hash``: 16 bytes over the content, summed into the fingerprint of the corpus."""

PRIMARY_KEYS: Final[dict[str, str]] = {
    "trace": "trace_id",
    "grader": "grader_id",
    "aggregate": "aggregate_id",
    "model": "model_id",
    "run": "run_id",
}

# Deferred: within one transaction a grade may come before its trace or its grader.
_REFERENCES: Final[dict[str, dict[str, str]]] = {
    "turn": {"trace_id": "traces"},
    "grade": {"trace_id": "traces", "grader_id": "graders"},
}
_INDEXES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "trace": (("attack_class", "model_id", "condition"),),
    "turn": (("trace_id", "turn_index"),),
    "grade": (("trace_id",),),
}
_SQL_TYPES: Final = {"text": "TEXT", "integer": "INTEGER", "number": "REAL"}
_LARGEST_DOUBLE: Final = "1.7976931348623157e308"


def table_name(record: str) -> str:
    """Table that holds the rows of a record."""
    return f"{record}s"


def quoted(name: str) -> str:
    """Name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def column_order(record: str) -> tuple[str, ...]:
    """Columns of the table in order: the record's own, then ``content_hash``, then the big texts."""
    names = [field.name for field in field_specs(record)]
    small = [name for name in names if name not in BIG_TEXTS]
    big = [name for name in names if name in BIG_TEXTS]
    return (*small, *(("content_hash",) if record in HASHED_RECORDS else ()), *big)


def sqlite_ddl(record: str) -> str:
    """
    CREATE TABLE statement of a record, without indexes.

    Examples
    --------
    >>> print(sqlite_ddl("turn"))
    CREATE TABLE "turns" (
      "trace_id" TEXT NOT NULL CHECK ("trace_id" <> ''),
      "turn_index" INTEGER NOT NULL CHECK ("turn_index" >= 0),
      "role" TEXT NOT NULL CHECK (("role" = 'system' OR "role" = 'user' OR "role" = 'assistant' OR "role" = 'tool')),
      "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
      "source_row" INTEGER NOT NULL CHECK ("source_row" >= 1),
      "content_hash" BLOB NOT NULL CHECK (length("content_hash") = 16),
      "text" TEXT,
      FOREIGN KEY ("trace_id") REFERENCES "traces" ("trace_id") DEFERRABLE INITIALLY DEFERRED
    ) STRICT
    """
    specs = {field.name: field for field in field_specs(record)}
    lines = [
        sqlite_column(specs[name], primary_key=PRIMARY_KEYS.get(record) == name) if name in specs else _CONTENT_HASH
        for name in column_order(record)
    ]
    lines += [
        f"FOREIGN KEY ({quoted(column)}) REFERENCES {quoted(table)} ({quoted(column)}) DEFERRABLE INITIALLY DEFERRED"
        for column, table in _REFERENCES.get(record, {}).items()
    ]
    return f"CREATE TABLE {quoted(table_name(record))} (\n  " + ",\n  ".join(lines) + "\n) STRICT"


def sqlite_indexes(record: str) -> tuple[str, ...]:
    """CREATE INDEX statements of a record."""
    table = table_name(record)
    return tuple(
        f"CREATE INDEX {quoted('_'.join((table, *columns)))} ON {quoted(table)} ({', '.join(map(quoted, columns))})"
        for columns in _INDEXES.get(record, ())
    )


_CONTENT_HASH: Final = '"content_hash" BLOB NOT NULL CHECK (length("content_hash") = 16)'


def sqlite_column(spec: FieldSpec, *, primary_key: bool = False) -> str:
    """Definition of a column, as CREATE TABLE and ALTER TABLE ADD COLUMN take it."""
    words = [quoted(spec.name), _SQL_TYPES[spec.kind]]
    if not spec.nullable:
        words.append("NOT NULL")
    if primary_key:
        words.append("PRIMARY KEY")
    rules = _rules(spec, quoted(spec.name))
    if rules:
        words.append(f"CHECK ({' AND '.join(rules)})")
    return " ".join(words)


def _rules(spec: FieldSpec, column: str) -> list[str]:
    """Rules as SQL conditions. NULL makes a condition unknown, and an unknown CHECK passes: nullable needs no word."""
    rules = []
    if spec.allowed is not None:
        # not IN: inside a CHECK, SQLite builds an index of its list anew for each row (2.2 us a row against 0.1)
        rules.append("(" + " OR ".join(f"{column} = {_literal(value)}" for value in spec.allowed) + ")")
    if spec.min_length == 1:
        rules.append(f"{column} <> ''")  # not length(): that stops at the first NUL character
    elif spec.min_length:
        rules.append(f"length({column}) >= {spec.min_length}")
    if spec.fixed_class is not None:
        characters, times = spec.fixed_class
        rules.append(f"length({column}) = {times} AND {column} NOT GLOB '*[^{characters}]*'")
    if spec.low is not None:
        rules.append(f"{column} {'>' if spec.low_open else '>='} {spec.low:g}")
    if spec.high is not None:
        rules.append(f"{column} <= {spec.high:g}")
    if spec.kind == "number" and (spec.low is None or spec.high is None):
        rules.append(f"abs({column}) <= {_LARGEST_DOUBLE}")
    return rules


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
