"""What the classifier sees of a response: hashed n-grams of words and of speech-act skeletons, and counts by kind and place."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from safescale.grade.classifier.lexicon import CONTENT, KINDS, kind_of
from safescale.grade.classifier.windows import tokens

__all__ = ["BUCKETS", "DENSE", "FEATURE_SPEC", "Features", "featurise"]

FEATURE_SPEC: Final = 1
"""Rises whenever a token, a kind, a hash or a dense column changes: weights of another spec are refused."""

BUCKETS: Final = 1 << 22
OPENING: Final = 40
"""Tokens of the opening."""
END: Final = 40
"""Tokens of the end, where it is not the opening."""

_K: Final = len(KINDS)
_KIND: Final = {name: i for i, name in enumerate(KINDS)}
_ENDS: Final = np.isin(np.arange(_K), [_KIND["END"], _KIND["LINE"]])
_PLAIN: Final = np.isin(np.arange(_K), [_KIND[k] for k in ("CONTENT", "BULLET", "BOLD", "QUOTE", "COLON", "CODE", "NUMBER")])
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)
_CACHE_MOST: Final = 300_000

_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_Flags = npt.NDArray[np.bool_]
_Floats = npt.NDArray[np.float64]


class _Words:
    """Hash and kind of every token seen, so that Python looks at a word once."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}
        self.hashes: list[int] = []
        self.kinds: list[int] = []

    def places(self, found: list[str]) -> list[int]:
        place = self.place
        try:
            return [place[t] for t in found]
        except KeyError:
            for token in found:
                if token not in place:
                    self.hashes.append(zlib.crc32(token.encode()) | zlib.adler32(token[::-1].encode()) << 32)
                    self.kinds.append(kind_of(token))
                    place[token] = len(self.hashes) - 1
            return [place[t] for t in found]


@attrs.frozen(kw_only=True)
class Features:
    """
    Features of a batch.

    Parameters
    ----------
    sparse : csr_array
        (responses, BUCKETS), each 1/sqrt(number of its view) where present.
    dense : array
        (responses, columns): counts by kind and place.
    left_out : array
        (responses,): characters that no window holds.
    """

    sparse: csr_array
    dense: _Floats
    left_out: _Ints


def _mix(hashes: _Hashes) -> _Hashes:
    mixed = hashes * _MULTIPLIER
    return mixed ^ (mixed >> _SHIFT)


def featurise(texts: Sequence[str]) -> Features:
    """Features of some responses, each on its own: the batch changes nothing."""
    words = _Words()
    flat: list[int] = []
    lengths = np.zeros(len(texts), dtype=np.int64)
    left_out = np.zeros(len(texts), dtype=np.int64)
    for i, text in enumerate(texts):
        found, left_out[i] = tokens(text)
        lengths[i] = len(found)
        flat += words.places(found)
    at = np.array(flat, dtype=np.int64)
    hashes = np.array(words.hashes, dtype=np.uint64)[at] if len(at) else np.zeros(0, dtype=np.uint64)
    kinds = np.array(words.kinds, dtype=np.int64)[at] if len(at) else np.zeros(0, dtype=np.int64)
    doc = np.repeat(np.arange(len(texts)), lengths)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    position = np.arange(len(doc)) - np.repeat(starts, lengths)
    ends = _ENDS[kinds]
    sentence = np.cumsum(ends) - ends
    sentence += doc
    from_end = np.repeat(lengths, lengths) - 1 - position
    zones = (position < OPENING,)
    views = [
        *_ngrams(_mix(hashes), doc, sentence, zones, sizes=(1, 2, 3), salt=1),
        *_skeletons(kinds, doc, sentence, zones),
    ]
    return Features(sparse=_matrix(views, len(texts)), dense=_dense(kinds, doc, sentence, position, lengths), left_out=left_out)


def _ngrams(
    values: _Hashes, doc: _Ints, sentence: _Ints, zones: Sequence[_Flags], *, sizes: tuple[int, ...], salt: int
) -> list[tuple[_Ints, _Hashes]]:
    """(documents, hashes) of every n-gram that lies within a sentence, anywhere and, apart, in each zone."""
    views: list[tuple[_Ints, _Hashes]] = []
    gram = values
    for size in range(1, max(sizes) + 1):
        if size > 1 and len(doc) >= size:
            gram = _mix(gram[:-1] + (values[size - 1 :] << np.uint64(1)) + np.uint64(size))
        if size not in sizes:
            continue
        last = max(0, len(doc) - size + 1)
        whole = sentence[:last] == sentence[len(doc) - last :]
        gram = gram[:last]
        views.append((doc[:last][whole], _mix(gram[whole] + np.uint64(salt))))
        for zone, place in enumerate(zones, start=1):
            there = whole & place[:last]
            views.append((doc[:last][there], _mix(gram[there] + np.uint64(salt + zone))))
    return views


