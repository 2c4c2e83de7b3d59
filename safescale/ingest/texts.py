"""Hashes and lengths of texts: filled where a source gives none, checked where it does."""

from __future__ import annotations

import binascii
import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["complete_texts"]

_SAMPLE_ROWS: Final = 512
_HEX_DIGITS: Final = 64


def complete_texts(traces: pa.Table) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """
    Fill ``response_sha256``, ``prompt_sha256`` and ``response_chars`` from the texts.

    Parameters
    ----------
    traces : pyarrow.Table
        Schema of the record trace; shape (rows,).

    Returns
    -------
    table : pyarrow.Table
        The same rows; where there is a text, its hash is there.
    contradicted : ndarray of bool
        Shape (rows,): a hash was given that is not the hash of the text beside it.
    """
    contradicted = np.zeros(traces.num_rows, dtype=np.bool_)
    for text_column, hash_column in (("response", "response_sha256"), ("prompt", "prompt_sha256")):
        texts, given = traces[text_column], traces[hash_column]
        if texts.null_count == traces.num_rows:
            continue
        computed = _sha256(texts)
        if given.null_count < traces.num_rows:
            differs = pc.fill_null(pc.not_equal(computed, given), False)
            contradicted |= np.asarray(differs.to_numpy(), dtype=np.bool_)
            computed = pc.coalesce(computed, given)
        index = traces.schema.get_field_index(hash_column)
        traces = traces.set_column(index, traces.schema.field(index), computed)
    if traces["response_chars"].null_count:
        length = pc.utf8_length(traces["response"]).cast(pa.int64())
        index = traces.schema.get_field_index("response_chars")
        traces = traces.set_column(index, traces.schema.field(index), pc.coalesce(traces["response_chars"], length))
    return traces, contradicted


def _sha256(texts: pa.ChunkedArray) -> pa.Array:
    """SHA-256 (hex) of each text, null for null; texts that repeat (prompts, over models) are hashed once."""
    values = texts.combine_chunks()
    sample = values.slice(0, _SAMPLE_ROWS)
    if len(sample) == _SAMPLE_ROWS and len(pc.unique(sample)) < _SAMPLE_ROWS // 2:
        encoded = values.dictionary_encode()
        return _hex_digests(encoded.dictionary).take(encoded.indices)
    return _hex_digests(values)


def _hex_digests(values: pa.Array) -> pa.Array:
    """Digests as one run of hex digits that the array is laid over: no text object for each row."""
    sha256 = hashlib.sha256
    digests = b"".join([sha256(v).digest() for v in values.cast(pa.large_binary()).fill_null(b"").to_pylist()])
    offsets = np.arange(len(values) + 1, dtype=np.int32) * _HEX_DIGITS
    found = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(binascii.hexlify(digests)))
    return pc.if_else(values.is_valid(), found, pa.scalar(None, pa.string())) if values.null_count else found
