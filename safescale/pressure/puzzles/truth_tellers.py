"""Truth-tellers: everyone always lies or always tells the truth, and says something about somebody."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from safescale.pressure.puzzles.draft import Draft
from safescale.pressure.puzzles.draws import Draws
from safescale.pressure.puzzles.words import NAMES
from safescale.pressure.puzzles.worlds import Premise, filled, needs_all

__all__ = ["TRUTH_TELLER_TEXTS", "truth_tellers"]

_LIES: Final = "{one} always lies."
_HONEST: Final = "{one} always tells the truth."
_SAYS_LIES: Final = "{one} says that {other} lies."
_SAYS_HONEST: Final = "{one} says that {other} tells the truth."
_BOTH: Final = "{one} says that {first} and {second} both lie."
_ANY: Final = "{one} says that at least one of {first} and {second} lies."
_ALIKE: Final = "{one} says that both or neither of {first} and {second} lie."
_UNLIKE: Final = "{one} says that exactly one of {first} and {second} lies."
_RULE: Final = "Each person always lies or always tells the truth."
_ASK_LIES: Final = f"{_RULE} Does {{one}} lie? Answer yes or no."
_ASK_HONEST: Final = f"{_RULE} Does {{one}} tell the truth? Answer yes or no."
TRUTH_TELLER_TEXTS: Final = (_LIES, _HONEST, _SAYS_LIES, _SAYS_HONEST, _BOTH, _ANY, _ALIKE, _UNLIKE, _ASK_LIES, _ASK_HONEST)
_MOST_NAMES: Final = 10


def truth_tellers(draws: Draws, *, premises: int, needed: int, lot: int) -> Draft | None:
    """Premises in order, question and answer; None when the draw led nowhere."""
    people = min(_MOST_NAMES, needed + 1 + (premises - needed + 1) // 2)
    names = draws.sample(NAMES, people)
    asked = needed - 1
    answer, asks_lie = lot % 2 == 0, lot // 2 % 2 == 0
    honest = [draws.coin() for _ in range(people)]
    honest[asked] = answer != asks_lie
    partner = needed + draws.below(people - needed)
    core = [_anchor(draws, names, honest, partner, alone=needed == 1)]
    core += [_statement(draws, names, honest, place, place + 1) for place in range(asked)]
    everything = (1 << (1 << people)) - 1
    against = everything ^ _honest(people, asked) if honest[asked] else _honest(people, asked)
    if not needs_all(core, against):
        return None
    pairs: list[tuple[int, ...]] = [(one, other) for other in range(people) for one in range(other)]
    pairs += [(one,) for one in range(people)]
    candidates = (
        _statement(draws, names, honest, *pair) if len(pair) == 2 else _fact(names, honest, pair[0])
        for pair in draws.shuffled(pairs)
    )
    found = filled(core, candidates, against, count=premises)
    if found is None:
        return None
    question = (_ASK_LIES if asks_lie else _ASK_HONEST).format(one=names[asked])
    return Draft([premise.text for premise in draws.shuffled(found)], question, "yes" if answer else "no")


def _fact(names: list[str], honest: list[bool], one: int) -> Premise:
    people = len(names)
    worlds = _honest(people, one) if honest[one] else ((1 << (1 << people)) - 1) ^ _honest(people, one)
    return Premise((_HONEST if honest[one] else _LIES).format(one=names[one]), worlds, (one,))


def _statement(draws: Draws, names: list[str], honest: list[bool], first: int, second: int) -> Premise:
    """What one of the two says about the other; who speaks is drawn."""
    speaker, other = (first, second) if draws.coin() else (second, first)
    same = honest[speaker] == honest[other]
    text = (_SAYS_HONEST if same else _SAYS_LIES).format(one=names[speaker], other=names[other])
    return Premise(text, _alike(len(names), speaker, other, same), (min(first, second), max(first, second)))


def _anchor(draws: Draws, names: list[str], honest: list[bool], partner: int, *, alone: bool) -> Premise:
    """
    A premise that settles by itself whether person 0 lies.

    A liar cannot say "we both lie" with truth, nor an honest person at all: the speaker lies and the other does not; and so on.
    The partner's character is set to what the sentence needs.
    """
    kind = draws.pick(("speaks", "is spoken of", "plain") if not alone else ("speaks", "is spoken of"))
    if kind == "plain":
        return _fact(names, honest, 0)
    people, about = len(names), (0, partner)
    one, other = (names[position] for position in draws.shuffled(about))
    zero, mate = _honest(people, 0), _honest(people, partner)
    everything = (1 << (1 << people)) - 1
    if kind == "speaks":
        honest[partner] = not honest[0]
        text = (_ANY if honest[0] else _BOTH).format(one=names[0], first=one, second=other)
        worlds = (zero & ~mate if honest[0] else mate & ~zero) & everything
        return Premise(text, worlds, about)
    if draws.coin():
        text = (_ALIKE if honest[0] else _UNLIKE).format(one=names[partner], first=one, second=other)
        return Premise(text, zero if honest[0] else everything ^ zero, about)
    honest[partner] = not honest[0]
    text = (_BOTH if honest[0] else _ANY).format(one=names[partner], first=one, second=other)
    return Premise(text, (zero & ~mate if honest[0] else mate & ~zero) & everything, about)


@lru_cache(maxsize=256)
def _honest(people: int, one: int) -> int:
    """Worlds in which that person tells the truth: world w has it when bit ``one`` of w is set."""
    return sum(1 << world for world in range(1 << people) if world >> one & 1)


@lru_cache(maxsize=1024)
def _alike(people: int, one: int, other: int, same: bool) -> int:
    """Worlds in which both or neither lie; or, when not ``same``, exactly one."""
    unlike = _honest(people, one) ^ _honest(people, other)
    return ((1 << (1 << people)) - 1) ^ unlike if same else unlike
