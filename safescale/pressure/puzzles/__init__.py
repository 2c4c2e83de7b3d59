"""Benign logic puzzles with known answers."""

from safescale.pressure.puzzles.make import (
    MAX_DIFFICULTY,
    MAX_LINES,
    MIN_LINES,
    PUZZLES_VERSION,
    guess_rate,
    make_puzzle,
    needed_premises,
    puzzles_for,
)
from safescale.pressure.puzzles.puzzle import PUZZLE_KINDS, Puzzle, PuzzleKind
from safescale.pressure.puzzles.solved import final_answer, is_solved

__all__ = [
    "MAX_DIFFICULTY",
    "MAX_LINES",
    "MIN_LINES",
    "PUZZLES_VERSION",
    "PUZZLE_KINDS",
    "Puzzle",
    "PuzzleKind",
    "final_answer",
    "guess_rate",
    "is_solved",
    "make_puzzle",
    "needed_premises",
    "puzzles_for",
]
