"""Models as units: ids of one model are one unit, with its size and lineage or without."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import pyarrow as pa

__all__ = ["TAMPERED", "ModelUnit", "model_units"]

TAMPERED = ("abliterated", "fine_tuned", "steered")
"""States of a model whose safety training was tampered with."""

COLUMNS = (
    "model_id",
    "canonical_id",
    "params_total_b",
    "params_active_b",
    "size_source",
    "developer",
    "host",
    "family",
    "lineage",
    "tampering",
)


@attrs.frozen(kw_only=True)
class ModelUnit:
    """
    One model: the unit that replicates size.

    Attributes
    ----------
    model : str
        Canonical id; several ids of one model (hosts, price tiers) are one unit.
    model_ids : tuple of str
        The ids as the sources give them.
    params_total_b, params_active_b : float or None
        Sizes in billions of parameters; None where unknown, or where the ids of the unit disagree.
    size_is_guess : bool
        The size is an estimate, not a published, named or declared one.
    family, lineage : str or None
        The two lineage levels: family over generations; same generation of one family.
    size_note : str or None
        What is doubtful about the size, as the registry says it.
    developer : str or None
        Who trained it (of a derivative: who made the derivative); None where unknown, or where the ids disagree.
    hosts : tuple of str
        Who served it, where the ids say so.
    tampering : str
        State of its safety training, as the registry has it; ``unknown`` where the ids disagree.
    copy_note : str or None
        Why this unit is no information of its own: it repeats the series of another.
    """

    model: str
    model_ids: tuple[str, ...]
    params_total_b: float | None
    params_active_b: float | None
    size_is_guess: bool
    family: str | None
    lineage: str | None
    size_note: str | None = None
    developer: str | None = None
    hosts: tuple[str, ...] = ()
    tampering: str = "unknown"
    copy_note: str | None = None


def model_units(models: pa.Table, model_ids: Iterable[str]) -> dict[str, ModelUnit]:
    """
    Unit of each model id.

    Parameters
    ----------
    models : pyarrow.Table
        The table ``models`` of a corpus (record Model).
    model_ids : iterable of str
        Ids that need a unit; an id that the table does not hold is a unit of its own, of unknown size.
    """
    # corpora written before the column existed do not have it
    columns = [*COLUMNS, *(["size_note"] if "size_note" in models.column_names else [])]
    known = {row["model_id"]: row for row in models.select(columns).to_pylist()}
    members: dict[str, list[dict[str, Any]]] = {}
    for model_id in sorted(set(model_ids)):
        stranger: dict[str, Any] = dict.fromkeys(COLUMNS) | {"model_id": model_id, "canonical_id": model_id}
        row = known.get(model_id, stranger)
        members.setdefault(row["canonical_id"], []).append(row)
    units = [_unit(canonical_id, rows) for canonical_id, rows in members.items()]
    return {model_id: unit for unit in units for model_id in unit.model_ids}


def _unit(canonical_id: str, rows: list[dict[str, Any]]) -> ModelUnit:
    return ModelUnit(
        model=canonical_id,
        model_ids=tuple(row["model_id"] for row in rows),
        params_total_b=_agreed(rows, "params_total_b"),
        params_active_b=_agreed(rows, "params_active_b"),
        size_is_guess=any(row["size_source"] == "estimated" for row in rows),
        family=_agreed(rows, "family"),
        lineage=_agreed(rows, "lineage"),
        developer=_agreed(rows, "developer"),
        hosts=tuple(sorted({row["host"] for row in rows} - {None})),
        tampering=_agreed(rows, "tampering") or "unknown",
        size_note="; ".join(dict.fromkeys(note for row in rows if (note := row.get("size_note")))) or None,
    )


def _agreed(rows: list[dict[str, Any]], column: str) -> Any:
    values = {row[column] for row in rows} - {None}
    return values.pop() if len(values) == 1 else None
