"""What conditions make of prompts, and that their identity changes with every text."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from safescale.errors import DomainError
from safescale.generate import Condition
from safescale.generate.conditions import Transform
from safescale.pressure import (
    NeutralBefore,
    PuzzleAfter,
    PuzzleAlone,
    PuzzleBefore,
    PuzzleSet,
    Template,
    TokenCounter,
    count_words,
)

IDS = tuple(f"p{number}" for number in range(30))
MADE = PuzzleSet.of(IDS, lines=5, seed=1)
PROMPT = "Tell me of the zorble."
KINDS: dict[str, Callable[[PuzzleSet], Transform]] = {
    "before": PuzzleBefore,
    "after": PuzzleAfter,
    "alone": PuzzleAlone,
    "neutral": NeutralBefore.of,
}


def test_each_condition_puts_the_same_puzzle_where_it_says() -> None:
    puzzle, prose = MADE["p3"], NeutralBefore.of(MADE).prose["p3"]
    asked = {name: Condition(name=name, transform=make(MADE)).user_text(PROMPT, prompt_id="p3") for name, make in KINDS.items()}
    assert asked == {
        "before": f"{puzzle.text}\n\n{PROMPT}",
        "after": f"{PROMPT}\n\n{puzzle.text}",
        "alone": puzzle.text,
        "neutral": f"{prose.text}\n\n{PROMPT}",
    }
    assert count_words(asked["neutral"]) == count_words(asked["before"])
    assert len(asked["neutral"].splitlines()) == len(asked["before"].splitlines()) == 5 + 2


def test_a_template_stands_around_every_prompt_and_other_braces_are_braces() -> None:
    template = Template('Please {kindly} answer: "{prompt}" {}')
    assert template("p1", PROMPT) == f'Please {{kindly}} answer: "{PROMPT}" {{}}'
    assert template("p1", "{prompt}") == 'Please {kindly} answer: "{prompt}" {}'
    assert template.identity != Template("{prompt}").identity


@pytest.mark.parametrize("text", ["no place", "{prompt} and {prompt}", "{ prompt }"])
def test_refuses_a_template_without_one_place(text: str) -> None:
    with pytest.raises(DomainError, match=r"exactly once; it has it \d times"):
        Template(text)


@pytest.mark.parametrize("name", KINDS)
def test_the_identity_is_one_line_and_changes_with_all_that_changes_texts(name: str) -> None:
    make = KINDS[name]
    sets = [
        MADE,
        PuzzleSet.of(IDS, lines=5, seed=2),
        PuzzleSet.of(IDS, lines=6, seed=1),
        PuzzleSet.of(IDS, lines=5, seed=1, difficulty=2),
        PuzzleSet.of(IDS, lines=5, seed=1, kinds=["ordering"]),
        PuzzleSet.of(IDS[:-1], lines=5, seed=1),
    ]
    identities = [make(one).identity for one in sets]
    assert len(set(identities)) == len(sets)
    assert not any("\n" in one for one in identities)
    assert make(PuzzleSet.of(reversed(IDS), lines=5, seed=1)).identity == identities[0]
    assert hash(make(MADE)) == hash(make(PuzzleSet.of(IDS, lines=5, seed=1)))
    assert make(MADE) == make(PuzzleSet.of(IDS, lines=5, seed=1))


def test_no_two_conditions_have_one_identity_and_a_changed_text_changes_it() -> None:
    assert len({make(MADE).identity for make in KINDS.values()}) == len(KINDS)
    other = NeutralBefore.of(MADE, counter=TokenCounter("other words", count_words))
    assert other.identity != NeutralBefore.of(MADE).identity
    assert "counter other words;" in other.identity
    changed = {**MADE.puzzles, "p3": attrs.evolve(MADE["p3"], lines=("A zorble waits.", *MADE["p3"].lines[1:]))}
    assert attrs.evolve(MADE, puzzles=changed).identity != MADE.identity


@pytest.mark.parametrize("name", KINDS)
def test_refuses_a_prompt_for_which_nothing_was_made(name: str) -> None:
    with pytest.raises(DomainError, match=r"no puzzle was made for the prompt 'p99': .* all ids \(30 were given\)"):
        KINDS[name](MADE)("p99", PROMPT)
