"""Neutral prose of a wanted length: what a puzzle is compared with, to tell reasoning from length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs
import numpy as np

from safescale.errors import DomainError
from safescale.pressure.counters import WORDS, TokenCounter, count_words
from safescale.pressure.puzzles.draws import Draws, seeded
from safescale.pressure.puzzles.make import PUZZLES_VERSION
from safescale.pressure.puzzles.puzzle import Puzzle
from safescale.pressure.sentences import Sentence

__all__ = ["NeutralProse", "neutral_prose", "prose_for"]

_ROUNDS: Final = 60
_LINE_WORDS: Final = 10
_SALTS: Final = 200


@attrs.frozen(kw_only=True)
class NeutralProse:
    """
    Declarative everyday sentences.

    Parameters
    ----------
    lines : tuple of str
        Each a sentence or more.
    length, wanted : int
        Its length, and the length that was asked for. Unit: tokens of the counter.
    """

    lines: tuple[str, ...]
    length: int
    wanted: int

    @property
    def text(self) -> str:
        """The lines, one under the other."""
        return "\n".join(self.lines)

    @property
    def off_by(self) -> int:
        """Tokens too many (too few, if negative); 0 when the length was met."""
        return self.length - self.wanted


def neutral_prose(
    length: int,
    *,
    count: Callable[[str], int] = count_words,
    lines: int | None = None,
    rng: np.random.Generator,
) -> NeutralProse:
    """
    Prose without question, number or inference, of exactly the wanted length where that can be reached.

    Parameters
    ----------
    length : int
        Wanted length, at least 1. Unit: tokens of ``count``.
    count : callable
        From a text to its length. Default: words and marks.
    lines : int, optional
        Number of lines; one for about ten tokens when left out.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    NeutralProse
        The closest that was found; ``off_by`` says how close. A line takes two words and a full stop at least, so a length below
        that is not met.

    Raises
    ------
    DomainError
        When length or lines are below 1.

    Examples
    --------
    >>> prose = neutral_prose(40, lines=4, rng=np.random.default_rng(353))
    >>> len(prose.lines), count_words(prose.text), prose.off_by
    (4, 40, 0)
    """
    if length < 1 or (lines is not None and lines < 1):
        raise DomainError(f"prose has at least 1 token and 1 line, got length {length} and lines {lines}")
    draws = Draws(rng)
    wanted_lines = max(1, round(length / _LINE_WORDS)) if lines is None else lines
    page = [[Sentence(draws)] for _ in range(wanted_lines)]
    best: NeutralProse | None = None
    for _ in range(_ROUNDS):
        told = tuple(" ".join(sentence.text for sentence in line) for line in page)
        found = NeutralProse(lines=told, length=count("\n".join(told)), wanted=length)
        if best is None or abs(found.off_by) < abs(best.off_by):
            best = found
        if not found.off_by:
            break
        if not _change(draws, page, -found.off_by):
            line = draws.pick(page)
            line[draws.below(len(line))] = Sentence(draws)
    assert best is not None
    return best


def prose_for(puzzles: Mapping[str, Puzzle], *, counter: TokenCounter = WORDS, seed: int = 0) -> dict[str, NeutralProse]:
    """
    Neutral prose for each key, as long as its puzzle and in as many lines, no two alike.

    Parameters
    ----------
    puzzles : mapping of str to Puzzle
        Whose lengths are matched.
    counter : TokenCounter
        In what they are matched.
    seed : int, default 0
        Another seed gives other prose.

    Returns
    -------
    dict of str to NeutralProse
        By key, in alphabetical order. A key's prose is a function of the seed, the key, the puzzle's length and lines, and the
        counter; only where two would be alike, the later one is drawn again.
    """
    found: dict[str, NeutralProse] = {}
    taken: set[str] = set()
    for key in sorted(puzzles):
        puzzle = puzzles[key]
        length, lines = counter(puzzle.text), len(puzzle.lines)
        closest: NeutralProse | None = None
        for salt in range(_SALTS):
            rng = seeded("prose", PUZZLES_VERSION, length, lines, counter.name, seed, key, salt)
            prose = neutral_prose(length, count=counter, lines=lines, rng=rng)
            if prose.text in taken:
                continue
            if closest is None or abs(prose.off_by) < abs(closest.off_by):
                closest = prose
            if not closest.off_by or salt >= _MISSES:
                break
        if closest is None:
            raise DomainError(
                f"there is not enough different prose of {length} tokens for {len(puzzles)} prompts: take longer puzzles"
            )
        taken.add(closest.text)
        found[key] = closest
    return found


_MISSES: Final = 3
"""How often prose is drawn again that missed its length."""


def _change(draws: Draws, page: list[list[Sentence]], need: int) -> bool:
    """Make the page about so many words longer (shorter, if negative); whether there was anything to change."""
    open_to = [sentence for line in page for sentence in line]
    changed = False
    while need and open_to:
        # The shortest sentences grow first and the longest shrink first, so that lines stay alike.
        edge = (min if need > 0 else max)(sentence.words for sentence in open_to)
        sentence = draws.pick([one for one in open_to if abs(one.words - edge) <= 2])
        sizes = sentence.growths() if need > 0 else sentence.cuts()
        fitting = [part for part, size in sizes.items() if size <= abs(need)]
        if not fitting:
            open_to.remove(sentence)
            continue
        part = draws.pick(fitting)
        sentence.toggle(part)
        need -= sizes[part] if need > 0 else -sizes[part]
        changed = True
    return changed or (need > 0 and _another(draws, page, need))


def _another(draws: Draws, page: list[list[Sentence]], need: int) -> bool:
    """One more sentence in the line that has the fewest words, if there is room for it."""
    if need < 3:
        return False
    shortest = min(sum(sentence.words for sentence in line) for line in page)
    draws.pick([line for line in page if sum(sentence.words for sentence in line) == shortest]).append(Sentence(draws))
    return True
