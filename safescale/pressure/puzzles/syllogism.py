"""
Syllogism: what follows from sentences with all, no and some.

A world is what one person may be: a member of these groups and of no others. Sentences with "all" and "no" cut worlds away for
everybody, a sentence about Anna for Anna, and "some" for a person without a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

import attrs

from safescale.pressure.puzzles.draft import Draft
from safescale.pressure.puzzles.draws import Draws
from safescale.pressure.puzzles.words import NAMES
from safescale.pressure.puzzles.worlds import Premise, adds_shortcut, needs_all

__all__ = ["SYLLOGISM_TEXTS", "syllogism"]

_GROUPS: Final = (
    *("bakers", "singers", "dancers", "painters", "swimmers", "runners", "readers", "writers", "gardeners", "drummers"),
    *("cooks", "sailors", "teachers", "farmers", "weavers", "hikers"),
)
_ALL: Final = "all {one} are {other}"
_NO: Final = "no {one} are {other}"
_ALL_WHO_ARE_NOT: Final = "all who are not {one} are {other}"
_SOME: Final = "some {one} are {other}"
_SOME_NOT: Final = "some {one} are not {other}"
_IS: Final = "{one} is one of the {other}"
_IS_NOT: Final = "{one} is not one of the {other}"
_QUESTION: Final = "Is it true that {claim}? Answer yes or no."
SYLLOGISM_TEXTS: Final = (
    *_GROUPS,
    *(
        form
        for text in (_ALL, _NO, _ALL_WHO_ARE_NOT, _SOME, _SOME_NOT, _IS, _IS_NOT)
        for form in (text, text[0].upper() + text[1:])
    ),
    _QUESTION,
)
_MOST_GROUPS: Final = 6
_PEOPLE: Final = 3
_TRIES: Final = 400
_EVERYBODY: Final = "everybody"
_Conclusion = Literal["universal", "existential", "person"]


@attrs.frozen
class _Literal:
    """Being a member of a group, or not being one."""

    group: int
    member: bool = True

    @property
    def other(self) -> _Literal:
        return _Literal(self.group, not self.member)


@attrs.frozen
class _Scene:
    """Names of the groups and people, and who is what: a small village in which every premise is true."""

    groups: list[str]
    names: list[str]
    homes: list[int]
    village: int


def syllogism(draws: Draws, *, premises: int, needed: int, lot: int) -> Draft | None:
    """
    Premises in order, question and answer; None when the draw led nowhere.

    Where one premise is all there is, the question brings a fact about somebody, so that it is no look-up.
    """
    in_question = needed == 1
    if in_question:
        premises, needed = premises + 1, 2
    sort: _Conclusion = "person" if in_question else draws.pick(("universal", "existential", "person"))
    size = needed if sort == "person" else needed + 1
    count = min(_MOST_GROUPS, max(size, 2 + premises // 3))
    chain = [_Literal(group, draws.coin()) for group in range(size)]
    if sort == "existential":
        chain[0] = _Literal(0)
    if sort == "universal" and not chain[0].member and chain[-1].member:
        return None
    first, last = chain[0], chain[-1]
    links = chain[1:] if sort == "existential" else chain
    rules = list(pairwise(links))
    scene = _scene(draws, count, sort, chain, rules)
    if scene is None:
        return None
    core = [_universal(draws, scene, one, other) for one, other in rules]
    if sort == "person":
        core.append(_fact(scene, 0, first))
    elif sort == "existential":
        core.append(_witness(draws, scene, first, chain[1]))
    everything = (1 << (1 << count)) - 1
    wanted = {
        "universal": everything ^ (_cells(count, first) & _cells(count, last.other)),
        "existential": _cells(count, first) & _cells(count, last),
        "person": _cells(count, last),
    }[sort]
    against = everything ^ wanted
    if not needs_all(core, against):
        return None
    found = _filled(draws, scene, core, against, sort, count=premises, below=needed)
    if found is None:
        return None
    answer = lot % 2 == 0
    question = _QUESTION.format(claim=_claim(draws, scene, sort, first, last, answer))
    if in_question:
        fact = next(premise for premise in found if premise is core[-1])
        found.remove(fact)
        question = f"{fact.text} {question}"
    return Draft([premise.text for premise in draws.shuffled(found)], question, "yes" if answer else "no")


def _scene(
    draws: Draws, count: int, sort: _Conclusion, chain: list[_Literal], rules: list[tuple[_Literal, _Literal]]
) -> _Scene | None:
    """A village where the rules hold, each group has a member and leaves somebody out, and the chain's first case lives."""
    allowed = [cell for cell in range(1 << count) if all(not _has(cell, one) or _has(cell, other) for one, other in rules)]
    start = chain[:2] if sort == "existential" else chain[:1]
    begun = [cell for cell in allowed if all(_has(cell, literal) for literal in start)]
    if not begun:
        return None
    homes = [draws.pick(begun), *(draws.pick(allowed) for _ in range(4))]
    mixed = all(0 < sum(cell >> group & 1 for cell in homes) < len(homes) for group in range(count))
    if not mixed:
        return None
    village = 0
    for cell in homes:
        village |= 1 << cell
    return _Scene(draws.sample(_GROUPS, count), draws.sample(NAMES, _PEOPLE), homes[:_PEOPLE], village)


