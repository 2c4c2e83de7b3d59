"""A rule of the audit: its row in the table, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Finding, Hit, Severity

__all__ = ["CannotRun", "Rule"]


class CannotRun(Exception):
    """A rule lacks what it would look at; the words say what."""


@attrs.frozen(kw_only=True)
class Rule:
    """
    One rule.

    Attributes
    ----------
    code : str
        Stable: ``SS`` and three digits.
    name : str
        The same in words with hyphens.
    severity : Severity
        Weight of a hit that does not state its own.
    title, why, todo : str
        What it is about, why it matters, what to do.
    threshold : str
        When it speaks, in words: for the page of rules.
    check : callable
        Looks at the corpus; raises ``CannotRun`` where there is nothing to look at.
    """

    code: str
    name: str
    severity: Severity
    title: str
    why: str
    todo: str
    threshold: str
    check: Callable[[AuditFacts], Iterable[Hit]]

    def findings(self, facts: AuditFacts) -> tuple[Finding, ...]:
        """What this rule finds."""
        return tuple(
            Finding(
                code=self.code,
                rule=self.name,
                severity=hit.severity or self.severity,
                title=self.title,
                subject=hit.subject,
                found=hit.found,
                evidence=hit.evidence,
                why=self.why,
                todo=self.todo,
            )
            for hit in self.check(facts)
        )
