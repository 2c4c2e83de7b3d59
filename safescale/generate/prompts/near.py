"""
Near-duplicates among many prompts: MinHash signatures and bands find the pairs that may be near, the exact Jaccard index decides.

A pair is near when its Jaccard index (``shingles.jaccard``) reaches the threshold. Signatures are those of ``datasketch``; two
prompts are compared when one band of their signatures is equal, and a band has as many rows as leave a pair at the threshold
passed over with probability ``MISSED`` at most [1]_. Groups are the connected components of near pairs: what a split must not cut.
Texts are worked on in an order that depends on them alone, so neither the order of the input nor the place of a row matters.

References
----------
.. [1] J. Leskovec, A. Rajaraman, J. D. Ullman (2020), Mining of Massive Datasets, 3rd ed., sections 3.3.5 and 3.4.2:
   a pair of Jaccard index s shares one of b bands of r rows with probability ``1 - (1 - s^r)^b``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, MissingBackend
from safescale.generate.prompts.shingles import SHINGLE_CHARS, jaccard, shingles

__all__ = ["MISSED", "PERMUTATIONS", "Bands", "NearPair", "Neighbours", "bands_for", "near_groups", "signatures"]

PERMUTATIONS: Final = 128
MISSED: Final = 1e-4
"""Highest probability that a pair exactly at the threshold is never compared; a nearer one is missed less."""

_SLACK: Final = 0.2
"""An estimate so far below the threshold is believed: by Hoeffding's bound it is wrong with probability 4e-5 at most."""

_MOST_COMPARED: Final = 20_000_000
"""Exact comparisons (some 20 us each) after which the prompts are too much alike for this threshold."""

_CHUNK: Final = 1 << 14

Signatures = npt.NDArray[np.uint32]


@attrs.frozen(kw_only=True)
class Bands:
    """
    How signatures are cut.

    Parameters
    ----------
    bands, rows : int
        Bands, and rows of the signature in each.
    missed : float
        Probability that a pair exactly at the threshold shares no band.
    """

    bands: int
    rows: int
    missed: float


@attrs.frozen(kw_only=True)
class NearPair:
    """Two texts (by their place in the list) and their Jaccard index (fraction)."""

    one: int
    other: int
    jaccard: float


@attrs.frozen(kw_only=True)
class Neighbours:
    """
    Groups of near-duplicates.

    Parameters
    ----------
    group : tuple of int, shape (texts,)
        Smallest place of the text's group: its own where nothing is near.
    pairs : tuple of NearPair
        A near pair for every text but one of each group, which together hold it.
    """

    group: tuple[int, ...]
    pairs: tuple[NearPair, ...]

    def members(self) -> list[list[int]]:
        """Groups of two and more, each in order."""
        found: dict[int, list[int]] = {}
        for i, first in enumerate(self.group):
            found.setdefault(first, []).append(i)
        return [group for group in found.values() if len(group) > 1]


def bands_for(threshold: float) -> Bands:
    """
    The widest bands with which a pair at the threshold is missed with probability ``MISSED`` at most.

    Raises
    ------
    DomainError
        For a threshold outside [0.1, 1].
    """
    if not 0.1 <= threshold <= 1.0:
        raise DomainError(f"the threshold of near-duplicates must lie in [0.1, 1] (a Jaccard index), got {threshold!r}")
    best = Bands(bands=PERMUTATIONS, rows=1, missed=(1.0 - threshold) ** PERMUTATIONS)
    for rows in range(2, PERMUTATIONS + 1):
        bands = PERMUTATIONS // rows
        missed = (1.0 - threshold**rows) ** bands
        if missed > MISSED:
            break
        best = Bands(bands=bands, rows=rows, missed=missed)
    return best


