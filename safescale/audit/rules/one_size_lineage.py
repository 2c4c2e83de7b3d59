"""Lineages without two sizes."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import and_list, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.registry.parse import close_sizes

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    alone: list[str] = []
    for lineage, ids in facts.lineages.items():
        sized = {name: facts.models[name]["params_total_b"] for name in ids if not facts.is_tampered(name)}
        sizes = sorted({size for size in sized.values() if size is not None})
        if not sizes or not close_sizes(sizes[0], sizes[-1]):
            continue
        models = sorted({facts.models[name]["canonical_id"] for name, size in sized.items() if size is not None})
        if len(models) == 1:
            alone.append(lineage)
            continue
        yield Hit(
            subject=lineage,
            found=f"lineage {lineage} has {plural(len(models), 'model')} ({named(models)}), all of one size "
            f"({and_list([f'{size:g}B' for size in sizes])})",
            evidence=facts.id_evidence(models, "model"),
        )
    if alone and len(alone) < len(facts.lineages):
        yield Hit(
            subject="single models",
            found=f"{len(alone):,} of {plural(len(facts.lineages), 'lineage')} hold one model of known size: {named(alone, 8)}",
            evidence=facts.id_evidence(alone, "lineage"),
            severity=Severity.INFO,
        )
    elif alone:
        yield Hit(
            subject="single models",
            found=f"no lineage holds two sizes: each of {plural(len(alone), 'lineage')} has one model of known size",
            evidence=facts.id_evidence(alone, "lineage"),
        )


RULE = Rule(
    code="SS207",
    name="one-size-lineage",
    severity=Severity.WARNING,
    title="A lineage of one size",
    why="There is no slope to estimate: a flat line over versions of one size says nothing about size, and between lineages size "
    "is mixed up with everything else that differs.",
    todo="Add another size of the same generation, or make no claim about this lineage.",
    threshold="A lineage of several untampered models whose sizes agree within 15 %, or no lineage at all with two sizes. "
    "Lineages of one model beside others are a note.",
    check=_check,
)
