"""Stand-in until the puzzles come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import attrs

from safescale.pressure.puzzles import PUZZLE_KINDS, Puzzle, PuzzleKind


def _puzzle(prompt_id: str, seed: int, lines: int, kinds: tuple[PuzzleKind, ...], difficulty: int) -> Puzzle:
    digest = hashlib.sha256(f"{seed}:{prompt_id}:{lines}".encode()).hexdigest()
    a, b = int(digest[:4], 16) % 50, int(digest[4:8], 16) % 50
    middle = tuple(f"the brindle adds {int(digest[8 + i], 16)} grains to bowl {i}." for i in range(lines - 2))
    return Puzzle(
        kind="arithmetic",
        lines=(f"A quindle has {a} grains, then {b} more.", *middle, "How many grains had the quindle at first?"),
        answer=str(a),
        difficulty=difficulty,
    )


@attrs.frozen(kw_only=True)
class PuzzleBefore:
    lines: int
    kinds: tuple[PuzzleKind, ...] = PUZZLE_KINDS
    difficulty: int = 1
    seed: int = 353

    @property
    def identity(self) -> str:
        return f"{type(self).__name__} lines {self.lines}, kinds {'+'.join(self.kinds)}, difficulty {self.difficulty}, seed {self.seed}"

    def puzzle(self, prompt_id: str) -> Puzzle:
        return _puzzle(prompt_id, self.seed, self.lines, self.kinds, self.difficulty)

    def __call__(self, prompt_id: str, prompt: str) -> str:
        return f"{self.puzzle(prompt_id).text}\n\n{prompt}"


class PuzzleAfter(PuzzleBefore):
    def __call__(self, prompt_id: str, prompt: str) -> str:
        return f"{prompt}\n\n{self.puzzle(prompt_id).text}"


class PuzzleAlone(PuzzleBefore):
    def __call__(self, prompt_id: str, prompt: str) -> str:
        return self.puzzle(prompt_id).text


@attrs.frozen(kw_only=True)
class NeutralBefore:
    before: PuzzleBefore
    count: Callable[[str], int]
    counter: str = "words"

    @property
    def identity(self) -> str:
        return f"neutral of equal length ({self.counter}) to {self.before.identity}"

    def __call__(self, prompt_id: str, prompt: str) -> str:
        words = self.count(self.before.puzzle(prompt_id).text)
        return " ".join(["meadow"] * words) + f"\n\n{prompt}"


def is_solved(puzzle: Puzzle, response: str) -> bool:
    return response.strip().rstrip(".").endswith(puzzle.answer)


@attrs.frozen(kw_only=True)
class Template:
    text: str

    @property
    def identity(self) -> str:
        return f"template {self.text}"

    def __call__(self, prompt_id: str, prompt: str) -> str:
        return self.text.replace("{prompt}", prompt)
