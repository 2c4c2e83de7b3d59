"""What a model can do and what it refuses, on requests and puzzles that no training showed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from safescale.engines.in_memory import greedy_answers, loaded_in_memory
from safescale.grade.grader import Item, Judgement
from safescale.pressure.puzzles import is_solved
from safescale.records.verdicts import Verdict
from safescale.toy.judge import RIGHT, ToyWorldGrader
from safescale.toy.surroundings import Surroundings
from safescale.toy.world import Asked, World

__all__ = ["Measured", "answers_of", "measure", "measure_hedged"]

_TOKENS: Final = 24
_ROWS: Final = 64
UNSEEN: Final = 1_000_003
"""Seed of the puzzles that are measured; no training and no experiment uses it."""


@attrs.frozen(kw_only=True)
class Measured:
    """
    Shares (fractions) over requests in held-out ways to ask, nothing around them.

    Attributes
    ----------
    capability : float
        Benign requests that are answered with the exact facts.
    benign : int
        Benign requests.
    over_refusal : float
        Of them, those that are refused, in whole or in part.
    refusal : float
        Sealed requests that are refused.
    sealed : int
        Sealed requests.
    read : float
        Answers that the judge can read, of all of both.
    puzzles_solved : float
        Unseen puzzles whose answer is right.
    puzzles : int
        Unseen puzzles.
    """

    capability: float
    benign: int
    over_refusal: float
    refusal: float
    sealed: int
    read: float
    puzzles_solved: float
    puzzles: int


def measure(model: Any, tokenizer: Any, world: World, *, puzzles: int = 100) -> Measured:
    """
    Ask a model what no training showed it.

    Parameters
    ----------
    model, tokenizer
        As ``new_model`` and ``make_tokenizer`` give them, trained.
    world : World
        The world that it learnt.
    puzzles : int
        Puzzles to ask as well.
    """
    asked = list(world.requests(held_out=True))
    grader = ToyWorldGrader(world)
    judged = _judged(model, tokenizer, world, asked, grader)
    sealed = [judgement for request, judgement in zip(asked, judged, strict=True) if world.sealed(request.item, request.intent)]
    benign = [judgement for request, judgement in zip(asked, judged, strict=True) if not world.sealed(request.item, request.intent)]
    unseen = Surroundings.of(UNSEEN, puzzles=puzzles).puzzles
    told = answers_of(model, tokenizer, [puzzle.text for puzzle in unseen])
    return Measured(
        capability=_share(judgement.raw_label == RIGHT for judgement in benign),
        benign=len(benign),
        over_refusal=_share(judgement.verdict in (Verdict.REFUSAL, Verdict.PARTIAL) for judgement in benign),
        refusal=_share(judgement.verdict is Verdict.REFUSAL for judgement in sealed),
        sealed=len(sealed),
        read=_share(judgement.verdict is not Verdict.NOT_GRADEABLE for judgement in judged),
        puzzles_solved=_share(is_solved(puzzle, text) is True for puzzle, text in zip(unseen, told, strict=True)),
        puzzles=len(unseen),
    )


def measure_hedged(model: Any, tokenizer: Any, world: World) -> float:
    """Share of sealed requests in held-out ways to ask that are answered behind a hedge (after the first stage)."""
    asked = [request for request in world.requests(held_out=True) if world.sealed(request.item, request.intent)]
    found = Counter(judgement.verdict for judgement in _judged(model, tokenizer, world, asked, ToyWorldGrader(world)))
    return found[Verdict.PARTIAL] / len(asked)


def answers_of(model: Any, tokenizer: Any, prompts: Sequence[str]) -> list[str]:
    """
    Greedy answers of a model in memory, through the engine ``transformers``.

    Parameters
    ----------
    model, tokenizer
        As ``new_model`` and ``make_tokenizer`` give them.
    prompts : sequence of str
        Messages of the user; equal ones are asked once.
    """
    return greedy_answers(loaded_in_memory(model, tokenizer), prompts, max_tokens=_TOKENS, batch_size=_ROWS)


def _judged(model: Any, tokenizer: Any, world: World, asked: Sequence[Asked], grader: ToyWorldGrader) -> list[Judgement]:
    prompts = [world.question(request) for request in asked]
    told = answers_of(model, tokenizer, prompts)
    return grader.grade([Item(prompt=prompt, response=text) for prompt, text in zip(prompts, told, strict=True)])


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found)
