"""One series under several ids: n means distinct information, so such ids count as one unit, or as none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from safescale.analyses.units import ModelUnit
from safescale.analyses.words import and_list
from safescale.cells import IdenticalModels

__all__ = ["MIN_MINORITY_ROWS", "ONE_SERIES", "added_up", "units_without_copies"]

ONE_SERIES = "one series under two ids"

MIN_MINORITY_ROWS = 5
"""With fewer rows off the most frequent verdict two models may agree by chance: they are reported, and stay in the fit."""


def units_without_copies(
    units: Mapping[str, ModelUnit], present: Iterable[str], identical: Iterable[IdenticalModels]
) -> dict[str, ModelUnit]:
    """
    The units, those that repeat another marked with the reason why they are not fitted.

    Of models with the same verdict on every prompt one is fitted: one that nobody tampered with, and whose name sorts first
    among those of known size. Where their sizes differ the one series belongs to no size, so none of them is fitted.

    Parameters
    ----------
    units : mapping of str to ModelUnit
        Unit of each model id.
    present : iterable of str
        Model ids that have counted rows in this setting; others cannot take anyone's place.
    identical : iterable of IdenticalModels
        What was found under this grader, target and condition.
    """
    here = set(present)
    tampered: dict[str, bool] = {}
    groups: list[set[str]] = []
    for same in identical:
        if same.minority < MIN_MINORITY_ROWS:
            continue
        members = set()
        for model_id, state in zip(same.model_ids, same.tampering, strict=True):
            if model_id in here:
                model = units[model_id].model
                members.add(model)
                tampered[model] = tampered.get(model, False) or state not in ("none", "unknown")
        touching = [group for group in groups if group & members]
        groups = [group for group in groups if not group & members] + [members.union(*touching)]
    by_model = {unit.model: unit for unit in units.values()}
    notes: dict[str, str] = {}
    for group in groups:
        notes |= _notes([by_model[model] for model in sorted(group)], tampered)
    return {key: attrs.evolve(unit, copy_note=notes.get(unit.model)) for key, unit in units.items()}


def _notes(group: list[ModelUnit], tampered: Mapping[str, bool]) -> dict[str, str]:
    if len(group) < 2:
        return {}
    if len({unit.params_total_b for unit in group} - {None}) > 1:
        return {
            unit.model: f"same verdict on every prompt as {and_list([o.model for o in group if o is not unit])}, "
            f"of another size: {ONE_SERIES}, so no size is known to be its own"
            for unit in group
        }
    kept = min(group, key=lambda u: (tampered[u.model], u.params_total_b is None, u.size_is_guess, u.model))
    return {u.model: f"same verdict on every prompt as {kept.model}: {ONE_SERIES}" for u in group if u is not kept}


def added_up(units: Mapping[str, ModelUnit], present: Iterable[str], identical: Iterable[IdenticalModels]) -> tuple[str, ...]:
    """Which ids are one model, so that their rows are added up; and whether those are the same verdicts under several ids."""
    members: dict[str, list[str]] = {}
    for model_id in sorted(set(present)):
        members.setdefault(units[model_id].model, []).append(model_id)
    groups = [set(same.model_ids) for same in identical]
    said = []
    for model, ids in sorted(members.items()):
        if len(ids) < 2:
            continue
        words = f"{model}: the rows of {and_list(ids)} are added up, ids of one model"
        twice = [name for name in ids if any(name in group and len(group & set(ids)) > 1 for group in groups)]
        if twice:
            words += (
                f"; {and_list(twice)} have the same verdict on every prompt, so the same rows may count {len(twice)} times and its "
                "interval be too narrow (--exclude-model leaves an id out)"
            )
        said.append(words)
    return tuple(said)
