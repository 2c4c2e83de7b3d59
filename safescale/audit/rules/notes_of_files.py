"""Everything else that an adapter noted of a file."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.notes import hits_of
from safescale.audit.rule import Rule
from safescale.records.fates import NoteCode

__all__ = ["RULE"]

_WARNINGS = (NoteCode.GRADER_FAILED, NoteCode.POLARITY_UNKNOWN)


def _check(facts: AuditFacts) -> Iterator[Hit]:
    others = tuple(code for code in NoteCode if code is not NoteCode.HEADER_CONTRADICTS_ROWS)
    for code in others:
        for hit in hits_of(facts, (code,)):
            yield attrs.evolve(hit, severity=Severity.WARNING if code in _WARNINGS else None)


RULE = Rule(
    code="SS502",
    name="notes-of-files",
    severity=Severity.INFO,
    title="A note of the reader on a file",
    why="A number from this file needs it to be read rightly: clipped texts, missing companions, verdicts that the grader never "
    "gave.",
    todo="Read the note; supply the missing companion file, or grade again where the grader failed.",
    threshold="A note of the adapter other than a contradicted header; failed graders and scores of unknown polarity are warnings.",
    check=_check,
)
