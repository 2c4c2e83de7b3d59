"""
Premises as sets of worlds: what follows from which of them, and from how few.

A set of worlds is a whole number with one bit per world. ``against`` is the set of worlds in which the answer is another one;
premises prove the answer when no world of ``against`` is in all of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations

import attrs

__all__ = ["Premise", "adds_shortcut", "filled", "needs_all"]


@attrs.frozen
class Premise:
    """A sentence, the set of worlds in which it is true, and what it is about (one premise for each)."""

    text: str
    worlds: int
    about: Hashable


def needs_all(premises: Sequence[Premise], against: int) -> bool:
    """Whether the premises prove the answer, and no fewer of them do."""
    together = against
    for premise in premises:
        together &= premise.worlds
    if together or not against:
        return False
    for left_out in range(len(premises)):
        rest = against
        for place, premise in enumerate(premises):
            if place != left_out:
                rest &= premise.worlds
        if not rest:
            return False
    return True


def adds_shortcut(premise: Premise, others: Sequence[Premise], against: int, *, below: int) -> bool:
    """Whether the premise with some of the others, fewer than ``below`` in all, proves the answer."""
    alone = against & premise.worlds
    if below <= 1:
        return False
    if below == 2 or not alone:
        return not alone
    within = [alone & other.worlds for other in others]
    size = min(below - 2, len(within))
    if size <= 1:
        return not all(within) if within else False
    for chosen in combinations(within, size):
        rest = chosen[0]
        for one in chosen[1:]:
            rest &= one
        if not rest:
            return True
    return False


def filled(core: Sequence[Premise], candidates: Iterable[Premise], against: int, *, count: int) -> list[Premise] | None:
    """
    The core and further premises, ``count`` in all, such that no fewer premises than the core has prove the answer.

    Nothing is said twice: each premise is about something else. None when the candidates do not suffice.
    """
    kept = list(core)
    said = {premise.about for premise in core}
    if len(kept) == count:
        return kept
    for candidate in candidates:
        if candidate.about in said or adds_shortcut(candidate, kept, against, below=len(core)):
            continue
        kept.append(candidate)
        said.add(candidate.about)
        if len(kept) == count:
            return kept
    return None
