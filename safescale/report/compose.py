"""From facts to a document: which figures are drawn, and the order of the sections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from safescale.analyses.words import plural
from safescale.report.audit_section import audit_section
from safescale.report.chapter import Chapter
from safescale.report.condense import condensed
from safescale.report.document import Document, Section
from safescale.report.facts import Facts
from safescale.report.figures.sink import FIGURES, FigureSink
from safescale.report.findings import summary_words
from safescale.report.methods import methods_section, reproduce_section
from safescale.report.overview import corpus_section, exclusions_section, overview_section
from safescale.report.raised import corpus_warnings
from safescale.report.scaling_section import scaling_chapter
from safescale.report.switch_table import with_switch_table

__all__ = ["FIGURES", "MoreChapters", "compose", "nothing_more"]

MoreChapters: TypeAlias = Callable[[FigureSink], Sequence[Chapter]]


def nothing_more(_: FigureSink) -> Sequence[Chapter]:
    """No other analysis."""
    return ()


def compose(facts: Facts, folder: Path, more: MoreChapters = nothing_more) -> Document:
    """
    The report as a document; its figures are written to ``folder``.

    Parameters
    ----------
    facts : Facts
        Results and provenance.
    folder : Path
        An existing folder for the figure files.
    more : callable, optional
        Makes the chapters of the other analyses, with their figures.
    """
    result, mark = facts.scaling, facts.watermark
    sink = FigureSink(folder, watermark=mark)
    scaling, others = scaling_chapter(result, facts.analyze_command, sink), more(sink)
    scaling, others = condensed(scaling), tuple(condensed(chapter) for chapter in others)
    if facts.effects:
        scaling = with_switch_table(scaling, facts.effects, facts.analyze_command, result.fingerprint)
    asked, idle = [c for c in others if c.idle is None], [c for c in others if c.idle is not None]
    warnings = corpus_warnings(facts)
    raised = (Section(id="warnings", title="Warnings", warnings=warnings),) if warnings else ()
    audited = _audited(facts)
    return Document(
        title="Safety and scale: report",
        version=facts.version,
        fingerprint=result.fingerprint,
        command=facts.command,
        watermark=mark,
        watermark_words=None if mark is None else _watermark_words(facts),
        findings=(*scaling.findings, *(finding for chapter in asked for finding in chapter.findings)),
        summary=summary_words(result),
        opening=audited,
        sections=(
            *raised,
            overview_section(facts),
            scaling.section,
            *(chapter.section for chapter in asked),
            *_not_asked(idle),
            exclusions_section(facts),
            corpus_section(facts),
            methods_section(facts),
            reproduce_section(facts),
        ),
    )


def _audited(facts: Facts) -> tuple[Section, ...]:
    """What is suspicious in the corpus: every answer rests on it, so it stands before them."""
    if facts.audit is None:
        return ()
    rows = f"{plural(facts.look.traces.traces, 'trace')}, {plural(facts.look.considered, 'graded row')}"
    return (audit_section(facts.audit, facts.audit_arguments, rows),)


def _watermark_words(facts: Facts) -> str:
    sources = facts.corpus.sources
    which = "all rows are" if len(sources) == 1 else f"1 of {len(sources)} sources is"
    return f"{facts.watermark}: {which} simulated. Nothing here is about a real model."


def _not_asked(idle: Sequence[Chapter]) -> tuple[Section, ...]:
    """What could be asked of other rows."""
    if not idle:
        return ()
    words = tuple(f"{chapter.section.title}: {chapter.idle}." for chapter in idle)
    return (Section(id="not-asked", title="What was not asked, and why", paragraphs=words),)
