"""Benign logic puzzles with known answers."""

from safescale.pressure.puzzles.puzzle import PUZZLE_KINDS, Puzzle, PuzzleKind

__all__ = ["PUZZLE_KINDS", "Puzzle", "PuzzleKind"]
