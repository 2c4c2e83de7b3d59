"""The answer of one analysis for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from safescale.analyses import to_jsonable
from safescale.report.chapter import Chapter
from safescale.report.document import Section, Table, every_section
from safescale.report.markdown import sections_markdown
from safescale.report.plain import plain

__all__ = ["chapter_json", "chapter_markdown", "chapter_text", "table_text"]


def chapter_text(chapter: Chapter, *, version: str, fingerprint: str, command: str, simulated: bool) -> str:
    """Testability, answer, warnings, tables."""
    lines = _opening(version, fingerprint, simulated)
    for finding in chapter.findings:
        about = f" ({finding.about})" if finding.about else ""
        lines += ["", f"{finding.question}{about}", f"testability: {finding.testability}", f"answer: {finding.answer}"]
    top = chapter.section
    if not chapter.findings:
        lines += [line for words in top.paragraphs for line in ("", words)]
    if top.warnings:
        lines += ["", *(f"warning: {warning}" for warning in top.warnings)]
    for table in top.tables:
        lines += ["", *table_text(table)]
    for _, section in every_section(top.sections):
        lines += ["", section.title, *(f"  warning: {warning}" for warning in section.warnings)]
        for table in section.tables:
            lines += ["", *table_text(table)]
    lines += ["", f"command: {command}"]
    return "\n".join(plain(line) for text in lines for line in text.split("\n"))


def chapter_markdown(chapter: Chapter, *, version: str, fingerprint: str, command: str, simulated: bool) -> str:
    """The same with headings and tables of Markdown."""
    found = chapter.findings
    opening = Section(
        id="answer",
        title=chapter.section.title,
        paragraphs=(
            *_opening(version, fingerprint, simulated),
            *(words for f in found for words in (f"{f.question} {f'({f.about})' if f.about else ''}", f.testability, f.answer)),
        ),
        commands=(command,),
    )
    return sections_markdown((opening, chapter.section), watermark="SIMULATED" if simulated else None)


def chapter_json(
    key: str, result: object, *, version: str, command: str, simulated: bool, more: Mapping[str, object] | None = None
) -> str:
    """The whole result under its key, and ``more`` under theirs; nothing rounded."""
    whole = {"safescale": version, "simulated": simulated, "command": command, key: to_jsonable(result)}
    whole |= {name: to_jsonable(value) for name, value in (more or {}).items()}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)


def _opening(version: str, fingerprint: str, simulated: bool) -> list[str]:
    mark = ["SIMULATED rows are in this corpus: nothing here is about a real model."] if simulated else []
    return [*mark, f"safescale {version}, corpus {fingerprint}"]


def table_text(table: Table) -> list[str]:
    """A table in columns of equal width, under its caption."""
    rows = [tuple(column.name for column in table.columns), *table.rows]
    columns = [tuple(plain(row[i]) for row in rows) for i in range(len(table.columns))]
    widths = [max(map(len, cells)) for cells in columns]
    lines = (
        "  ".join(
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, width, column in zip(row, widths, table.columns, strict=True)
        )
        for row in zip(*columns, strict=True)
    )
    return [table.caption, *(f"  {line}".rstrip() for line in lines), *(f"  {note}" for note in table.notes)]
