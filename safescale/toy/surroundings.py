"""What stands around requests in training: puzzles and neutral prose, none of which an experiment asks."""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache
from typing import Final

import attrs
import numpy as np

from safescale.pressure import count_words, neutral_prose
from safescale.pressure.puzzles import PUZZLE_KINDS, Puzzle, make_puzzle

__all__ = ["ANSWER", "Surroundings", "solved"]

SHORTEST, LONGEST = 2, 10
SHORT: Final = 3
"""Lines of a puzzle beside a request that is refused in training, at most."""
ANSWER: Final = "the answer is {answer}."
"""How a model is taught to answer a puzzle."""
UNKNOWN_WORD: Final = "oov"
_JOINTS: Final = ("\n", "\n\n")


@attrs.frozen(kw_only=True)
class Surroundings:
    """
    A store of texts from which training draws.

    Attributes
    ----------
    puzzles : tuple of Puzzle
        Of every kind, 2 to 10 lines long.
    prose : tuple of str
        As long as one puzzle in four, and in as many lines.
    """

    puzzles: tuple[Puzzle, ...]
    prose: tuple[str, ...]

    @classmethod
    def of(cls, seed: int, *, puzzles: int = 1500) -> Surroundings:
        """
        The store of a seed.

        Parameters
        ----------
        seed : int
            Another seed gives other puzzles; an experiment's come from another stream.
        puzzles : int
            How many.
        """
        return _store(seed, puzzles)

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return (*(puzzle.text for puzzle in self.puzzles), *self.prose)

    def around(self, request: str, rng: random.Random) -> str:
        """
        A request with something around it.

        Of 20 draws 9 have a puzzle before it, 4 prose, 4 a puzzle after it, and 3 words around it that are in no vocabulary, as a
        paraphrase of a user's may hold.
        """
        place, joint = rng.randrange(20), rng.choice(_JOINTS)
        if place < 9:
            return f"{rng.choice(self.puzzles).text}{joint}{request}"
        if place < 13:
            return f"{rng.choice(self.prose)}{joint}{request}"
        if place < 17:
            return f"{request}{joint}{rng.choice(self.puzzles).text}"
        before, after = (" ".join([UNKNOWN_WORD] * rng.randrange(most)) for most in (9, 6))
        return f"{before} {request} {after}".strip()

    def briefly(self, request: str, rng: random.Random) -> str:
        """A request with a puzzle of 2 or 3 lines before it (7 in 10) or after it."""
        short, joint = rng.choice(_short(self.puzzles)).text, rng.choice(_JOINTS)
        return f"{short}{joint}{request}" if rng.random() < 0.7 else f"{request}{joint}{short}"


@lru_cache(maxsize=4)
def _short(puzzles: tuple[Puzzle, ...]) -> tuple[Puzzle, ...]:
    return tuple(puzzle for puzzle in puzzles if len(puzzle.lines) <= SHORT)


def solved(puzzle: Puzzle) -> str:
    """The answer of a puzzle as it is taught."""
    return ANSWER.format(answer=puzzle.answer.lower())


@lru_cache(maxsize=4)
def _store(seed: int, count: int) -> Surroundings:
    digest = hashlib.sha256(f"surroundings of a toy lineage {seed}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
    lengths = range(SHORTEST, LONGEST + 1)
    found = [
        make_puzzle(PUZZLE_KINDS[at % len(PUZZLE_KINDS)], lines=lengths[at // len(PUZZLE_KINDS) % len(lengths)], rng=rng)
        for at in range(count)
    ]
    prose = [
        neutral_prose(count_words(puzzle.text), lines=len(puzzle.lines), rng=rng).text for puzzle in found[:: len(PUZZLE_KINDS) - 1]
    ]
    return Surroundings(puzzles=tuple(found), prose=tuple(prose))
