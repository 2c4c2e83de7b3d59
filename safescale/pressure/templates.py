"""The user's file of templates: paraphrases of the request, by name, each with a place for the prompt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from safescale.errors import DataError, DomainError
from safescale.records.rows import clip

__all__ = ["PLACE", "read_templates", "refuse_template"]

PLACE: Final = "{prompt}"
"""Where the prompt stands in a template; every other brace is a brace."""

_SHAPE: Final = f"a YAML mapping of names to texts with {PLACE} in each, or JSONL rows with name and template"


def refuse_template(text: str) -> None:
    """
    Refuse a template without a place for the prompt.

    Raises
    ------
    DomainError
        When ``{prompt}`` is not in it exactly once.
    """
    if text.count(PLACE) != 1:
        raise DomainError(f"a template has {PLACE} in it exactly once; it has it {text.count(PLACE)} times: {clip(text)}")


def read_templates(path: Path) -> dict[str, str]:
    """
    Templates by name, in the order of the file.

    Parameters
    ----------
    path : Path
        ``.jsonl``: one object a line with ``name`` and ``template``. Everything else: YAML, a mapping of names to templates.

    Returns
    -------
    dict of str to str
        At least one.

    Raises
    ------
    DataError
        When the file cannot be read, a name is blank or stands twice, or a template does not have ``{prompt}`` in it exactly once;
        with the line.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the templates cannot be read: {error}", file=str(path), expected=_SHAPE) from error
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for line, name, text in (_jsonl if path.suffix == ".jsonl" else _yaml)(path, content):
        if not name.strip():
            raise DataError("a template needs a name", file=str(path), row=line, column="name", expected="a word", got=clip(name))
        if name in found:
            raise DataError(
                "two templates have the same name",
                file=str(path),
                row=line,
                column=name,
                expected="each name once",
                got=f"also in line {seen[name]}",
            )
        if text.count(PLACE) != 1:
            times = text.count(PLACE)
            raise DataError(
                f"the template has no single place for the prompt; write {PLACE} where it goes",
                file=str(path),
                row=line,
                column=name,
                expected=f"{PLACE} exactly once",
                got=f"{times} times in {clip(text)}",
            )
        found[name], seen[name] = text, line
    if not found:
        raise DataError("there are no templates in the file", file=str(path), expected=_SHAPE, got="none")
    return found


def _yaml(path: Path, content: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and text of each entry; from the nodes, which know their lines and keep a name that stands twice."""
    try:
        top = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = None if mark is None else mark.line + 1
        raise DataError(
            f"the YAML is broken: {getattr(error, 'problem', error)}", file=str(path), row=row, expected=_SHAPE
        ) from error
    if top is None:
        return
    if not isinstance(top, yaml.MappingNode):
        raise DataError("the file is no mapping", file=str(path), row=top.start_mark.line + 1, expected=_SHAPE, got=_kind(top))
    for key, value in top.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise DataError("a template's name is a word", file=str(path), row=line, expected=_SHAPE, got=_kind(key))
        if not isinstance(value, yaml.ScalarNode) or value.tag != "tag:yaml.org,2002:str":
            got = clip(value.value) if isinstance(value, yaml.ScalarNode) else _kind(value)
            hint = f"a text; quote one that begins with a brace: '{PLACE} ...'"
            raise DataError("a template is a text", file=str(path), row=line, column=str(key.value), expected=hint, got=got)
        yield line, str(key.value), str(value.value)


def _jsonl(path: Path, content: str) -> Iterator[tuple[int, str, str]]:
    for line, text in enumerate(content.split("\n"), start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(
                f"the line is no JSON: {error.msg}", file=str(path), row=line, expected=_SHAPE, got=clip(text)
            ) from error
        if not isinstance(row, dict):
            raise DataError("a line is an object", file=str(path), row=line, expected=_SHAPE, got=clip(text))
        for key in ("name", "template"):
            if not isinstance(row.get(key), str):
                raise DataError(f"{key} is a text", file=str(path), row=line, column=key, expected=_SHAPE, got=clip(row.get(key)))
        yield line, row["name"], row["template"]


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a word"
