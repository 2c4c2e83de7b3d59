"""Arithmetic: how many somebody has, along a chain of comparisons."""

from __future__ import annotations

from typing import Final

from safescale.pressure.puzzles.draft import Draft
from safescale.pressure.puzzles.draws import Draws
from safescale.pressure.puzzles.words import NAMES

__all__ = ["ARITHMETIC_TEXTS", "COUNTS", "arithmetic"]

COUNTS: Final = range(2, 14)
"""Answers, each as likely as the others."""

_THINGS: Final = ("apples", "pears", "books", "cups", "pens", "coins")
_HAS: Final = "{one} has {count} {things}."
_COLOURS: Final = "{one} has {count} red and {rest} green {things}."
_MORE: Final = "{one} has {count} more {things} than {other}."
_FEWER: Final = "{one} has {count} fewer {things} than {other}."
_TWICE: Final = "{one} has twice as many {things} as {other}."
_TOGETHER: Final = "{one} and {other} have {count} {things} together."
_QUESTION: Final = "How many {things} does {one} have in all? Answer with one number."
ARITHMETIC_TEXTS: Final = (*_THINGS, _HAS, _COLOURS, _MORE, _FEWER, _TWICE, _TOGETHER, _QUESTION)
_LEAST, _MOST, _LONGEST_STEP = 2, 20, 7
_Owner = tuple[str, str]


def arithmetic(draws: Draws, *, premises: int, needed: int, lot: int) -> Draft | None:
    """
    Premises in order, question and answer.

    Every premise brings one new count, told outright or from one earlier count: a forest, so each count has one derivation and the
    asked one is ``needed`` premises long, whatever else is said.
    """
    names = draws.sample(NAMES, min(len(NAMES), max(needed + 1, 2 + premises // 2)))
    things = draws.sample(_THINGS, 3)
    counts: dict[_Owner, int] = {}
    texts: list[str] = []
    value = COUNTS[lot % len(COUNTS)]
    chain = [value]
    for _ in range(needed - 1):
        chain.append(_near(draws, chain[-1]))
    for place, count in enumerate(reversed(chain)):
        owner = (names[place], things[0])
        if place:
            texts.append(_link(draws, owner, count, counts, like=names[place - 1]))
        else:
            texts.append(_told(draws, owner, count, in_parts=needed == 1))
        counts[owner] = count
    asked = names[needed - 1]
    free = draws.shuffled([(name, thing) for name in names for thing in things if (name, thing) not in counts])
    for owner in free[: premises - needed]:
        known = [name for name, thing in counts if thing == owner[1]]
        other = draws.pick(known) if known and draws.below(3) else None
        count = _near(draws, counts[other, owner[1]]) if other else _LEAST + draws.below(_MOST - _LEAST + 1)
        texts.append(_link(draws, owner, count, counts, like=other) if other else _told(draws, owner, count, in_parts=draws.coin()))
        counts[owner] = count
    if len(texts) < premises:
        return None
    return Draft(draws.shuffled(texts), _QUESTION.format(things=things[0], one=asked), str(value))


def _near(draws: Draws, count: int) -> int:
    """Another count that can be told from this one."""
    steps = [other for other in range(_LEAST, _MOST + 1) if 2 <= abs(other - count) <= _LONGEST_STEP or other == 2 * count]
    return draws.pick(steps)


def _told(draws: Draws, owner: _Owner, count: int, *, in_parts: bool) -> str:
    """The count outright; or in two parts, so that a puzzle of one premise is no look-up."""
    if in_parts and count >= 2:
        part = 1 + draws.below(count - 1)
        return _COLOURS.format(one=owner[0], count=part, rest=count - part, things=owner[1])
    return _HAS.format(one=owner[0], count=count, things=owner[1])


def _link(draws: Draws, owner: _Owner, count: int, counts: dict[_Owner, int], *, like: str) -> str:
    """The count by that of somebody else."""
    name, things = owner
    other = counts[like, things]
    if count == 2 * other and draws.coin():
        return _TWICE.format(one=name, other=like, things=things)
    if other == 2 * count and draws.coin():
        return _TWICE.format(one=like, other=name, things=things)
    if draws.below(3) == 0 or abs(count - other) < 2:
        first, second = draws.shuffled((name, like))
        return _TOGETHER.format(one=first, other=second, count=count + other, things=things)
    high, low = (name, like) if count > other else (like, name)
    if draws.coin():
        return _MORE.format(one=high, other=low, count=abs(count - other), things=things)
    return _FEWER.format(one=low, other=high, count=abs(count - other), things=things)
