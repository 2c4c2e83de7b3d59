"""The model that a card is about: its ids, its state, the prompts it was given and the runs that gave them."""

from __future__ import annotations

import fnmatch
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.compare.sides import near_words
from safescale.analyses.residual_safety.results import PromptSet, PromptUse, RunFact, SizeFact, Subject
from safescale.cells import Counting, Selection
from safescale.errors import DomainError
from safescale.store.files_hash import named_sha256

__all__ = ["TracesOfModel", "prompt_sets", "prompt_uses", "runs_of", "subject_of", "traces_of"]

TracesOfModel = list[dict[str, Any]]
"""Rows with ``trace_id, prompt_id, prompt_kind, attack_class, condition, prompt_sha256, source``."""

_COLUMNS = ("trace_id", "prompt_id", "prompt_kind", "attack_class", "condition", "prompt_sha256", "source")


def subject_of(models: pa.Table, name: str) -> Subject:
    """
    The model of that exact or canonical id.

    Raises
    ------
    DomainError
        When the corpus has no such model, with those that are close.
    """
    rows = models.to_pylist()
    mine = [row for row in rows if row["model_id"] == name] or [row for row in rows if row["canonical_id"] == name]
    if not mine:
        known = sorted({row["model_id"] for row in rows} | {row["canonical_id"] for row in rows})
        raise DomainError(f"no model of this corpus is called {name!r}; {near_words(name, known)}")
    states = {row["tampering"] for row in mine}
    return Subject(
        model=name,
        model_ids=tuple(sorted(row["model_id"] for row in mine)),
        size=SizeFact(
            params_total_b=_agreed(mine, "params_total_b"),
            params_active_b=_agreed(mine, "params_active_b"),
            source=" or ".join(sorted({row["size_source"] for row in mine})),
            note="; ".join(dict.fromkeys(note for row in mine if (note := row.get("size_note")))) or None,
        ),
        developer=_agreed(mine, "developer"),
        hosts=tuple(sorted({row["host"] for row in mine} - {None})),
        family=_agreed(mine, "family"),
        lineage=_agreed(mine, "lineage"),
        released=_agreed(mine, "released"),
        tampering=states.pop() if len(states) == 1 else "unknown",
        tampering_detail=tuple(dict.fromkeys(why for row in mine if (why := row["tampering_detail"]))),
    )


def _agreed(rows: Sequence[Mapping[str, Any]], column: str) -> Any:
    values = {row[column] for row in rows} - {None}
    return values.pop() if len(values) == 1 else None


def traces_of(counting: Counting, model_ids: Sequence[str], selection: Selection) -> TracesOfModel:
    """Every trace of these ids, graded or not, of sources that were not left out."""
    traces = counting.read("traces", ["model_id", *_COLUMNS])
    mine = (
        traces.filter(pc.is_in(traces["model_id"], value_set=pa.array(model_ids, pa.string()))).select(list(_COLUMNS)).to_pylist()
    )
    return [row for row in mine if not any(fnmatch.fnmatchcase(row["source"], glob) for glob in selection.exclude_sources)]


def prompt_uses(traces: TracesOfModel) -> tuple[PromptUse, ...]:
    """Prompts and traces by kind, attack class and condition."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for row in traces:
        key = (row["prompt_kind"], row["attack_class"], row["condition"])
        counts.setdefault(key, Counter())[row["prompt_id"]] += 1
    return tuple(
        PromptUse(
            kind=kind, attack_class=attack_class, condition=condition,
            traces=sum(by_prompt.values()), prompts=len(by_prompt), most_traces=max(by_prompt.values()),
        )
        for (kind, attack_class, condition), by_prompt in sorted(counts.items())
    )  # fmt: skip


def prompt_sets(traces: TracesOfModel) -> tuple[PromptSet, ...]:
    """The prompts of each kind under one hash."""
    found = []
    for kind in sorted({row["prompt_kind"] for row in traces}):
        mine = [row for row in traces if row["prompt_kind"] == kind]
        texts = {row["prompt_sha256"] for row in mine}
        ids = {row["prompt_id"] for row in mine}
        known = None not in texts
        found.append(
            PromptSet(
                kind=kind,
                prompts=len(ids),
                traces=len(mine),
                sha256=named_sha256((name, "") for name in sorted(texts if known else ids)),
                basis="texts" if known else "ids",
            )
        )
    return tuple(found)


def runs_of(counting: Counting, model_ids: Sequence[str]) -> tuple[RunFact, ...]:
    """What the manifests say of the runs of these ids; of their sampling the numbers alone, for a text of it may be a prompt."""
    found = []
    for row in counting.read("runs").to_pylist():
        if row["model_id"] in model_ids:
            found.append(
                RunFact(
                    tool=row["tool"],
                    tool_version=row["tool_version"],
                    model_revision=row["model_revision"],
                    chat_template_sha256=row["chat_template_sha256"],
                    prompt_set_sha256=row["prompt_set_sha256"],
                    sampling=_numbers(row["sampling"]),
                )
            )
    return tuple({repr(fact): fact for fact in sorted(found, key=repr)}.values())


def _numbers(sampling: str | None) -> dict[str, float | bool]:
    try:
        given = json.loads(sampling) if sampling else {}
    except ValueError:
        return {}
    if not isinstance(given, dict):
        return {}
    return {str(key): value for key, value in sorted(given.items()) if isinstance(value, bool | int | float)}
