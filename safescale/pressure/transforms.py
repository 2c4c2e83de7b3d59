"""
What a condition makes of each prompt: a puzzle before or after it, or in its place, or neutral prose as long as the puzzle.

Each class does what :class:`safescale.generate.Transform` asks for: a call with a prompt's id and text, and an ``identity`` with
all that determines the texts. The puzzle of a prompt is the same in all of them when ids, seed and settings are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from safescale.errors import DomainError
from safescale.pressure.counters import WORDS, TokenCounter
from safescale.pressure.prose import NeutralProse, prose_for
from safescale.pressure.puzzles.make import PUZZLES_VERSION, puzzles_for
from safescale.pressure.puzzles.puzzle import PUZZLE_KINDS, Puzzle, PuzzleKind
from safescale.pressure.templates import PLACE, refuse_template

__all__ = ["BETWEEN", "NeutralBefore", "PuzzleAfter", "PuzzleAlone", "PuzzleBefore", "PuzzleSet", "Template"]

BETWEEN: Final = "\n\n"
"""Between a puzzle, or prose, and the prompt."""


@attrs.frozen(kw_only=True)
class PuzzleSet:
    """
    The puzzles of a set of prompts; make one with :meth:`of` and share it between conditions.

    Parameters
    ----------
    seed, lines, difficulty : int
    kinds : tuple of PuzzleKind
        As in :func:`safescale.pressure.puzzles.puzzles_for`.
    puzzles : mapping of str to Puzzle
        By prompt id.
    """

    seed: int
    kinds: tuple[PuzzleKind, ...]
    lines: int
    difficulty: int
    puzzles: Mapping[str, Puzzle] = attrs.field(eq=False, repr=False)
    identity: str = attrs.field(init=False)

    @identity.default
    def _identity(self) -> str:
        settings = f"seed {self.seed}; kinds {','.join(self.kinds)}; lines {self.lines}; difficulty {self.difficulty}"
        keys, texts = _hash(self.puzzles), _hash(puzzle.text for puzzle in self.puzzles.values())
        return f"puzzles version {PUZZLES_VERSION}; {settings}; prompts {len(self.puzzles)} {keys}; texts {texts}"

    @classmethod
    def of(
        cls,
        prompt_ids: Iterable[str],
        *,
        kinds: Sequence[PuzzleKind] = PUZZLE_KINDS,
        lines: int = 7,
        difficulty: int = 1,
        seed: int = 0,
    ) -> PuzzleSet:
        """
        One puzzle for each prompt.

        Raises
        ------
        DomainError
            See :func:`safescale.pressure.puzzles.puzzles_for`.
        """
        puzzles = puzzles_for(prompt_ids, kinds=kinds, lines=lines, difficulty=difficulty, seed=seed)
        ordered = tuple(sorted(set(kinds), key=PUZZLE_KINDS.index))
        return cls(seed=seed, kinds=ordered, lines=lines, difficulty=difficulty, puzzles=puzzles)

    def __getitem__(self, prompt_id: str) -> Puzzle:
        """
        The puzzle of a prompt.

        Raises
        ------
        DomainError
            When the set was made without it.
        """
        if prompt_id not in self.puzzles:
            raise DomainError(
                f"no puzzle was made for the prompt {prompt_id!r}: make the set from all ids ({len(self.puzzles)} were given)"
            )
        return self.puzzles[prompt_id]


@attrs.frozen
class PuzzleBefore:
    """The prompt's puzzle, an empty line, the prompt."""

    puzzles: PuzzleSet

    @property
    def identity(self) -> str:
        """All that determines the texts."""
        return f"puzzle before; {self.puzzles.identity}"

    def __call__(self, prompt_id: str, prompt: str) -> str:
        """Message of the user."""
        return f"{self.puzzles[prompt_id].text}{BETWEEN}{prompt}"


@attrs.frozen
class PuzzleAfter:
    """The prompt, an empty line, its puzzle."""

    puzzles: PuzzleSet

    @property
    def identity(self) -> str:
        """All that determines the texts."""
        return f"puzzle after; {self.puzzles.identity}"

    def __call__(self, prompt_id: str, prompt: str) -> str:
        """Message of the user."""
        return f"{prompt}{BETWEEN}{self.puzzles[prompt_id].text}"


@attrs.frozen
class PuzzleAlone:
    """The prompt's puzzle in the place of the prompt: is it solved?"""

    puzzles: PuzzleSet

    @property
    def identity(self) -> str:
        """All that determines the texts."""
        return f"puzzle alone; {self.puzzles.identity}"

    def __call__(self, prompt_id: str, prompt: str) -> str:
        """Message of the user, in which the prompt is not."""
        return self.puzzles[prompt_id].text


@attrs.frozen(kw_only=True)
class NeutralBefore:
    """
    Neutral prose as long as the prompt's puzzle and in as many lines, an empty line, the prompt; make one with :meth:`of`.

    Parameters
    ----------
    puzzles : PuzzleSet
        What it is matched to.
    counter : TokenCounter
        In what it is matched.
    prose : mapping of str to NeutralProse
        By prompt id.
    """

    puzzles: PuzzleSet
    counter: TokenCounter
    prose: Mapping[str, NeutralProse] = attrs.field(eq=False, repr=False)
    identity: str = attrs.field(init=False)

    @identity.default
    def _identity(self) -> str:
        texts = _hash(prose.text for prose in self.prose.values())
        return f"neutral before; counter {self.counter.name}; prose {texts}; {self.puzzles.identity}"

    @classmethod
    def of(cls, puzzles: PuzzleSet, *, counter: TokenCounter = WORDS) -> NeutralBefore:
        """Prose for each puzzle of a set, by its seed."""
        return cls(puzzles=puzzles, counter=counter, prose=prose_for(puzzles.puzzles, counter=counter, seed=puzzles.seed))

    @property
    def missed(self) -> int:
        """Prompts whose prose is not exactly as long as the puzzle."""
        return sum(prose.off_by != 0 for prose in self.prose.values())

    @property
    def furthest_off(self) -> int:
        """The largest difference in length, either way. Unit: tokens of the counter."""
        return max((abs(prose.off_by) for prose in self.prose.values()), default=0)

    def __call__(self, prompt_id: str, prompt: str) -> str:
        """Message of the user."""
        self.puzzles[prompt_id]
        return f"{self.prose[prompt_id].text}{BETWEEN}{prompt}"


@attrs.frozen
class Template:
    """
    A paraphrase around every prompt alike.

    Parameters
    ----------
    text : str
        With ``{prompt}`` where the prompt stands, once; every other brace is a brace.
    """

    text: str

    def __attrs_post_init__(self) -> None:
        refuse_template(self.text)

    @property
    def identity(self) -> str:
        """All that determines the texts."""
        return f"template {_hash([self.text])}"

    def __call__(self, prompt_id: str, prompt: str) -> str:
        """Message of the user."""
        return self.text.replace(PLACE, prompt)


def _hash(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode()
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()[:16]
