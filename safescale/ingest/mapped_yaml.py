"""A YAML file whose every mistake is named: file, key, what was expected, what came, and the nearest known key."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import attrs
import yaml

from safescale.errors import DataError
from safescale.records.rows import clip

__all__ = ["Node", "load_yaml"]


class _NoRepeatedKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence; a map that says two things is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a scalar", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


@attrs.frozen
class Node:
    """A value of a YAML file that knows its file and its place in it (``grades[0].outcome_map``)."""

    file: str
    place: str
    value: Any
    what: str = "map"
    """What the file is, for messages."""

    def fail(self, expected: str, *, got: object = None, key: str | None = None) -> NoReturn:
        """Raise the error of this place."""
        place = self.place if key is None else self._under(key)
        came = clip(self.value if got is None else got)
        raise DataError(f"the {self.what} is wrong", file=self.file, column=place or "(top)", expected=expected, got=came)

    def mapping(self, known: Sequence[str], *, required: Sequence[str] = ()) -> dict[str, Node]:
        """Children by key; a key that is not known, or a required one that is missing, is an error."""
        children = self.pairs()
        for key in children:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                self.fail(f"one of {', '.join(known)}{hint}", got=f"unknown key {key!r}", key=key)
        for key in required:
            if key not in children:
                self.fail(f"the key {key!r}", got=f"keys {', '.join(children) or '(none)'}", key=key)
        return children

    def pairs(self) -> dict[str, Node]:
        """Children of a mapping whose keys are free; a key that is not text counts as its text (``True`` as ``true``)."""
        if not isinstance(self.value, dict) or not self.value:
            self.fail("a mapping with at least one key")
        found = {plain_text(key): Node(self.file, self._under(plain_text(key)), v, self.what) for key, v in self.value.items()}
        if len(found) < len(self.value):
            self.fail("keys that differ as text")
        return found

    def items(self) -> Iterator[Node]:
        """Elements of a list with at least one."""
        if not isinstance(self.value, list) or not self.value:
            self.fail("a list with at least one element")
        for i, value in enumerate(self.value):
            yield Node(self.file, f"{self.place}[{i}]", value, self.what)

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            self.fail("text that is not empty")
        return self.value

    def scalar_text(self) -> str:
        """A text, number or truth value, as text."""
        if isinstance(self.value, dict | list) or self.value is None:
            self.fail("a text, a number, or true / false")
        return plain_text(self.value)

    def scalar_texts(self) -> tuple[str, ...]:
        """One scalar, or a list of them."""
        if isinstance(self.value, list):
            return tuple(item.scalar_text() for item in self.items())
        return (self.scalar_text(),)

    def choice(self, options: Sequence[str]) -> str:
        """One of some texts."""
        text = plain_text(self.value)
        if text not in options:
            near = difflib.get_close_matches(text, options, n=1)
            self.fail(f"one of {', '.join(options)}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return text

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.fail("true or false")
        return self.value

    def number(self) -> float:
        """A finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            self.fail("a finite number")
        return float(self.value)

    def pattern(self) -> re.Pattern[str]:
        """A regular expression."""
        try:
            return re.compile(self.text())
        except re.error as error:
            self.fail(f"a regular expression ({error})")

    def _under(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def plain_text(value: object) -> str:
    """A scalar as text: ``True`` is ``true``, ``1.0`` is ``1.0``, None is the empty text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def load_yaml(path: Path, *, what: str = "map") -> Node:
    """
    Read one YAML document.

    Raises
    ------
    DataError
        When the file cannot be read or is not YAML.
    """
    try:
        with path.open("rb") as stream:
            value = yaml.load(stream, _NoRepeatedKeys)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"the {what} cannot be read", file=str(path), expected="a YAML file", got=clip(str(error))) from None
    except yaml.YAMLError as error:
        got = " ".join(str(error).split())
        raise DataError(f"the {what} is not YAML", file=str(path), expected="one YAML document", got=clip(got)) from None
    if _holds_half_a_pair(value):
        raise DataError(
            f"the {what} holds half a surrogate pair (\\ud800 to \\udfff), which no file can keep",
            file=str(path),
            expected="text of whole characters",
        )
    return Node(str(path), "", value, what)


def _holds_half_a_pair(value: object) -> bool:
    """Whether a text in it, at whatever depth, could not be written down."""
    if isinstance(value, str):
        return any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, dict):
        return any(_holds_half_a_pair(inner) for pair in value.items() for inner in pair)
    return isinstance(value, list) and any(_holds_half_a_pair(inner) for inner in value)
