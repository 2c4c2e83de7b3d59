"""One step of a judge over a batch: ask, read strictly, ask once more where the answer cannot be used, then say ERROR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import attrs

from safescale.engines import Answer, FaultCode, Message, Request
from safescale.grade.grader import Judgement
from safescale.grade.judge.asking import Asker
from safescale.grade.judge.fencing import neutralised, storable
from safescale.grade.judge.reasoning import split_reasoning
from safescale.grade.judge.rubric import Turn, filled
from safescale.grade.judge.sight import Shown
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["Case", "Unusable", "chat", "failed", "run_step", "said", "worded"]

T = TypeVar("T")
_SHOWN_AGAIN: Final = 2000
_REASON_CHARS: Final = 2000
_NO_ANSWER: Final = "the judge gave no answer"


@attrs.frozen(kw_only=True)
class Unusable:
    """Why an answer of the judge cannot be used; ``raw`` is what it wrote."""

    problem: str
    raw: str
    code: str = "UNUSABLE"
    ask_again: bool = True
    what: str = "the judge's answer cannot be used"


@attrs.define(kw_only=True, eq=False)
class Case:
    """One item on its way through the steps; ``done`` ends it."""

    place: int
    shown: Shown
    notes: list[str]
    asked_again: bool = False
    done: Judgement | None = None


def chat(turn: Turn, values: dict[str, str], *, system_role: bool) -> tuple[Message, ...]:
    """The messages of a turn; without a system role its text goes before the user's."""
    system, user = filled(turn.system, values), filled(turn.user, values)
    if system_role:
        return Message(role="system", content=system), Message(role="user", content=user)
    return (Message(role="user", content=f"{system}\n\n{user}"),)


def said(answer: Answer, *, forced: bool) -> str | Unusable:
    """The text of an answer that a judge can be held to: without its reasoning, and not cut."""
    text = answer.text or ""
    if answer.fault is not None and answer.fault.code is not FaultCode.CONSTRAINT_BROKEN:
        return Unusable(problem=answer.fault.message, raw=text, code=str(answer.fault.code), ask_again=False, what=_NO_ANSWER)
    parts = split_reasoning(text)
    thought = bool(parts.reasoning or answer.reasoning)
    if not parts.answer.strip():
        what = "it holds nothing but reasoning" if thought else "it is empty"
        return Unusable(problem=f"{what} ({_cut_or(answer, 'the judge stopped by itself')})", raw=text, code="EMPTY")
    if answer.finish_reason == "length" and not forced:
        return Unusable(problem="it was cut at max_tokens", raw=text, code="TRUNCATED")
    return parts.answer.strip()


def _cut_or(answer: Answer, otherwise: str) -> str:
    return "it was cut: raise max_tokens" if answer.finish_reason == "length" else otherwise


def run_step(
    asker: Asker,
    cases: Sequence[Case],
    request: Callable[[Case], Request | Unusable],
    read: Callable[[Case, Answer], T | Unusable],
    *,
    repair: Callable[[Unusable], str] | None,
) -> dict[int, T]:
    """
    What the judge answered, by place; a case whose answer cannot be used is done with ERROR.

    An item is asked again once over all its steps, with what was wrong said; the second answer counts or fails.
    """
    live: list[tuple[Case, Request]] = []
    for case in cases:
        if case.done is None:
            made = request(case)
            if isinstance(made, Unusable):
                case.done = failed(made, case)
            else:
                live.append((case, made))
    read_now: dict[int, T] = {}
    if not live:
        return read_now
    again: list[tuple[Case, Request, Unusable]] = []
    for (case, asked), answer in zip(live, asker.ask([asked for _, asked in live]), strict=True):
        found = read(case, answer)
        if not isinstance(found, Unusable):
            read_now[case.place] = found
        elif repair is None or case.asked_again or not found.ask_again:
            case.done = failed(found, case)
        else:
            case.asked_again = True
            case.notes.append(f"asked again, because {found.problem}")
            again.append((case, _again(asked, found, repair(found)), found))
    if again:
        for (case, _, first), answer in zip(again, asker.ask([asked for _, asked, _ in again]), strict=True):
            found = read(case, answer)
            if isinstance(found, Unusable):
                if found.problem == first.problem:
                    case.notes[-1] = "asked again, to the same end"
                case.done = failed(found if found.raw else attrs.evolve(found, raw=first.raw), case)
            else:
                read_now[case.place] = found
    return read_now


def _again(asked: Request, found: Unusable, words: str) -> Request:
    before = neutralised(storable(found.raw))[:_SHOWN_AGAIN] or "(nothing)"
    if not before.strip():
        before = "(nothing)"
    more = (Message(role="assistant", content=before), Message(role="user", content=words))
    return attrs.evolve(asked, messages=(*asked.messages, *more))


def failed(found: Unusable, case: Case) -> Judgement:
    """ERROR, with what the judge wrote kept: no guess is made of it."""
    raw = f"ERROR:{found.code} {' '.join(found.raw.split())}".strip()
    return Judgement(
        verdict=Verdict.ERROR,
        raw_label=clip(storable(raw)),
        reason=worded([f"{found.what}: {found.problem}", *case.notes]),
    )


def worded(parts: Sequence[str]) -> str:
    """Parts of a reason as one text of bounded length."""
    text = storable("; ".join(parts))
    return text if len(text) <= _REASON_CHARS else text[: _REASON_CHARS - 1] + "…"
