"""Does a value obey a JSON Schema? The keywords that models are held to; a schema with any other is refused, never half checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from safescale.errors import DomainError

__all__ = ["check_schema", "read_schema", "schema_failure"]

Json = object
"""What ``json.loads`` gives."""

ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "format", "deprecated"}
)
"""Keywords that assert nothing (``format`` is an annotation since draft 2019-09)."""

SINGLE: Final = frozenset({"not", "items", "additionalProperties"})
LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions"})
DEPTH: Final = 64
"""Schemas nested or referring deeper than this are refused: a reference to itself at the same place would never end."""


def read_schema(text: str) -> Mapping[str, Json] | bool:
    """
    Schema of its JSON text.

    Raises
    ------
    DomainError
        For text that is no JSON, or a schema with a keyword that ``schema_failure`` does not know, or a reference
        that leads nowhere (named in the message).
    """
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DomainError(f"the JSON Schema is no JSON: {error}") from None
    check_schema(schema)
    _follow_references(schema, schema)
    return schema  # type: ignore[no-any-return]


def _follow_references(part: Json, root: Json) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            _resolved(part["$ref"], root)
        for inner in part.values():
            _follow_references(inner, root)
    elif isinstance(part, list):
        for inner in part:
            _follow_references(inner, root)


def check_schema(schema: Json, *, depth: int = 0) -> None:
    """Refuse (DomainError) a schema that cannot be checked here, with the keyword in the message."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict) or depth > DEPTH:
        raise DomainError(f"a JSON Schema is an object or a boolean, at most {DEPTH} deep, got {str(schema)[:60]!r}")
    unknown = sorted(set(schema) - ANNOTATIONS - set(KEYWORDS) - {"$ref"})
    if unknown:
        raise DomainError(
            f"the JSON Schema uses {unknown[0]!r}, which safescale cannot check; say it with {', '.join(sorted(KEYWORDS))}"
        )
    for keyword, value in schema.items():
        parts: Sequence[Json] = ()
        if keyword in SINGLE:
            parts = (value,)
        elif keyword in LISTS:
            parts = value if isinstance(value, list) and value else (None,)
        elif keyword in NAMED:
            parts = tuple(value.values()) if isinstance(value, dict) else (None,)
        for part in parts:
            check_schema(part, depth=depth + 1)
        for pattern in _patterns(keyword, value):
            try:
                re.compile(pattern)
            except re.error as error:
                raise DomainError(f"the JSON Schema has a pattern that is no regular expression: {pattern!r} ({error})") from None


def _patterns(keyword: str, value: Json) -> tuple[str, ...]:
    if keyword == "pattern":
        return (str(value),)
    return tuple(value) if keyword == "patternProperties" and isinstance(value, dict) else ()


def schema_failure(value: Json, schema: Json) -> str | None:
    """
    Where and how a value breaks a schema; None when it obeys.

    Parameters
    ----------
    value : JSON value
        As ``json.loads`` gives it.
    schema : dict or bool
        Checked by ``check_schema``. References are followed within it (``#/$defs/...``).

    Returns
    -------
    str or None
        The first failure, in words: ``$.verdict: 'X' is none of ['A', 'B']``.

    References
    ----------
    .. [1] JSON Schema 2020-12, Core and Validation.
    """
    return _failure(value, schema, schema, "$", 0)


def _failure(value: Json, schema: Json, root: Json, at: str, depth: int) -> str | None:
    if isinstance(schema, bool):
        return None if schema else f"{at}: nothing is allowed here"
    if depth > DEPTH or not isinstance(schema, dict):
        return f"{at}: the schema goes deeper than {DEPTH}"
    if "$ref" in schema:
        told = _failure(value, _resolved(str(schema["$ref"]), root), root, at, depth + 1)
        if told is not None:
            return told
    for keyword, check in KEYWORDS.items():
        if keyword in schema:
            told = check(value, schema, root, at, depth)
            if told is not None:
                return told
    return None


