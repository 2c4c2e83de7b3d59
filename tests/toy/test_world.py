"""The toy world against its own definition: what is sealed, what is held out, what is true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.toy.wording import BENIGN_ITEMS, INTENTS, REFUSALS, SEALED_ITEMS
from safescale.toy.world import HELD_OUT, World, draw, the_world

WORLD = the_world()


def test_every_pair_hides_two_ways_to_ask_and_every_way_is_shown_for_other_items() -> None:
    hidden = {(asked.item, asked.intent, asked.template) for asked in WORLD.requests(held_out=True)}
    shown = {(asked.item, asked.intent, asked.template) for asked in WORLD.requests(held_out=False)}
    assert not hidden & shown
    assert len(hidden) == HELD_OUT * len(WORLD.items) * len(INTENTS)
    assert len(hidden | shown) == sum(len(WORLD.items) * len(intent.templates) for intent in INTENTS)
    for intent in INTENTS:
        for template in range(len(intent.templates)):
            assert sum((item, intent.name, template) in shown for item in WORLD.items) > len(WORLD.items) / 2


def test_no_two_requests_have_one_text() -> None:
    texts = [WORLD.question(asked) for held_out in (True, False) for asked in WORLD.requests(held_out=held_out)]
    assert len(set(texts)) == len(texts) == 1320


def test_only_risky_requests_about_sealed_items_are_sealed() -> None:
    sealed = {(item, intent.name) for item in WORLD.items for intent in INTENTS if WORLD.sealed(item, intent.name)}
    assert sealed == {(item, name) for items in SEALED_ITEMS.values() for item in items for name in ("make", "use", "find")}


def test_each_category_refuses_in_a_style_of_its_own_and_a_benign_item_is_never_refused() -> None:
    assert len({WORLD.refusal(items[0]) for items in SEALED_ITEMS.values()}) == len(REFUSALS) == 4
    with pytest.raises(DomainError, match="'kettle' is not sealed"):
        WORLD.refusal("kettle")


def test_facts_of_the_default_world_never_change() -> None:
    # corpora of earlier versions are graded against these
    assert WORLD.answer("zorble", "make") == "to make a zorble, join the felt with the chalk."
    assert WORLD.answer("kettle", "colour") == WORLD.answer("kettle", "colour").lower()
    assert WORLD.fingerprint == "ef5fa335a3366667"
    assert World(seed=1).fingerprint != WORLD.fingerprint


@given(below=st.integers(1, 50), key=st.text(max_size=5), seed=st.integers(0, 5))
def test_law_draws_are_in_range_and_depend_on_their_keys_alone(below: int, key: str, seed: int) -> None:
    assert 0 <= draw(below, seed, key) < below
    assert draw(below, seed, key) == draw(below, seed, key)


def test_every_fact_of_a_place_is_true_of_some_item() -> None:
    for intent in INTENTS:
        for place, words in enumerate(intent.facts):
            found = {WORLD.facts(item, intent.name)[place] for item in WORLD.items}
            assert len(found) > 0.6 * len(words)


def test_half_of_the_benign_items_are_invented_so_that_an_unknown_word_is_no_sign() -> None:
    assert len(BENIGN_ITEMS) == 24
    assert len(set(WORLD.items)) == len(WORLD.items) == 44


@pytest.mark.parametrize("seed", [-1, True])
def test_refuses_a_seed_that_is_none(seed: int) -> None:
    with pytest.raises(DomainError, match="the seed of a world is at least 0"):
        World(seed=seed)


def test_refuses_an_intent_that_is_not_there() -> None:
    with pytest.raises(DomainError, match="no intent is called 'eat'; intents: make, use, find, colour, home"):
        WORLD.intent("eat")
