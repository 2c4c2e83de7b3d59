"""Scheduling: who has which slot, when no two share one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import permutations
from typing import Final

from safescale.pressure.puzzles.draft import Draft
from safescale.pressure.puzzles.draws import Draws
from safescale.pressure.puzzles.words import NAMES
from safescale.pressure.puzzles.worlds import Premise, filled, needs_all

__all__ = ["SCHEDULING_TEXTS", "SLOTS", "scheduling"]

SLOTS: Final = 6
_WORLDS: Final = list(permutations(range(SLOTS)))
_EVERYTHING: Final = (1 << len(_WORLDS)) - 1
_HAS: Final = "{one} has slot {slot}."
_HAS_NOT: Final = "{one} does not have slot {slot}."
_EITHER: Final = "{one} has slot {slot} or slot {third}."
_LATER: Final = "{one} is {gap} after {other}."
_SOONER: Final = "{one} is {gap} before {other}."
_EARLIER: Final = "{one} has an earlier slot than {other}."
_PAIR: Final = "{one} and {other} have slots {slot} and {third}, and {early} has the earlier one."
_QUESTION: Final = (
    f"The slots are 1 to {SLOTS}, and no two people share a slot. Which slot does {{one}} have? Answer with one number."
)
SCHEDULING_TEXTS: Final = (_HAS, _HAS_NOT, _EITHER, _LATER, _SOONER, _EARLIER, _PAIR, _QUESTION, "slot", "slots", "later")
_LONGEST_GAP: Final = 3
_TRIES: Final = 400


def scheduling(draws: Draws, *, premises: int, needed: int, lot: int) -> Draft | None:
    """Premises in order, question and answer; None when the draw led nowhere."""
    names = draws.sample(NAMES, SLOTS)
    by_elimination = needed > 1 and draws.coin()
    chain = needed - 1 if by_elimination else needed
    asked = SLOTS - 1 if by_elimination else chain - 1
    slots = draws.shuffled([slot for slot in range(SLOTS) if slot != lot % SLOTS])
    slots.insert(asked, lot % SLOTS)
    if any(abs(slots[place] - slots[place + 1]) > _LONGEST_GAP for place in range(chain - 1)):
        return None
    anchored = _pair(draws, names, slots, 0, needed) if needed == 1 or draws.below(3) == 0 else _has(names, slots, 0)
    core = [anchored, *(_gap(draws, names, slots, place, place + 1) for place in range(chain - 1))]
    if by_elimination:
        core.append(_either(draws, names, slots, asked, slots[chain - 1]))
    against = _EVERYTHING ^ _in_slot(asked, slots[asked])
    if not needs_all(core, against):
        return None
    found = filled(core, _candidates(draws, names, slots), against, count=premises)
    if found is None:
        return None
    question = _QUESTION.format(one=names[asked])
    return Draft([premise.text for premise in draws.shuffled(found)], question, str(slots[asked] + 1))


def _candidates(draws: Draws, names: list[str], slots: list[int]) -> Iterator[Premise]:
    for _ in range(_TRIES):
        sort = draws.below(8)
        one, other = draws.sample(range(SLOTS), 2)
        if sort < 2:
            yield _has_not(names, one, slots[other])
        elif sort < 4:
            yield _earlier(names, slots, one, other)
        elif sort < 5:
            yield _either(draws, names, slots, one, slots[other])
        elif sort < 6:
            yield _has(names, slots, one)
        elif abs(slots[one] - slots[other]) <= _LONGEST_GAP:
            yield _gap(draws, names, slots, one, other)


def _has(names: list[str], slots: list[int], one: int) -> Premise:
    return Premise(_HAS.format(one=names[one], slot=slots[one] + 1), _in_slot(one, slots[one]), (one,))


def _has_not(names: list[str], one: int, slot: int) -> Premise:
    return Premise(_HAS_NOT.format(one=names[one], slot=slot + 1), _EVERYTHING ^ _in_slot(one, slot), (one, "not", slot))


def _either(draws: Draws, names: list[str], slots: list[int], one: int, third: int) -> Premise:
    shown = draws.shuffled((slots[one] + 1, third + 1))
    text = _EITHER.format(one=names[one], slot=shown[0], third=shown[1])
    return Premise(text, _in_slot(one, slots[one]) | _in_slot(one, third), (one, "or"))


def _gap(draws: Draws, names: list[str], slots: list[int], one: int, other: int) -> Premise:
    late, early = (one, other) if slots[one] > slots[other] else (other, one)
    gap = slots[late] - slots[early]
    words = f"{gap} slot" if gap == 1 else f"{gap} slots"
    if draws.coin():
        text = _LATER.format(one=names[late], gap=words, other=names[early])
    else:
        text = _SOONER.format(one=names[early], gap=words, other=names[late])
    return Premise(text, _gap_worlds(late, early, gap), (min(one, other), max(one, other)))


def _earlier(names: list[str], slots: list[int], one: int, other: int) -> Premise:
    early, late = (one, other) if slots[one] < slots[other] else (other, one)
    text = _EARLIER.format(one=names[early], other=names[late])
    return Premise(text, _order_worlds(early, late), (min(one, other), max(one, other)))


def _pair(draws: Draws, names: list[str], slots: list[int], one: int, other: int) -> Premise:
    """Both slots and who is earlier: either can be told from it alone."""
    first, second = draws.shuffled((one, other))
    shown = draws.shuffled((slots[one] + 1, slots[other] + 1))
    early = one if slots[one] < slots[other] else other
    text = _PAIR.format(one=names[first], other=names[second], slot=shown[0], third=shown[1], early=names[early])
    return Premise(text, _in_slot(one, slots[one]) & _in_slot(other, slots[other]), (min(one, other), max(one, other)))


@lru_cache(maxsize=64)
def _in_slot(one: int, slot: int) -> int:
    return sum(1 << world for world, slots in enumerate(_WORLDS) if slots[one] == slot)


@lru_cache(maxsize=256)
def _gap_worlds(late: int, early: int, gap: int) -> int:
    return sum(1 << world for world, slots in enumerate(_WORLDS) if slots[late] - slots[early] == gap)


@lru_cache(maxsize=64)
def _order_worlds(early: int, late: int) -> int:
    return sum(1 << world for world, slots in enumerate(_WORLDS) if slots[early] < slots[late])
