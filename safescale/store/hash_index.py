"""A set of 64-bit keys with a 64-bit value each, for finding duplicates among millions of rows in little memory."""

from __future__ import annotations

import hashlib
import itertools
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["HashIndex", "read_text_keys"]

UInt64s = npt.NDArray[np.uint64]

_RATIO: Final = 4


class HashIndex:
    """
    Keys and values in sorted arrays, merged as they grow (16 bytes a key; a few arrays for any number of keys).

    A key keeps its first value: a key that is already here, or that comes a second time within one batch, is not inserted
    again, and ``insert`` says which were. ``assign`` changes the values of keys that are here.
    """

    def __init__(self) -> None:
        self._levels: list[tuple[UInt64s, UInt64s]] = []

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._levels)

    def lookup(self, keys: UInt64s) -> tuple[npt.NDArray[np.bool_], UInt64s]:
        """
        Find keys.

        Parameters
        ----------
        keys : array of uint64
            Shape: (n,).

        Returns
        -------
        found : array of bool
            Shape: (n,).
        values : array of uint64
            Shape: (n,); 0 where not found.
        """
        keys = np.asarray(keys, dtype=np.uint64)
        order = np.argsort(keys)  # neighbours of one another are found in neighbouring memory
        asked = keys[order]
        found = np.zeros(len(keys), dtype=np.bool_)
        values = np.zeros(len(keys), dtype=np.uint64)
        for level_keys, level_values in self._levels:
            at, hit = _positions(level_keys, asked)
            found[order[hit]] = True
            values[order[hit]] = level_values[at[hit]]
        return found, values

    def insert(self, keys: UInt64s, values: UInt64s) -> npt.NDArray[np.bool_]:
        """
        Insert keys that are new.

        Parameters
        ----------
        keys, values : array of uint64
            Shape: (n,) each.

        Returns
        -------
        array of bool
            Shape: (n,). True where the key was inserted: it was not here, and it is the first of its kind in the batch.
        """
        keys = np.asarray(keys, dtype=np.uint64)
        unique, first = np.unique(keys, return_index=True)
        known, _ = self.lookup(unique)
        fresh = np.zeros(len(keys), dtype=np.bool_)
        fresh[first[~known]] = True
        if fresh.any():
            self._levels.append((unique[~known], np.asarray(values, dtype=np.uint64)[first[~known]]))
            while len(self._levels) > 1 and len(self._levels[-2][0]) < _RATIO * len(self._levels[-1][0]):
                small, large = sorted((self._levels.pop(), self._levels.pop()), key=lambda level: len(level[0]))
                self._levels.append(_merged(large, small))
        return fresh

    def assign(self, keys: UInt64s, values: UInt64s) -> None:
        """Give keys that are here other values; other keys are left out. The last of equal keys in the batch counts."""
        keys = np.asarray(keys, dtype=np.uint64)
        for level_keys, level_values in self._levels:
            at, hit = _positions(level_keys, keys)
            level_values[at[hit]] = np.asarray(values, dtype=np.uint64)[hit]


def _positions(sorted_keys: UInt64s, keys: UInt64s) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return at, sorted_keys[at] == keys


def _merged(large: tuple[UInt64s, UInt64s], small: tuple[UInt64s, UInt64s]) -> tuple[UInt64s, UInt64s]:
    """Two sorted levels as one, without the index array of a sort (8 more bytes a key)."""
    at = np.searchsorted(large[0], small[0]) + np.arange(len(small[0]))
    from_large = np.ones(len(large[0]) + len(small[0]), dtype=np.bool_)
    from_large[at] = False
    merged = []
    for before, added in zip(large, small, strict=True):
        both = np.empty(len(from_large), dtype=np.uint64)
        both[at] = added
        both[from_large] = before
        merged.append(both)
    return merged[0], merged[1]


def read_text_keys(strings: pa.Array) -> UInt64s:
    """
    Stable 64-bit keys of texts: the same text has the same key in every process and version.

    Parameters
    ----------
    strings : pyarrow.Array or ChunkedArray
        Texts without nulls. Shape: (n,).

    Returns
    -------
    array of uint64
        Shape: (n,). BLAKE2b of the UTF-8 bytes.
    """
    chunks = strings.chunks if isinstance(strings, pa.ChunkedArray) else [strings]
    digests = b"".join(_digests(chunk) for chunk in chunks)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64, copy=False)


def _digests(strings: pa.Array) -> bytes:
    if strings.null_count:
        raise ValueError("texts to be keyed must not be null")
    blake2b = hashlib.blake2b
    wide = strings.cast(pa.large_binary())
    offsets = np.frombuffer(wide.buffers()[1], dtype="<i8")[wide.offset : wide.offset + len(wide) + 1].tolist()
    data = memoryview(wide.buffers()[2] or b"")
    return b"".join([blake2b(data[a:b], digest_size=8).digest() for a, b in itertools.pairwise(offsets)])
