"""Which cells belong to the first and to the second, by the names that a user gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import pyarrow as pa

from safescale.analyses.compare.results import By, Side
from safescale.analyses.units import model_units
from safescale.cells import Cells
from safescale.errors import DomainError

__all__ = ["SHOWN", "sides"]

SHOWN = 10


def sides(cells: Cells, models: pa.Table, first: str, second: str, by: By) -> tuple[Side, Side]:
    """
    The two sides.

    Raises
    ------
    DomainError
        For a name that the counted rows do not hold (with those that are close), or two names of one thing.
    """
    if by == "model":
        found = [_model(name, cells, models) for name in (first, second)]
    elif by == "condition":
        known = sorted({*cells.table["condition"].unique().to_pylist(), *(cell.condition for cell in cells.aggregates)})
        found = [Side(kind=by, name=name, ids=(_known(name, known, "condition"),)) for name in (first, second)]
    else:
        found = [_grader(name, cells) for name in (first, second)]
    if set(found[0].ids) & set(found[1].ids):
        same = ", ".join(sorted(set(found[0].ids) & set(found[1].ids)))
        raise DomainError(f"{first!r} and {second!r} are one {by} ({same}); name two different ones")
    return found[0], found[1]


def _known(name: str, known: Sequence[str], kind: str) -> str:
    if name in known:
        return name
    raise DomainError(f"no counted row is of {kind} {name!r}; {near_words(name, known)}")


def near_words(name: str, known: Sequence[str]) -> str:
    """The names that are close to one that is not there."""
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.4)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"there are: {', '.join(known[:SHOWN])}{' ...' if len(known) > SHOWN else ''}" if known else "there is none"


def _model(name: str, cells: Cells, models: pa.Table) -> Side:
    present = sorted({*cells.table["model_id"].unique().to_pylist(), *(cell.model_id for cell in cells.aggregates)})
    units = model_units(models, present)
    tampering = dict(zip(models["model_id"].to_pylist(), models["tampering"].to_pylist(), strict=True))
    ids = (name,) if name in present else tuple(m for m in present if units[m].model == name)
    if not ids:
        stored = set(models["model_id"].to_pylist()) | set(models["canonical_id"].to_pylist())
        if name in stored:
            raise DomainError(
                f"every graded row of model {name!r} is left out as asked (tampering state, source, or verdict); "
                "a tampered model is let in with --tampered include"
            )
        _known(name, sorted({*present, *(units[m].model for m in present)}), "model")
    unit = units[ids[0]]
    states = {tampering.get(m, "unknown") for m in ids}
    return Side(
        kind="model",
        name=name,
        ids=ids,
        params_b=unit.params_total_b,
        size_is_guess=unit.size_is_guess,
        tampering=states.pop() if len(states) == 1 else "unknown",
    )


def _grader(name: str, cells: Cells) -> Side:
    labels = tuple(label for label, meaning in cells.graders.items() if name in (label, meaning.grader_id))
    counted = set(_graders_with_rows(cells))
    labels = tuple(label for label in labels if label in counted)
    if not labels:
        _known(name, sorted(counted), "grader")
    if len(labels) > 1:
        raise DomainError(f"grader {name!r} has several rubric versions; name one: {', '.join(labels)}")
    return Side(kind="grader", name=name, ids=labels)


def _graders_with_rows(cells: Cells) -> Iterable[str]:
    return {*cells.table["grader"].unique().to_pylist(), *(cell.grader for cell in cells.aggregates)}
