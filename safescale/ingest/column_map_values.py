"""Values and conditions of a column map, read from YAML and checked."""

from __future__ import annotations

from typing import Any, Final

from safescale.ingest.mapped_values import REDUCTIONS, Condition, Value
from safescale.ingest.mapped_yaml import Node

__all__ = ["read_condition", "read_conditions", "read_value"]

_VALUE: Final = (
    "column",
    "const",
    "template",
    "from_file",
    "values",
    "otherwise",
    "reduce",
    "optional",
    "default",
)
_ONE_PLACE: Final = ("column", "const", "template", "from_file")


def read_value(node: Node) -> Value:
    """A value: a column's name, or a mapping that says more."""
    if isinstance(node.value, str):
        return Value(place=node.place, column=node.text())
    keys = node.mapping(_VALUE)
    places = [key for key in _ONE_PLACE if key in keys]
    if len(places) != 1 and places != ["template", "from_file"]:
        node.fail(f"exactly one of {', '.join(_ONE_PLACE)}", got=", ".join(places) or "none of them")
    otherwise = keys["otherwise"].scalar_text() if "otherwise" in keys else None
    if otherwise is not None and "values" not in keys:
        keys["otherwise"].fail("'otherwise' beside 'values'")
    return Value(
        place=node.place,
        column=keys["column"].text() if "column" in keys else None,
        const=keys["const"].value if "const" in keys and keys["const"].scalar_text() else None,
        template=keys["template"].text() if "template" in keys else None,
        from_file=keys["from_file"].pattern() if "from_file" in keys else None,
        values=_translations(keys["values"]) if "values" in keys else None,
        keep=otherwise == "keep",
        otherwise=None if otherwise == "keep" else otherwise,
        reduce=keys["reduce"].choice(list(REDUCTIONS)) if "reduce" in keys else None,
        optional="optional" in keys and keys["optional"].flag(),
        default=keys["default"].value if "default" in keys and keys["default"].scalar_text() else None,
    )


def read_conditions(node: Node) -> tuple[Condition, ...]:
    """One condition, or a list of alternatives."""
    return tuple(map(read_condition, node.items())) if isinstance(node.value, list) else (read_condition(node),)


def read_condition(node: Node) -> Condition:
    """Tests by column, all of which must hold."""
    return Condition(tests={column: _column_tests(child) for column, child in node.pairs().items()})


def _column_tests(node: Node) -> list[tuple[str, Any]]:
    if not isinstance(node.value, dict):
        return [("in", _folded(node))]
    tests: list[tuple[str, Any]] = []
    known = ("in", "not_in", "empty", "matches", "above", "below", "at_least", "at_most")
    for test, child in node.mapping(known).items():
        match test:
            case "in" | "not_in":
                tests.append((test, _folded(child)))
            case "empty":
                tests.append((test, child.flag()))
            case "matches":
                tests.append((test, child.pattern()))
            case _:
                tests.append((test, child.number()))
    return tests


def _folded(node: Node) -> frozenset[str]:
    return frozenset(text.strip().casefold() for text in node.scalar_texts())


def _translations(node: Node) -> dict[str, str]:
    pairs = node.pairs()
    found = {key.strip().casefold(): child.scalar_text() for key, child in pairs.items()}
    if len(found) < len(pairs):
        node.fail("values that differ in more than case", got=", ".join(pairs))
    return found
