"""The answer of ``analyze inverse-scaling`` for a terminal and as Markdown: testability first."""

from __future__ import annotations

from safescale.analyses import InverseScalingResult
from safescale.report.document import Section, Table, every_section
from safescale.report.findings import findings
from safescale.report.markdown import sections_markdown
from safescale.report.plain import plain
from safescale.report.scaling_section import scaling_section

__all__ = ["scaling_markdown", "scaling_text"]


def scaling_text(result: InverseScalingResult, *, version: str, command: str, simulated: bool) -> str:
    """Testability, answer, tables, warnings."""
    lines = _opening(version, result.fingerprint, simulated)
    for finding in findings(result):
        about = f" ({finding.about})" if finding.about else ""
        lines += ["", f"{finding.question}{about}", f"testability: {finding.testability}", f"answer: {finding.answer}"]
    if result.caveats:
        lines += ["", *(f"warning: {caveat}" for caveat in result.caveats)]
    for _, section in every_section(scaling_section(result, command, {}).sections):
        lines += ["", section.title, *(f"  warning: {warning}" for warning in section.warnings)]
        for table in section.tables:
            lines += ["", *_table(table)]
    lines += ["", f"command: {command}"]
    return "\n".join(plain(line) for text in lines for line in text.split("\n"))


def scaling_markdown(result: InverseScalingResult, *, version: str, command: str, simulated: bool) -> str:
    """The same with headings and tables of Markdown."""
    found = findings(result)
    opening = Section(
        id="answer",
        title="Attack success and model size",
        paragraphs=(
            *_opening(version, result.fingerprint, simulated),
            *(words for f in found for words in (f"{f.question} {f'({f.about})' if f.about else ''}", f.testability, f.answer)),
        ),
        warnings=result.caveats,
        commands=(command,),
    )
    return sections_markdown(
        (opening, *scaling_section(result, command, {}).sections), watermark="SIMULATED" if simulated else None
    )


def _opening(version: str, fingerprint: str, simulated: bool) -> list[str]:
    mark = ["SIMULATED rows are in this corpus: nothing here is about a real model."] if simulated else []
    return [*mark, f"safescale {version}, corpus {fingerprint}"]


def _table(table: Table) -> list[str]:
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
