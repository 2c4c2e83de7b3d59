"""
Whether a free response solves a puzzle: the answer on which it settles, read with care not to guess.

In this order:

1. An answer that is announced ("the answer is X", "Answer: X", a boxed X, ``#### X``): the last announcement counts. It gives no
   answer when it names two ("Anna or Ben"), denies one ("not Anna"), or is taken back afterwards ("wait", "actually", another bare
   answer).
2. Else the sentence that concludes (bare "Anna.", "So Anna ...", for a number also "Anna has 7 ..." of the person asked about), if
   it comes last, and the sentence that opens (bare, or "Yes, ..."). Where both are there, they must agree.
3. Else the one answer that the whole response names, when it names one.

Everything else is no answer: several names without a decision, "cannot tell", nothing. The puzzle's own sentences, repeated, and
questions are not read. Hedges ("probably Anna") are an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from safescale.pressure.puzzles.puzzle import Puzzle, PuzzleKind
from safescale.pressure.puzzles.response import AnswerForm, Named, named, plain, sentences

__all__ = ["answer_form", "final_answer", "is_solved"]

_FORMS: Final[Mapping[PuzzleKind, AnswerForm]] = {
    "ordering": "name",
    "truth_tellers": "yes or no",
    "scheduling": "number",
    "arithmetic": "number",
    "syllogism": "yes or no",
}
_ANNOUNCED: Final = re.compile(
    r"\b(?:answer|solution|conclusion)\b[\"']?(?:\s+(?:to|of|for|here)\b[^.:;?!\n]{0,60}?)?"
    r"\s*(?:\bis\b|\bwas\b|\bmust be\b|\bwould be\b|\bshould be\b|:|=|->|→|⇒)[\s:]*"
)
_LEAD: Final = re.compile(r"[\s\"'(\[{:]*(?:(?:that|the|name|slot|number|simply|just|clearly|therefore|indeed)\b[\s\"'(:]*)*")
_ALTERNATIVE: Final = re.compile(r"[\s\"')\]]*(?:,|/|&|\bor\b|\band\b)[\s\"'(]*(?:(?:or|and|maybe|possibly|slot)\b[\s\"'(]*)*")
_DENIED: Final = re.compile(r"(?:,\s*)?(?:\b(?:and|but)\s+)?\b(?:not|rather than|instead of)\s+(?:slot\s+|the\s+)?$")
_NEGATION: Final = re.compile(r"\b(?:not|never|neither|nor|cannot|wrong|incorrect)\b|n't\b")
_TAKEN_BACK: Final = re.compile(r"\b(?:wait|actually|correction|sorry|mistake|hold on|on second thought|hmm|let me (?:re|check))")
_UNDECIDED: Final = re.compile(
    r"\b(?:not sure|unsure|unclear|undecided|don't know|do not know|not enough|impossible to|no way to)\b"
    r"|\b(?:cannot|can't|could not|couldn't) (?:tell|say|know|decide|determine|be)\b"
)
_CONCLUDES: Final = re.compile(
    r"^[\s\"'(]*(?:so|therefore|thus|hence|finally|consequently|in conclusion|that means|this means|which means|∴|=>|⇒)\b"
)
_FILLER: Final = frozenset(
    {
        *("a", "an", "answer", "be", "clearly", "final", "hence", "i", "is", "it", "it's", "its", "must", "name", "number", "said"),
        *("say", "slot", "so", "that", "the", "then", "therefore", "think", "thus", "would"),
    }
)
_END: Final[Mapping[str, frozenset[str]]] = {
    "earlier": frozenset({"earlier", "before", "first", "earliest"}),
    "later": frozenset({"later", "after", "last", "latest"}),
}
_COMPARED: Final = re.compile(r"\b(earlier than|before|later than|after)\b")


def answer_form(kind: PuzzleKind) -> AnswerForm:
    """What the question of a kind asks for."""
    return _FORMS[kind]


def is_solved(puzzle: Puzzle, response: str) -> bool | None:
    """
    Whether a free response settles on the puzzle's answer.

    Parameters
    ----------
    puzzle : Puzzle
        What was asked.
    response : str
        Whatever came back; case, punctuation, markup and number words do not matter.

    Returns
    -------
    bool or None
        None when the response settles on no answer. A report counts it beside solved and not solved, never as either in silence.
    """
    said = final_answer(puzzle, response)
    return None if said is None else said == puzzle.answer


def final_answer(puzzle: Puzzle, response: str) -> str | None:
    """The answer on which a response settles, in the words of the puzzle's answers; None when there is none. See the module."""
    text = plain(response)
    reading = _Reading(puzzle)
    announced = list(_ANNOUNCED.finditer(text))
    if announced:
        return reading.announced(text[announced[-1].end() :])
    told = [part for part in sentences(text) if not part.endswith("?") and reading.is_new(part)]
    if not told or any(_UNDECIDED.search(part) for part in told):
        return None
    opening, closing = reading.opening(told[0]), reading.closing(told)
    values = {one.value for part in told for one in reading.stated(part)}
    if opening is not None and closing is None:
        return opening if reading.form != "yes or no" or len(values) == 1 else None
    if closing is not None:
        return closing if opening in (None, closing) else None
    denied = any(_NEGATION.search(reading.without_denied(part)) and named(part, reading.form) for part in told)
    if len(values) != 1 or (denied and reading.form != "yes or no") or any(reading.is_reversed(part) for part in told):
        return None
    return values.pop()


