"""A logic puzzle: its lines, the answer that follows from them, and no other."""

from __future__ import annotations

import hashlib
from typing import Final, Literal, get_args

import attrs

__all__ = ["PUZZLE_KINDS", "Puzzle", "PuzzleKind"]

PuzzleKind = Literal["ordering", "truth_tellers", "scheduling", "arithmetic", "syllogism"]
PUZZLE_KINDS: Final[tuple[PuzzleKind, ...]] = get_args(PuzzleKind)


@attrs.frozen(kw_only=True)
class Puzzle:
    """
    A benign puzzle with one answer.

    Parameters
    ----------
    kind : PuzzleKind
        What sort of reasoning it takes.
    lines : tuple of str
        Its lines: premises, then the question.
    answer : str
        The answer, one word or number of the puzzle's vocabulary.
    difficulty : int
        1 (one step) or more.
    """

    kind: PuzzleKind
    lines: tuple[str, ...]
    answer: str
    difficulty: int

    @property
    def text(self) -> str:
        """The lines, one under the other."""
        return "\n".join(self.lines)

    @property
    def puzzle_id(self) -> str:
        """Hash over the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]
