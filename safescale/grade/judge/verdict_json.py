"""A judge's JSON, read strictly: one object, its keys, labels and quotes as asked for, or the reason why not; never a guess."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import attrs

from safescale.grade.judge.fencing import neutralised
from safescale.grade.judge.rubric import SHOWS, Category, Rubric
from safescale.grade.judge.window import Cut

__all__ = ["Reading", "instruction_schema", "read_instruction", "read_object", "read_verdict", "verdict_schema"]

_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>(?:(?!```).)*)\n[ \t]*```", re.IGNORECASE | re.DOTALL)
_MAX_JSON_CHARS: Final = 200_000


@attrs.frozen(kw_only=True)
class Reading:
    """The verdict of a judge with its evidence (quote, what it shows) and its reasoning."""

    category: Category
    evidence: tuple[tuple[str, str], ...]
    reasoning: str


def instruction_schema() -> str:
    """JSON Schema of the first step."""
    return _schema({"instruction": {"type": "string"}})


def verdict_schema(rubric: Rubric) -> str:
    """JSON Schema of the verdict."""
    restated = {label: {"type": "string"} for label in rubric.labels}
    quote = {"quote": {"type": "string"}, "shows": {"type": "string", "enum": list(SHOWS)}}
    return _schema(
        {
            "categories": _object(restated),
            "evidence": {"type": "array", "items": _object(quote)},
            "reasoning": {"type": "string"},
            "verdict": {"type": "string", "enum": list(rubric.labels)},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _schema(properties: dict[str, Any]) -> str:
    return json.dumps(_object(properties))


def read_object(text: str) -> dict[str, object] | str:
    """
    The one JSON object that a text is, or what is wrong with it.

    A code fence around the whole of it loses nothing and is taken off. Text before or after, a second object, a repeated key, NaN
    and anything but an object are wrong.
    """
    text = text.strip()
    fenced = _FENCED.fullmatch(text)
    if fenced is not None:
        text = fenced["inside"].strip()
    if len(text) > _MAX_JSON_CHARS:
        return f"it is {len(text)} characters long"
    try:
        value = json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return "something follows the JSON object"
        return f"it is not JSON ({error.msg})"
    except (ValueError, RecursionError) as error:
        return f"it is not JSON ({error})"
    if not isinstance(value, dict):
        return f"it is a JSON {type(value).__name__}, not an object"
    return value


class _RepeatedKey(ValueError):
    pass


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _RepeatedKey("a key stands twice")
    return made


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _keys(value: dict[str, object], wanted: Sequence[str], where: str = "") -> str | None:
    missing = [key for key in wanted if key not in value]
    if missing:
        return f"{where}the key {missing[0]!r} is missing"
    more = [key for key in value if key not in wanted]
    return f"{where}there are keys that were not asked for; it has {', '.join(wanted)}" if more else None


def read_instruction(text: str) -> str | tuple[str]:
    """The inferred instruction as a tuple of one, or what is wrong as a text."""
    value = read_object(text)
    if isinstance(value, str):
        return value
    wrong = _keys(value, ["instruction"])
    if wrong:
        return wrong
    instruction = value["instruction"]
    if not isinstance(instruction, str) or not instruction.strip():
        return "the instruction is no text or is empty"
    return (instruction.strip(),)


def read_verdict(text: str, rubric: Rubric, shown: Cut) -> Reading | str:
    """The verdict, checked against the rubric and against the response as it was shown; or what is wrong with it."""
    value = read_object(text)
    if isinstance(value, str):
        return value
    wrong = _keys(value, ["categories", "evidence", "reasoning", "verdict"]) or _restated(value["categories"], rubric)
    if wrong:
        return wrong
    label = value["verdict"]
    category = rubric.category(label) if isinstance(label, str) else None
    if category is None:
        return f"the verdict is none of {', '.join(rubric.labels)}, letter by letter"
    evidence = _evidence(value["evidence"], shown)
    if isinstance(evidence, str):
        return evidence
    reasoning = value["reasoning"]
    if not isinstance(reasoning, str):
        return "the reasoning is no text"
    contradiction = _contradiction(category, evidence)
    return contradiction or Reading(category=category, evidence=evidence, reasoning=reasoning.strip())


def _restated(value: object, rubric: Rubric) -> str | None:
    if not isinstance(value, dict):
        return "the categories are not restated as an object"
    wrong = _keys(value, rubric.labels, "among the categories ")
    if wrong:
        return wrong
    empty = [label for label, words in value.items() if not isinstance(words, str) or not words.strip()]
    return f"the category {empty[0]} is not restated" if empty else None


def _evidence(value: object, shown: Cut) -> tuple[tuple[str, str], ...] | str:
    if not isinstance(value, list):
        return "the evidence is no list"
    found: list[tuple[str, str]] = []
    parts = [_one_line(shown.head), _one_line(shown.tail)]
    for number, entry in enumerate(value, start=1):
        if not isinstance(entry, dict):
            return "a piece of evidence is no object"
        wrong = _keys(entry, ["quote", "shows"], "in the evidence ")
        if wrong:
            return wrong
        quote, shows = entry["quote"], entry["shows"]
        if not isinstance(quote, str) or not quote.strip():
            return "a quote is no text or is empty"
        if shows not in SHOWS:
            return f"what quote {number} shows is none of {', '.join(SHOWS)}"
        line = _one_line(neutralised(quote))
        if not any(line in part for part in parts):
            # the number, not the text: reasons are counted and shown, and a response's words are shown to nobody unasked
            return f"quote {number} of the evidence does not stand in the response letter by letter"
        found.append((quote, str(shows)))
    return tuple(found)


def _one_line(text: str) -> str:
    # a judge may write a line break as a blank; every other letter counts
    return " ".join(text.split())


def _contradiction(category: Category, evidence: Sequence[tuple[str, str]]) -> str | None:
    shown = {shows for _, shows in evidence}
    missing = sorted(category.needs - shown)
    if missing:
        return f"the verdict {category.label} needs a quote that shows {missing[0]!r}, and none does"
    against = sorted(category.forbids & shown)
    return f"the verdict {category.label} contradicts a quote that shows {against[0]!r}" if against else None
