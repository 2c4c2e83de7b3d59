"""Text columns as sorted integer codes, and groups over several of them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Coded", "Groups", "coded", "group_rows", "tally", "text_column"]

Integers = npt.NDArray[np.int64]

MAX_KEY = 2**62


@attrs.frozen(kw_only=True, eq=False)
class Coded:
    """A text column: ``codes`` (rows,) index ``values``, which are sorted, so equal content gives equal codes."""

    codes: Integers
    values: pa.Array

    def take(self, rows: Integers) -> Coded:
        """The same column at other rows."""
        return Coded(codes=self.codes[rows], values=self.values)

    def is_in(self, wanted: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether each row holds one of these values."""
        hit = pc.is_in(self.values, value_set=pa.array(list(wanted), pa.string())).to_numpy(zero_copy_only=False)
        return np.asarray(hit, dtype=bool)[self.codes]


@attrs.frozen(kw_only=True, eq=False)
class Groups:
    """Distinct combinations of columns, sorted: ``of_row`` (rows,) is each row's group, ``codes`` (columns, groups)."""

    of_row: Integers
    codes: Integers

    @property
    def count(self) -> int:
        """Number of groups."""
        return int(self.codes.shape[1])


def text_column(column: pa.ChunkedArray) -> pa.Array:
    """One contiguous string array, missing text as the empty one."""
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(flat, pa.ChunkedArray):  # pyarrow < 15 may give chunks back
        flat = pa.concat_arrays(flat.chunks)
    if pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_decode()
    return pc.fill_null(flat.cast(pa.string()), "")


def coded(column: pa.ChunkedArray) -> Coded:
    """Sorted codes of a text column."""
    encoded = text_column(column).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return Coded(codes=rank[encoded.indices.to_numpy()], values=encoded.dictionary.take(pa.array(order)))


def group_rows(columns: Sequence[Integers]) -> Groups:
    """Group rows by several integer columns, the first being the slowest; empty input gives no groups."""
    rows = columns[0].size
    if rows == 0:
        return Groups(of_row=np.zeros(0, np.int64), codes=np.zeros((len(columns), 0), np.int64))
    key = np.zeros(rows, np.int64)
    span = 1
    for column in columns:
        width = int(column.max()) + 1
        if span * width > MAX_KEY:
            distinct, key = np.unique(key, return_inverse=True)
            span = distinct.size
        key = key * width + column
        span *= width
    _, first, of_row = np.unique(key, return_index=True, return_inverse=True)
    return Groups(of_row=of_row.reshape(-1), codes=np.stack([column[first] for column in columns]))


def tally(codes: Integers, groups: int, weight: Integers | None) -> Integers:
    """Rows by code, shape (groups,); ``weight`` says for how many rows each stands (None: for itself). Exact below 2^53 rows."""
    return np.bincount(codes, weights=weight, minlength=groups).astype(np.int64)
