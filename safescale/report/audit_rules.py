"""The table of rules, for people: on a terminal and as a page."""

from __future__ import annotations

from collections.abc import Iterable

from safescale.audit import Rule
from safescale.report.ingest_report import aligned

__all__ = ["rules_json", "rules_markdown", "rules_text"]


def rules_text(rules: Iterable[Rule]) -> str:
    """A line for each rule."""
    return aligned([("code", "name", "severity", "title"), *((r.code, r.name, r.severity.value, r.title) for r in rules)], left=4)


def rules_json(rules: Iterable[Rule]) -> list[dict[str, str]]:
    """The same for programs, with reason, advice and threshold."""
    names = ("code", "name", "title", "threshold", "why", "todo")
    return [{"severity": rule.severity.value} | {name: getattr(rule, name) for name in names} for rule in rules]


def rules_markdown(rules: Iterable[Rule]) -> str:
    """A page: every rule with when it speaks, why, and what to do."""
    listed = list(rules)
    lines = [
        "# Rules of the audit",
        "",
        "`safescale audit CORPUS` runs all of them. A finding has a code and a subject; a waiver names both, with a reason (see "
        "[Audit a corpus](../how-to/audit-a-corpus.md)).",
        "",
        "| code | name | severity | title |",
        "|---|---|---|---|",
        *(f"| [{r.code}](#{r.code.lower()}-{r.name}) | {r.name} | {r.severity.value} | {r.title} |" for r in listed),
        "",
    ]
    for rule in listed:
        lines += [
            f"## {rule.code} {rule.name}",
            "",
            f"**{rule.title}** ({rule.severity.value}).",
            "",
            f"*When it speaks.* {rule.threshold}",
            "",
            f"*Why it matters.* {rule.why}",
            "",
            f"*What to do.* {rule.todo}",
            "",
        ]
    return "\n".join(lines)
