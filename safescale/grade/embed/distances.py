"""How far apart the texts of a pair lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.grade.embed.embedder import Embedder, Rows

__all__ = ["cosine_distances", "pair_distances"]

_AT_ONCE: Final = 4096

_Pair = tuple[int, str, str]


def cosine_distances(first: Rows, second: Rows) -> npt.NDArray[np.float64]:
    """
    Cosine distance, 1 - cos, of the rows of two arrays, row by row.

    For rows of length 1 this is half the squared length of their difference, which is exactly 0 for equal rows and exactly the same
    with the two arrays changed over; 1 minus a rounded product is neither.

    Parameters
    ----------
    first, second : array of float32
        Shape (pairs, width) each; rows of length 1.

    Returns
    -------
    array of float64
        Shape (pairs,), in [0, 2].

    Raises
    ------
    DomainError
        For arrays of other shapes than one another, and for rows that are not of length 1 (to 1e-3).
    """
    if first.ndim != 2 or first.shape != second.shape:
        raise DomainError(f"two arrays of one shape (pairs, width) are compared, got {first.shape} and {second.shape}")
    found = np.empty(len(first))
    for start in range(0, len(first), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        one, other = (rows[part].astype(np.float64) for rows in (first, second))
        for rows in (one, other):
            lengths = np.sqrt((rows * rows).sum(axis=1))
            if not (np.abs(lengths - 1.0) < 1e-3).all():
                at = int(np.flatnonzero(~(np.abs(lengths - 1.0) < 1e-3))[0])
                raise DomainError(f"rows must be of length 1, row {start + at} has length {lengths[at]:.4g}")
            rows /= lengths[:, None]
        apart = one - other
        found[part] = 0.5 * (apart * apart).sum(axis=1)
    return np.minimum(found, 2.0)


def pair_distances(
    embedder: Embedder, first: Sequence[str | None], second: Sequence[str | None], *, texts_at_once: int = 16384
) -> npt.NDArray[np.float64]:
    """
    Cosine distance of two texts, pair by pair; NaN where one of them is missing.

    Parameters
    ----------
    embedder : Embedder
        Its ``measure`` names what is found here.
    first, second : sequence of str or None
        (pairs,) each: before and after; None where there is no text.
    texts_at_once : int, default 16384
        Different texts whose rows are held in memory at a time, 2 or more; a text that pairs of one batch share is embedded once.

    Returns
    -------
    array of float64
        Shape (pairs,), in [0, 2] or NaN.

    Raises
    ------
    DomainError
        For sequences of different lengths, and for ``texts_at_once`` below 2.
    """
    if len(first) != len(second):
        raise DomainError(f"texts are compared in pairs, got {len(first)} and {len(second)} of them")
    if texts_at_once < 2:
        raise DomainError(f"texts_at_once must be 2 or more, got {texts_at_once}")
    found = np.full(len(first), np.nan)
    there = [
        (at, one, other) for at, (one, other) in enumerate(zip(first, second, strict=True)) if one is not None and other is not None
    ]
    for batch in _batches(there, texts_at_once):
        where: dict[str, int] = {}
        ones = [where.setdefault(one, len(where)) for _, one, _ in batch]
        others = [where.setdefault(other, len(where)) for _, _, other in batch]
        rows = embedder.embed(list(where))
        for start in range(0, len(batch), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found[[at for at, _, _ in batch[part]]] = cosine_distances(rows[ones[part]], rows[others[part]])
    return found


def _batches(pairs: Sequence[_Pair], most: int) -> Iterator[list[_Pair]]:
    """Pairs in their order, cut before a batch would hold more different texts."""
    batch: list[_Pair] = []
    texts: set[str] = set()
    for pair in pairs:
        if batch and len(texts) + len({pair[1], pair[2]} - texts) > most:
            yield batch
            batch, texts = [], set()
        batch.append(pair)
        texts |= {pair[1], pair[2]}
    if batch:
        yield batch
