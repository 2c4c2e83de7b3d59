"""What the transaction of one file changes besides its rows: the same for both forms of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import pyarrow as pa

from safescale.errors import DataError, SafescaleError
from safescale.records.ddl import HASHED_RECORDS, PRIMARY_KEYS
from safescale.records.fields import arrow_schema
from safescale.store.base import TABLES, DeclaredSize, LedgerEntry
from safescale.store.content import content_hashes
from safescale.store.fingerprint import FINGERPRINTED, Lanes, merged_size, size_hash

__all__ = [
    "CARRIED_TABLES",
    "CONTENT_HASH",
    "REFERENCE_TABLES",
    "Pending",
    "State",
    "columns_schema",
    "refuse_other_trace",
    "stored_schema",
    "with_hashes",
]

CONTENT_HASH: Final = pa.field("content_hash", pa.binary(16), nullable=False)

REFERENCE_TABLES: Final = ("graders", "runs")
"""Small tables that every file repeats: a row that is already there is not added again, a contradiction is refused."""

CARRIED_TABLES: Final = ("turns", "grades")
"""Tables whose rows come with the row of their trace."""

_DERIVED: Final = {"models": "set_models"}


def stored_schema(table: str) -> pa.Schema:
    """Arrow schema of a stored table: its record's, and ``content_hash`` where its rows are hashed."""
    record = TABLES[table]
    schema = arrow_schema(record)
    return schema.append(CONTENT_HASH) if record in HASHED_RECORDS else schema


def columns_schema(table: str, columns: Sequence[str] | None) -> pa.Schema:
    """Arrow schema of what ``read`` gives: the record, or the columns that were asked for (``content_hash`` may be)."""
    if columns is None:
        return arrow_schema(TABLES[table])
    stored = stored_schema(table)
    return pa.schema([stored.field(name) for name in columns])


def with_hashes(rows: pa.Table, hashes: Sequence[bytes]) -> pa.Table:
    """Rows with the column ``content_hash``."""
    return rows.append_column(CONTENT_HASH, pa.array(hashes, CONTENT_HASH.type))


def refuse_other_trace(trace_id: str, row: pa.Table, stored: object) -> None:
    """Only a stored trace can be replaced, and only by one row of its id."""
    if stored is None or row.column("trace_id").to_pylist() != [trace_id]:
        raise SafescaleError(f"only a stored trace can be replaced, and by one row of its id: {trace_id!r}; report this")


@attrs.frozen(kw_only=True)
class State:
    """What a writer knows of the corpus before and after a transaction."""

    lanes: Lanes
    references: Mapping[str, Mapping[str, tuple[Any, ...]]]
    sizes: Mapping[str, DeclaredSize]
    files: frozenset[tuple[str, str]]


class Pending:
    """
    Changes of one transaction, kept apart from the state until it commits.

    Parameters
    ----------
    state : State
        The corpus as it is.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.lanes = state.lanes
        self.entry: LedgerEntry | None = None
        self.new_references: dict[str, dict[str, tuple[Any, ...]]] = {table: {} for table in REFERENCE_TABLES}
        self.new_sizes: dict[str, DeclaredSize] = {}
        self.changed = False

    def admit(self, table: str, rows: pa.Table, content_hash: Sequence[bytes] | None) -> pa.Table:
        """Rows as they are to be stored (with ``content_hash``, without reference rows that are known); counts them in."""
        if table in _DERIVED:
            raise SafescaleError(f"table {table!r} is derived: use {_DERIVED[table]}()")
        record = TABLES[table]
        schema = arrow_schema(record)
        if not rows.schema.equals(schema, check_metadata=False):
            raise SafescaleError(f"rows for {table!r} do not have the schema of record {record!r}: {rows.schema}")
        self.changed = True
        if table in REFERENCE_TABLES:
            rows = self._unknown(table, rows)
        hashed = record in HASHED_RECORDS
        if hashed or table in FINGERPRINTED:
            hashes = content_hashes(rows, record) if content_hash is None or not hashed else content_hash
            if len(hashes) != rows.num_rows:
                raise SafescaleError(f"{len(hashes)} content hashes for {rows.num_rows} rows of {table!r}")
            self.lanes = self.lanes.plus(Lanes.of(hashes))
            if hashed:
                rows = with_hashes(rows, hashes)
        return rows

    def _unknown(self, table: str, rows: pa.Table) -> pa.Table:
        key = rows.schema.get_field_index(PRIMARY_KEYS[TABLES[table]])
        fresh = []
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            known = self._state.references[table].get(row[key]) or self.new_references[table].get(row[key])
            if known is None:
                self.new_references[table][row[key]] = row
            elif known != row:
                raise _contradiction(table, rows.column_names, known, row, key)
            fresh.append(known is None)
        return rows.filter(pa.array(fresh, pa.bool_()))

    def declare(self, sizes: Mapping[str, DeclaredSize]) -> None:
        """Add declared sizes; of two that contradict each other neither stays."""
        for model_id, size in sizes.items():
            before = self.new_sizes.get(model_id) or self._state.sizes.get(model_id)
            after = size if before is None else merged_size(before, size)
            if after == before:
                continue
            self.changed = True
            self.new_sizes[model_id] = after
            if before is not None:
                self.lanes = self.lanes.minus(Lanes.of([size_hash(model_id, before)]))
            self.lanes = self.lanes.plus(Lanes.of([size_hash(model_id, after)]))

    def replaced(self, gone: Sequence[bytes], came: Sequence[bytes]) -> None:
        """Count replaced rows by their content hashes."""
        self.changed = True
        self.lanes = self.lanes.minus(Lanes.of(gone)).plus(Lanes.of(came))

    def finish(self, entry: LedgerEntry) -> None:
        """Take the ledger entry; a file that is in the ledger is refused."""
        if self.entry is not None:
            raise SafescaleError(f"finish() was called twice for {entry.file}")
        if (entry.sha256, entry.options) in self._state.files:
            raise DataError("this file was already ingested with the same options: leave it out", file=entry.file)
        self.entry = entry

    def committed(self) -> State:
        """The state after this transaction; a transaction that added rows must have been finished."""
        if self.entry is None:
            if self.changed:
                raise SafescaleError("a transaction added rows without finish(): nothing was stored; report this")
            return self._state
        return State(
            lanes=self.lanes,
            references={table: {**self._state.references[table], **new} for table, new in self.new_references.items()},
            sizes={**self._state.sizes, **self.new_sizes},
            files=self._state.files | {(self.entry.sha256, self.entry.options)},
        )


def _contradiction(table: str, names: Sequence[str], known: tuple[Any, ...], row: tuple[Any, ...], key: int) -> DataError:
    column, before, after = next((name, one, other) for name, one, other in zip(names, known, row, strict=True) if one != other)
    return DataError(
        f"{names[key]} {row[key]!r} is already in the corpus with another meaning: "
        f"give this one another {names[key]}, or ingest with the same options as before",
        column=f"{table}.{column}",
        expected=repr(before),
        got=repr(after),
    )
