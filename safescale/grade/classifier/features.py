"""What the classifier sees of a response: hashed n-grams of its words and of its speech-act skeleton, and whether they open it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.grade.classifier.lexicon import CONTENT, KINDS, kind_of
from safescale.grade.classifier.windows import tokens

__all__ = ["BUCKETS", "FEATURE_SPEC", "OPENING", "Grams", "Words", "grams"]

FEATURE_SPEC: Final = 1
"""Rises whenever a token, a kind, a hash or a view changes: weights of another spec are refused."""

BUCKET_BITS: Final = 22
BUCKETS: Final = 1 << BUCKET_BITS
OPENING: Final = 40
"""Tokens of the opening."""
WORD_SIZES: Final = (1, 2, 3)
SKELETON_SIZES: Final = (2, 3, 4, 5)
VIEW_BITS: Final = 4

_KIND: Final = {name: i for i, name in enumerate(KINDS)}
_ENDS: Final = np.isin(np.arange(len(KINDS)), [_KIND["END"], _KIND["LINE"]])
_PLAIN: Final = np.isin(
    np.arange(len(KINDS)), [_KIND[k] for k in ("CONTENT", "BULLET", "BOLD", "QUOTE", "COLON", "CODE", "NUMBER")]
)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)
_MOST_WORDS: Final = 200_000

_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_Flags = npt.NDArray[np.bool_]
_Floats = npt.NDArray[np.float64]


class Words:
    """Hash and kind of every token seen, so that Python looks at a word once; forgotten when there are too many."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.place: dict[str, int] = {}
        self.hashes: list[int] = []
        self.kinds: list[int] = []
        self._arrays: tuple[_Hashes, _Ints] = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)

    def renew(self) -> None:
        """Forget all words when there are too many of them. Places that were given before hold no more."""
        if len(self.hashes) > _MOST_WORDS:
            self._forget()

    def arrays(self) -> tuple[_Hashes, _Ints]:
        """Hashes and kinds of all words, of which only the new ones are converted."""
        hashes, kinds = self._arrays
        if len(hashes) < len(self.hashes):
            hashes = np.concatenate([hashes, np.array(self.hashes[len(hashes) :], dtype=np.uint64)])
            kinds = np.concatenate([kinds, np.array(self.kinds[len(kinds) :], dtype=np.int64)])
            self._arrays = hashes, kinds
        return hashes, kinds

    def places(self, found: list[str]) -> list[int]:
        """Place of each token in ``hashes`` and ``kinds``."""
        place = self.place
        try:
            return [place[t] for t in found]
        except KeyError:
            for token in found:
                if token not in place:
                    code = token.encode("utf-8", "surrogatepass")
                    self.hashes.append(zlib.crc32(code) | zlib.adler32(code[::-1]) << 32)
                    self.kinds.append(kind_of(token))
                    place[token] = len(self.hashes) - 1
            return [place[t] for t in found]


@attrs.frozen(kw_only=True)
class Grams:
    """
    The n-grams of a batch, as they stand (an n-gram stands as often as it occurs).

    Parameters
    ----------
    document : array
        (n-grams,): 0-based response.
    bucket : array
        (n-grams,): hash, below ``BUCKETS``.
    view : array
        (n-grams,): number of its view (words or skeleton, size, anywhere or opening).
    scale : array
        (views, responses): 1/sqrt(n-grams of that view), the value of an n-gram that is present.
    left_out : array
        (responses,): characters that no window holds.
    """

    document: _Ints
    bucket: _Ints
    view: _Ints
    scale: _Floats
    left_out: _Ints

    def present(self, kept: _Flags | None = None) -> tuple[_Ints, _Ints, _Floats]:
        """
        Document, bucket and value of every n-gram once a document, by document, then bucket.

        A bucket that several views share has the value of the first. With ``kept`` (n-grams,), of those alone.
        """
        document, bucket, view = self.document, self.bucket, self.view
        if kept is not None:
            chosen = np.flatnonzero(kept)
            document, bucket, view = document[chosen], bucket[chosen], view[chosen]
        code = (document << (BUCKET_BITS + VIEW_BITS)) | (bucket << VIEW_BITS) | view
        code.sort()
        feature = code >> VIEW_BITS
        first = np.ones(len(code), dtype=bool)
        first[1:] = feature[1:] != feature[:-1]
        code, feature = code[first], feature[first]
        document = feature >> BUCKET_BITS
        return document, feature & (BUCKETS - 1), self.scale[code & ((1 << VIEW_BITS) - 1), document]


