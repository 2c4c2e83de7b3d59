"""Sizes that are guesses."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    guessed = {name: row for name, row in facts.models.items() if row["size_source"] == "estimated"}
    if guessed:
        sized = sum(row["params_total_b"] is not None for row in facts.models.values())
        shown = [f"{name} ({row['params_total_b']:g}B)" for name, row in guessed.items() if row["params_total_b"] is not None]
        yield Hit(
            subject="sizes guessed",
            found=f"{len(guessed):,} of {plural(sized, 'size')} are estimates that no vendor published: {named(shown, 8)}",
            evidence=facts.id_evidence(list(guessed), "model"),
        )


RULE = Rule(
    code="SS204",
    name="size-guessed",
    severity=Severity.WARNING,
    title="Guessed sizes",
    why="A guess on the size axis decides slopes, most of all at the ends; closed models are where guesses stand.",
    todo="Read every scaling result without the guesses (each is given so, too), or take the sizes out of the data.",
    threshold="One model whose size the data call an estimate, or that is closed and whose vendor published none.",
    check=_check,
)
