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
Places = npt.NDArray[np.intp]


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
    settings: dict[str, Any] = {"num_perm": PERMUTATIONS, "scheme": "affine32", "hashfunc": zlib.crc32}
    first = MinHash(seed=1, **settings)
    for i, text in enumerate(texts):
        minhash = MinHash(permutations=first.permutations, **settings)
        runs = _runs(text)
        for at in range(0, len(runs), _CHUNK):  # a very long prompt must not become a matrix of gigabytes
            minhash.update_batch(runs[at : at + _CHUNK])
        made[i] = minhash.hashvalues
        if progress is not None:
            progress(1)
    return made


def _runs(text: str) -> list[bytes]:
    if text.isascii() and len(text) > SHINGLE_CHARS:  # bytes are cut twice as fast as text
        raw = text.encode("ascii")
        return list({raw[i : i + SHINGLE_CHARS] for i in range(len(raw) - SHINGLE_CHARS + 1)})
    return [run.encode("utf-8") for run in shingles(text)]


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
    labels = _Labels(len(texts))
    judge = _Judge(texts, signed, threshold)
    pairs: list[NearPair] = []
    for bucket in _buckets(signed, cut):
        pairs.extend(_join(bucket, labels, judge))
    return Neighbours(group=labels.firsts(), pairs=tuple(pairs))


def _buckets(signed: Signatures, cut: Bands) -> Iterator[Places]:
    """Places whose signatures agree in one band, two and more, band by band."""
    for band in range(cut.bands):
        rows = np.ascontiguousarray(signed[:, band * cut.rows : (band + 1) * cut.rows])
        keys = rows.view([("", rows.dtype)] * cut.rows).ravel()
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(counts)
        for bucket in np.flatnonzero(counts > 1):
            yield order[ends[bucket] - counts[bucket] : ends[bucket]]


def _join(bucket: Places, labels: _Labels, judge: _Judge) -> Iterator[NearPair]:
    """Unite near members; those of one group need no comparison, so a thousand copies cost a thousand comparisons."""
    for at in range(len(bucket) - 1):
        rest = labels.of[bucket[at:]]
        if (rest == rest[0]).all():
            return
        one = int(bucket[at])
        for other in judge.worth_a_look(one, bucket[at:][rest != rest[0]]):
            if labels.of[one] == labels.of[other]:
                continue
            index = judge.jaccard(one, other)
            if index >= judge.threshold:
                labels.unite(one, other)
                yield NearPair(one=min(one, other), other=max(one, other), jaccard=index)


class _Labels:
    """Disjoint sets as a label each; the smaller set takes the label of the larger."""

    def __init__(self, size: int) -> None:
        self.of = np.arange(size)
        self._members: dict[int, list[int]] = {}

    def unite(self, one: int, other: int) -> None:
        small, large = sorted((int(self.of[one]), int(self.of[other])), key=lambda label: len(self._members.get(label, ())))
        moved = self._members.pop(small, [small])
        self._members.setdefault(large, [large]).extend(moved)
        self.of[moved] = large

    def firsts(self) -> tuple[int, ...]:
        """The smallest member of each one's set."""
        _, first, inverse = np.unique(self.of, return_index=True, return_inverse=True)
        return tuple(int(i) for i in first[inverse])


class _Judge:
    """Which pairs are compared, and what comes out; no pair that was far is compared again."""

    def __init__(self, texts: Sequence[str], signed: Signatures, threshold: float) -> None:
        self._texts, self._signed, self.threshold = texts, signed, threshold
        self._far: set[tuple[int, int]] = set()
        self._compared = 0

    def worth_a_look(self, one: int, others: Places) -> list[int]:
        agreed = np.count_nonzero(self._signed[others] == self._signed[one], axis=1)
        return [int(i) for i in others[agreed >= (self.threshold - _SLACK) * PERMUTATIONS]]

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