def grams(texts: Sequence[str], words: Words | None = None) -> Grams:
    """
    N-grams of some responses, each on its own: the batch changes nothing.

    Parameters
    ----------
    texts : sequence of str
        The responses.
    words : Words, optional
        Words that are known already; filled on the way.

    Returns
    -------
    Grams
        The n-grams that lie within a sentence: words of ``WORD_SIZES``, skeletons of ``SKELETON_SIZES``, anywhere and, apart,
        those that begin in the first ``OPENING`` tokens.
    """
    words = words or Words()
    words.renew()
    flat: list[int] = []
    lengths = np.zeros(len(texts), dtype=np.int64)
    left_out = np.zeros(len(texts), dtype=np.int64)
    for i, text in enumerate(texts):
        found, left_out[i] = tokens(text)
        lengths[i] = len(found)
        flat += words.places(found)
    at = np.array(flat, dtype=np.int64)
    hash_of, kind_of_word = words.arrays()
    hashes, kinds = hash_of[at], kind_of_word[at]
    document = np.repeat(np.arange(len(texts)), lengths)
    opening = np.arange(len(document)) - np.repeat(np.cumsum(lengths) - lengths, lengths) < OPENING
    ends = _ENDS[kinds]
    sentence = np.cumsum(ends) - ends + document
    plain = _PLAIN[kinds]
    shown = ~plain
    shown[1:] |= ~plain[:-1] | (document[1:] != document[:-1])
    shown[:1] = True
    skeleton = np.where(plain, CONTENT, kinds)[shown].astype(np.uint64) + np.uint64(7)
    views = [
        *_views(_mix(hashes), document, sentence, opening, sizes=WORD_SIZES, salt=1),
        *_views(_mix(skeleton), document[shown], sentence[shown], opening[shown], sizes=SKELETON_SIZES, salt=11),
    ]
    return Grams(
        document=np.concatenate([d for d, _ in views]),
        bucket=np.concatenate([b for _, b in views]),
        view=np.repeat(np.arange(len(views)), [len(d) for d, _ in views]),
        scale=np.stack([1.0 / np.sqrt(np.maximum(np.bincount(d, minlength=len(texts)), 1)) for d, _ in views]),
        left_out=left_out,
    )


def _mix(hashes: _Hashes) -> _Hashes:
    mixed = hashes * _MULTIPLIER
    return mixed ^ (mixed >> _SHIFT)


def _views(
    values: _Hashes, document: _Ints, sentence: _Ints, opening: _Flags, *, sizes: tuple[int, ...], salt: int
) -> list[tuple[_Ints, _Ints]]:
    """(documents, buckets) of the n-grams of each size within a sentence, anywhere and in the opening."""
    near = opening.copy()
    for step in range(1, max(sizes)):
        near[step:] |= opening[:-step]
    anywhere = _sized(values, document, sentence, None, sizes=sizes, salt=salt)
    early = _sized(values[near], document[near], sentence[near], opening[near], sizes=sizes, salt=salt + 1)
    return [view for both in zip(anywhere, early, strict=True) for view in both]


def _sized(
    values: _Hashes, document: _Ints, sentence: _Ints, there: _Flags | None, *, sizes: tuple[int, ...], salt: int
) -> list[tuple[_Ints, _Ints]]:
    """(documents, buckets) of the n-grams of each size that lie within a sentence and begin where ``there`` says."""
    views: list[tuple[_Ints, _Ints]] = []
    gram = values
    for size in range(1, max(sizes) + 1):
        starts = max(0, len(values) - size + 1)
        if size > 1:
            gram = _mix(gram[:starts] + (values[len(values) - starts :] << np.uint64(1)) + np.uint64(size))
        if size not in sizes:
            continue
        kept = sentence[:starts] == sentence[len(values) - starts :]
        if there is not None:
            kept &= there[:starts]
        salted = _mix(gram[kept] + np.uint64(salt))
        views.append((document[:starts][kept], (salted >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)))
    return views