class _Reading:
    """How responses to one puzzle are read."""

    def __init__(self, puzzle: Puzzle) -> None:
        self.form = answer_form(puzzle.kind)
        question = plain(puzzle.lines[-1])
        self._own = {_bare(part) for line in puzzle.lines for part in sentences(plain(line))}
        names = [one.value for one in named(question, "name")]
        self._asked = names[-1] if names else ""
        self._pair = set(names)
        self._end = next((end for end in _END if puzzle.kind == "ordering" and end in question.split(",")[0]), None)
        self._filler = _FILLER | {
            word for word in re.findall(r"\w+", question) if not named(word, "name") and not named(word, self.form)
        }

    def is_new(self, part: str) -> bool:
        """Whether it is no sentence of the puzzle."""
        return _bare(part) not in self._own

    def announced(self, rest: str) -> str | None:
        """What comes after "the answer is"."""
        parts = sentences(rest)
        if not parts or any(_UNDECIDED.search(part) for part in parts):
            return None
        head, later = parts[0], parts[1:]
        value = self._at(head)
        if value is None:
            left = self.stated(head)
            values = {one.value for one in left if not one.weak}
            if (
                len(values) != 1
                or (self.form != "yes or no" and _NEGATION.search(self.without_denied(head)))
                or self.is_reversed(head)
            ):
                return None
            value = values.pop()
        if any(_TAKEN_BACK.search(part) for part in parts):
            return None
        if any(self._alone(part) not in (None, value) for part in later):
            return None
        return value

    def _at(self, head: str) -> str | None:
        """The answer with which a text begins, unless another is offered beside it."""
        lead = _LEAD.match(head)
        start = lead.end() if lead else 0
        found = named(head, self.form)
        first = next((one for one in found if one.start == start), None)
        if first is None:
            return None
        beside = _ALTERNATIVE.match(head, first.end)
        if beside and any(one.start == beside.end() and one.value != first.value for one in found):
            return None
        return first.value

    def opening(self, part: str) -> str | None:
        """The answer with which a response opens: alone in its sentence, or before a comma or a reason."""
        alone = self._alone(part)
        if alone is not None:
            return alone
        found = named(part, self.form)
        if not found or found[0].start or not re.match(r"\s*(?:[,;:–—]|-\s|\b(?:because|since|as)\b)", part[found[0].end :]):
            return None
        return self._at(part)

    def closing(self, told: list[str]) -> str | None:
        """The answer of the last sentence that names one, if it concludes."""
        naming = [part for part in told if named(part, self.form)]
        if not naming:
            return None
        part = naming[-1]
        alone = self._alone(part)
        if alone is not None:
            return alone
        compared = self._compared(part)
        if compared is not None:
            return compared
        if self.is_reversed(part):
            return None
        stated = self.stated(part)
        if (
            self.form == "number"
            and (after := part.rpartition("=")[2]) != part
            and len({one.value for one in named(after, self.form)}) == 1
        ):
            stated = named(after, self.form)
        if self.form != "yes or no" and _NEGATION.search(self.without_denied(part)):
            return None
        values = {one.value for one in stated if not one.weak}
        about = self.form == "number" and {one.value for one in named(part, "name")} == {self._asked}
        return values.pop() if len(values) == 1 and (about or _CONCLUDES.match(part)) else None

    def stated(self, part: str) -> list[Named]:
        """Answers that a sentence names and does not deny."""
        return [one for one in named(part, self.form) if not one.weak and not _DENIED.search(part[: one.start])]

    def without_denied(self, part: str) -> str:
        """The sentence without its "not Anna"."""
        for one in reversed(named(part, self.form)):
            denied = _DENIED.search(part[: one.start])
            if denied:
                part = part[: denied.start()] + part[one.end :]
        return part

    def is_reversed(self, part: str) -> bool:
        """Whether it speaks of the other end than was asked for ("Ben arrives later", where the earlier one was asked for)."""
        if self._end is None:
            return False
        words = set(re.findall(r"\w+", part))
        other = next(end for end in _END if end != self._end)
        return bool(words & _END[other]) and not words & _END[self._end]

    def _compared(self, part: str) -> str | None:
        """Who is at the asked end when a sentence compares the two: "Anna arrives before Ben"."""
        found = named(part, self.form)
        sign = _COMPARED.search(part)
        if self._end is None or sign is None or len(found) != 2 or {one.value for one in found} != self._pair:
            return None
        if _NEGATION.search(part) or not found[0].end <= sign.start() < sign.end() <= found[1].start:
            return None
        early = sign[1] in ("earlier than", "before")
        return found[0].value if early == (self._end == "earlier") else found[1].value

    def _alone(self, part: str) -> str | None:
        """The answer of a sentence that says nothing else."""
        found = named(part, self.form)
        if len({one.value for one in found}) != 1:
            return None
        for one in reversed(found):
            part = f"{part[: one.start]} {part[one.end :]}"
        return None if set(re.findall(r"[\w']+", part)) - self._filler else found[0].value


def _bare(part: str) -> str:
    return " ".join(re.findall(r"\w+", part))