def _resolved(reference: str, root: Json) -> Json:
    here = root
    if not reference.startswith("#"):
        raise DomainError(f"a JSON Schema may only refer within itself (#/$defs/...), got {reference!r}")
    for step in reference.lstrip("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(here, dict) or name not in here:
            raise DomainError(f"the JSON Schema refers to {reference!r}, which it does not hold")
        here = here[name]
    return here


TYPES: Final[Mapping[str, Callable[[Json], bool]]] = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: _is_number(v) and float(v) == math.floor(float(v)),  # type: ignore[arg-type]
    "number": lambda v: _is_number(v),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _equal(left: Json, right: Json) -> bool:
    """Equality of JSON: true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return left == right


def _shown(value: Json) -> str:
    return repr(value)[:60]


Check = Callable[[Json, Mapping[str, Json], Json, str, int], str | None]


def _type(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    wanted = schema["type"]
    names = wanted if isinstance(wanted, list) else [wanted]
    if any(str(name) in TYPES and TYPES[str(name)](value) for name in names):
        return None
    return f"{at}: {_shown(value)} is no {' or '.join(map(str, names))}"


def _enum(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    allowed = schema["enum"]
    if isinstance(allowed, list) and any(_equal(value, one) for one in allowed):
        return None
    return f"{at}: {_shown(value)} is none of {_shown(allowed)}"


def _const(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    return None if _equal(value, schema["const"]) else f"{at}: {_shown(value)} is not {_shown(schema['const'])}"


def _limit(
    keyword: str, applies: Callable[[Json], bool], size: Callable[[Json], float], holds: Callable[[float, float], bool]
) -> Check:
    def check(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
        bound = schema[keyword]
        if not applies(value) or (isinstance(bound, int | float) and holds(size(value), bound)):
            return None
        return f"{at}: {_shown(value)} breaks {keyword} {_shown(bound)}"

    return check


def _count(value: Json) -> float:
    return len(value) if isinstance(value, str | list | dict) else 0


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) else math.nan


def _pattern(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    if not isinstance(value, str) or re.search(str(schema["pattern"]), value):
        return None
    return f"{at}: {_shown(value)} does not match {_shown(schema['pattern'])}"


def _unique(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    if schema["uniqueItems"] is not True or not isinstance(value, list):
        return None
    twice = any(_equal(a, b) for place, a in enumerate(value) for b in value[:place])
    return f"{at}: an item stands twice" if twice else None


def _required(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    names = schema["required"]
    if not isinstance(value, dict) or not isinstance(names, list):
        return None
    missing = [name for name in names if name not in value]
    return f"{at}: {missing[0]!r} is missing" if missing else None


def _properties(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    """``properties``, ``patternProperties`` and ``additionalProperties`` together, as each depends on the others."""
    if not isinstance(value, dict):
        return None
    named = schema.get("properties", {})
    patterned = schema.get("patternProperties", {})
    others = schema.get("additionalProperties", True)
    for name, part in value.items():
        schemas: list[Json] = [named[name]] if isinstance(named, dict) and name in named else []
        schemas += [one for pattern, one in patterned.items() if re.search(pattern, name)] if isinstance(patterned, dict) else []
        if not schemas and others is False:
            return f"{at}: {name!r} is not foreseen"
        for one in schemas or [others]:
            told = _failure(part, one, root, f"{at}.{name}", depth + 1)
            if told is not None:
                return told
    return None


def _items(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    """``prefixItems`` and ``items`` together: the second holds for what the first leaves."""
    if not isinstance(value, list):
        return None
    first = schema.get("prefixItems", [])
    first = first if isinstance(first, list) else []
    for place, part in enumerate(value):
        told = _failure(part, first[place] if place < len(first) else schema.get("items", True), root, f"{at}[{place}]", depth + 1)
        if told is not None:
            return told
    return None


def _several(keyword: str, holds: Callable[[int, int], bool]) -> Check:
    def check(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
        parts = schema[keyword]
        if not isinstance(parts, list):
            return f"{at}: {keyword} of the schema is no list"
        told = [_failure(value, part, root, at, depth + 1) for part in parts]
        if holds(told.count(None), len(told)):
            return None
        why = next((words for words in told if words is not None), "more than one of oneOf holds")
        return why if keyword == "allOf" else f"{at}: {_shown(value)} breaks {keyword} ({why})"

    return check


def _not(value: Json, schema: Mapping[str, Json], root: Json, at: str, depth: int) -> str | None:
    return f"{at}: {_shown(value)} is what 'not' excludes" if _failure(value, schema["not"], root, at, depth + 1) is None else None


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_list(value: Json) -> bool:
    return isinstance(value, list)


def _is_object(value: Json) -> bool:
    return isinstance(value, dict)


KEYWORDS: Final[Mapping[str, Check]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minLength": _limit("minLength", _is_text, _count, lambda size, bound: size >= bound),
    "maxLength": _limit("maxLength", _is_text, _count, lambda size, bound: size <= bound),
    "pattern": _pattern,
    "minimum": _limit("minimum", _is_number, _number, lambda size, bound: size >= bound),
    "maximum": _limit("maximum", _is_number, _number, lambda size, bound: size <= bound),
    "exclusiveMinimum": _limit("exclusiveMinimum", _is_number, _number, lambda size, bound: size > bound),
    "exclusiveMaximum": _limit("exclusiveMaximum", _is_number, _number, lambda size, bound: size < bound),
    "minItems": _limit("minItems", _is_list, _count, lambda size, bound: size >= bound),
    "maxItems": _limit("maxItems", _is_list, _count, lambda size, bound: size <= bound),
    "uniqueItems": _unique,
    "minProperties": _limit("minProperties", _is_object, _count, lambda size, bound: size >= bound),
    "maxProperties": _limit("maxProperties", _is_object, _count, lambda size, bound: size <= bound),
    "required": _required,
    "properties": _properties,
    "patternProperties": _properties,
    "additionalProperties": _properties,
    "prefixItems": _items,
    "items": _items,
    "anyOf": _several("anyOf", lambda good, _: good >= 1),
    "oneOf": _several("oneOf", lambda good, _: good == 1),
    "allOf": _several("allOf", lambda good, total: good == total),
    "not": _not,
}
"""What is checked, in this order: the plainest failure is told first."""
