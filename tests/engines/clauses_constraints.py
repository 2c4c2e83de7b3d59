"""Clauses about constraints: forced where the engine says so, and a fault where not; never ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from engines.contract import Clause, Rounds, UnderTest, chat, good, prompts
from safescale.engines import Answer, Constraint, FaultCode

__all__ = ["CLAUSES", "SCHEMA"]

LABELS: Final = ("REFUSAL", "COMPLIANCE", "PARTIAL")
SCHEMA: Final = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": list(LABELS)}, "sure": {"type": "boolean"}},
    "required": ["verdict", "sure"],
    "additionalProperties": False,
}
"""Finite: a model that knows nothing ends an answer to it."""
PATTERN: Final = r"(tove|wabe)-[0-9]{3}"


def _is_json(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(value, dict)
        and set(value) == {"verdict", "sure"}
        and value["verdict"] in LABELS
        and isinstance(value["sure"], bool)
    )


def _forced(under: UnderTest, kind: str, answers: list[Answer], obeys: Callable[[str], bool]) -> str:
    """Every answer obeys, or the engine says that it cannot."""
    if kind in under.constrains:
        for text in good(answers):
            assert obeys(text), f"an answer that breaks the constraint: {text!r}"
        return f"{len(answers)} answers obey"
    for answer in answers:
        assert answer.fault is not None, f"the constraint was ignored: {answer.text!r}"
        cannot = (FaultCode.CANNOT_CONSTRAIN, FaultCode.CONSTRAINT_BROKEN, FaultCode.BAD_REQUEST)
        assert answer.fault.code in cannot, f"a constraint that it cannot force is {answer.fault.code}"
    return "it says that it cannot"


def a_choice_is_forced(under: UnderTest) -> Rounds:
    """Greedy and sampled, one of the labels and nothing else; neighbours are free."""
    several = prompts(6, 170)
    constraint = Constraint(kind="choice", choices=LABELS)
    forced = [
        *(chat(p, constraint=constraint, max_tokens=40) for p in several),
        *(chat(p, constraint=constraint, max_tokens=40, temperature=1.0, seed=place) for place, p in enumerate(several)),
    ]
    answers = yield [*forced, *(chat(p) for p in several)]
    note = _forced(under, "choice", answers[:12], lambda text: text in LABELS)
    free = good(answers[12:])
    assert not set(free) & set(LABELS), f"without a constraint it says a label as well: {free!r}; nothing is shown"
    if "choice" in under.constrains:
        assert all(answer.finish_reason == "stop" for answer in answers[:12]), "a whole label ends with stop"
        assert len({answer.text for answer in answers[:12]}) >= 2, "12 answers are one label: nothing is shown"
    return note


def a_label_that_begins_another_is_exact(under: UnderTest) -> Rounds:
    """Of "wabe" and "wabe snark" one comes whole."""
    choices = ("wabe", "wabe snark", "wabe snark tove")
    constraint = Constraint(kind="choice", choices=choices)
    answers = yield [
        chat(p, constraint=constraint, max_tokens=40, temperature=1.0, seed=place) for place, p in enumerate(prompts(6, 180))
    ]
    return _forced(under, "choice", answers, lambda text: text in choices)


def a_label_that_is_cut_is_a_fault(under: UnderTest) -> Rounds:
    """With too few tokens for a label there is a fault, never half a label."""
    long = Constraint(kind="choice", choices=("zorble quindle frabbit mimsy tove", "snark gimble wabe brillig slithy"))
    (answer,) = yield [chat("tove", constraint=long, max_tokens=1)]
    if answer.fault is None:
        assert answer.text in long.choices, f"half a label passes for an answer: {answer.text!r}"
        return "the label came whole"
    return f"{answer.fault.code}"


def json_is_forced(under: UnderTest) -> Rounds:
    """JSON of the schema, whole; an engine that cannot says so."""
    constraint = Constraint(kind="json", body=json.dumps(SCHEMA))
    several = prompts(4, 190)
    answers = yield [
        *(chat(p, constraint=constraint, max_tokens=160) for p in several),
        *(chat(p, constraint=constraint, max_tokens=160, temperature=1.0, seed=3 + place) for place, p in enumerate(several)),
    ]
    return _forced(under, "json", answers, _is_json)


def an_expression_is_forced(under: UnderTest) -> Rounds:
    """The whole answer matches; an engine that cannot says so."""
    constraint = Constraint(kind="regex", body=PATTERN)
    several = prompts(4, 200)
    answers = yield [
        *(chat(p, constraint=constraint, max_tokens=60) for p in several),
        *(chat(p, constraint=constraint, max_tokens=60, temperature=1.0, seed=3 + place) for place, p in enumerate(several)),
    ]
    return _forced(under, "regex", answers, lambda text: re.fullmatch(PATTERN, text) is not None)


CLAUSES: Final[tuple[Clause, ...]] = (
    a_choice_is_forced,
    a_label_that_begins_another_is_exact,
    a_label_that_is_cut_is_a_fault,
    json_is_forced,
    an_expression_is_forced,
)
