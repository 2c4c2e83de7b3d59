"""The closing words of ``ingest`` and ``validate``: text for people, JSON for programs, annotations for GitHub."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.ingest.outcome import FileOutcome, IngestReport
from safescale.records.fates import Fate
from safescale.report.github import annotation

__all__ = ["aligned", "ingest_github", "ingest_json", "ingest_text"]

SHOWN_REJECTS: Final = 20


def ingest_text(report: IngestReport, *, corpus: Path | None = None) -> str:
    """Closing table, conservation, first rejects, and what to do next."""
    rows = [_table_row(f) for f in report.files]
    header = ("file", "format", "rows", "traces", "grades", "duplicates", "other", "rejects")
    lines = [aligned([header, *rows], left=2), "", _conservation(report)]
    lines += [f"already in the corpus, adds nothing: {f.file}" for f in report.files if f.already_ingested]
    if report.same_traces:
        lines.append(f"present in two sources, counted once: {report.same_traces} traces ({report.same_traces_rule})")
    lines += _reject_lines(report.files)
    lines += _note_lines(report.files)
    if report.not_read:
        named = ", ".join(report.not_read[:SHOWN_REJECTS]) + (" ..." if len(report.not_read) > SHOWN_REJECTS else "")
        lines.append(f"not read, no suffix of a data format: {len(report.not_read):,} ({named}); name a file to have it read")
    if corpus is not None:
        lines += [f"corpus {corpus}, fingerprint {report.fingerprint}", f"next: safescale report {corpus} -o safescale-report"]
    elif not report.findings:
        lines.append("clean")
    return "\n".join(lines)


def ingest_json(report: IngestReport, *, corpus: Path | None = None) -> str:
    """Everything as one JSON object."""
    found = {
        "rows_in": report.rows_in,
        "fates": {fate.value: count for fate, count in report.fates.items()},
        "findings": report.findings,
        "fingerprint": report.fingerprint,
        "not_read": list(report.not_read),
        "same_traces": report.same_traces,
        "same_traces_rule": report.same_traces_rule,
        "corpus": None if corpus is None else str(corpus),
        "files": [
            {
                "file": f.file,
                "format": f.format,
                "rows_in": f.rows_in,
                "grades": f.grades,
                "already_ingested": f.already_ingested,
                "fates": {fate.value: count for fate, count in f.fates.items() if count},
                "reject_codes": dict(f.reject_codes),
                "rejects": [
                    {
                        "row": r.row,
                        "code": r.code.value,
                        "column": r.column,
                        "expected": r.expected,
                        "got": r.got,
                        "raw_sha256": r.raw_sha256,
                    }
                    for r in f.rejects
                ],
                "notes": [
                    {"row": n.row, "code": n.code.value, "column": n.column, "expected": n.expected, "got": n.got} for n in f.notes
                ],
            }
            for f in report.files
        ],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def ingest_github(report: IngestReport) -> str:
    """One workflow annotation for each reject."""
    return "\n".join(
        annotation(
            "error",
            f"{r.column + ': ' if r.column else ''}expected {r.expected}; got {r.got}",
            title=r.code.value,
            file=f.file,
            line=r.row,
        )
        for f in report.files
        for r in f.rejects
    )


def _table_row(file: FileOutcome) -> tuple[str, ...]:
    fates = Counter(file.fates)
    other = fates[Fate.TURN] + fates[Fate.AGGREGATE] + fates[Fate.METADATA] + fates[Fate.SUPERSEDED]
    numbers = (file.rows_in, fates[Fate.TRACE], file.grades, fates[Fate.DUPLICATE], other, len(file.rejects))
    return (file.file, file.format or "?", *(f"{n:,}" for n in numbers))


def _conservation(report: IngestReport) -> str:
    parts = [f"{count:,} {fate.value}" for fate, count in report.fates.items() if count]
    return f"{report.rows_in:,} rows in = " + (" + ".join(parts) or "0")


def _reject_lines(files: Sequence[FileOutcome]) -> list[str]:
    located = [(f.file, r) for f in files for r in f.rejects]
    if not located:
        return []
    codes = Counter(r.code.value for _, r in located)
    lines = ["rejects by code: " + ", ".join(f"{code} {n:,}" for code, n in codes.most_common())]
    for file, r in located[:SHOWN_REJECTS]:
        column = f" column {r.column!r}" if r.column else ""
        lines.append(f"  {file}:{r.row}: {r.code.value}{column}: expected {r.expected}; got {r.got!r}")
    if len(located) > SHOWN_REJECTS:
        lines.append(f"  ... and {len(located) - SHOWN_REJECTS:,} more (--json lists all; the corpus keeps them in 'rejects')")
    return lines


def _note_lines(files: Sequence[FileOutcome]) -> list[str]:
    located = [(f.file, n) for f in files for n in f.notes]
    if not located:
        return []
    codes = Counter(n.code.value for _, n in located)
    lines = ["notes by code: " + ", ".join(f"{code} {n:,}" for code, n in codes.most_common())]
    for file, n in located[:SHOWN_REJECTS]:
        where = f":{n.row}" if n.row else ""
        column = f" column {n.column!r}" if n.column else ""
        lines.append(f"  {file}{where}: {n.code.value}{column}: expected {n.expected}; got {n.got}")
    if len(located) > SHOWN_REJECTS:
        lines.append(f"  ... and {len(located) - SHOWN_REJECTS:,} more (--json lists all; the corpus keeps them in 'notes')")
    return lines


def aligned(rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Rows as aligned columns; the first ``left`` columns to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
