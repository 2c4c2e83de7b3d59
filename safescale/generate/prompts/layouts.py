"""
Layouts of published prompt sets: which columns a file must have to be one, and which column holds which field.

The categories stay the source's own words. Where a layout says what its prompts are (harmful, benign), the source says so.

Sources of the layouts: JailbreakBench (Chao et al. 2024, harmful-behaviors.csv and benign-behaviors.csv), AdvBench (Zou et al.
2023, harmful_behaviors.csv), HarmBench (Mazeika et al. 2024, harmbench_behaviors_text_all.csv), StrongREJECT (Souly et al. 2024,
strongreject_dataset.csv), SORRY-Bench (Xie et al. 2024, question.jsonl), XSTest (Roettger et al. 2024, xstest_prompts.csv).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError

__all__ = ["CANONICAL", "FIELDS", "LAYOUTS", "Layout", "UnusablePrompt", "check_fields", "layout_of", "layout_with_columns"]

FIELDS: Final = ("prompt", "prompt_kind", "attack_class", "category", "source", "source_id")
"""Fields that a column may be named for (``--column FIELD=NAME``)."""

Cells = Mapping[str, Any]
"""One row: casefolded column name to cell; None where there is none."""


class UnusablePrompt(Exception):
    """A row whose columns do not make one prompt: column, what a row has to hold, what it holds."""

    def __init__(self, column: str, expected: str, got: object) -> None:
        super().__init__(column, expected, got)
        self.column, self.expected, self.got = column, expected, got


@attrs.frozen(kw_only=True)
class Layout:
    """
    How one kind of file holds its prompts.

    Parameters
    ----------
    name : str
        Name of the layout; the ``source`` of its prompts unless they say another.
    needs : collection of str
        Casefolded columns by which it is recognised.
    any_of : collection of str
        One of these must be there too; empty for none.
    columns : mapping of str to str
        Field to casefolded column.
    prompt : callable, optional
        Gives the text where it is not simply a column.
    kind : callable
        Gives "harmful", "benign" or None (it does not say) of a row in a file.
    attack : callable, optional
        Gives the attack class where it is not simply a column.
    used : collection of str
        Further columns that are in the prompt's fields already, so not in its metadata.
    """

    name: str
    needs: frozenset[str]
    any_of: frozenset[str] = frozenset()
    columns: Mapping[str, str]
    prompt: Callable[[Cells], object] | None = None
    kind: Callable[[Cells, Path], object] = lambda _cells, _path: None
    attack: Callable[[Cells], object] | None = None
    used: frozenset[str] = frozenset()

    def fits(self, names: Collection[str]) -> bool:
        """Whether a file with these casefolded columns is one."""
        return self.needs.issubset(names) and (not self.any_of or not self.any_of.isdisjoint(names))


def _harmful(_cells: Cells, _path: Path) -> object:
    return "harmful"


def _jailbreakbench_kind(_cells: Cells, path: Path) -> object:
    # both files have the same columns, and only their names tell them apart (in the repository and on the hub)
    name = path.name.lower()
    said = [kind for kind in ("harmful", "benign") if kind in name]
    return said[0] if len(said) == 1 else None


def _xstest_kind(cells: Cells, _path: Path) -> object:
    label = cells.get("label")
    if label is not None:
        return {"safe": "benign", "unsafe": "harmful"}.get(str(label).strip().lower(), label)
    kind = cells.get("type")
    return None if kind is None else "harmful" if str(kind).startswith("contrast_") else "benign"


def _harmbench_prompt(cells: Cells) -> object:
    """Contextual behaviours are sent with their context before them, in the form that HarmBench's own baseline gives them."""
    if cells.get("imagefilename"):
        raise UnusablePrompt("ImageFileName", "a prompt that is text alone", cells["imagefilename"])
    context, behavior = cells.get("contextstring"), cells.get("behavior")
    return f"{context}\n\n---\n\n{behavior}" if context and behavior else behavior


