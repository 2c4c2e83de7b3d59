"""Neutral prose: as long as it should be, without question or inference, and no two alike."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.pressure import WORDS, TokenCounter, count_words, lexicon, neutral_prose, pieces, prose_for
from safescale.pressure.puzzles import PUZZLE_KINDS, Puzzle, puzzles_for

REASONING = {
    *("if", "then", "because", "so", "therefore", "than", "before", "after", "more", "fewer", "not", "no", "No", "all", "All"),
    *(
        "some",
        "Some",
        "or",
        "either",
        "who",
        "Who",
        "which",
        "what",
        "how",
        "How",
        "does",
        "Does",
        "is",
        "Is",
        "true",
        "has",
        "have",
    ),
    *("says", "always", "lie", "lies", "Each", "every", "?"),
}


@given(lines=st.integers(1, 20), spare=st.integers(0, 150), seed=st.integers(0, 2**32))
def test_the_length_is_met_exactly_in_words(lines: int, spare: int, seed: int) -> None:
    prose = neutral_prose(3 * lines + spare, lines=lines, rng=np.random.default_rng(seed))
    assert prose.off_by == 0
    assert count_words(prose.text) == prose.length == 3 * lines + spare
    assert len(prose.lines) == lines


@given(length=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_it_states_and_asks_nothing_that_follows(length: int, seed: int) -> None:
    prose = neutral_prose(length, rng=np.random.default_rng(seed))
    words = set(pieces(prose.text))
    assert words <= lexicon()
    assert not words & REASONING
    assert not any(word.isdigit() for word in words)
    assert all(re.fullmatch(r"([A-Z][a-z]+( [a-z]+)+\. ?)+", line) for line in prose.lines)
    assert neutral_prose(length, rng=np.random.default_rng(seed)) == prose


def _letters(text: str) -> int:
    """A counter that cuts words in threes, as subwords do."""
    return sum(-(-len(word) // 3) for word in pieces(text)) + text.count("\n")


@given(lines=st.integers(1, 10), spare=st.integers(10, 150), seed=st.integers(0, 2**32))
def test_the_length_is_met_in_other_tokens_too(lines: int, spare: int, seed: int) -> None:
    wanted = 12 * lines + spare
    prose = neutral_prose(wanted, count=_letters, lines=lines, rng=np.random.default_rng(seed))
    assert (prose.length, prose.wanted) == (_letters(prose.text), wanted)
    assert prose.off_by == 0


def test_says_how_close_it_is_where_the_length_cannot_be_met() -> None:
    prose = neutral_prose(5, lines=4, rng=np.random.default_rng(1))
    assert (prose.wanted, prose.length, prose.off_by) == (5, 12, 7)
    even = neutral_prose(21, count=lambda text: 2 * count_words(text), lines=2, rng=np.random.default_rng(1))
    assert abs(even.off_by) == 1


@pytest.mark.parametrize("kind", PUZZLE_KINDS)
def test_each_prompt_has_prose_as_long_as_its_puzzle_and_no_two_are_alike(kind: str) -> None:
    for lines in (2, 7, 16):
        puzzles = puzzles_for([f"p{number}" for number in range(120)], kinds=[kind], lines=lines)  # type: ignore[list-item]
        prose = prose_for(puzzles)
        assert list(prose) == list(puzzles)
        assert [WORDS(prose[key].text) - WORDS(puzzle.text) for key, puzzle in puzzles.items()] == [0] * len(puzzles)
        assert [len(prose[key].lines) for key in puzzles] == [lines] * len(puzzles)
        assert len({one.text for one in prose.values()}) == len(puzzles)


def test_prose_is_a_function_of_key_seed_and_counter() -> None:
    puzzles = puzzles_for(["a", "b", "c"], lines=7)
    prose = prose_for(puzzles)
    assert prose_for(dict(reversed(puzzles.items()))) == prose
    assert prose_for({"b": puzzles["b"]}) == {"b": prose["b"]}
    assert prose_for(puzzles, seed=1) != prose
    assert prose_for(puzzles, counter=TokenCounter("other", count_words)) != prose


def test_two_keys_that_draw_the_same_prose_end_with_different_prose() -> None:
    """Three words make few sentences: some are drawn again, and none is given twice."""
    one_line = Puzzle(kind="ordering", lines=("Zorbles hum.",), answer="yes", difficulty=1)
    puzzles = {f"p{number}": one_line for number in range(60)}
    prose = prose_for(puzzles)
    alone = {key: prose_for({key: one_line})[key] for key in puzzles}
    assert len({one.text for one in alone.values()}) < 60, "or nothing had to be drawn again"
    assert len({one.text for one in prose.values()}) == 60
    assert all(one.off_by == 0 for one in prose.values())
    assert 30 < sum(prose[key] == alone[key] for key in prose) < 60


@pytest.mark.parametrize(("length", "lines"), [(0, 1), (5, 0), (-3, None)])
def test_refuses_no_length_and_no_lines(length: int, lines: int | None) -> None:
    with pytest.raises(DomainError, match="at least 1 token and 1 line, got length"):
        neutral_prose(length, lines=lines, rng=np.random.default_rng(1))
