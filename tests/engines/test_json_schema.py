"""The check of JSON against a schema says what the library jsonschema says; what it does not know it refuses."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.engines import Constraint
from safescale.engines.json_schema import KEYWORDS, read_schema, schema_failure
from safescale.engines.obeying import constraint_failure, uncheckable
from safescale.errors import DomainError

words = st.sampled_from(["", "a", "b", "ab", "zorble", "7"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, 0.5, -2.5]), words)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)
small = st.integers(0, 3)
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
FLAT = {
    "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
    "enum": st.lists(values, min_size=1, max_size=3),
    "const": values,
    "minLength": small,
    "maxLength": small,
    "pattern": st.sampled_from(["^a", "b$", "o", "[0-9]"]),
    "minimum": st.integers(-2, 2),
    "maximum": st.integers(-2, 2),
    "exclusiveMinimum": st.integers(-2, 2),
    "exclusiveMaximum": st.integers(-2, 2),
    "minItems": small,
    "maxItems": small,
    "uniqueItems": st.booleans(),
    "minProperties": small,
    "maxProperties": small,
    "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
}
flat = st.fixed_dictionaries({}, optional=FLAT)


def _deeper(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    part = inner | st.booleans()
    several = st.lists(part, min_size=1, max_size=3)
    nested = {
        "properties": st.dictionaries(st.sampled_from(["a", "b"]), part, max_size=2),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "c"]), part, max_size=2),
        "additionalProperties": part,
        "items": part,
        "prefixItems": several,
        "anyOf": several,
        "oneOf": several,
        "allOf": several,
        "not": part,
    }
    return st.fixed_dictionaries({}, optional={**nested, "type": FLAT["type"], "required": FLAT["required"]})


schemas = st.recursive(flat, _deeper, max_leaves=5)


@given(value=values, schema=schemas)
def test_law_agrees_with_the_library_jsonschema(value: object, schema: dict[str, object]) -> None:
    ours = schema_failure(value, read_schema(json.dumps(schema)))
    assert (ours is None) is jsonschema.Draft202012Validator(schema).is_valid(value), ours


def test_the_strategies_reach_every_keyword() -> None:
    assert set(KEYWORDS) == {
        *FLAT,
        "properties",
        "patternProperties",
        "additionalProperties",
        "items",
        "prefixItems",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
    }


TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["v"]}},
}


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ({"v": 1, "next": {"v": 2}}, None),
        ({"v": 1, "next": {"v": 2, "next": {}}}, "$.next.next: 'v' is missing"),
        ([], "$: [] is no object"),
    ],
)
def test_a_schema_that_refers_to_itself_is_followed(value: object, failure: str | None) -> None:
    assert schema_failure(value, read_schema(json.dumps(TREE))) == failure
    assert (failure is None) is jsonschema.Draft202012Validator(TREE).is_valid(value)


def test_a_reference_in_a_circle_ends() -> None:
    schema = read_schema('{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}')
    assert "deeper" in str(schema_failure(1, schema))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "no JSON"),
        ("[]", "an object or a boolean"),
        ('{"contains": {}}', "'contains', which safescale cannot check"),
        ('{"properties": {"a": {"dependentRequired": {}}}}', "'dependentRequired'"),
        ('{"pattern": "("}', "no regular expression"),
        ('{"$ref": "http://x/y"}', "within itself"),
        ('{"items": {"$ref": "#/$defs/none"}}', "does not hold"),
    ],
)
def test_refuses_a_schema_that_it_could_only_half_check(text: str, match: str) -> None:
    with pytest.raises(DomainError, match=match):
        read_schema(text)
    assert uncheckable(Constraint(kind="json", body=text)) is not None


@given(value=values)
def test_law_what_json_writes_obeys_the_schema_that_allows_all(value: object) -> None:
    assert constraint_failure(json.dumps(value), Constraint(kind="json", body="true")) is None


letters = st.text("Aa \n\u00e9", max_size=3)


@given(text=letters, labels=st.lists(letters.filter(bool), min_size=1, max_size=4, unique=True))
def test_law_a_choice_is_obeyed_by_its_labels_and_nothing_else(text: str, labels: list[str]) -> None:
    constraint = Constraint(kind="choice", choices=tuple(labels))
    assert (constraint_failure(text, constraint) is None) is (text in labels)
    assert all(constraint_failure(label, constraint) is None for label in labels)
