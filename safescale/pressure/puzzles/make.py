"""One puzzle of a kind, and one for each of many keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from safescale.errors import DomainError
from safescale.pressure.puzzles.arithmetic import COUNTS, arithmetic
from safescale.pressure.puzzles.draft import Maker
from safescale.pressure.puzzles.draws import Draws, seeded
from safescale.pressure.puzzles.ordering import ordering
from safescale.pressure.puzzles.puzzle import PUZZLE_KINDS, Puzzle, PuzzleKind
from safescale.pressure.puzzles.scheduling import SLOTS, scheduling
from safescale.pressure.puzzles.syllogism import syllogism
from safescale.pressure.puzzles.truth_tellers import truth_tellers

__all__ = [
    "MAX_DIFFICULTY",
    "MAX_LINES",
    "MIN_LINES",
    "PUZZLES_VERSION",
    "guess_rate",
    "make_puzzle",
    "needed_premises",
    "puzzles_for",
]

PUZZLES_VERSION: Final = 1
"""Goes up whenever a seed gives another puzzle or other prose; it is part of every seed and of every transform's identity."""

MIN_LINES: Final = 2
MAX_LINES: Final = 20
MAX_DIFFICULTY: Final = 3
_MAKERS: Final[Mapping[PuzzleKind, Maker]] = {
    "ordering": ordering,
    "truth_tellers": truth_tellers,
    "scheduling": scheduling,
    "arithmetic": arithmetic,
    "syllogism": syllogism,
}
_GUESS: Final[Mapping[PuzzleKind, float]] = {
    "ordering": 1 / 2,
    "truth_tellers": 1 / 2,
    "scheduling": 1 / SLOTS,
    "arithmetic": 1 / len(COUNTS),
    "syllogism": 1 / 2,
}
_TRIES: Final = 2000
_LOTS: Final = 4 * SLOTS * len(COUNTS)
_SALTS: Final = 200


def needed_premises(*, lines: int, difficulty: int) -> int:
    """
    How many premises must be put together for the answer: one more than the difficulty, as far as there are so many.

    >>> needed_premises(lines=7, difficulty=1), needed_premises(lines=2, difficulty=1)
    (2, 1)
    """
    _refuse(lines, difficulty)
    return min(difficulty + 1, lines - 1)


def guess_rate(kind: PuzzleKind) -> float:
    """
    Share of puzzles of a kind that the best constant answer solves; for ordering, naming the first of the two names asked about.

    Returns
    -------
    float
        Unit: fraction. The answers of a kind are equally likely.
    """
    _refuse_kind(kind)
    return _GUESS[kind]


def make_puzzle(kind: PuzzleKind, *, lines: int, difficulty: int = 1, rng: np.random.Generator) -> Puzzle:
    """
    A puzzle with exactly one answer that follows.

    Its last line is the question and says what form the answer has; the others are premises, each true and none said twice. The
    answer takes ``needed_premises`` of them and no fewer; the rest are beside the point, or at least no way around.

    Parameters
    ----------
    kind : PuzzleKind
        What sort of reasoning it takes.
    lines : int
        Number of lines, 2 to 20.
    difficulty : int, default 1
        Number of inferences, 1 to 3: a puzzle of difficulty d joins d + 1 premises, or all when there are fewer.
    rng : numpy.random.Generator
        Source of the draws. The same state gives the same puzzle, whatever the version of NumPy.

    Returns
    -------
    Puzzle

    Raises
    ------
    DomainError
        When kind, lines or difficulty are outside these.

    Examples
    --------
    >>> puzzle = make_puzzle("ordering", lines=3, rng=np.random.default_rng(353))
    >>> len(puzzle.lines), puzzle.answer in puzzle.lines[-1]
    (3, True)
    """
    _refuse_kind(kind)
    needed = needed_premises(lines=lines, difficulty=difficulty)
    draws = Draws(rng)
    lot = draws.below(_LOTS)
    for _ in range(_TRIES):
        draft = _MAKERS[kind](draws, premises=lines - 1, needed=needed, lot=lot)
        if draft is not None:
            return Puzzle(kind=kind, lines=(*draft.premises, draft.question), answer=draft.answer, difficulty=difficulty)
    raise AssertionError(f"no puzzle of kind {kind} with {lines} lines and difficulty {difficulty} in {_TRIES} tries")


def puzzles_for(
    keys: Iterable[str],
    *,
    kinds: Sequence[PuzzleKind] = PUZZLE_KINDS,
    lines: int = 7,
    difficulty: int = 1,
    seed: int = 0,
) -> dict[str, Puzzle]:
    """
    A puzzle for each key (a prompt's id, say), no two alike.

    A key's puzzle is a function of the seed, the key and the settings, whatever other keys there are and in whatever order; only
    where two would have the same text, the one whose key comes later in the alphabet is drawn again. Its kind is a function of the
    seed, the key and the kinds alone, so a prompt keeps its kind at every length.

    Parameters
    ----------
    keys : iterable of str
        What wants a puzzle; a key given twice counts once.
    kinds : sequence of PuzzleKind
        Sorts of puzzles, one drawn for each key. Their order is irrelevant.
    lines, difficulty : int
        As in :func:`make_puzzle`.
    seed : int, default 0
        Another seed gives other puzzles.

    Returns
    -------
    dict of str to Puzzle
        By key, in alphabetical order.

    Raises
    ------
    DomainError
        When the settings are outside their range, or there are not so many different puzzles of a kind and length.
    """
    _refuse(lines, difficulty)
    sorts = sorted(set(kinds), key=PUZZLE_KINDS.index) if all(kind in PUZZLE_KINDS for kind in kinds) else []
    if not sorts:
        raise DomainError(f"kinds of puzzles: {', '.join(PUZZLE_KINDS)}; got {tuple(kinds)!r}")
    found: dict[str, Puzzle] = {}
    taken: set[str] = set()
    for key in sorted(set(keys)):
        kind = sorts[seeded("kind", PUZZLES_VERSION, ",".join(sorts), seed, key).bit_generator.random_raw() % len(sorts)]
        for salt in range(_SALTS):
            rng = seeded("puzzle", PUZZLES_VERSION, kind, lines, difficulty, seed, key, salt)
            puzzle = make_puzzle(kind, lines=lines, difficulty=difficulty, rng=rng)
            if puzzle.text not in taken:
                break
        else:
            raise DomainError(
                f"there are not enough different puzzles of kind {kind} with {lines} lines for so many prompts "
                f"({len(taken)} made so far): take more lines or more kinds"
            )
        taken.add(puzzle.text)
        found[key] = puzzle
    return found


def _refuse(lines: int, difficulty: int) -> None:
    if not MIN_LINES <= lines <= MAX_LINES:
        raise DomainError(f"a puzzle has {MIN_LINES} to {MAX_LINES} lines (premises, then a question), got {lines}")
    if not 1 <= difficulty <= MAX_DIFFICULTY:
        raise DomainError(f"difficulty is 1 to {MAX_DIFFICULTY} inferences, got {difficulty}")


def _refuse_kind(kind: str) -> None:
    if kind not in PUZZLE_KINDS:
        raise DomainError(f"kinds of puzzles: {', '.join(PUZZLE_KINDS)}; got {kind!r}")
