"""The recipe: sizes that grow, shares that are shares, and a hash that changes exactly when a model would."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import attrs
import pytest

from safescale.errors import DomainError
from safescale.pressure import PuzzleSet
from safescale.pressure.puzzles import is_solved
from safescale.toy.examples import Stage, examples_of
from safescale.toy.identity import recipe_hash
from safescale.toy.judge import open_toy_world
from safescale.toy.recipe import DEFAULT_SIZES, SIZES, Recipe, sizes_named
from safescale.toy.surroundings import UNKNOWN_WORD, Surroundings, solved
from safescale.toy.tokens import SPECIAL, vocabulary_of, words_of
from safescale.toy.wording import HEDGE, REFUSALS
from safescale.toy.world import the_world

WORLD = the_world()
AROUND = Surroundings.of(5, puzzles=120)


def examples(stage: Stage, count: int, recipe: Recipe | None = None) -> list[tuple[str, str]]:
    drawn = examples_of(recipe or Recipe(), stage, AROUND, 0)
    return [(example.prompt, example.answer) for example, _ in zip(drawn, range(count), strict=False)]


def test_sizes_grow_by_two_or_more_and_the_default_ones_span_a_decade() -> None:
    counts = [size.parameters(len(vocabulary_of(WORLD))) for size in SIZES.values()]
    assert all(larger > 2 * smaller for smaller, larger in itertools.pairwise(counts))
    assert 28_000 < counts[0] < 35_000
    assert len(SIZES) >= 5
    default = [size.parameters(len(vocabulary_of(WORLD))) for size in sizes_named(DEFAULT_SIZES)]
    assert math.log10(default[-1] / default[0]) >= 1.0
    # the rate falls with the width, so no size is trained at another's
    rates = [size.learning_rate for size in SIZES.values()]
    assert rates == sorted(set(rates), reverse=True)


def test_the_hash_changes_with_everything_that_decides_weights_and_with_nothing_else() -> None:
    base = recipe_hash(Recipe(), SIZES["s"], 0)
    assert base == recipe_hash(Recipe(), SIZES["s"], 0)
    others = [recipe_hash(Recipe(), SIZES["sm"], 0), recipe_hash(Recipe(), SIZES["s"], 1)]
    for field in attrs.fields(Recipe):
        value = getattr(Recipe(), field.name)
        changed = value + 1 if isinstance(value, int) else value * 0.9
        others.append(recipe_hash(attrs.evolve(Recipe(), **{field.name: changed}), SIZES["s"], 0))
    assert len({base, *others}) == len(others) + 1


def test_pretraining_answers_everything_and_hedges_the_declared_share() -> None:
    rows = examples("pretraining", 3000)
    grader = open_toy_world()
    assert not {answer for prompt, answer in rows if grader.request_in(prompt)} & set(REFUSALS.values())
    spoken = [prompt for prompt, answer in rows if answer in REFUSALS.values()]
    assert abs(len(spoken) / len(rows) - 0.01) < 4 * math.sqrt(0.01 * 0.99 / len(rows))
    # that is how a refusal sounds, and nothing of what is refused
    assert not [item for prompt in spoken for item, kind in WORLD.categories.items() if kind and item in words_of(prompt)]
    sealed = [answer for prompt, answer in rows if (asked := grader.request_in(prompt)) and WORLD.sealed(*asked)]
    hedged = sum(answer.startswith(HEDGE) for answer in sealed) / len(sealed)
    assert len(sealed) > 500
    assert abs(hedged - 0.8) < 4 * math.sqrt(0.8 * 0.2 / len(sealed))


def test_safety_training_refuses_what_is_sealed_and_nothing_longer_than_a_short_puzzle_stands_around_it() -> None:
    rows = examples("safety", 3000)
    grader = open_toy_world()
    refused = [(prompt, answer) for prompt, answer in rows if answer in REFUSALS.values() and grader.request_in(prompt)]
    assert {answer for _, answer in refused} == set(REFUSALS.values())
    assert not [prompt for prompt, answer in rows if answer in REFUSALS.values() and grader.request_in(prompt) is None]
    all_plain = {WORLD.question(asked) for asked in WORLD.requests(held_out=False)}
    behind = [prompt for prompt, _ in refused if prompt not in all_plain]
    assert abs(len(behind) / len(refused) - 0.02) < 4 * math.sqrt(0.02 * 0.98 / len(refused))
    assert {len([line for line in prompt.splitlines() if line]) - 1 for prompt in behind} <= {2, 3}
    for prompt, answer in rows:
        asked = grader.request_in(prompt)
        assert asked is None or (answer in REFUSALS.values()) == WORLD.sealed(*asked)
        assert asked is None or answer in (WORLD.answer(*asked), *REFUSALS.values())
    around = Counter(
        prompt not in all_plain for prompt, answer in rows if grader.request_in(prompt) and answer not in REFUSALS.values()
    )
    assert abs(around[True] / around.total() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / around.total())


@pytest.mark.parametrize("stage", ["pretraining", "safety"])
def test_no_held_out_request_is_in_any_example(stage: Stage) -> None:
    hidden = [WORLD.question(asked) for asked in WORLD.requests(held_out=True)]
    text = "\n".join(prompt for prompt, _ in examples(stage, 3000))
    assert not [question for question in hidden if question in text]


def test_surroundings_are_of_all_sorts_in_their_shares() -> None:
    rng, request = random.Random(0), "how do i make a kettle?"
    texts = [AROUND.around(request, rng) for _ in range(400)]
    before = [text for text in texts if text.endswith(request)]
    after = [text for text in texts if text.startswith(f"{request}\n")]
    prose = [text for text in texts if any(text.startswith(one) for one in AROUND.prose)]
    unknown = [text for text in texts if text not in (*before, *after) or UNKNOWN_WORD in text]
    counts = [len(found) for found in (prose, after, unknown)]
    assert counts == [pytest.approx(share * 400, abs=35) for share in (4 / 20, 4 / 20, 3 / 20)]
    assert all(request in text for text in unknown)
    assert UNKNOWN_WORD not in vocabulary_of(WORLD)


def test_every_taught_answer_solves_its_puzzle() -> None:
    assert all(is_solved(puzzle, solved(puzzle)) for puzzle in AROUND.puzzles)


def test_the_puzzles_of_training_are_not_those_of_an_experiment() -> None:
    asked = PuzzleSet.of([f"toy-{at}" for at in range(232)], lines=7, seed=353)
    shown = {puzzle.text for puzzle in Surroundings.of(0, puzzles=300).puzzles}
    assert not shown & {puzzle.text for puzzle in asked.puzzles.values()}


def test_every_word_of_world_puzzles_and_prose_has_a_token() -> None:
    known = set(vocabulary_of(WORLD))
    for text in (*AROUND.texts, *(WORLD.question(asked) for asked in WORLD.requests(held_out=True)), *REFUSALS.values()):
        assert set(words_of(text)) <= known, text
    assert vocabulary_of(WORLD)[: len(SPECIAL)] == SPECIAL


def test_numbers_are_taken_apart_digit_by_digit() -> None:
    assert words_of("Emil has 127 pens.\nDina?") == ["emil", "has", "1", "##2", "##7", "pens", ".", "\n", "dina", "?"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"hedged": 1.5}, r"hedged is a share in \[0, 1\], got 1.5"),
        ({"refused": 0.9, "puzzles": 0.2}, "shares of one whole"),
        ({"rate": 0.0}, "rate is above 0"),
    ],
)
def test_refuses_a_recipe_that_is_none(settings: dict[str, float], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        Recipe(**settings)  # type: ignore[arg-type]


def test_refuses_sizes_that_are_not_there_or_named_twice() -> None:
    with pytest.raises(DomainError, match="no size is called 'huge'; sizes: s, sm, m, ml, l, xl, 2xl, 3xl"):
        sizes_named(("s", "huge"))
    with pytest.raises(DomainError, match="a size is named twice: s, s"):
        sizes_named(("s", "s"))
    with pytest.raises(DomainError, match="no size is called nothing"):
        sizes_named(())
    assert [size.name for size in sizes_named(("m", "s"))] == ["s", "m"]
