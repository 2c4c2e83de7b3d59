"""Mixtures of experts on the axis of total parameters."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.registry import parse_model_id
from safescale.registry.parse import close_sizes

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    sparse: list[str] = []
    unstated: list[str] = []
    dense = 0
    for name, row in facts.models.items():
        total = row["params_total_b"]
        if total is None:
            continue
        active = row["params_active_b"] or parse_model_id(name).params_active_b
        if active is not None and not close_sizes(active, total):
            sparse.append(f"{name} ({total:g}B, {active:g}B active)")
            if row["params_active_b"] is None:
                unstated.append(name)
        else:
            dense += 1
    if sparse:
        mixed = f" beside {plural(dense, 'model')} that use all of theirs, as far as is known" if dense else ""
        lost = f"; of {named(unstated)} the data leave the active size out" if unstated else ""
        yield Hit(
            subject="mixtures of experts",
            found=f"at its total size stands each of {plural(len(sparse), 'mixture')} of experts{mixed}: {named(sparse, 5)}{lost}",
            evidence=facts.id_evidence([name.rsplit(" (", 1)[0] for name in sparse], "model"),
            severity=Severity.WARNING if dense else Severity.INFO,
        )


RULE = Rule(
    code="SS206",
    name="moe-at-total-size",
    severity=Severity.WARNING,
    title="Mixtures of experts at their total size",
    why="A token uses the active parameters only: by total size such a model stands up to twenty times further right than a "
    "dense one that computes as much, and a slope over both depends on the choice.",
    todo="Read each scaling result with active parameters, too (it is given so), and say which was used.",
    threshold="One model whose active size is known and differs from its total by more than 15 %; a warning where dense models "
    "stand beside it.",
    check=_check,
)
