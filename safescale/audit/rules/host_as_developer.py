"""Models of which only the host is known, or whose developer is a host."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.registry import parse_model_id
from safescale.registry.spelling import organisations

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    known = organisations()
    hosts = (
        (set(known.hosts) | set(known.hosts.values()) | set(known.repackagers))
        - set(known.developers)
        - set(known.developers.values())
    )
    stated: dict[str, list[str]] = {}
    missing: dict[str, list[str]] = {}
    for name, row in facts.models.items():
        developer = row["developer"]
        if developer is not None and developer.lower() in hosts:
            stated.setdefault(developer, []).append(name)
        elif developer is None and (host := row["host"] or parse_model_id(name).host) is not None:
            missing.setdefault(host, []).append(name)
    for host, ids in sorted(stated.items()):
        yield Hit(
            subject=f"developer {host}",
            found=f"{plural(len(ids), 'model')} stand under the developer {host!r}, who serves or repackages models and trains "
            f"none ({named(ids)})",
            evidence=facts.id_evidence(ids, "model"),
        )
    for host, ids in sorted(missing.items()):
        yield Hit(
            subject=f"host {host}",
            found=f"of {plural(len(ids), 'model')} the id names the host {host!r} and nobody who trained it ({named(ids)}); "
            "grouped by provider they would be the host's",
            evidence=facts.id_evidence(ids, "model"),
        )


RULE = Rule(
    code="SS202",
    name="host-as-developer",
    severity=Severity.WARNING,
    title="A host stands for the developer",
    why="Provider effects speak of who trained a model; a host serves the models of many, so its group is a mixture.",
    todo="Use ids that name the developer (org/model), or name the model so that the registry knows its family: safescale models "
    "ID.",
    threshold="A model whose developer is a known host or repackager, or of which only the host is known.",
    check=_check,
)