def _filled(
    draws: Draws, scene: _Scene, core: list[Premise], against: int, sort: _Conclusion, *, count: int, below: int
) -> list[Premise] | None:
    """
    The core and further premises; see :func:`safescale.pressure.puzzles.worlds.filled`.

    Only premises about the same person, named or not, are put together, with those about everybody.
    """
    kept: dict[str, list[Premise]] = {_EVERYBODY: []}
    for premise in core:
        kept.setdefault(_whom(premise), []).append(premise)
    said = {premise.about for premise in core}
    size = len(core)
    for candidate in _candidates(draws, scene):
        if size == count:
            break
        if candidate.about in said:
            continue
        whom, rules = _whom(candidate), kept[_EVERYBODY]
        if whom == _EVERYBODY:
            pools = (
                [rules] if sort == "universal" else [rules + own for group, own in kept.items() if group != _EVERYBODY or not own]
            )
        elif sort == "universal" or (sort == "person" and whom != scene.names[0]):
            pools = []
        else:
            pools = [rules + kept.get(whom, [])]
        if any(adds_shortcut(candidate, pool, against, below=below) for pool in pools):
            continue
        kept.setdefault(whom, []).append(candidate)
        said.add(candidate.about)
        size += 1
    return [premise for own in kept.values() for premise in own] if size == count else None


def _candidates(draws: Draws, scene: _Scene) -> Iterator[Premise]:
    count = len(scene.groups)
    for _ in range(_TRIES):
        sort = draws.below(8)
        one, other = draws.sample(range(count), 2)
        first, second = _Literal(one, draws.below(3) > 0), _Literal(other, draws.coin())
        if sort < 5:
            if (first.member or second.member) and not scene.village & _cells(count, first) & _cells(count, second.other):
                yield _universal(draws, scene, first, second)
        elif sort < 7:
            if scene.village & _cells(count, _Literal(one)) & _cells(count, second):
                yield _witness(draws, scene, _Literal(one), second)
        else:
            person = draws.below(len(scene.names))
            yield _fact(scene, person, _Literal(one, _has(scene.homes[person], _Literal(one))))


def _universal(draws: Draws, scene: _Scene, one: _Literal, other: _Literal) -> Premise:
    count = len(scene.groups)
    worlds = ((1 << (1 << count)) - 1) ^ (_cells(count, one) & _cells(count, other.other))
    text = _universal_text(draws, scene, one, other)
    return Premise(_sentence(text), worlds, (_EVERYBODY, frozenset((one, other.other))))


def _universal_text(draws: Draws, scene: _Scene, one: _Literal, other: _Literal) -> str:
    if not one.member and not other.member:
        one, other = other.other, one.other
    if one.member and other.member:
        return _ALL.format(one=scene.groups[one.group], other=scene.groups[other.group])
    left, right = draws.shuffled((scene.groups[one.group], scene.groups[other.group]))
    return (_NO if one.member else _ALL_WHO_ARE_NOT).format(one=left, other=right)


def _witness(draws: Draws, scene: _Scene, one: _Literal, other: _Literal) -> Premise:
    """Some are (not) the other; each such sentence is about a person of its own."""
    count, both = len(scene.groups), frozenset((one, other))
    return Premise(_sentence(_witness_text(draws, scene, one, other)), _cells(count, one) & _cells(count, other), ("some", both))


def _witness_text(draws: Draws, scene: _Scene, one: _Literal, other: _Literal) -> str:
    if other.member:
        left, right = draws.shuffled((scene.groups[one.group], scene.groups[other.group]))
        return _SOME.format(one=left, other=right)
    return _SOME_NOT.format(one=scene.groups[one.group], other=scene.groups[other.group])


def _fact(scene: _Scene, person: int, literal: _Literal) -> Premise:
    text = _fact_text(scene, person, literal)
    return Premise(_sentence(text), _cells(len(scene.groups), literal), (scene.names[person], literal.group))


def _fact_text(scene: _Scene, person: int, literal: _Literal) -> str:
    return (_IS if literal.member else _IS_NOT).format(one=scene.names[person], other=scene.groups[literal.group])


def _claim(draws: Draws, scene: _Scene, sort: _Conclusion, first: _Literal, last: _Literal, answer: bool) -> str:
    """What follows, or its opposite."""
    if sort == "person":
        return _fact_text(scene, 0, last if answer else last.other)
    if sort == "universal":
        if answer:
            return _universal_text(draws, scene, first, last)
        return _witness_text(draws, scene, *((first, last.other) if first.member else (last.other, first)))
    return _witness_text(draws, scene, first, last) if answer else _universal_text(draws, scene, first, last.other)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _whom(premise: Premise) -> str:
    about = premise.about
    assert isinstance(about, tuple)
    return premise.text if about[0] == "some" else str(about[0])


def _has(cell: int, literal: _Literal) -> bool:
    return bool(cell >> literal.group & 1) == literal.member


@lru_cache(maxsize=128)
def _cells(count: int, literal: _Literal) -> int:
    """Worlds of one person in which the literal holds."""
    return sum(1 << cell for cell in range(1 << count) if _has(cell, literal))
