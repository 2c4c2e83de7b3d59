"""What a corpus on disk offers, whatever its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["SAME_TRACES_SCHEMA", "TABLES", "Corpus", "DeclaredSize", "FileTransaction", "LedgerEntry"]

DeclaredSize = tuple[float | None, float | None, bool]
"""Total and active parameters (1e9), and whether the source calls it an estimate."""

TABLES: Final[dict[str, str]] = {
    "traces": "trace",
    "turns": "turn",
    "grades": "grade",
    "graders": "grader",
    "aggregates": "aggregate",
    "models": "model",
    "runs": "run",
    "rejects": "reject",
    "notes": "note",
}
"""Table name to record name."""

SAME_TRACES_SCHEMA: Final = pa.schema(
    [pa.field("trace_id", pa.string(), nullable=False), pa.field("kept_trace_id", pa.string(), nullable=False)]
)
"""Schema of the derived table ``same_traces``."""


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """One file that was ingested: identified by the hash of its bytes, not by its name."""

    file: str
    sha256: str
    size_bytes: int
    format: str
    options: str
    rows_in: int
    fates: Mapping[str, int]
    reject_codes: Mapping[str, int]


class FileTransaction(Protocol):
    """Everything that one file adds: all of it becomes visible at once, or nothing."""

    def add(self, table: str, rows: pa.Table, content_hash: Sequence[bytes] | None = None) -> None:
        """
        Append rows (schema of the record); traces, grades, turns and aggregates come with their 16-byte content hashes.

        Graders and runs may be given again by every file: equal rows are stored once, a contradiction is a ``DataError``.
        """
        ...

    def declare_sizes(self, sizes: Mapping[str, DeclaredSize]) -> None:
        """Add declared sizes; a model that is declared with two different sizes keeps neither (order-free)."""
        ...

    def replace_trace(self, trace_id: str, row: pa.Table, content_hash: bytes) -> tuple[str, int]:
        """
        Put another row in the place of a stored trace of the same id (see ``DUPLICATE_ID``).

        The turns and grades that came with the replaced row (same source_file and source_row) go with it. Works on rows of this
        transaction and of earlier ones. Gives source_file and source_row of the replaced row.
        """
        ...

    def finish(self, entry: LedgerEntry) -> None:
        """
        Write the ledger entry; the transaction commits when its context ends without an exception.

        A transaction that changed anything must be finished: else nothing is stored, and a ``SafescaleError`` says so.
        """
        ...


class Corpus(Protocol):
    """
    A corpus: tables of records, an import ledger, a fingerprint.

    Opened for reading it shows one state, that at opening. Whether rows of an open transaction are seen by its own corpus
    differs between the forms: do not read a table while a transaction adds to it.
    """

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    def import_file(self) -> AbstractContextManager[FileTransaction]:
        """Open the transaction of one file."""
        ...

    def ledger(self) -> Sequence[LedgerEntry]:
        """Files that were ingested."""
        ...

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        ...

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a table (schema of the record, only ``columns`` of it). The extra column ``content_hash`` may be asked for."""
        ...

    def batches(self, table: str, columns: Sequence[str] | None = None, *, rows: int = 65536) -> Iterator[pa.RecordBatch]:
        """Rows of a table in pieces of bounded size, for tables that may not fit into memory."""
        ...

    def content_hashes(self, table: str) -> npt.NDArray[np.uint64]:
        """Content hashes of a table as an array of shape (rows, 2), for the fingerprint and for finding duplicates."""
        ...

    def same_traces(self) -> pa.Table:
        """Columns ``trace_id, kept_trace_id``: traces that another source holds too, and the copy that counts."""
        ...

    def set_same_traces(self, rows: pa.Table) -> None:
        """Replace that table as a whole, atomically (it is derived: a pure function of the stored traces)."""
        ...

    def set_models(self, rows: pa.Table) -> None:
        """Replace the table ``models`` as a whole, atomically (derived from ids, catalogue and declared sizes)."""
        ...

    def declared_sizes(self) -> Mapping[str, DeclaredSize]:
        """Sizes that the data declare: model_id to (total_b, active_b, is_estimate). Part of the content, so of the fingerprint."""
        ...

    def fingerprint(self) -> str:
        """``ss1-`` and 32 hex digits over the content; does not depend on row order, file order or file names."""
        ...

    def close(self) -> None:
        """Release the files."""
        ...
