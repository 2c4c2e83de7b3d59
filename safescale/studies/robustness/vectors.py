"""How far each response lies from the first baseline response to its prompt: every text is embedded once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from safescale.grade.embed.embedder import Embedder

__all__ = ["EMBEDDINGS", "cosine_distances", "text_hash", "vectors_of"]

EMBEDDINGS: Final = "embeddings"
PART: Final = 1024
"""Texts that an embedder gets at once: it keeps them when they are done."""

Float32Array = npt.NDArray[np.float32]


def vectors_of(
    texts: Mapping[str, str], embedder: Embedder, *, tell: Callable[[int], None] | None = None
) -> dict[str, Float32Array]:
    """
    Vector of every text.

    Parameters
    ----------
    texts : mapping of hash to text
        Each text once.
    embedder : Embedder
        What makes vectors, and keeps them where it has a cache.
    tell : callable, optional
        Told how many more are done.
    """
    found: dict[str, Float32Array] = {}
    keys = sorted(texts)
    for at in range(0, len(keys), PART):
        some = keys[at : at + PART]
        found |= dict(zip(some, np.asarray(embedder.embed([texts[key] for key in some]), dtype=np.float32), strict=True))
        if tell is not None:
            tell(len(some))
    return found


def cosine_distances(
    after: Sequence[str | None], before: Sequence[str | None], vectors: Mapping[str, Float32Array]
) -> Float32Array:
    """
    1 - cosine of pairs of texts, shape (pairs,); NaN where either has no text. Equal texts are at 0 exactly.

    Parameters
    ----------
    after, before : sequence of str or None, shape (pairs,)
        Hashes of texts.
    vectors : mapping of hash to ndarray
        Unit vectors.
    """
    found = np.full(len(after), np.nan, dtype=np.float32)
    for at, (one, other) in enumerate(zip(after, before, strict=True)):
        if one is not None and other is not None:
            found[at] = 0.0 if one == other else max(0.0, 1.0 - float(vectors[one] @ vectors[other]))
    return found


def text_hash(text: str) -> str:
    """A text's name among vectors."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
