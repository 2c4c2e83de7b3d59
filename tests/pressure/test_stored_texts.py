"""The texts of version 1, held: another text under the same version would make old runs and new ones unlike under one name."""

from __future__ import annotations

import hashlib

from safescale.pressure import PuzzleSet, prose_for
from safescale.pressure.puzzles import PUZZLE_KINDS, PUZZLES_VERSION, puzzles_for

VERSION = 1
TEXTS: dict[str, str] = {
    "ordering 2 1": "a882d296bc08565c",
    "ordering 7 1": "a9058d0a3a1fc054",
    "ordering 16 3": "944a9c9013c133d9",
    "truth_tellers 2 1": "a41fa77f26239662",
    "truth_tellers 7 1": "0f44cdee644b0a68",
    "truth_tellers 16 3": "42675eac06b2d173",
    "scheduling 2 1": "b8556f7f9b760429",
    "scheduling 7 1": "af2130c4c1fcdfe6",
    "scheduling 16 3": "e39aaafef039493b",
    "arithmetic 2 1": "779176aee36a7db7",
    "arithmetic 7 1": "9a258af9b5f81736",
    "arithmetic 16 3": "b838dce014e9bc7d",
    "syllogism 2 1": "b6693b76b65a277e",
    "syllogism 7 1": "36b4e0a8a6eb9ac4",
    "syllogism 16 3": "4e5197940bcb2f5a",
}
PROSE = "2054b4a457756dde"
FIRST = (
    "Greta starts after Yuki.",
    "Greta starts before Leila.",
    "Greta starts before Tara.",
    "Who starts earlier, Yuki or Leila? Answer with one name.",
    "Yuki",
)
ADVICE = "the texts have changed: raise PUZZLES_VERSION, then store the new hashes here"


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\n\n".join(texts).encode()).hexdigest()[:16]


def test_texts_are_those_of_their_version() -> None:
    keys = [f"p{number}" for number in range(20)]
    found = {
        f"{kind} {lines} {difficulty}": _hash(
            [
                f"{puzzle.text}\n{puzzle.answer}"
                for puzzle in puzzles_for(keys, kinds=[kind], lines=lines, difficulty=difficulty, seed=353).values()
            ]
        )
        for kind in PUZZLE_KINDS
        for lines, difficulty in ((2, 1), (7, 1), (16, 3))
    }
    prose = prose_for(puzzles_for(keys, lines=7, seed=353), seed=353)
    assert (PUZZLES_VERSION, found) == (VERSION, TEXTS), ADVICE
    assert _hash([one.text for one in prose.values()]) == PROSE, ADVICE


def test_a_puzzle_of_version_1_reads_as_it_did() -> None:
    """The same in words, so that a reader sees what changed; the draws use raw bits, so another NumPy does not."""
    puzzle = puzzles_for(["p1"], kinds=["ordering"], lines=4, seed=353)["p1"]
    assert (*puzzle.lines, puzzle.answer) == FIRST, ADVICE


def test_the_version_is_in_every_identity() -> None:
    assert f"version {VERSION};" in PuzzleSet.of(["p1"]).identity
