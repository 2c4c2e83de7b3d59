"""Headers and summaries that say something else than the rows."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.notes import hits_of
from safescale.audit.rule import Rule
from safescale.records.fates import NoteCode

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    return hits_of(facts, (NoteCode.HEADER_CONTRADICTS_ROWS,))


RULE = Rule(
    code="SS501",
    name="header-contradicts-rows",
    severity=Severity.WARNING,
    title="A header contradicts its rows",
    why="Somebody may have published the header's number; it is not the rate of these rows. The rows win here.",
    todo="Quote the rate that the rows give; tell the publisher.",
    threshold="A note HEADER_CONTRADICTS_ROWS of the adapter, one finding for each file.",
    check=_check,
)
