"""What the classifier sees of a response: hashed n-grams of its words and of its speech-act skeleton, and what the rules say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.grade.classifier.lexicon import CONTENT, KINDS
from safescale.grade.classifier.tokens import Tokens, tokenize
from safescale.grade.keyword.phrases import FINDINGS, findings

__all__ = ["AT_ONCE", "BUCKETS", "FEATURE_SPEC", "OPENING", "Grams", "grams"]

FEATURE_SPEC: Final = 2
"""Rises whenever a token, a kind, a hash, a rule or a view changes: weights of another spec are refused."""

BUCKET_BITS: Final = 22
BUCKETS: Final = 1 << BUCKET_BITS
OPENING: Final = 40
"""Tokens of the opening."""
WORD_SIZES: Final = (1, 2, 3)
SKELETON_SIZES: Final = (2, 3, 4, 5)
VIEW_BITS: Final = 4
AT_ONCE: Final = 32
"""Responses of a batch: their n-grams are told apart by 32 bits, and no array of theirs is so large that malloc maps it anew."""
RULE_SCALE: Final = 1.0
"""Value of what the rules say: about that of all n-grams of one view together."""

_KIND: Final = {name: i for i, name in enumerate(KINDS)}
_ENDS: Final = np.isin(np.arange(len(KINDS)), [_KIND["END"], _KIND["LINE"]])
_PLAIN: Final = np.isin(
    np.arange(len(KINDS)), [_KIND[k] for k in ("CONTENT", "BULLET", "BOLD", "QUOTE", "COLON", "CODE", "NUMBER")]
)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)
_TOP: Final = np.uint64(64 - BUCKET_BITS)

_Ints = npt.NDArray[np.int64]
_Places = npt.NDArray[np.int32]
_Hashes = npt.NDArray[np.uint64]
_Flags = npt.NDArray[np.bool_]
_Floats = npt.NDArray[np.float64]


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
        (n-grams,): number of its view (words or skeleton, size, anywhere or opening; the last one holds the rules).
    scale : array
        (views, responses): 1/sqrt(n-grams of that view), the value of an n-gram that is present.
    left_out : array
        (responses,): characters that no window holds.
    """

    document: _Places
    bucket: _Places
    view: npt.NDArray[np.uint8]
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
            document, bucket, view = document.take(chosen), bucket.take(chosen), view.take(chosen)
        # 32 bits hold a small batch, and are sorted in half the time
        code: npt.NDArray[Any] = document.astype(np.uint32 if len(self.left_out) <= AT_ONCE else np.int64)
        code <<= BUCKET_BITS
        code |= bucket.astype(code.dtype)
        code <<= VIEW_BITS
        code |= view
        code.sort()
        feature = code >> VIEW_BITS
        first = np.ones(len(code), dtype=bool)
        np.not_equal(feature[1:], feature[:-1], out=first[1:])
        once = np.flatnonzero(first)
        code, feature = code.take(once), feature.take(once)
        feature = feature.astype(np.int64)
        response: _Ints = feature >> BUCKET_BITS
        code = code.astype(np.int64)
        code &= (1 << VIEW_BITS) - 1
        code *= self.scale.shape[1]
        code += response
        feature &= BUCKETS - 1
        return response, feature, self.scale.ravel().take(code)


def grams(texts: Sequence[str]) -> Grams:
    """
    N-grams of some responses, each on its own: the batch changes nothing.

    Parameters
    ----------
    texts : sequence of str
        The responses.

    Returns
    -------
    Grams
        The n-grams that lie within a sentence: words of ``WORD_SIZES``, skeletons of ``SKELETON_SIZES``, anywhere and, apart,
        those that begin in the first ``OPENING`` tokens; and as one more view what ``refusal-phrases`` finds.
    """
    found = tokenize(texts)
    opening = found.place < OPENING
    sentence = _sentences(found)
    plain = _PLAIN[found.kinds]
    shown = np.ones(len(plain), dtype=bool)
    shown[1:] = ~plain[1:] | ~plain[:-1] | (sentence[1:] != sentence[:-1])
    skeleton = np.where(plain, CONTENT, found.kinds)[shown].astype(np.uint64) + np.uint64(7)
    views = [
        *_views(_mix(found.hashes), found.document, sentence, opening, sizes=WORD_SIZES, salt=1),
        *_views(_mix(skeleton), found.document[shown], sentence[shown], opening[shown], sizes=SKELETON_SIZES, salt=11),
    ]
    rules = np.array([FINDINGS.index(found) for found in findings(texts)], dtype=np.uint64)
    views.append((np.arange(len(texts), dtype=np.int32), _buckets(_mix(rules + np.uint64(1)), 31)))
    scale = np.stack([1.0 / np.sqrt(np.maximum(np.bincount(d, minlength=len(texts)), 1)) for d, _ in views])
    scale[-1] = RULE_SCALE
    return Grams(
        document=np.concatenate([d for d, _ in views]),
        bucket=np.concatenate([b for _, b in views]),
        view=np.repeat(np.arange(len(views), dtype=np.uint8), [len(d) for d, _ in views]),
        scale=scale,
        left_out=found.left_out,
    )


def _sentences(found: Tokens) -> _Places:
    """Number of the sentence of each token; its end belongs to it, and so does no token of another text or window."""
    begins = np.zeros(len(found.kinds), dtype=np.int32)
    begins[1:] = (
        _ENDS[found.kinds[:-1]] | (found.document[1:] != found.document[:-1]) | (found.after_cut[1:] & ~found.after_cut[:-1])
    )
    return np.cumsum(begins, dtype=np.int32)


def _mix(hashes: _Hashes) -> _Hashes:
    mixed = hashes * _MULTIPLIER
    mixed ^= mixed >> _SHIFT
    return mixed


def _buckets(gram: _Hashes, salt: int) -> _Places:
    return (((gram + np.uint64(salt)) * _MULTIPLIER) >> _TOP).astype(np.int32)


def _views(
    values: _Hashes, document: _Places, sentence: _Places, opening: _Flags, *, sizes: tuple[int, ...], salt: int
) -> list[tuple[_Places, _Places]]:
    """(documents, buckets) of the n-grams of each size within a sentence, anywhere and in the opening."""
    views: list[tuple[_Places, _Places]] = []
    gram = values
    for size in range(1, max(sizes) + 1):
        starts = max(0, len(values) - size + 1)
        if size > 1:
            gram = _mix(gram[:starts] + (values[len(values) - starts :] << np.uint64(1)) + np.uint64(size))
        if size not in sizes:
            continue
        kept = np.flatnonzero(sentence[:starts] == sentence[len(values) - starts :])
        within, of = gram.take(kept), document.take(kept)
        early = np.flatnonzero(opening.take(kept))
        views += [(of, _buckets(within, salt)), (of.take(early), _buckets(within.take(early), salt + 1))]
    return views
