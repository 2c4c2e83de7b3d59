"""Models without a size."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.registry import is_closed, parse_model_id

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    without = [name for name, row in facts.models.items() if row["params_total_b"] is None]
    closed = [name for name in without if is_closed(parse_model_id(name))]
    others = [name for name in without if name not in closed]
    if others:
        yield Hit(
            subject="sizes missing",
            found=f"{len(others):,} of {plural(len(facts.models), 'model')} have no size, from id, catalogue or data: "
            f"{named(others, 8)}",
            evidence=facts.id_evidence(others, "model"),
        )
    if closed:
        yield Hit(
            subject="closed models",
            found=f"{len(closed):,} of {plural(len(facts.models), 'model')} are closed and their vendors published no size: "
            f"{named(closed, 8)}",
            evidence=facts.id_evidence(closed, "model"),
            severity=Severity.INFO,
        )


RULE = Rule(
    code="SS203",
    name="size-missing",
    severity=Severity.WARNING,
    title="Models without a size",
    why="They take part in no answer about size, and who is missing may not be random.",
    todo="Declare the published size in the data (params_total_b), or use an id that states it.",
    threshold="One model. Closed models whose vendor published none are a note: nobody knows.",
    check=_check,
)
