"""Parquet parts: written in the background with bounded memory, read piece by piece."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from safescale.errors import DataError
from safescale.store.base import SAME_TRACES_SCHEMA
from safescale.store.fingerprint import Lanes
from safescale.store.parquet_manifest import Part, fsync_path
from safescale.store.pending import stored_schema

__all__ = ["PartWriter", "part_batches", "part_schema", "read_part", "table_lanes"]

_GROUP_ROWS: Final = 65_536
_GROUP_BYTES: Final = 32 << 20
_PART_ROWS: Final = 1 << 20
_PART_BYTES: Final = 1 << 30
_IN_FLIGHT: Final = 2

# Nearly every value is different: a dictionary or minima would only cost time.
_UNIQUE_COLUMNS: Final = frozenset(
    {"trace_id", "prompt", "response", "text", "prompt_sha256", "response_sha256", "raw_sha256", "content_hash", "aggregate_id"}
)


def part_schema(table: str) -> pa.Schema:
    """Arrow schema of the parts of a table."""
    return SAME_TRACES_SCHEMA if table == "same_traces" else stored_schema(table)


def table_lanes(rows: pa.Table) -> Lanes:
    """Sum of the content hashes of rows; zero for tables without."""
    if "content_hash" not in rows.column_names or not rows.num_rows:
        return Lanes()
    flat = rows.column("content_hash").combine_chunks()
    lanes = np.frombuffer(flat.buffers()[1], dtype="<u8").reshape(-1, 2)[flat.offset : flat.offset + len(flat)]
    return Lanes.of(lanes)


class PartWriter:
    """
    Writes one part: rows are gathered into row groups, which a background thread compresses and writes.

    At most three row groups (of 32 MB or 65 536 rows) are in memory: one that fills, two under way.

    Parameters
    ----------
    path : Path
        Where to write.
    schema : pyarrow.Schema
        Columns.
    pool : ThreadPoolExecutor
        The background thread.
    """

    def __init__(self, path: Path, schema: pa.Schema, pool: ThreadPoolExecutor) -> None:
        self.path = path
        self.rows = 0
        self._lanes = Lanes()
        self._pool = pool
        self._bytes = 0
        self._group: list[pa.Table] = []
        self._group_rows = self._group_bytes = 0
        self._under_way: deque[Future[None]] = deque()
        repeated = [name for name in schema.names if name not in _UNIQUE_COLUMNS]
        self._writer = pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=1, use_dictionary=repeated, write_statistics=repeated
        )

    @property
    def is_full(self) -> bool:
        """Whether the next rows should go into another part."""
        return self.rows >= _PART_ROWS or self._bytes >= _PART_BYTES

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        self._group.append(rows)
        self.rows += rows.num_rows
        self._group_rows += rows.num_rows
        self._group_bytes += rows.nbytes
        self._lanes = self._lanes.plus(table_lanes(rows))
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Hand the rows that have gathered to the background thread."""
        group = self._gathered()
        while len(self._under_way) >= _IN_FLIGHT:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._writer.write_table, group))

    def _gathered(self) -> pa.Table:
        self._bytes += self._group_bytes
        group = pa.concat_tables(self._group)
        self._group, self._group_rows, self._group_bytes = [], 0, 0
        return group

    def close(self) -> Part:
        """Finish the file and wait until it is on the disk."""
        while self._under_way:
            self._under_way.popleft().result()
        if self._group:
            self._writer.write_table(self._gathered())
        self._writer.close()
        fsync_path(self.path)
        return Part(name=self.path.name, rows=self.rows, size_bytes=self.path.stat().st_size, lanes=self._lanes.digits)

    def abandon(self) -> None:
        """Give up: the file will be removed."""
        for future in self._under_way:
            future.cancel()
            if not future.cancelled():
                future.exception()
        with contextlib.suppress(OSError, pa.ArrowException):  # it could not be written, and nobody will read it
            self._writer.close()


def part_batches(path: Path, schema: pa.Schema, *, rows: int) -> Iterator[pa.RecordBatch]:
    """Rows of a part in pieces, with the columns of ``schema``; those that the part is too old to have are null."""
    with _open(path) as part:
        for batch in part.iter_batches(batch_size=rows, columns=schema.names):
            yield pa.RecordBatch.from_arrays(_columns(batch, schema), schema=schema)


def read_part(path: Path, schema: pa.Schema) -> pa.Table:
    """Rows of a part, as ``part_batches`` gives them."""
    with _open(path) as part:
        table = part.read(columns=schema.names)
    return pa.Table.from_arrays(_columns(table, schema), schema=schema) if schema.names else table


def _columns(rows: pa.Table | pa.RecordBatch, schema: pa.Schema) -> list[Any]:
    there = set(rows.schema.names)
    return [rows.column(f.name).cast(f.type) if f.name in there else pa.nulls(rows.num_rows, f.type) for f in schema]


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise DataError(
            "a part of the corpus is missing: another process changed the corpus while it was read, or it was deleted; run again",
            file=str(path),
        ) from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"a part of the corpus is damaged ({error}): restore it, or ingest again", file=str(path)) from error
