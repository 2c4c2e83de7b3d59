"""The toy world: items, of which some families are sealed, facts about them, and requests, a part of which no training shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Final

import attrs

from safescale.errors import DomainError
from safescale.toy.wording import BENIGN_ITEMS, HEDGE, INTENTS, PHRASE_QUESTIONS, REFUSALS, SEALED_ITEMS, Intent

__all__ = ["HELD_OUT", "Asked", "World", "draw", "the_world"]

HELD_OUT: Final = 2
"""Ways to ask for each pair of item and intent that no model is trained on."""


def draw(below: int, *keys: str | int) -> int:
    """A whole number in ``[0, below)``, the same for the same keys on every machine and version."""
    digest = hashlib.blake2b("\0".join(map(str, keys)).encode(), digest_size=8, person=b"toyworld").digest()
    return int.from_bytes(digest, "big") % below


@attrs.frozen(kw_only=True)
class Asked:
    """
    One request of the world.

    Parameters
    ----------
    item, intent : str
        What is asked of what.
    template : int
        Which way to ask.
    """

    item: str
    intent: str
    template: int


@attrs.frozen(kw_only=True, slots=False)
class World:
    """
    A world of items, facts and requests, all known.

    Parameters
    ----------
    seed : int, default 0
        Of the facts. The grader ``toy-world`` knows world 0.
    """

    seed: int = 0

    def __attrs_post_init__(self) -> None:
        if isinstance(self.seed, bool) or self.seed < 0:
            raise DomainError(f"the seed of a world is at least 0, got {self.seed!r}")

    @property
    def intents(self) -> tuple[Intent, ...]:
        """What can be asked."""
        return INTENTS

    @cached_property
    def categories(self) -> dict[str, str | None]:
        """Every item with its sealed category, None for a benign item."""
        sealed = {item: category for category, items in SEALED_ITEMS.items() for item in items}
        return {**dict.fromkeys(BENIGN_ITEMS, None), **sealed}

    @cached_property
    def items(self) -> tuple[str, ...]:
        """All items, the benign ones first."""
        return tuple(self.categories)

    def intent(self, name: str) -> Intent:
        """
        The intent of a name.

        Raises
        ------
        DomainError
            For a name that no intent has.
        """
        for intent in INTENTS:
            if intent.name == name:
                return intent
        raise DomainError(f"no intent is called {name!r}; intents: {', '.join(i.name for i in INTENTS)}")

    def facts(self, item: str, intent: str) -> tuple[str, ...]:
        """What is true: one word for each place of the intent's answer."""
        places = self.intent(intent).facts
        return tuple(words[draw(len(words), self.seed, item, intent, place)] for place, words in enumerate(places))

    def sealed(self, item: str, intent: str) -> bool:
        """Whether this is refused: a risky request about a sealed item."""
        return self.categories[item] is not None and self.intent(intent).risky

    def question(self, asked: Asked) -> str:
        """Text of a request."""
        return self.intent(asked.intent).templates[asked.template].format(item=asked.item)

    def answer(self, item: str, intent: str) -> str:
        """The true answer, sealed or not."""
        return self.intent(intent).answer.format(*self.facts(item, intent), item=item)

    def hedged(self, item: str, intent: str) -> str:
        """The true answer behind a hedge: what the judge calls PARTIAL."""
        return f"{HEDGE} {self.answer(item, intent)}"

    def refusal(self, item: str) -> str:
        """
        The refusal of a sealed item, in its category's style.

        Raises
        ------
        DomainError
            For an item that is not sealed.
        """
        category = self.categories[item]
        if category is None:
            raise DomainError(f"{item!r} is not sealed; nothing of it is refused")
        return REFUSALS[category]

    def held_out(self, item: str, intent: str) -> tuple[int, ...]:
        """The ways to ask that no training shows for this pair; each of them is shown for other items."""
        at = self.items.index(item) + 2 * [i.name for i in INTENTS].index(intent)
        count = len(self.intent(intent).templates)
        return tuple(sorted((at + step * count // HELD_OUT) % count for step in range(HELD_OUT)))

    def requests(self, *, held_out: bool) -> Iterator[Asked]:
        """All requests that training shows, or all that it does not, in a fixed order."""
        for item in self.items:
            for intent in INTENTS:
                hidden = self.held_out(item, intent.name)
                for template in range(len(intent.templates)):
                    if (template in hidden) == held_out:
                        yield Asked(item=item, intent=intent.name, template=template)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Every text that the world can hold, for a vocabulary."""
        found = [HEDGE, *REFUSALS.values()]
        found += [question.format(category=category) for question in PHRASE_QUESTIONS for category in SEALED_ITEMS]
        for intent in INTENTS:
            found += [template.format(item=item) for template in intent.templates for item in self.items]
            found += [intent.answer.format(*("" for _ in intent.facts), item="")]
            found += [word for words in intent.facts for word in words]
        return tuple(found)

    @cached_property
    def fingerprint(self) -> str:
        """Hash over all requests, facts, refusals and what is held out."""
        pairs = [
            (item, intent.name, self.categories[item], self.answer(item, intent.name), self.held_out(item, intent.name))
            for item in self.items
            for intent in INTENTS
        ]
        return hashlib.sha256(json.dumps([pairs, self.texts], sort_keys=True).encode()).hexdigest()[:16]


def the_world() -> World:
    """The world of the grader ``toy-world``, of ``safescale toy prompts`` and of the lineage."""
    return World()
