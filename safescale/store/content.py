"""
Content hashes: 16 bytes for each row, equal exactly when the content is.

A row is serialised as a fixed-width header followed by its texts. The header holds, in order of column name, the length of each
text (``NULL`` is -1, so null differs from empty), each integer, each float as its 64 bits, and a word of null flags for the
numbers. The lengths make it prefix-free: no two different rows serialise equal. Where a row was read from (``source_file``,
``source_row``) is not content. The texts of a trace are represented by their SHA-256 where the row carries it.

Numbers that a record gained after corpora were written (``LATER``) are no part of that header: a row that has one is followed by
a trailer with all of them (a word of null flags, then the bits). A row without any serialises, and so hashes, as it always did:
no fingerprint changed. The header says how long the rest is, so a trailer is never taken for a text (docs/decisions/0009).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.records.fields import FieldSpec, field_specs

__all__ = ["LATER", "PROVENANCE", "content_hashes", "serialised_rows"]

PROVENANCE: Final = frozenset({"source_file", "source_row"})
"""Columns that say where a row was read from: not content."""

_STAND_INS: Final[dict[tuple[str, str], str]] = {
    ("trace", "prompt"): "prompt_sha256",
    ("trace", "response"): "response_sha256",
}
LATER: Final[dict[str, tuple[str, ...]]] = {"grade": ("p_compliance", "p_partial")}
"""Nullable numbers by record that came after the first corpora: hashed in a trailer, and only where a row has one."""

_NULL: Final = -1
_STOOD_IN: Final = -2  # the text is present, and its hash speaks for it
_SLICE_ROWS: Final = 16_384


def content_hashes(table: pa.Table, record: str) -> list[bytes]:
    """
    Content hash of each row.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of the record; the order of the columns and the chunking are irrelevant, further columns are ignored.
    record : str
        Name of the record. Equal rows of different records hash differently.

    Returns
    -------
    list of bytes
        Shape: (rows,). BLAKE2b, 16 bytes each.
    """
    blake2b = hashlib.blake2b
    return [
        blake2b(view[start:stop], digest_size=16).digest()
        for view, offsets in serialised_rows(table, record)
        for start, stop in itertools.pairwise(offsets)
    ]


def serialised_rows(table: pa.Table, record: str) -> Iterator[tuple[memoryview, list[int]]]:
    """Pieces of the serialised rows: the bytes of some rows, and the offsets that separate them."""
    for start in range(0, table.num_rows, _SLICE_ROWS):
        rows = table.slice(start, _SLICE_ROWS)
        joined = _serialise(rows, record)
        offsets = np.frombuffer(joined.buffers()[1], dtype="<i8")[joined.offset : joined.offset + len(joined) + 1]
        yield memoryview(joined.buffers()[2] or b""), offsets.tolist()


def _serialise(rows: pa.Table, record: str) -> pa.Array:
    later = LATER.get(record, ())
    fields = sorted((f for f in field_specs(record) if f.name not in PROVENANCE and f.name not in later), key=lambda f: f.name)
    header: npt.NDArray[np.int64] = np.zeros((rows.num_rows, len(fields) + 2), dtype="<i8")
    header[:, 0] = _salt(record)
    texts = []
    for position, field in enumerate(fields):
        column = _column(rows, field)
        if field.kind == "text":
            text, lengths = _text(column, _stand_in(rows, record, field.name))
            header[:, position + 2] = lengths
            texts.append(text)
        else:
            header[:, position + 2] = _bits(column, field)
            header[:, 1] |= column.is_null().to_numpy(zero_copy_only=False).astype(np.int64) << position
    width = header.shape[1] * 8
    head = pa.Array.from_buffers(pa.binary(width), rows.num_rows, [None, pa.py_buffer(header)]).cast(pa.large_binary())
    if any(rows.column(name).null_count < rows.num_rows for name in later):
        texts.append(_trailer(rows, [f for f in field_specs(record) if f.name in later]))
    return pc.binary_join_element_wise(head, *texts, pa.scalar(b"", pa.large_binary()))


def _trailer(rows: pa.Table, fields: list[FieldSpec]) -> pa.Array:
    """The later numbers of each row, in order of name; nothing for a row without any."""
    numbers: npt.NDArray[np.int64] = np.zeros((rows.num_rows, len(fields) + 1), dtype="<i8")
    for position, field in enumerate(sorted(fields, key=lambda f: f.name)):
        column = _column(rows, field)
        numbers[:, position + 1] = _bits(column, field)
        numbers[:, 0] |= column.is_null().to_numpy(zero_copy_only=False).astype(np.int64) << position
    width = numbers.shape[1] * 8
    whole = pa.Array.from_buffers(pa.binary(width), rows.num_rows, [None, pa.py_buffer(numbers)]).cast(pa.large_binary())
    none = pa.array(numbers[:, 0] == (1 << len(fields)) - 1)
    return pc.if_else(none, pa.scalar(b"", pa.large_binary()), whole)


def _column(rows: pa.Table, field: FieldSpec) -> pa.Array:
    """One contiguous array; texts with 64-bit offsets, so that any amount of text fits into a slice."""
    wanted = pa.large_string() if field.kind == "text" else field.arrow_type
    column = rows.column(field.name).cast(wanted)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _stand_in(rows: pa.Table, record: str, name: str) -> pa.Array | None:
    hashed = _STAND_INS.get((record, name))
    return None if hashed is None else rows.column(hashed).combine_chunks()


def _text(column: pa.Array, stand_in: pa.Array | None) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    if stand_in is not None and stand_in.null_count < len(stand_in):
        stood_in = pc.and_(column.is_valid(), stand_in.is_valid())
        column = pc.if_else(stood_in, pa.scalar(None, column.type), column)
    else:
        stood_in = None
    lengths: npt.NDArray[np.int64] = pc.binary_length(column).fill_null(_NULL).to_numpy(zero_copy_only=False).astype("<i8")
    if stood_in is not None:
        lengths = np.where(stood_in.to_numpy(zero_copy_only=False), _STOOD_IN, lengths)
    return column.fill_null("").cast(pa.large_binary()), lengths


def _bits(column: pa.Array, field: FieldSpec) -> npt.NDArray[np.int64]:
    numbers: Any = column.fill_null(0).to_numpy(zero_copy_only=False)
    if field.kind == "integer":
        return np.asarray(numbers, dtype="<i8")
    plus_zero = np.asarray(numbers, dtype="<f8") + 0.0  # -0.0 and 0.0 are one number
    plus_zero[np.isnan(plus_zero)] = np.nan  # and so are all NaN
    return plus_zero.view("<i8")


def _salt(record: str) -> int:
    return int.from_bytes(hashlib.blake2b(record.encode(), digest_size=8).digest(), "little", signed=True)
