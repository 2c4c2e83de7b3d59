"""A chapter of many settings: those that cannot be tested are rows of one table, so that the others can be found."""

from __future__ import annotations

from typing import Final

import attrs

from safescale.report.chapter import Chapter
from safescale.report.document import Column, Finding, Section, Table

__all__ = ["MANY_SETTINGS", "condensed"]

MANY_SETTINGS: Final = 8
"""Up to so many parts each stands in full, tested or not."""


def condensed(chapter: Chapter) -> Chapter:
    """
    The chapter with one row for each part that could not be tested and has no figure, where there are many parts.

    What is left out of the page stands in ``report.json``; the page says so.
    """
    parts = chapter.section.sections
    untold = {_key(finding): finding for finding in chapter.findings if not finding.testable}
    short = [part for part in parts if not part.figures and _finding_of(part, untold) is not None]
    if len(parts) <= MANY_SETTINGS or not short:
        return chapter
    kept = tuple(part for part in parts if part not in short)
    section = attrs.evolve(chapter.section, sections=(*kept, _in_rows(chapter.section.id, short, untold)))
    return attrs.evolve(chapter, section=section)


def _key(finding: Finding) -> str:
    return finding.section or finding.about.lower()


def _finding_of(part: Section, untold: dict[str, Finding]) -> Finding | None:
    return untold.get(part.id) or untold.get(part.title.lower())


def _in_rows(name: str, short: list[Section], untold: dict[str, Finding]) -> Section:
    found = [(part.title, finding) for part in short if (finding := _finding_of(part, untold)) is not None]
    source = next((table.source for part in short for table in part.tables), "")
    table = Table(
        id=f"{name}-untestable",
        caption=f"The {len(found)} settings that cannot be tested",
        columns=(Column(name="setting"), Column(name="verdict"), Column(name="why, and what would do")),
        rows=tuple((title, finding.verdict, finding.testability) for title, finding in found),
        source=source,
        notes=("Their rates by model, and everything that was computed of them, stand in report.json.",),
    )
    return Section(id=f"{name}-not-tested", title="Settings that cannot be tested", tables=(table,))
