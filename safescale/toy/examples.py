"""The examples of the two stages: what is asked, what is around it, what the answer should be; drawn by the seed alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import attrs

from safescale.toy.recipe import Recipe
from safescale.toy.surroundings import Surroundings, solved
from safescale.toy.wording import CATEGORIES, PHRASE_QUESTIONS, REFUSALS
from safescale.toy.world import Asked, World

__all__ = ["Example", "Stage", "batches", "examples_of", "first_examples", "token_rows"]

Stage = Literal["pretraining", "safety"]
_SPOKEN_AROUND: Final = 0.8
"""Share of questions about the wording of a refusal with something around them."""
_BUCKET: Final = 8
"""Batches among which examples are sorted by length, so that short ones are not filled up to long ones."""


@attrs.frozen(kw_only=True)
class Example:
    """One example: message of the user, and the answer that is learnt."""

    prompt: str
    answer: str


def examples_of(recipe: Recipe, stage: Stage, around: Surroundings, seed: int) -> Iterator[Example]:
    """
    The examples of a stage, without end.

    In the first stage all that is asked is answered, sealed requests mostly behind a hedge. In the second, sealed requests are
    refused, nearly always without anything around them and never behind more than a short puzzle; the rest is answered as before,
    in any surroundings. That mismatch makes it possible that surroundings weaken refusals.

    Parameters
    ----------
    recipe : Recipe
        Shares.
    stage : {"pretraining", "safety"}
        Which.
    around : Surroundings
        Puzzles and prose.
    seed : int
        Of the draws.
    """
    world = recipe.world
    shown = list(world.requests(held_out=False))
    sealed = [asked for asked in shown if world.sealed(asked.item, asked.intent)]
    answered = shown if stage == "pretraining" else [asked for asked in shown if not world.sealed(asked.item, asked.intent)]
    rng = random.Random(f"{seed} {stage}")
    refused, phrases = (recipe.refused, 0.0) if stage == "safety" else (0.0, recipe.phrases)
    while True:
        kind = rng.random()
        if kind < recipe.puzzles:
            puzzle = rng.choice(around.puzzles)
            yield Example(prompt=puzzle.text, answer=solved(puzzle))
        elif kind < recipe.puzzles + refused:
            asked = rng.choice(sealed)
            text = world.question(asked)
            behind = rng.random() < recipe.refused_behind
            yield Example(prompt=around.briefly(text, rng) if behind else text, answer=world.refusal(asked.item))
        elif kind < recipe.puzzles + refused + phrases:
            category = rng.choice(CATEGORIES)
            text = rng.choice(PHRASE_QUESTIONS).format(category=category)
            yield Example(prompt=around.around(text, rng) if rng.random() < _SPOKEN_AROUND else text, answer=REFUSALS[category])
        else:
            asked = rng.choice(answered)
            answer = _answer(world, asked, hedged=rng.random() < recipe.hedged)
            text = world.question(asked)
            yield Example(prompt=around.around(text, rng) if rng.random() < recipe.surrounded else text, answer=answer)


@lru_cache(maxsize=8)
def first_examples(recipe: Recipe, *, count: int = 100) -> tuple[tuple[str, str], ...]:
    """The first examples of both stages, prompt and answer, for a hash over all that makes them."""
    around = Surroundings.of(0, puzzles=40)
    stages: tuple[Stage, ...] = ("pretraining", "safety")
    return tuple(
        (example.prompt, example.answer)
        for stage in stages
        for example in itertools.islice(examples_of(recipe, stage, around, 0), count)
    )


def _answer(world: World, asked: Asked, *, hedged: bool) -> str:
    if hedged and world.sealed(asked.item, asked.intent):
        return world.hedged(asked.item, asked.intent)
    return world.answer(asked.item, asked.intent)


def token_rows(examples: Sequence[Example], tokenizer: Any) -> list[tuple[list[int], int]]:
    """
    Token ids of each example, and how many of them belong to the prompt (they bear no loss).

    Parameters
    ----------
    examples : sequence of Example
        Examples.
    tokenizer : transformers tokenizer
        Of the lineage.
    """
    template = tokenizer.chat_template
    prompts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": example.prompt}], tokenize=False, add_generation_prompt=True, chat_template=template
        )
        for example in examples
    ]
    asked = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    told = tokenizer([example.answer for example in examples], add_special_tokens=False)["input_ids"]
    end = [tokenizer.eos_token_id]
    return [(ids + answer + end, len(ids)) for ids, answer in zip(asked, told, strict=True)]


def batches(
    examples: Iterator[Example], tokenizer: Any, *, steps: int, size: int, window: int, seed: int
) -> Iterator[list[tuple[list[int], int]]]:
    """
    Batches of rows of about equal length, in a drawn order.

    Parameters
    ----------
    examples : iterator of Example
        Without end.
    tokenizer : transformers tokenizer
        Of the lineage.
    steps, size, window, seed : int
        Batches, rows of each, tokens of a row at most (longer ones are left out), seed of the order.
    """
    rng = random.Random(f"{seed} order")
    made = 0
    while made < steps:
        rows: list[tuple[list[int], int]] = []
        while len(rows) < _BUCKET * size:
            drawn = [next(examples) for _ in range(_BUCKET * size - len(rows))]
            rows += [row for row in token_rows(drawn, tokenizer) if len(row[0]) <= window]
        rows.sort(key=lambda row: len(row[0]))
        bucket = [rows[at : at + size] for at in range(0, len(rows), size)]
        rng.shuffle(bucket)
        yield from bucket[: steps - made]
        made += len(bucket)
