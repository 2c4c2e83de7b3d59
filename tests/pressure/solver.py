"""
A second solver: it reads the sentences of a puzzle and tries all worlds.

It shares nothing with the generator: no code, no word list, no representation. ``answers`` gives every answer that holds in some
world in which the premises hold; a puzzle is sound when that is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import combinations, permutations, product

import numpy as np

Cell = frozenset[str]


def answers(lines: Sequence[str], *, names_of: Sequence[str] | None = None) -> set[str]:
    """Answers that some world allows; none when the premises contradict each other."""
    *premises, question = lines
    everything = " ".join(names_of or lines)
    for pattern, solve in _SOLVERS.items():
        found = re.search(pattern, question)
        if found:
            return solve(premises, question, found, everything)
    raise AssertionError(f"no solver for {question!r}")


def fewer_suffice(lines: Sequence[str], needed: int) -> bool:
    """Whether some of the premises, fewer than ``needed``, leave one answer."""
    *premises, question = lines
    return any(len(answers([*chosen, question], names_of=lines)) == 1 for chosen in combinations(premises, needed - 1))


@cache
def _orders(people: int) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    return np.array(list(permutations(range(people))), dtype=np.int8)


def _ordering(premises: Sequence[str], question: str, found: re.Match[str], everything: str) -> set[str]:
    names = sorted(set(re.findall(r"[A-Z][a-z]+(?= \w+ (?:before|after)|\.|,| or |\?)", everything)) - {"Who", "Answer"})
    place = _orders(len(names))
    holds = np.ones(len(place), dtype=bool)
    for premise in premises:
        told = re.fullmatch(r"(\w+) (\w+) (before|after) (\w+)\.", premise)
        assert told, premise
        assert told[2] == found[1], "one verb in a puzzle"
        early, late = (told[1], told[4]) if told[3] == "before" else (told[4], told[1])
        holds &= place[:, names.index(early)] < place[:, names.index(late)]
    one, other = place[holds, names.index(found[3])], place[holds, names.index(found[4])]
    first = one < other if found[2] == "earlier" else one > other
    return {found[3] for _ in [0] if first.any()} | {found[4] for _ in [0] if (~first).any()}


def _truth_tellers(premises: Sequence[str], question: str, found: re.Match[str], everything: str) -> set[str]:
    said = [_statement(premise) for premise in premises]
    names = sorted({name for _, who in said for name in who} | {found[1]})
    worlds = (dict(zip(names, world, strict=True)) for world in product((True, False), repeat=len(names)))
    honest = {world[found[1]] for world in worlds if all(holds(world) for holds, _ in said)}
    return {"yes" if one == (found[2] == "tell the truth") else "no" for one in honest}


def _statement(premise: str) -> tuple[Callable[[dict[str, bool]], bool], set[str]]:
    if told := re.fullmatch(r"(\w+) always (lies|tells the truth)\.", premise):
        who, true = told[1], told[2] == "tells the truth"
        return lambda world: world[who] == true, {who}
    told = re.fullmatch(r"(\w+) says that (.+)\.", premise)
    assert told, premise
    speaker = told[1]
    forms: dict[str, Callable[[list[bool]], bool]] = {
        r"(\w+) lies": lambda honest: not honest[0],
        r"(\w+) tells the truth": lambda honest: honest[0],
        r"(\w+) and (\w+) both lie": lambda honest: not honest[0] and not honest[1],
        r"at least one of (\w+) and (\w+) lies": lambda honest: not all(honest),
        r"exactly one of (\w+) and (\w+) lies": lambda honest: honest[0] != honest[1],
        r"both or neither of (\w+) and (\w+) lie": lambda honest: honest[0] == honest[1],
    }
    for form, true in forms.items():
        if about := re.fullmatch(form, told[2]):
            return _says(speaker, about.groups(), true), {speaker, *about.groups()}
    raise AssertionError(premise)


def _says(speaker: str, whom: Sequence[str], true: Callable[[list[bool]], bool]) -> Callable[[dict[str, bool]], bool]:
    return lambda world: world[speaker] == true([world[one] for one in whom])


def _scheduling(premises: Sequence[str], question: str, found: re.Match[str], everything: str) -> set[str]:
    rules: list[tuple[tuple[str, ...], Callable[..., bool]]] = []
    for premise in premises:
        if told := re.fullmatch(r"(\w+) has slot (\d)\.", premise):
            rules.append(((told[1],), lambda one, s=int(told[2]): one == s))
        elif told := re.fullmatch(r"(\w+) does not have slot (\d)\.", premise):
            rules.append(((told[1],), lambda one, s=int(told[2]): one != s))
        elif told := re.fullmatch(r"(\w+) has slot (\d) or slot (\d)\.", premise):
            rules.append(((told[1],), lambda one, s=int(told[2]), t=int(told[3]): one in (s, t)))
        elif told := re.fullmatch(r"(\w+) is (\d) slots? (after|before) (\w+)\.", premise):
            gap = int(told[2]) * (1 if told[3] == "after" else -1)
            rules.append(((told[1], told[4]), lambda one, other, gap=gap: one - other == gap))
        elif told := re.fullmatch(r"(\w+) has an earlier slot than (\w+)\.", premise):
            rules.append(((told[1], told[2]), lambda one, other: one < other))
        else:
            told = re.fullmatch(r"(\w+) and (\w+) have slots (\d) and (\d), and (\w+) has the earlier one\.", premise)
            assert told, premise
            assert told[5] in told.groups()[:2], premise
            early, late = (told[1], told[2]) if told[5] == told[1] else (told[2], told[1])
            low, high = sorted((int(told[3]), int(told[4])))
            rules.append(((early, late), lambda one, other, low=low, high=high: (one, other) == (low, high)))
    names = sorted({name for who, _ in rules for name in who} | {found[1]})
    worlds = (dict(zip(names, slots, strict=True)) for slots in permutations(range(1, 7), len(names)))
    return {str(world[found[1]]) for world in worlds if all(rule(*(world[name] for name in who)) for who, rule in rules)}


def _arithmetic(premises: Sequence[str], question: str, found: re.Match[str], everything: str) -> set[str]:
    """Counts are whole numbers from 0 to 60. A count that is tried settles those that are compared with it, directly or not."""
    asked = (found[2], found[1])
    told_counts: dict[tuple[str, str], set[int]] = {}
    links: list[tuple[tuple[str, str], tuple[str, str], Callable[[int, int], bool]]] = []
    for premise in premises:
        if told := re.fullmatch(r"(\w+) has (\d+) (\w+)\.", premise):
            told_counts.setdefault((told[1], told[3]), set()).add(int(told[2]))
        elif told := re.fullmatch(r"(\w+) has (\d+) red and (\d+) green (\w+)\.", premise):
            told_counts.setdefault((told[1], told[4]), set()).add(int(told[2]) + int(told[3]))
        elif told := re.fullmatch(r"(\w+) has (\d+) (more|fewer) (\w+) than (\w+)\.", premise):
            gap = int(told[2]) * (1 if told[3] == "more" else -1)
            links.append(((told[1], told[4]), (told[5], told[4]), lambda one, other, gap=gap: one - other == gap))
        elif told := re.fullmatch(r"(\w+) has twice as many (\w+) as (\w+)\.", premise):
            links.append(((told[1], told[2]), (told[3], told[2]), lambda one, other: one == 2 * other))
        else:
            told = re.fullmatch(r"(\w+) and (\w+) have (\d+) (\w+) together\.", premise)
            assert told, premise
            links.append(((told[1], told[4]), (told[2], told[4]), lambda one, other, both=int(told[3]): one + other == both))
    return {str(count) for count in range(61) if _allows(asked, count, told_counts, links)}


def _allows(
    owner: tuple[str, str],
    count: int,
    told: dict[tuple[str, str], set[int]],
    links: list[tuple[tuple[str, str], tuple[str, str], Callable[[int, int], bool]]],
) -> bool:
    """Whether all that is linked with an owner can be given counts when the owner has this one."""
    settled, waiting = {owner: count}, [owner]
    while waiting:
        known = waiting.pop()
        for one, other, rule in links:
            if known not in (one, other):
                continue
            there = other if known == one else one
            fits = [c for c in range(61) if (rule(settled[known], c) if known == one else rule(c, settled[known]))]
            assert len(fits) <= 1
            if not fits or settled.get(there, fits[0]) != fits[0]:
                return False
            if there not in settled:
                settled[there] = fits[0]
                waiting.append(there)
    return all(told.get(one, {has}) == {has} for one, has in settled.items())


def _syllogism(premises: Sequence[str], question: str, found: re.Match[str], everything: str) -> set[str]:
    before = question[: found.start()].strip()
    told = [*premises, *([before] if before else [])]
    village = Village(told, found[1])
    return village.answers()


class Village:
    """
    Rules for everybody, people with and without names, and a claim.

    What is claimed of somebody depends on one person; what is claimed of all or some depends on the persons that must be there and
    on whoever else may be there. So each person is tried in each of its states, the others being free.
    """

    def __init__(self, premises: Iterable[str], claim: str) -> None:
        self.claim = _sentence(claim)
        told = [_sentence(premise.rstrip(".")) for premise in premises]
        groups = sorted(
            {group for sort, one, other, _ in [*told, self.claim] for group in (one, other) if group and group[0].islower()}
        )
        self.states = [frozenset(chosen) for size in range(len(groups) + 1) for chosen in combinations(groups, size)]
        self.allowed = [
            state for state in self.states if all(_obeys(state, rule) for rule in told if rule[0] not in ("is", "some"))
        ]
        self.people: dict[str, list[Cell]] = {}
        self.unnamed: list[list[Cell]] = []
        for sort, one, other, member in told:
            if sort == "is":
                states = self.people.get(one, self.allowed)
                self.people[one] = [state for state in states if (other in state) == member]
            elif sort == "some":
                self.unnamed.append([state for state in self.allowed if one in state and (other in state) == member])

    def answers(self) -> set[str]:
        """What may be said of the claim."""
        sort, one, _, _ = self.claim
        living = [*self.people.values(), *self.unnamed]
        if not self.allowed or not all(living):
            return set()
        if sort == "is":
            return {"yes" if self._is(state) else "no" for state in self.people.get(one, self.allowed)}
        if sort == "some":
            shown = [[state for state in states if not self._is(state)] for states in (living or [self.allowed])]
            return {"yes" for _ in [0] if any(map(self._is, self.allowed))} | {"no" for _ in [0] if all(shown)}
        kept = [[state for state in states if _obeys(state, self.claim)] for states in (living or [self.allowed])]
        broken = not all(_obeys(state, self.claim) for state in self.allowed)
        return {"yes" for _ in [0] if all(kept)} | {"no" for _ in [0] if broken}

    def _is(self, state: Cell) -> bool:
        sort, one, other, member = self.claim
        return (sort == "is" or one in state) and (other in state) == member


def _sentence(text: str) -> tuple[str, str, str, bool]:
    text = text[0].lower() + text[1:] if text.split()[0] in ("All", "No", "Some") else text
    if told := re.fullmatch(r"(\w+) is (not )?one of the (\w+)", text):
        return "is", told[1], told[3], not told[2]
    if told := re.fullmatch(r"some (\w+) are (not )?(\w+)", text):
        return "some", told[1], told[3], not told[2]
    if told := re.fullmatch(r"all who are not (\w+) are (\w+)", text):
        return "either", told[1], told[2], True
    told = re.fullmatch(r"(all|no) (\w+) are (\w+)", text)
    assert told, text
    return told[1], told[2], told[3], told[1] == "all"


def _obeys(state: Cell, rule: tuple[str, str, str, bool]) -> bool:
    sort, one, other, member = rule
    if sort == "either":
        return one in state or other in state
    return one not in state or (other in state) == member


_SOLVERS: dict[str, Callable[[Sequence[str], str, re.Match[str], str], set[str]]] = {
    r"^Who (\w+) (earlier|later), (\w+) or (\w+)\? Answer with one name\.$": _ordering,
    r"^Each person always lies or always tells the truth\. Does (\w+) (lie|tell the truth)\? Answer yes or no\.$": _truth_tellers,
    r"^The slots are 1 to 6, and no two people share a slot\. Which slot does (\w+) have\? Answer with one number\.$": _scheduling,
    r"^How many (\w+) does (\w+) have in all\? Answer with one number\.$": _arithmetic,
    r"Is it true that (.+)\? Answer yes or no\.$": _syllogism,
}
