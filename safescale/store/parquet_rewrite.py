"""Finding and replacing rows of immutable parts: the parts that hold them are written anew under other names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.store.hash_index import HashIndex, read_text_keys
from safescale.store.parquet_manifest import Part
from safescale.store.parquet_parts import part_batches, part_schema, read_part
from safescale.store.parquet_staging import Staging
from safescale.store.pending import columns_schema

__all__ = ["LOCATED", "Located", "Removal", "TraceLocator", "mergeable", "rewrite_parts"]

LOCATED: Final = ("trace_id", "source_file", "source_row", "content_hash")
_BATCH_ROWS: Final = 16_384
_SMALL_ROWS: Final = 65_536
_MERGE_AT: Final = 16

Located = tuple[str, int, bytes]
"""source_file, source_row and content hash of a stored trace."""


class TraceLocator:
    """
    Where each stored trace came from. Made only when a trace is to be replaced (some 100 bytes a trace), then kept up to date.

    Parameters
    ----------
    pieces : sequence of pyarrow.Table
        Columns ``LOCATED`` of the traces that are stored.
    """

    def __init__(self, pieces: Sequence[pa.Table]) -> None:
        self._index = HashIndex()
        self._pieces: list[pa.Table] = []
        self._replaced: dict[str, Located] = {}
        for piece in pieces:
            self.add(piece)

    def add(self, piece: pa.Table) -> None:
        """Add stored traces."""
        positions = np.arange(piece.num_rows, dtype=np.uint64) + np.uint64(len(self._pieces) << 32)
        self._index.insert(read_text_keys(piece.column("trace_id")), positions)
        self._pieces.append(piece)

    def find(self, trace_id: str) -> Located | None:
        """Where a trace is from, or None when it is not stored."""
        if trace_id in self._replaced:
            return self._replaced[trace_id]
        found, positions = self._index.lookup(read_text_keys(pa.array([trace_id])))
        if not found[0]:
            return None
        piece, row = divmod(int(positions[0]), 1 << 32)
        (stored,) = self._pieces[piece].slice(row, 1).to_pylist()
        if stored["trace_id"] != trace_id:  # another text with the same 64-bit key
            return None
        return stored["source_file"], stored["source_row"], stored["content_hash"]

    def replace(self, trace_id: str, located: Located) -> None:
        """Remember where the row that replaced a trace is from."""
        self._replaced[trace_id] = located


@attrs.frozen
class Removal:
    """
    Rows to be left out: of traces by id; of turns and grades by id, source_file and source_row.

    ``staged_before`` counts the rows of each table that this transaction had staged when the removal was asked for: rows that
    came later stay (they came with the new row, even where file and row number are the same).
    """

    source_file: str
    source_row: int
    staged_before: dict[str, int]


def rewrite_parts(
    staging: Staging, table: str, parts: Sequence[Part], removals: dict[str, list[Removal]], *, staged: bool
) -> tuple[list[Part], list[bytes]]:
    """
    Write those of the parts anew that hold removed rows.

    Returns
    -------
    kept : list of Part
        Parts without removed rows. The rewritten ones are in ``staging``.
    gone : list of bytes
        Content hashes of the rows that were left out.
    """
    ids = pa.array(removals, pa.string())
    kept: list[Part] = []
    gone: list[bytes] = []
    first_row = 0
    for part in parts:
        path = staging.path_of(table, part)
        here = pc.any(pc.is_in(read_part(path, columns_schema(table, ["trace_id"])).column("trace_id"), value_set=ids)).as_py()
        left_out = _rewrite(staging, table, path, removals, first_row if staged else None) if here else []
        if not here:
            kept.append(part)
        gone += left_out
        first_row += part.rows
    return kept, gone


def _rewrite(staging: Staging, table: str, path: Path, removals: dict[str, list[Removal]], first_row: int | None) -> list[bytes]:
    gone: list[bytes] = []
    schema = part_schema(table)
    row = 0
    for batch in part_batches(path, schema, rows=_BATCH_ROWS):
        rows = pa.Table.from_batches([batch], schema=schema)
        keep = _keep(table, rows, removals, None if first_row is None else first_row + row)
        staging.write(table, rows.filter(pa.array(keep)))
        gone += rows.filter(pa.array(~keep)).column("content_hash").to_pylist()
        row += batch.num_rows
    return gone


def _keep(table: str, rows: pa.Table, removals: dict[str, list[Removal]], first_row: int | None) -> npt.NDArray[np.bool_]:
    """Which rows stay. ``first_row``: number of the first row among those staged here; None: they were stored before."""
    keep = np.ones(rows.num_rows, dtype=np.bool_)
    candidates = pc.is_in(rows.column("trace_id"), value_set=pa.array(removals, pa.string()))
    for index in np.flatnonzero(candidates.to_numpy()).tolist():
        (row,) = rows.slice(index, 1).select(["trace_id", "source_file", "source_row"]).to_pylist()
        keep[index] = not any(
            (first_row is None or first_row + index < removal.staged_before[table])
            and (row["source_file"], row["source_row"]) == (removal.source_file, removal.source_row)
            for removal in removals[row["trace_id"]]
        )
    return keep


def mergeable(parts: Sequence[Part]) -> list[Part]:
    """
    Small parts that should become one: 16 of about the same size (within a factor of 16).

    Many small files would otherwise make a corpus of many small parts, each of which costs every reader. A row is rewritten at
    most four times.
    """
    tiers: dict[int, list[Part]] = {}
    for part in parts:
        if part.rows < _SMALL_ROWS:
            tiers.setdefault((part.rows.bit_length() - 1) // 4, []).append(part)
    return next((tier for tier in tiers.values() if len(tier) >= _MERGE_AT), [])
