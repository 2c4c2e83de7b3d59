"""Does an answer obey its constraint? Servers ignore constraints in silence, so every constrained answer is looked at here."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import NoReturn

import attrs

from safescale.engines.answers import Answer, Fault, FaultCode
from safescale.engines.json_schema import read_schema, schema_failure
from safescale.engines.requests import Constraint, Request
from safescale.errors import DomainError

__all__ = ["constraint_failure", "held", "uncheckable"]


def uncheckable(constraint: Constraint) -> str | None:
    """Why a constraint can be checked by nobody (no regular expression, no schema that is known), or None."""
    try:
        _compiled(constraint)
    except DomainError as error:
        return str(error)
    return None


def constraint_failure(text: str, constraint: Constraint) -> str | None:
    """
    How a text breaks its constraint, in words; None when it obeys.

    A choice is obeyed by one of its texts, character for character; a regular expression (Python's) by a text that it matches as a
    whole; a schema by JSON (no NaN, no Infinity, no name twice) that it accepts.
    """
    if constraint.kind == "choice":
        return None if text in constraint.choices else f"{text[:80]!r} is none of the choices {list(constraint.choices)!r}"
    compiled = _compiled(constraint)
    if isinstance(compiled, re.Pattern):
        return None if compiled.fullmatch(text) else f"{text[:80]!r} does not match {constraint.body!r}"
    try:
        value = json.loads(text, parse_constant=_no_number, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    try:
        return schema_failure(value, compiled)
    except DomainError as error:
        return str(error)


def held(answer: Answer, request: Request) -> Answer:
    """The answer where it obeys the request's constraint (or has none); otherwise with the fault CONSTRAINT_BROKEN, text kept."""
    if request.constraint is None or answer.text is None or answer.fault is not None:
        return answer
    told = constraint_failure(answer.text, request.constraint)
    if told is None:
        return answer
    cut = f"; it was cut at max_tokens={request.sampling.max_tokens}: raise it" if answer.finish_reason == "length" else ""
    words = f"the answer does not obey its constraint ({request.constraint.kind}): {told}{cut}"
    return attrs.evolve(answer, fault=Fault(code=FaultCode.CONSTRAINT_BROKEN, message=words), finish_reason="error")


@functools.lru_cache(maxsize=256)
def _compiled(constraint: Constraint) -> re.Pattern[str] | Mapping[str, object] | bool:
    if constraint.kind == "json":
        return read_schema(constraint.body)
    try:
        return re.compile(constraint.body)
    except re.error as error:
        raise DomainError(f"the constraint is no regular expression: {constraint.body!r} ({error})") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return made
