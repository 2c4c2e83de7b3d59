"""
A corpus as a folder of Parquet parts, for what outgrows one SQLite file.

``manifest.json`` lists the parts, the imported files and the declared sizes; each table has a folder of immutable parts. Parquet
knows no keys: that an id is unique and a grade has its trace is the work of the ingest, and ``safescale.store.verify``
checks it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.errors import DataError
from safescale.records.fields import arrow_schema
from safescale.store.base import SAME_TRACES_SCHEMA, TABLES, DeclaredSize, LedgerEntry
from safescale.store.fingerprint import Lanes, as_lanes
from safescale.store.lock import WriterLock
from safescale.store.parquet_manifest import MANIFEST, Manifest, load_manifest, write_manifest
from safescale.store.parquet_parts import part_batches, read_part
from safescale.store.parquet_rewrite import TraceLocator
from safescale.store.parquet_staging import STAGING, Staging, sweep, translated
from safescale.store.parquet_transaction import ParquetTransaction
from safescale.store.pending import REFERENCE_TABLES, Pending, State, columns_schema

__all__ = ["ParquetCorpus"]

_LOCK = ".lock"


class ParquetCorpus:
    """
    A corpus in a folder (see ``Corpus`` for the methods).

    Opened without ``create`` it shows the state at opening and changes nothing on disk; with ``create`` it is made when missing,
    and this process is its only writer until ``close``.

    Parameters
    ----------
    path : Path
        The folder.
    create : bool, default False
        Open for writing.

    Raises
    ------
    DataError
        When the folder is no corpus, or another process writes to it.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        self._lock: WriterLock | None = None
        self._locator: TraceLocator | None = None
        if not create:
            self._manifest = load_manifest(path)
            return
        with translated(path), contextlib.ExitStack() as undo:
            _refuse_other_folder(path)
            path.mkdir(parents=True, exist_ok=True)
            self._lock = undo.enter_context(WriterLock(path / _LOCK, path))
            if not (path / MANIFEST).exists():
                write_manifest(path, Manifest())
            self._manifest = load_manifest(path)
            sweep(path, self._manifest)
            self._state = self._load_state()
            undo.pop_all()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def _load_state(self) -> State:
        return State(
            lanes=Lanes.parse(self._manifest.lanes),
            references={table: {row[0]: row for row in _tuples(self.read(table))} for table in REFERENCE_TABLES},
            sizes=self._manifest.declared_sizes,
            files=frozenset((entry.sha256, entry.options) for entry in self._manifest.files),
        )

    @contextlib.contextmanager
    def _staging(self) -> Iterator[Staging]:
        """Stage parts; after a failure, what is on the disk is the truth."""
        if self._lock is None:
            raise DataError("this corpus is open for reading: use open_corpus(path, create=True)", file=str(self._path))
        try:
            with Staging(self._path, self._manifest) as staging:
                yield staging
        except BaseException:
            self._locator = None
            self._manifest = load_manifest(self._path)
            self._state = self._load_state()
            raise

    @contextlib.contextmanager
    def import_file(self) -> Iterator[ParquetTransaction]:
        """Open the transaction of one file; reading from the corpus while it is open does not show its rows."""
        with self._staging() as staging:
            pending = Pending(self._state)
            transaction = ParquetTransaction(staging, self._manifest, pending, self._locator)
            yield transaction
            pending.committed()
            manifest = transaction.commit()
            self._manifest, self._state, self._locator = manifest, pending.committed(), transaction.locator

    def ledger(self) -> Sequence[LedgerEntry]:
        """Files that were ingested, in order."""
        return list(self._manifest.files)

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        return sum(part.rows for part in self._manifest.of(_known(table)))

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a table."""
        return self._read(_known(table), columns_schema(table, columns))

    def _read(self, table: str, schema: pa.Schema) -> pa.Table:
        pieces = [read_part(self._path / table / part.name, schema) for part in self._manifest.of(table)]
        rows = sum(part.rows for part in self._manifest.of(table))
        if not schema.names:
            return pa.Table.from_struct_array(pa.array([{}] * rows, pa.struct([])))
        return pa.concat_tables([schema.empty_table(), *pieces])

    def batches(self, table: str, columns: Sequence[str] | None = None, *, rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Rows of a table in pieces."""
        schema = columns_schema(table, columns)
        for part in self._manifest.of(_known(table)):
            yield from part_batches(self._path / table / part.name, schema, rows=rows)

    def content_hashes(self, table: str) -> npt.NDArray[np.uint64]:
        """Content hashes as an array of shape (rows, 2)."""
        return as_lanes(self.read(table, ["content_hash"]).column(0).to_pylist())

    def same_traces(self) -> pa.Table:
        """Traces that another source holds too, and the copy that counts."""
        return self._read("same_traces", SAME_TRACES_SCHEMA)

    def set_same_traces(self, rows: pa.Table) -> None:
        """Replace that table as a whole."""
        self._replace("same_traces", rows.cast(SAME_TRACES_SCHEMA))

    def set_models(self, rows: pa.Table) -> None:
        """Replace the table ``models`` as a whole."""
        self._replace("models", rows.cast(arrow_schema("model")))

    def _replace(self, table: str, rows: pa.Table) -> None:
        with self._staging() as staging, translated(self._path):
            staging.write(table, rows)
            self._manifest = staging.publish(self._manifest, {table: ()})

    def declared_sizes(self) -> Mapping[str, DeclaredSize]:
        """Sizes that the data declare."""
        return dict(sorted(self._manifest.declared_sizes.items()))

    def fingerprint(self) -> str:
        """Fingerprint of the content."""
        return Lanes.parse(self._manifest.lanes).fingerprint

    def close(self) -> None:
        """Give the right to write back."""
        if self._lock is not None:
            with contextlib.suppress(OSError):  # only tidiness: the next writer sweeps too
                sweep(self._path, self._manifest)
            self._lock.release()
            self._lock = None

    def __enter__(self) -> ParquetCorpus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse_other_folder(path: Path) -> None:
    """A folder of other things is never made a corpus: only an empty one, or one that was being made."""
    if path.is_dir() and not (path / MANIFEST).exists():
        others = {entry.name for entry in path.iterdir()} - {_LOCK, STAGING, f"{MANIFEST}.tmp"}
        if others:
            raise DataError(
                "this folder holds other files and is not a safescale corpus: name a new folder for the corpus",
                file=str(path),
                got=sorted(others)[0],
            )


def _known(table: str) -> str:
    if table not in TABLES:
        raise KeyError(table)
    return table


def _tuples(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in rows.columns), strict=True)
