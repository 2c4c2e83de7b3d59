"""Sections of a ``study.yaml``: lineage, grid of the attack, defences, geometry, limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from safescale.errors import DomainError
from safescale.ingest.mapped_yaml import Node
from safescale.pressure.templates import read_templates
from safescale.records.models import PROMPT_KINDS
from safescale.studies.robustness.design import (
    FinetuneGrid,
    GeometryAsked,
    PromptAttacks,
    SteeringAsked,
    TamperResistanceAsked,
)
from safescale.studies.robustness.toy_asked import ToyAsked
from safescale.toy.recipe import Recipe, sizes_named

__all__ = [
    "finetune_of",
    "geometry_of",
    "limit_of",
    "prompt_attacks_of",
    "steering_of",
    "tamper_resistance_of",
    "toy_of",
    "whole_number",
]

Made = TypeVar("Made")
_RECIPE: Final = ("pretraining_steps", "safety_steps")
_USUAL_AGAINST: Final = 50


def whole_number(node: Node, *, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        node.fail(f"a whole number >= {least}")
    return int(value)


def toy_of(node: Node) -> ToyAsked:
    """The lineage; ``{}`` or ``true`` for all defaults."""
    given = {} if node.value in (True, {}) else node.mapping(("sizes", "seeds", *_RECIPE))
    steps = {key: whole_number(given[key], least=1) for key in _RECIPE if key in given}
    asked = ToyAsked(recipe=Recipe(**steps))
    if "sizes" in given:
        try:
            sizes = tuple(size.name for size in sizes_named(given["sizes"].scalar_texts()))
        except DomainError as error:
            given["sizes"].fail(str(error))
        asked = attrs.evolve(asked, sizes=sizes)
    return attrs.evolve(asked, seeds=whole_number(given["seeds"], least=1)) if "seeds" in given else asked


def finetune_of(node: Node | None) -> FinetuneGrid:
    """The grid of the attack; ``false`` leaves it out, and then nothing looks at the grid."""
    kinds = {
        "examples": _ints,
        "steps": _ints,
        "rank": _positive,
        "alpha": _number,
        "learning_rate": _number,
        "batch_size": _positive,
        "seeds": _positive,
    }
    return _made(FinetuneGrid, node, kinds) or FinetuneGrid()


def prompt_attacks_of(node: Node | None, folder: Path) -> PromptAttacks:
    """Attacks without training; none unless they are named."""
    kinds: dict[str, Callable[[Node], Any]] = {"puzzle_lines": _ints, "templates": lambda one: _templates(one, folder)}
    return PromptAttacks() if node is None else _made(PromptAttacks, node, kinds) or PromptAttacks()


def steering_of(node: Node | None, steps: tuple[int, ...], *, tried: bool = True) -> SteeringAsked | None:
    """
    Steering; unless it is said against which steps, against the one of the grid that is nearest to 50.

    Where nothing is fine-tuned (``tried`` false) it is tried against no steps, and those that are named are not looked at.
    """
    found = _made(SteeringAsked, node, {"coefficients": _floats, "against": _ints})
    said = node is not None and isinstance(node.value, dict) and "against" in node.value
    if found is None or (said and tried):
        return found
    return attrs.evolve(found, against=(min(steps, key=lambda step: (abs(step - _USUAL_AGAINST), step)),))


def tamper_resistance_of(node: Node | None) -> TamperResistanceAsked | None:
    """Tamper resistance."""
    return _made(TamperResistanceAsked, node, {"outer_steps": _positive, "inner_steps": _positive})


def geometry_of(node: Node | None) -> GeometryAsked | None:
    """Geometry; its ``prompts`` are read elsewhere."""
    kinds: dict[str, Callable[[Node], Any]] = {"ranks": _ints, "random": _positive, "ablation": Node.flag, "prompts": Node.text}
    return _made(GeometryAsked, node, kinds, not_fields=("prompts",))


def limit_of(node: Node | None) -> int | Mapping[str, int] | None:
    """The first N prompts, or so many of each kind."""
    if node is None or node.value is None:
        return None
    if isinstance(node.value, dict):
        return {kind: whole_number(given) for kind, given in node.mapping(PROMPT_KINDS).items()}
    return whole_number(node, least=1)


def _made(
    kind: Callable[..., Made], node: Node | None, kinds: Mapping[str, Callable[[Node], Any]], *, not_fields: tuple[str, ...] = ()
) -> Made | None:
    """A section: all defaults where it is not there or ``true``, None where it is ``false``."""
    if node is not None and node.value is False:
        return None
    given = {} if node is None or node.value in (True, {}) else node.mapping(tuple(kinds))
    values = {key: kinds[key](one) for key, one in given.items()}
    try:
        return kind(**{key: value for key, value in values.items() if key not in not_fields})
    except DomainError as error:
        if node is None:
            raise
        node.fail(str(error))


def _ints(node: Node) -> tuple[int, ...]:
    return tuple(whole_number(item, least=1) for item in node.items()) if isinstance(node.value, list) else (_positive(node),)


def _floats(node: Node) -> tuple[float, ...]:
    return tuple(_number(item) for item in node.items()) if isinstance(node.value, list) else (_number(node),)


def _positive(node: Node) -> int:
    return whole_number(node, least=1)


def _number(node: Node) -> float:
    if node.number() <= 0:
        node.fail("a number above 0")
    return node.number()


def _templates(node: Node, folder: Path) -> tuple[tuple[str, str], ...]:
    found = folder / node.text()
    if not found.is_file():
        node.fail("a file of templates beside study.yaml, or by its absolute path")
    return tuple(read_templates(found).items())