def _skeletons(kinds: _Ints, doc: _Ints, sentence: _Ints, zones: Sequence[_Flags]) -> list[tuple[_Ints, _Hashes]]:
    """The same of the sentences' skeletons: kinds in order, a run of content shown once."""
    plain = _PLAIN[kinds]
    kept = ~plain | np.concatenate(([False], ~plain[:-1]))
    shown = np.where(plain, CONTENT, kinds)[kept]
    return _ngrams(_mix(shown.astype(np.uint64) + np.uint64(7)), doc[kept], sentence[kept], [z[kept] for z in zones], sizes=(2, 3, 4, 5), salt=11)


def _matrix(views: list[tuple[_Ints, _Hashes]], n: int) -> csr_array:
    """Presence of every feature once a document; the first view that has it gives its weight."""
    scale = np.stack([1.0 / np.sqrt(np.maximum(np.bincount(doc, minlength=n), 1)) for doc, _ in views])
    keys = [(doc << 27) | ((gram >> np.uint64(42)).astype(np.int64) << 5) | view for view, (doc, gram) in enumerate(views)]
    key = np.concatenate(keys)
    key.sort()
    feature = key >> 5
    first = np.ones(len(key), dtype=bool)
    first[1:] = feature[1:] != feature[:-1]
    key, feature = key[first], feature[first]
    rows = feature >> 22
    pointer = np.searchsorted(rows, np.arange(n + 1))
    return csr_array((scale[key & 31, rows], feature & (BUCKETS - 1), pointer), shape=(n, BUCKETS))


DENSE: Final[tuple[str, ...]] = (
    *(f"opening:{k}" for k in KINDS),
    *(f"rest:{k}" for k in KINDS),
    *(f"end:{k}" for k in KINDS),
    "log_tokens",
    "log_sentences",
    "log_lines",
    "content_share",
    "sentences_with_first_person_not",
    "first_of_them",
    "last_of_them",
    "sentences_with_not_be",
    "first_sentence_tokens",
)


def _dense(kinds: _Ints, doc: _Ints, sentence: _Ints, position: _Ints, lengths: _Ints) -> _Floats:
    n = len(lengths)
    from_end = np.repeat(lengths, lengths) - 1 - position
    zones = (position < OPENING, (position >= OPENING), (from_end < 30) & (position >= OPENING))
    columns: list[_Floats] = []
    for zone in zones:
        counts = np.bincount(doc[zone] * _K + kinds[zone], minlength=n * _K).reshape(n, _K).astype(np.float64)
        if zone is zones[1]:
            counts *= 40.0 / np.maximum(counts.sum(axis=1, keepdims=True), 40.0)
        columns.append(np.log1p(counts))
    last = np.concatenate(([0], np.cumsum(lengths)))
    total = sentence[-1] + 1 if len(sentence) else 0
    of_sentence = np.zeros(total, dtype=np.int64)
    of_sentence[sentence] = doc
    size = np.bincount(sentence, minlength=total)
    said = {
        name: np.bincount(sentence[np.isin(kinds, [_KIND[k] for k in names])], minlength=total) > 0
        for name, names in {"I": ("I", "WE"), "NOT": ("NOT", "UNABLE", "REFUSE"), "BE": ("BE",), "IT": ("IT", "THERE")}.items()
    }
    refusing = said["I"] & said["NOT"]
    rebutting = said["BE"] & said["NOT"] & ~said["I"]
    real = size > 2
    per_doc = np.bincount(of_sentence[real], minlength=n).astype(np.float64)
    first_sentence = np.full(n, -1)
    seen = np.flatnonzero(real)
    first_sentence[of_sentence[seen][::-1]] = seen[::-1]
    order = np.arange(total) - first_sentence[of_sentence]
    with_refusal = np.bincount(of_sentence[refusing & real], minlength=n)
    first_place = np.full(n, 12.0)
    last_place = np.full(n, 0.0)
    hits = np.flatnonzero(refusing & real)
    first_place[of_sentence[hits][::-1]] = order[hits][::-1]
    last_place[of_sentence[hits]] = (order[hits] + 1) / np.maximum(per_doc[of_sentence[hits]], 1)
    rest = np.stack(
        [
            np.log1p(lengths),
            np.log1p(per_doc),
            np.log1p(np.bincount(doc[kinds == _KIND["LINE"]], minlength=n)),
            np.bincount(doc[kinds == CONTENT], minlength=n) / np.maximum(lengths, 1),
            with_refusal / np.maximum(per_doc, 1),
            np.minimum(first_place, 12.0) / 12.0,
            np.minimum(last_place, 1.0),
            np.bincount(of_sentence[rebutting & real], minlength=n) / np.maximum(per_doc, 1),
            np.log1p(np.where(first_sentence >= 0, size[np.maximum(first_sentence, 0)] if total else 0, 0)),
        ],
        axis=1,
    )
    del last
    return np.concatenate([*columns, rest], axis=1)
