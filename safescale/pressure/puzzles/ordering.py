"""Ordering: who is before whom."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise, permutations
from typing import Final

import numpy as np

from safescale.pressure.puzzles.draft import Draft
from safescale.pressure.puzzles.draws import Draws
from safescale.pressure.puzzles.words import NAMES
from safescale.pressure.puzzles.worlds import Premise, filled, needs_all

__all__ = ["ORDERING_TEXTS", "ordering"]

_VERBS: Final = ("arrives", "leaves", "starts", "stops")
_BEFORE: Final = "{early} {verb} before {late}."
_AFTER: Final = "{late} {verb} after {early}."
_QUESTION: Final = "Who {verb} {end}, {one} or {other}? Answer with one name."
ORDERING_TEXTS: Final = (*_VERBS, _BEFORE, _AFTER, _QUESTION, "earlier", "later")
_MOST_NAMES: Final = 8


def ordering(draws: Draws, *, premises: int, needed: int, lot: int) -> Draft | None:
    """Premises in order, question and answer; None when the draw led nowhere."""
    people = min(_MOST_NAMES, needed + 1 + (premises - needed + 1) // 2)
    names = draws.sample(NAMES, people)
    verb = draws.pick(_VERBS)
    chain = sorted(draws.sample(range(people), needed + 1))
    first, last = chain[0], chain[-1]

    def premise(early: int, late: int) -> Premise:
        text = draws.pick((_BEFORE, _AFTER)).format(early=names[early], late=names[late], verb=verb)
        return Premise(text, _before(people, early, late), (early, late))

    core = [premise(early, late) for early, late in pairwise(chain)]
    against = _before(people, last, first)
    if not needs_all(core, against):
        return None
    pairs = draws.shuffled([(early, late) for late in range(people) for early in range(late)])
    found = filled(core, (premise(early, late) for early, late in pairs), against, count=premises)
    if found is None:
        return None
    end = ("earlier", "later")[lot % 2]
    one, other = (names[first], names[last]) if lot // 2 % 2 else (names[last], names[first])
    question = _QUESTION.format(verb=verb, end=end, one=one, other=other)
    answer = names[first if end == "earlier" else last]
    return Draft([premise.text for premise in draws.shuffled(found)], question, answer)


@lru_cache(maxsize=256)
def _before(people: int, one: int, other: int) -> int:
    """Orders of so many people in which the one is before the other."""
    places = _orders(people)
    return int.from_bytes(np.packbits(places[:, one] < places[:, other]).tobytes(), "big")


@lru_cache(maxsize=16)
def _orders(people: int) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    return np.array(list(permutations(range(people))), dtype=np.int8)
