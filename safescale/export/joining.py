"""Traces in batches, each with the rows of another table that belong to them; memory holds no text but the batch's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.errors import DataError, SafescaleError
from safescale.store.base import Corpus

__all__ = ["BATCH_ROWS", "Integers", "Joined", "joined", "read_compact"]

BATCH_ROWS: Final = 4096
"""Traces of a batch: a response of a few kB makes some tens of MB."""

Integers = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class Joined:
    """
    A batch of traces with the rows that belong to them.

    Parameters
    ----------
    traces : pyarrow.Table
        The batch, shape (traces,).
    trace : ndarray of int, shape (rows,)
        For each joined row the row of its trace in the batch, rising.
    row : ndarray of int, shape (rows,)
        Its row in the other table; -1 for a trace without any.
    """

    traces: pa.Table
    trace: Integers
    row: Integers


def read_compact(corpus: Corpus, table: str, columns: Sequence[str]) -> pa.Table:
    """Columns of a table with every text that repeats stored once (dictionary-encoded), except ``trace_id``."""
    pieces = []
    for batch in corpus.batches(table, columns):
        arrays = [
            a.dictionary_encode() if name != "trace_id" and pa.types.is_string(a.type) else a
            for name, a in zip(batch.schema.names, batch.columns, strict=True)
        ]
        pieces.append(pa.table(arrays, names=batch.schema.names))
    if not pieces:
        return corpus.read(table, columns)
    return pa.concat_tables(pieces, promote_options="permissive").unify_dictionaries()


def joined(corpus: Corpus, trace_ids: pa.ChunkedArray, columns: Sequence[str], *, keep_lonely: bool) -> Iterator[Joined]:
    """
    Join a table to the traces.

    Parameters
    ----------
    corpus : Corpus
        The traces.
    trace_ids : pyarrow.ChunkedArray
        ``trace_id`` of the other table, shape (rows,).
    columns : sequence of str
        Columns of the traces that are wanted; ``trace_id`` is among them.
    keep_lonely : bool
        Give traces without a row too, with row -1.

    Raises
    ------
    DataError
        When a row belongs to no stored trace.
    """
    known = corpus.read("traces", ["trace_id"])["trace_id"].combine_chunks()
    at = pc.index_in(trace_ids.combine_chunks(), value_set=known)
    if at.null_count:
        orphan = trace_ids.combine_chunks().filter(pc.is_null(at))[0].as_py()
        raise DataError(
            f"{at.null_count} grades belong to no trace of this corpus; ingest the traces first",
            column="trace_id",
            expected="the id of a stored trace",
            got=str(orphan),
        )
    position = at.to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(position, kind="stable").astype(np.int64)
    position = position[order]
    start = 0
    for batch in corpus.batches("traces", columns, rows=BATCH_ROWS):
        stop = start + batch.num_rows
        if not batch.column("trace_id").equals(known.slice(start, batch.num_rows)):
            raise SafescaleError("the corpus gave its traces in two orders while it was exported; report this")
        low, high = np.searchsorted(position, (start, stop))
        trace, row = position[low:high] - start, order[low:high]
        if keep_lonely:
            lonely = np.setdiff1d(np.arange(batch.num_rows, dtype=np.int64), trace)
            trace, row = np.concatenate([trace, lonely]), np.concatenate([row, np.full(len(lonely), -1, dtype=np.int64)])
            rising = np.argsort(trace, kind="stable")
            trace, row = trace[rising], row[rising]
        yield Joined(traces=pa.Table.from_batches([batch]), trace=trace, row=row)
        start = stop
