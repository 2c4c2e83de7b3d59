"""A document as Markdown; words from the data cannot start markup of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from safescale.analyses.words import capital
from safescale.report.document import Document, Figure, Section, Table, every_section
from safescale.report.plain import plain
from safescale.report.table_files import form_name, table_links

__all__ = ["document_markdown", "sections_markdown"]

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~#])")


def document_markdown(document: Document) -> str:
    """The whole report."""
    lines = [f"# {_safe(document.title)}", ""]
    if document.watermark_words:
        lines += [f"**{_safe(document.watermark_words)}**", ""]
    lines += [f"safescale {_safe(document.version)}, corpus {_safe(document.fingerprint)}", ""]
    if document.opening:
        lines.append(sections_markdown(document.opening, watermark=document.watermark, files=True))
    lines += ["## Findings", ""]
    if document.summary:
        lines += [_safe(document.summary), ""]
    for finding in document.in_full:
        about = f" ({_safe(finding.about)})" if finding.about else ""
        verdict = capital(finding.verdict)
        lines += [f"### {_safe(finding.question)}{about}", "", _safe(finding.testability), ""]
        lines += [f"**{_safe(verdict)}.**", "", _safe(finding.answer), ""]
    for question, told, counted in document.in_lines:
        lines += [f"### {_safe(question)}", ""]
        lines += [
            *(f"- {_safe(f.about or 'this corpus')}: {_safe(f.verdict)}" for f in told),
            *(f"- {_safe(c)}" for c in counted),
            "",
        ]
    lines.append(sections_markdown(document.sections, watermark=document.watermark, files=True))
    if document.watermark_words:
        lines += [f"**{_safe(document.watermark_words)}**", ""]
    return "\n".join(lines)


def sections_markdown(sections: tuple[Section, ...], *, watermark: str | None = None, files: bool = False) -> str:
    """Sections with their headings; with ``files``, links to the files of each table."""
    return "\n".join(line for depth, section in every_section(sections) for line in _section(section, depth, watermark, files))


def _section(section: Section, depth: int, watermark: str | None, files: bool) -> Iterator[str]:
    yield from (f"{'#' * depth} {_safe(section.title)}", "")
    for paragraph in section.paragraphs:
        yield from (_safe(paragraph), "")
    if section.warnings:
        yield from (*(f"- {_safe(warning)}" for warning in section.warnings), "")
    for command in section.commands:
        yield from ("```sh", plain(command), "```", "")
    if section.verbatim:
        lines = [plain(line) for line in section.verbatim]
        # a fence inside the text must not end the block
        fence = "`" * (1 + max(2, *(len(run) for line in lines for run in re.findall("`+", line)), 0))
        yield from (f"{fence}text", *lines, fence, "")
    for figure in section.figures:
        yield from _figure(figure, watermark)
    for table in section.tables:
        yield from _table(table, watermark)
        if files:
            yield from (f"Files: {', '.join(f'[{form_name(file)}]({file})' for file in table_links(table))}.", "")
    if section.methods:
        yield from (f"**Methods.** {_safe(' '.join(section.methods))}", "")


def _figure(figure: Figure, watermark: str | None) -> Iterator[str]:
    mark = f" **{watermark}.**" if watermark else ""
    yield from (f"![{_safe(figure.alt)}]({figure.files[0]})", "")
    yield from (f"**{_safe(figure.title)}.**{mark} {_safe(figure.caption)} {_safe(figure.source)}", "")


def _table(table: Table, watermark: str | None) -> Iterator[str]:
    mark = f" ({watermark})" if watermark else ""
    yield from (f"**{_safe(table.caption)}**{mark}", "")
    yield _row(tuple(column.name for column in table.columns))
    yield _row(tuple("---:" if column.numeric else "---" for column in table.columns), raw=True)
    yield from (_row(row) for row in table.rows)
    yield ""
    for words in (*table.notes, table.source):
        yield from (_safe(words), "")


def _row(cells: tuple[str, ...], *, raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else _safe(cell) for cell in cells) + " |"


def _safe(text: str) -> str:
    """Plain text without the characters that mean something in Markdown or HTML."""
    words = _SPECIAL.sub(r"\\\1", " ".join(plain(text).split()))
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
