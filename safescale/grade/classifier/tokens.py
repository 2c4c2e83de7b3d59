"""
Tokens of a whole batch at once, without a Python step a word.

The texts are joined, lower-cased and their contractions written out; then every character has a class (letter, digit, sign,
CJK), runs of one class are tokens, and the polynomial hash of each is a difference of prefix sums (modulo 2^64, so exact).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.grade.classifier.lexicon import CONTENT, KINDS, LEXICON, SIGNS
from safescale.grade.classifier.windows import HEAD_TOKENS, TAIL_TOKENS, windowed

__all__ = ["Tokens", "tokenize", "words_of"]

_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_Kinds = npt.NDArray[np.uint8]

_BREAK: Final = "\x00"
_CODE_MARK: Final = "\x01"
_BOLD_MARK: Final = "\x02"
_QUOTES: Final = (("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'))
_SHORT_FORMS: Final = {"m ": " am ", "re": " are ", "ll": " will ", "ve": " have ", "d ": " would "}
_SHORT_IS: Final = ("it", "that", "there")
_OTHER, _LETTER, _DIGIT, _SIGN, _IDEOGRAPH, _END_OF_TEXT = range(6)
_BASE: Final = 0x9E3779B97F4A7C15 | 1
_INVERSE: Final = pow(_BASE, -1, 1 << 64)
_SLOT_BITS: Final = 16


@attrs.frozen(kw_only=True)
class Tokens:
    """
    Tokens of some responses, in order.

    Parameters
    ----------
    document : array
        (tokens,): 0-based response.
    place : array
        (tokens,): 0-based place among the tokens of the response that are read.
    after_cut : array
        (tokens,): whether tokens before it were left out, so that it stands in another window.
    hashes : array
        (tokens,): hash of the word.
    kinds : array
        (tokens,): number of its kind (``lexicon.KINDS``).
    left_out : array
        (responses,): about how many characters no window holds.
    """

    document: npt.NDArray[np.int32]
    place: npt.NDArray[np.int32]
    after_cut: npt.NDArray[np.bool_]
    hashes: _Hashes
    kinds: _Kinds
    left_out: _Ints


@attrs.frozen(kw_only=True)
class _Split:
    text: str
    codes: npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
    starts: _Ints
    ends: _Ints
    classes: _Kinds


def tokenize(texts: Sequence[str]) -> Tokens:
    """
    Tokens of some responses, each on its own: at most ``HEAD_TOKENS`` of its head and ``TAIL_TOKENS`` of its tail.

    Parameters
    ----------
    texts : sequence of str
        The responses.
    """
    shown = [windowed(text) for text in texts]
    left_out = np.array([chars for _, chars in shown], dtype=np.int64)
    split = _split([text for text, _ in shown])
    hashes = _hashes(split.codes, split.starts, split.ends)
    ends_text = split.classes == _END_OF_TEXT
    stops = np.flatnonzero(ends_text)
    count = np.diff(stops, prepend=-1) - 1
    word = np.flatnonzero(~ends_text)
    hashes, classes = hashes[word], split.classes[word]
    document = np.repeat(np.arange(len(texts), dtype=np.int32), count)
    place = (np.arange(len(word)) - np.repeat(np.cumsum(count) - count, count)).astype(np.int32)
    after_cut = np.zeros(len(word), dtype=bool)
    too_many = count - HEAD_TOKENS - TAIL_TOKENS
    if (too_many > 0).any():
        left_out += np.where(too_many > 0, [len(text) for text, _ in shown] * too_many // np.maximum(count, 1), 0)
        over = np.maximum(too_many, 0)[document]
        after_cut = (over > 0) & (place >= HEAD_TOKENS + over)
        kept = (over == 0) | (place < HEAD_TOKENS) | after_cut
        place = (place - np.where(after_cut, over, 0)).astype(np.int32)[kept]
        document, after_cut, hashes, classes = document[kept], after_cut[kept], hashes[kept], classes[kept]
    return Tokens(
        document=document, place=place, after_cut=after_cut, hashes=hashes, kinds=_kinds(hashes, classes), left_out=left_out
    )


def words_of(text: str) -> list[str]:
    """Tokens of one text as they are read, none left out: for tests and to look at."""
    split = _split([text])
    names = {_CODE_MARK: "```", _BOLD_MARK: "**"}
    found = [split.text[a : b + 1] for a, b in zip(split.starts.tolist()[:-1], split.ends.tolist()[:-1], strict=True)]
    return [names.get(word, word) for word in found]


def _split(texts: Sequence[str]) -> _Split:
    joined = _BREAK.join(texts)
    if joined.count(_BREAK) >= len(texts):
        joined = _BREAK.join(text.replace(_BREAK, " ") for text in texts)
    joined = (joined + _BREAK).replace(_CODE_MARK, " ").replace(_BOLD_MARK, " ")
    joined = joined.lower().replace("cannot", "can not").replace("```", _CODE_MARK).replace("**", _BOLD_MARK)
    plain = joined.isascii()
    if not plain:
        for sign, straight in _QUOTES:
            joined = joined.replace(sign, straight)
    if "'" in joined:
        joined = _written_out(joined)
    codes: npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
    if plain:
        raw = joined.encode("ascii")
        codes = np.frombuffer(raw, dtype=np.uint8)
        classes = np.frombuffer(raw.translate(_ascii_classes()), dtype=np.uint8)
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        classes = _class_table()[np.minimum(codes, 0xFFFF)]
    alone = classes >= _SIGN
    changes = classes[1:] != classes[:-1]
    begins, finishes = alone.copy(), alone.copy()
    begins[1:] |= changes
    begins[0] = True
    finishes[:-1] |= changes
    there = classes > _OTHER
    begins &= there
    finishes &= there
    starts = np.flatnonzero(begins)
    return _Split(text=joined, codes=codes, starts=starts, ends=np.flatnonzero(finishes), classes=classes[starts])


def _written_out(text: str) -> str:
    """A text with its contractions written out, by what stands around each apostrophe (a third of the time of replacing each)."""
    first, *parts = text.split("'")
    written = [first]
    for part in parts:
        before = written[-1]
        if part[:1] == "t" and before.endswith("n"):
            if before.endswith("won"):
                written[-1] = before[:-2] + "ill"
            elif not before.endswith("can"):
                written[-1] = before[:-1]
            written += (" not", part[1:])
        elif part[:2] in _SHORT_FORMS and (part[1:2] == " " or part[2:3] == " "):
            written += (_SHORT_FORMS[part[:2]], part[2:])
        elif part[:1] == "s" and before.endswith(_SHORT_IS):
            written += (" is", part[1:])
        else:
            written += ("'", part)
    return "".join(written)


@functools.cache
def _class_table() -> _Kinds:
    """Class of every character of the basic plane; those beyond it are signs that say nothing, as 0xFFFF does."""
    table = np.full(0x10000, _OTHER, dtype=np.uint8)
    for code in range(0x10000):
        sign = chr(code)
        if "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af":
            table[code] = _IDEOGRAPH
        elif sign.isalpha():
            table[code] = _LETTER
        elif sign.isdecimal():
            table[code] = _DIGIT
    for sign in SIGNS:
        if len(sign) == 1:
            table[ord(sign)] = _SIGN
    table[ord(_CODE_MARK)] = table[ord(_BOLD_MARK)] = _SIGN
    table[ord(_BREAK)] = _END_OF_TEXT
    return table


@functools.cache
def _ascii_classes() -> bytes:
    return _class_table()[:256].tobytes()


def _hashes(codes: npt.NDArray[np.uint8] | npt.NDArray[np.uint32], starts: _Ints, ends: _Ints) -> _Hashes:
    """Hash of each token: the sum of its characters times powers of a base that count from its first character."""
    powers, inverses = _powers(1 << max(16, len(codes).bit_length()))
    before = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * powers[: len(codes)], out=before[1:])
    hashes: _Hashes = (before[ends + 1] - before[starts]) * inverses[starts]
    return hashes


@functools.lru_cache(maxsize=4)
def _powers(number: int) -> tuple[_Hashes, _Hashes]:
    def powers(base: int) -> _Hashes:
        factors = np.full(number, base, dtype=np.uint64)
        factors[0] = 1
        return np.cumprod(factors)

    return powers(_BASE), powers(_INVERSE)


@functools.cache
def _kind_table() -> tuple[np.uint64, _Hashes, _Kinds]:
    """A multiplier without collisions among the known words, and by slot the word's hash and kind."""
    known = LEXICON | {sign: KINDS.index(kind) for sign, kind in SIGNS.items()}
    spelled = [{"```": _CODE_MARK, "**": _BOLD_MARK}.get(word, word) for word in known]
    hashes = np.array([sum(ord(c) * pow(_BASE, i, 1 << 64) for i, c in enumerate(word)) % (1 << 64) for word in spelled], np.uint64)
    kinds = np.array(list(known.values()), dtype=np.uint8)
    rng = np.random.default_rng(0)
    while True:
        multiplier = np.uint64(int(rng.integers(1, 1 << 62)) * 2 + 1)
        slots = (hashes * multiplier) >> np.uint64(64 - _SLOT_BITS)
        if len(np.unique(slots)) == len(slots):
            by_slot, kind = np.zeros(1 << _SLOT_BITS, dtype=np.uint64), np.zeros(1 << _SLOT_BITS, dtype=np.uint8)
            by_slot[slots], kind[slots] = hashes, kinds
            return multiplier, by_slot, kind


def _kinds(hashes: _Hashes, classes: _Kinds) -> _Kinds:
    multiplier, by_slot, kind = _kind_table()
    slots = (hashes * multiplier) >> np.uint64(64 - _SLOT_BITS)
    kinds = np.where(by_slot[slots] == hashes, kind[slots], np.uint8(CONTENT))
    kinds[classes == _DIGIT] = KINDS.index("NUMBER")
    kinds[classes == _IDEOGRAPH] = KINDS.index("CJK")
    return kinds
