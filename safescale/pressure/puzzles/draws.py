"""
Draws that stay the same for a seed.

NumPy promises the bits of a bit generator across versions, not what ``Generator`` makes of them; so the bits are used as they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["Draws", "seeded"]

T = TypeVar("T")
_SPAN = 1 << 32


class Draws:
    """
    Choices from the raw bits of a generator.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source; its state moves on by one word for each choice (a rejected word excepted).
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._raw = rng.bit_generator.random_raw

    def below(self, bound: int) -> int:
        """A whole number from 0 to ``bound - 1``, uniform."""
        limit = _SPAN - _SPAN % bound
        while (word := int(self._raw()) & (_SPAN - 1)) >= limit:
            pass
        return word % bound

    def coin(self) -> bool:
        """True or false, alike."""
        return self.below(2) == 0

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.below(len(options))]

    def sample(self, options: Sequence[T], size: int) -> list[T]:
        """So many of them, each at most once, in random order."""
        rest = list(options)
        for place in range(size):
            other = place + self.below(len(rest) - place)
            rest[place], rest[other] = rest[other], rest[place]
        return rest[:size]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All of them in random order."""
        return self.sample(options, len(options))


def seeded(*parts: object) -> np.random.Generator:
    """A generator whose state is a function of the parts, as they are written."""
    text = "\x1f".join(str(part) for part in parts)
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")))
