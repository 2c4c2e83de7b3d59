"""Hashes and lengths of texts: filled where a source gives none, checked where it does."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["complete_texts"]


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
        traces = traces.set_column(
            traces.schema.get_field_index(hash_column), traces.schema.field(hash_column), computed.cast(pa.string())
        )
    if traces["response_chars"].null_count:
        length = pc.utf8_length(traces["response"]).cast(pa.int64())
        index = traces.schema.get_field_index("response_chars")
        traces = traces.set_column(index, traces.schema.field(index), pc.coalesce(traces["response_chars"], length))
    return traces, contradicted


def _sha256(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    sha256 = hashlib.sha256
    return pa.chunked_array(
        [
            pa.array([None if v is None else sha256(v).hexdigest() for v in chunk.cast(pa.binary()).to_pylist()], pa.string())
            for chunk in texts.chunks
        ],
        type=pa.string(),
    )
