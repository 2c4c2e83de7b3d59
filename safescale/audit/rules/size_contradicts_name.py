"""Sizes that contradict the name or the published figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.registry import ModelInfo, parse_model_id
from safescale.registry.parse import close_sizes

__all__ = ["RULE"]

_DOUBTS: Final = (
    "the name states two sizes",
    "may be half of a decimal",
    "contradicts",
    "but ",
    "published are",
    "active of",
)
"""Words of ``size_note`` that tell of a contradiction."""


def _check(facts: AuditFacts) -> Iterator[Hit]:
    for name, row in facts.models.items():
        if (words := _contradiction(name, row)) is not None:
            yield Hit(subject=name, found=f"{name}: {words[0]}", evidence=facts.id_evidence([name], "model"), severity=words[1])


def _contradiction(name: str, row: Any) -> tuple[str, Severity | None] | None:
    """What contradicts what, from the id read again and the note of the registry."""
    told, read = row["params_total_b"], parse_model_id(name)
    of_name = read.params_total_b
    # 1.24B is called 1b
    if told is not None and of_name is not None and not close_sizes(told, of_name) and not _rounded(read, told):
        origin = "the name states" if read.size_source == "name" else "published are"
        return f"the data declare {told:g}B, {origin} {of_name:g}B", None
    active = row["params_active_b"]
    if told is not None and active is not None and active > told:
        return f"{active:g}B active parameters of {told:g}B in all", None
    note = row["size_note"] or ""
    if any(doubt in note for doubt in _DOUBTS):
        return note, None if "contradicts" in note or "but " in note else Severity.WARNING
    return None


def _rounded(read: ModelInfo, told: float) -> bool:
    return read.size_source == "name" and round(told) == read.params_total_b


RULE = Rule(
    code="SS205",
    name="size-contradicts-name",
    severity=Severity.ERROR,
    title="A size that contradicts the model's name",
    why="One of the two is wrong: the point stands at the wrong place of the size axis, or the rows belong to another model.",
    todo="Look the size up at its vendor; correct the declared one, or the id.",
    threshold="Declared and stated (or published) size differ by more than 15 % of the larger and are not one rounded to the "
    "other; more active than total parameters; a name that states two sizes (warning).",
    check=_check,
)