def _sorry_prompt(cells: Cells) -> object:
    turns = cells.get("turns")
    if isinstance(turns, str) and turns.lstrip().startswith("["):
        try:
            turns = ast.literal_eval(turns)  # a list that went through a CSV
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return turns
    if isinstance(turns, list):
        if len(turns) != 1:
            raise UnusablePrompt("turns", "one turn: a prompt is one text", f"{len(turns)} turns")
        return turns[0]
    return turns


def _sorry_attack(cells: Cells) -> object:
    style = cells.get("prompt_style")
    return None if style in (None, "base") else style


_CANONICAL_COLUMNS: Final = {
    "prompt": "prompt",
    "prompt_kind": "prompt_kind",
    "attack_class": "attack_class",
    "category": "category",
    "source": "source",
}

CANONICAL: Final = "prepared"
"""Name of the layout that this command writes itself: prepared again, a set is the same set."""

LAYOUTS: Final = (
    Layout(
        name=CANONICAL,
        needs=frozenset({"prompt_id", "prompt", "prompt_kind", "attack_class", "split", "content_sha256"}),
        columns=_CANONICAL_COLUMNS,
        used=frozenset({"prompt_id", "split", "content_sha256"}),
    ),
    Layout(
        name="jailbreakbench",
        needs=frozenset({"goal", "behavior", "category"}),
        columns={"prompt": "goal", "category": "category", "source_id": "index"},
        kind=_jailbreakbench_kind,
    ),
    Layout(
        name="harmbench",
        needs=frozenset({"behaviorid", "behavior", "semanticcategory"}),
        columns={"prompt": "behavior", "category": "semanticcategory", "source_id": "behaviorid"},
        prompt=_harmbench_prompt,
        kind=_harmful,
        used=frozenset({"contextstring"}),
    ),
    Layout(
        name="sorry-bench",
        needs=frozenset({"question_id", "category", "turns"}),
        columns={"prompt": "turns", "category": "category", "source_id": "question_id", "attack_class": "prompt_style"},
        prompt=_sorry_prompt,
        kind=_harmful,
        attack=_sorry_attack,
    ),
    Layout(
        name="strongreject",
        needs=frozenset({"forbidden_prompt"}),
        columns={"prompt": "forbidden_prompt", "category": "category"},
        kind=_harmful,
    ),
    Layout(
        name="xstest",
        needs=frozenset({"id", "prompt", "type"}),
        any_of=frozenset({"label", "focus"}),
        columns={"prompt": "prompt", "category": "type", "source_id": "id"},
        kind=_xstest_kind,
    ),
    Layout(name="advbench", needs=frozenset({"goal", "target"}), columns={"prompt": "goal"}, kind=_harmful),
    Layout(name="prompts", needs=frozenset({"prompt"}), columns={**_CANONICAL_COLUMNS, "source_id": "id"}),
)
"""In order of recognition: those that ask for more columns stand before those whose columns they have too."""


def layout_of(names: Collection[str]) -> Layout | None:
    """The first layout that columns of these casefolded names fit, or None."""
    return next((layout for layout in LAYOUTS if layout.fits(names)), None)


def check_fields(columns: Mapping[str, str]) -> None:
    """
    Refuse columns that are named for no field.

    Raises
    ------
    DataError
        Naming the first.
    """
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown:
        raise DataError(f"no field is called {unknown[0]!r}; a column is named for one of: {', '.join(FIELDS)}")


def layout_with_columns(columns: Mapping[str, str], base: Layout | None) -> Layout:
    """A layout whose columns the user names; the other fields are those of the layout that was recognised, if any was."""
    named = {field: name.strip().casefold() for field, name in columns.items()}
    if base is None:
        return Layout(name="prompts", needs=frozenset({named["prompt"]}), columns=named)
    changed: dict[str, Any] = {"columns": {**base.columns, **named}}
    if "prompt" in named:
        changed["prompt"] = None
    if "attack_class" in named:
        changed["attack"] = None
    if "prompt_kind" in named:
        changed["kind"] = lambda _cells, _path: None
    return attrs.evolve(base, **changed)
