"""Invented words: they mean nothing, and are as awkward for a parser as real text."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["names", "texts"]

_ONSETS: Final = ("b", "br", "d", "dr", "f", "g", "gl", "k", "kr", "l", "m", "n", "p", "pl", "s", "st", "t", "tr", "v", "z")
_VOWELS: Final = ("a", "e", "i", "o", "u", "é", "ø", "ü")
_CODAS: Final = ("", "", "l", "m", "n", "r", "rk", "sk", "th", "x")
_PLAIN_VOWELS: Final = 5
_AWKWARD: Final = (
    '"dral"',
    "\n",
    "\t",
    "back\\slash",
    "тирн",
    "ゾルベ",
    "格林",
    "\u2028",
    "🙂",
    "{vex: 3}",
    "مرل",
)


def names(count: int, rng: np.random.Generator, *, syllables: int = 2) -> list[str]:
    """
    Distinct pronounceable ASCII names.

    Parameters
    ----------
    count : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.
    syllables : int, default 2
        Length; longer where so many do not exist.
    """
    found: dict[str, None] = {}
    tries = 0
    while len(found) < count:
        tries += 1
        length = syllables + tries // (20 * count)
        found.setdefault("".join(_syllable(rng, _PLAIN_VOWELS) for _ in range(length)))
    return list(found)


def texts(count: int, rng: np.random.Generator, *, chars: int) -> list[str]:
    """
    Texts of about ``chars`` characters: one word in five is an escape, a quotation or not ASCII.

    Parameters
    ----------
    count : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.
    chars : int
        Length. Unit: characters.
    """
    words = ["".join(_syllable(rng, len(_VOWELS)) for _ in range(1 + i % 3)) for i in range(800)]
    pool = [*words, *(_AWKWARD[i % len(_AWKWARD)] for i in range(200))]
    drawn = rng.integers(len(pool), size=(count, chars // 5 + 1))
    return [" ".join([pool[i] for i in row])[:chars].strip() for row in drawn.tolist()]


def _syllable(rng: np.random.Generator, vowels: int) -> str:
    onset, vowel, coda = rng.integers((len(_ONSETS), vowels, len(_CODAS))).tolist()
    return _ONSETS[onset] + _VOWELS[vowel] + _CODAS[coda]