def signatures(texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Signatures:
    """
    MinHash signatures of folded texts.

    Returns
    -------
    ndarray of uint32, shape (texts, PERMUTATIONS)
        The chance that two rows agree in a column is the Jaccard index of their texts.

    Raises
    ------
    MissingBackend
        Without datasketch.
    """
    try:
        from datasketch import MinHash
    except ImportError:
        raise MissingBackend("datasketch", "prompts") from None
    made = np.empty((len(texts), PERMUTATIONS), dtype=np.uint32)
    settings: dict[str, Any] = {"num_perm": PERMUTATIONS, "scheme": "affine32", "hashfunc": _as_is}
    first = MinHash(seed=1, **settings)
    for i, text in enumerate(texts):
        minhash = MinHash(permutations=first.permutations, **settings)
        hashes = _hashes(text)
        for at in range(0, len(hashes), _CHUNK):  # a very long prompt must not become a matrix of gigabytes
            minhash.update_batch(hashes[at : at + _CHUNK])
        made[i] = minhash.hashvalues
        if progress is not None:
            progress(1)
    return made


def _as_is(hashed: int) -> int:
    return hashed


def _hashes(text: str) -> list[int]:
    if text.isascii() and len(text) > SHINGLE_CHARS:  # bytes are cut twice as fast as text
        raw = text.encode("ascii")
        return [zlib.crc32(run) for run in {raw[i : i + SHINGLE_CHARS] for i in range(len(raw) - SHINGLE_CHARS + 1)}]
    return [zlib.crc32(run.encode("utf-8")) for run in shingles(text)]


def near_groups(texts: Sequence[str], signed: Signatures, *, threshold: float) -> Neighbours:
    """
    Groups of near-duplicates.

    Parameters
    ----------
    texts : sequence of str, shape (texts,)
        Folded texts, in an order that depends on them alone.
    signed : ndarray of uint32, shape (texts, PERMUTATIONS)
        Their signatures.
    threshold : float
        Jaccard index (fraction) from which a pair is near.

    Raises
    ------
    DomainError
        For a threshold outside [0.1, 1], and when the texts are so much alike that the comparisons would take hours.
    """
    cut = bands_for(threshold)
    forest = _Forest(len(texts))
    judge = _Judge(texts, signed, threshold)
    pairs: list[NearPair] = []
    for bucket in _buckets(signed, cut):
        pairs.extend(_join(bucket, forest, judge))
    return Neighbours(group=tuple(forest.root(i) for i in range(len(texts))), pairs=tuple(pairs))


def _buckets(signed: Signatures, cut: Bands) -> Iterator[list[int]]:
    """Places whose signatures agree in one band, two and more, band by band."""
    for band in range(cut.bands):
        rows = np.ascontiguousarray(signed[:, band * cut.rows : (band + 1) * cut.rows])
        keys = rows.view([("", rows.dtype)] * cut.rows).ravel()
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(counts)
        for bucket in np.flatnonzero(counts > 1):
            yield [int(i) for i in order[ends[bucket] - counts[bucket] : ends[bucket]]]


def _join(bucket: list[int], forest: _Forest, judge: _Judge) -> Iterator[NearPair]:
    """Unite near members; those of one group need no comparison, so a thousand copies cost a thousand comparisons."""
    for at, one in enumerate(bucket):
        others = [other for other in bucket[at + 1 :] if forest.root(other) != forest.root(one)]
        if not others:
            if at == 0 and len({forest.root(each) for each in bucket}) == 1:
                return
            continue
        for other in judge.worth_a_look(one, others):
            if forest.root(one) == forest.root(other):
                continue
            index = judge.jaccard(one, other)
            if index >= judge.threshold:
                forest.unite(one, other)
                yield NearPair(one=min(one, other), other=max(one, other), jaccard=index)


class _Forest:
    """Disjoint sets; the root of each is its smallest member."""

    def __init__(self, size: int) -> None:
        self._up = list(range(size))

    def root(self, i: int) -> int:
        up = self._up
        while up[i] != i:
            up[i] = up[up[i]]
            i = up[i]
        return i

    def unite(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._up[second] = first


class _Judge:
    """Which pairs are compared, and what comes out; no pair that was far is compared again."""

    def __init__(self, texts: Sequence[str], signed: Signatures, threshold: float) -> None:
        self._texts, self._signed, self.threshold = texts, signed, threshold
        self._far: set[tuple[int, int]] = set()
        self._compared = 0

    def worth_a_look(self, one: int, others: list[int]) -> list[int]:
        places = np.array(others)
        estimate = (self._signed[places] == self._signed[one]).mean(axis=1)
        return [int(i) for i in places[estimate >= self.threshold - _SLACK]]

    def jaccard(self, one: int, other: int) -> float:
        pair = (one, other) if one < other else (other, one)
        if pair in self._far:
            return 0.0
        self._compared += 1
        if self._compared > _MOST_COMPARED:
            raise DomainError(
                f"the prompts share so much text that {_MOST_COMPARED:,} pairs of them may be near; is it one template? Raise "
                "--near-threshold, or turn the comparison off with --near-duplicates off"
            )
        index = jaccard(self._texts[one], self._texts[other])
        if index < self.threshold:
            self._far.add(pair)
        return index
