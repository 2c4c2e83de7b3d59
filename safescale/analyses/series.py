"""The series of one setting: attack classes, two ways of pooling them, lineages at two levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import attrs

from safescale.analyses.observations import Observation, Part, Scope, Series, pooled
from safescale.analyses.words import and_list, plural

__all__ = [
    "GROUPS",
    "Grouping",
    "class_mean_series",
    "class_series",
    "lineage_series",
    "quoted_series",
    "rows_pooled_series",
    "within_series",
]

ByClass = Mapping[str, Mapping[str, Part]]

Grouping: TypeAlias = Literal["lineage", "family", "developer"]

GROUPS: Final[Mapping[Grouping, str]] = {"lineage": "generations", "family": "families", "developer": "providers"}
"""What models are compared within, in words."""


def class_series(by_class: ByClass) -> tuple[Series, ...]:
    """One series per attack class."""
    return tuple(
        Series(scope="attack_class", name=attack_class, pooling="rows", observations=pooled(by_class, [attack_class]))
        for attack_class in by_class
    )


def rows_pooled_series(by_class: ByClass) -> Series:
    """All rows of all classes, as report 353 pools them."""
    return Series(
        scope="rows_pooled",
        name=f"rows of {plural(len(by_class), 'attack class')} pooled",
        pooling="rows",
        observations=pooled(by_class, list(by_class)),
    )


def class_mean_series(by_class: ByClass, min_cell: int) -> tuple[Series | None, str]:
    """
    Mean over attack classes that all models share, and how they were chosen.

    A model counts in a class with at least ``min_cell`` evaluable rows. Where no class is common to all models of known size,
    the block of models and classes with the most cells is taken: classes by number of models, as many as keep three models.
    """
    have = {c: _measured(parts, min_cell) for c, parts in by_class.items()}
    have = {c: models for c, models in have.items() if models}
    everyone = set().union(*have.values())
    classes = [c for c, models in have.items() if models == everyone]
    models = everyone
    if not classes:
        classes, models = _largest_block(have)
    if not classes:
        return None, "no attack class has models of known size and enough rows"
    # copies are shown beside what they repeat, and count nowhere
    chosen = {c: {m: part for m, part in by_class[c].items() if m in models or part.unit.copy_note} for c in classes}
    few = repr(classes[0]) if len(classes) == 1 else f"mean over {and_list([repr(c) for c in classes])}"
    name = few if len(classes) <= 3 else f"mean over {len(classes)} attack classes"
    left_classes, left_models = len(by_class) - len(classes), len(everyone) - len(models)
    note = f"{plural(len(classes), 'attack class')} common to {plural(len(models), 'model')}"
    if left_classes or left_models:
        note += f"; left out: {plural(left_classes, 'attack class')}, {plural(left_models, 'model')}"
    return Series(scope="class_mean", name=name, pooling="classes", observations=pooled(chosen, classes)), note


def lineage_series(by_class: ByClass, level: Literal["lineage", "family"]) -> tuple[Series, ...]:
    """One series per lineage with at least two models: rows of the attack classes that all its models have."""
    members: dict[str, dict[str, dict[str, Part]]] = {}
    for attack_class, parts in by_class.items():
        for model, part in parts.items():
            name = getattr(part.unit, level)
            if name is not None:
                members.setdefault(name, {}).setdefault(attack_class, {})[model] = part
    scope: Scope = "same_generation" if level == "lineage" else "same_family"
    return tuple(
        Series(scope=scope, name=name, pooling="rows", observations=observations)
        for name, of_class in sorted(members.items())
        if len(observations := _common_classes(of_class)) > 1
    )


def within_series(base: Series, level: Grouping) -> Series:
    """The same models, compared within their lineages or providers only."""
    scopes: dict[str, Scope] = {
        "lineage": "within_generations",
        "family": "within_families",
        "developer": "within_providers",
    }
    scope = scopes[level]
    return attrs.evolve(base, scope=scope, name=f"within {GROUPS[level]}, {base.name}", grouping=level)


def quoted_series(mean: Series | None, rows: Series | None, min_cell: int) -> Series | None:
    """The mean over common classes, unless it holds fewer than half of the models that the pooled rows hold."""
    if mean is None or rows is None:
        return mean or rows
    few = 2 * len(mean.fitted(min_cell)) < len(rows.fitted(min_cell))
    return rows if few else mean


def _measured(parts: Mapping[str, Part], min_cell: int) -> set[str]:
    return {
        model
        for model, part in parts.items()
        if part.unit.params_total_b is not None and not part.unit.copy_note and (part.trials is None or part.trials >= min_cell)
    }


def _largest_block(have: Mapping[str, set[str]]) -> tuple[list[str], set[str]]:
    ranked = sorted(have, key=lambda c: (-len(have[c]), c))
    best: tuple[list[str], set[str]] = ([], set())
    shared: set[str] = set()
    for count, attack_class in enumerate(ranked, start=1):
        shared = set(have[attack_class]) if count == 1 else shared & have[attack_class]
        if len(shared) >= 3 and count * len(shared) > len(best[0]) * len(best[1]):
            best = ranked[:count], set(shared)
    if not best[0] and ranked:
        best = ranked[:1], set(have[ranked[0]])
    return sorted(best[0]), best[1]


def _common_classes(of_class: Mapping[str, Mapping[str, Part]]) -> tuple[Observation, ...]:
    everyone = set().union(*(parts.keys() for parts in of_class.values()))
    common: Sequence[str] = [c for c, parts in of_class.items() if parts.keys() == everyone]
    # without a class in common the rows are shown as they are; the caveat about the mix says so
    return pooled(of_class, list(common or of_class))
