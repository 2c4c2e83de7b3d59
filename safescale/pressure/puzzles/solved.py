"""Whether a free response solves a puzzle: what it says last, read with care not to guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from safescale.pressure.puzzles.puzzle import Puzzle, PuzzleKind

__all__ = ["AnswerForm", "answer_form", "final_answer", "is_solved"]

AnswerForm = Literal["name", "number", "yes or no"]
_FORMS: Final[Mapping[PuzzleKind, AnswerForm]] = {
    "ordering": "name",
    "truth_tellers": "yes or no",
    "scheduling": "number",
    "arithmetic": "number",
    "syllogism": "yes or no",
}


def answer_form(kind: PuzzleKind) -> AnswerForm:
    """What the question of a kind asks for."""
    return _FORMS[kind]


def is_solved(puzzle: Puzzle, response: str) -> bool | None:
    """Whether the final answer of the response is the puzzle's; None when it gives none."""
    said = final_answer(puzzle, response)
    return None if said is None else said == puzzle.answer


def final_answer(puzzle: Puzzle, response: str) -> str | None:
    raise NotImplementedError
