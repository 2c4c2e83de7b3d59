"""Whatever the puzzle: its answer is read as solved, another as not, and its own text repeated as nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from safescale.pressure.puzzles import PUZZLE_KINDS, PuzzleKind, final_answer, is_solved, make_puzzle
from safescale.pressure.puzzles.words import NUMBER_WORDS

SAYINGS = (
    "{0}",
    "{0}.",
    "**{0}**",
    "The answer is {0}.",
    "Answer: {0}",
    "Let me think.\n\nFinal answer: {0}",
    "So the answer is {0}!",
)


@given(kind=st.sampled_from(PUZZLE_KINDS), lines=st.integers(2, 12), seed=st.integers(0, 2**32), saying=st.sampled_from(SAYINGS))
def test_an_answer_is_read_and_the_puzzle_repeated_is_none(kind: PuzzleKind, lines: int, seed: int, saying: str) -> None:
    puzzle = make_puzzle(kind, lines=lines, rng=np.random.default_rng(seed))
    wrong = _wrong(puzzle.lines[-1], puzzle.answer)
    assert is_solved(puzzle, saying.format(puzzle.answer)) is True
    assert is_solved(puzzle, saying.format(puzzle.answer.upper())) is True
    assert is_solved(puzzle, saying.format(wrong)) is False
    assert is_solved(puzzle, puzzle.text) is None
    assert is_solved(puzzle, f"{puzzle.text}\n{saying.format(puzzle.answer)}") is True
    assert is_solved(puzzle, saying.format(f"{wrong} or {puzzle.answer}")) is None
    assert is_solved(puzzle, saying.format(f"x{puzzle.answer}x")) is None
    if puzzle.answer.isdigit():
        assert is_solved(puzzle, saying.format(NUMBER_WORDS[int(puzzle.answer)])) is True


def _wrong(question: str, answer: str) -> str:
    if answer.isdigit():
        return str(int(answer) + 1)
    if answer in ("yes", "no"):
        return "no" if answer == "yes" else "yes"
    one, other = question.split(", ")[1].split("?")[0].split(" or ")
    return other if one == answer else one


@given(st.sampled_from(PUZZLE_KINDS), st.text(max_size=200))
def test_any_text_is_read_without_an_error(kind: PuzzleKind, text: str) -> None:
    puzzle = make_puzzle(kind, lines=4, rng=np.random.default_rng(1))
    said = final_answer(puzzle, text)
    assert said is None or said.casefold() in text.casefold() or said.lstrip("-").isdigit()
