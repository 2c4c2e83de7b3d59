"""The closing words of ``ingest`` and ``validate``: text for people, JSON for programs, annotations for GitHub."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.ingest.outcome import FileOutcome, IngestReport
from safescale.records.fates import Fate
from safescale.records.rows import FileNote, RejectedRow
from safescale.report.github import annotation

__all__ = ["aligned", "ingest_github", "ingest_json", "ingest_text"]

SHOWN_REJECTS: Final = 20
SHOWN_PATH: Final = 64


def ingest_text(report: IngestReport, *, corpus: Path | None = None) -> str:
    """Closing table, conservation, first rejects, and what to do next."""
    lines = [_table(report.files), "", _conservation(report)]
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


_HEADER: Final = ("file", "format", "rows", "traces", "grades", "duplicates", "other", "rejects", "notes", "codes")


def _table(files: Sequence[FileOutcome]) -> str:
    """One row a file: what it is, what became of its rows, and its rejects and notes by code; paths under their common folder."""
    common = _common_folder([f.file for f in files])
    rows = [_table_row(f, common) for f in files]
    codes = [_codes(f) for f in files]
    numbers = [[_numbers(f)[i] for f in files] for i in range(7)]
    if len(files) > 1:
        rows.append(("total", "", *(f"{sum(column):,}" for column in numbers)))
        codes.append("")
    header = _HEADER if any(codes) else _HEADER[:-1]
    lines = aligned([header[:9], *rows], left=2).split("\n")
    width = max(map(len, lines))
    told = [_HEADER[-1] if any(codes) else "", *codes]
    lines = [f"{line.ljust(width)}  {words}".rstrip() for line, words in zip(lines, told, strict=True)]
    return "\n".join([*([f"files in {common}"] if common else []), *lines])


def _table_row(file: FileOutcome, common: str) -> tuple[str, ...]:
    name = _short(file.file.removeprefix(common).lstrip("/") if common else file.file)
    return (name, file.format or "?", *(f"{n:,}" for n in _numbers(file)))


def _numbers(file: FileOutcome) -> tuple[int, ...]:
    fates = Counter(file.fates)
    other = fates[Fate.TURN] + fates[Fate.AGGREGATE] + fates[Fate.METADATA] + fates[Fate.SUPERSEDED]
    return (
        file.rows_in,
        fates[Fate.TRACE],
        file.grades,
        fates[Fate.DUPLICATE],
        other,
        len(file.rejects),
        len(file.notes),
    )


def _codes(file: FileOutcome) -> str:
    """Rejects and notes of a file by code."""
    rejects = Counter(r.code.value for r in file.rejects)
    notes = Counter(n.code.value for n in file.notes)
    parts = [", ".join(f"{code} {n:,}" for code, n in found.most_common()) for found in (rejects, notes)]
    return "; ".join(f"{word}{part}" for word, part in zip(("", "notes: "), parts, strict=True) if part)


def _common_folder(files: Sequence[str]) -> str:
    """The folder that all of several files are in, when it is worth a line of its own."""
    if len(files) < 2:
        return ""
    try:
        common = os.path.commonpath([os.path.dirname(file) for file in files])
    except ValueError:  # absolute and relative ones
        return ""
    return common if len(common) > 1 else ""


def _short(path: str) -> str:
    """A long path cut in its middle: the end, which tells files apart, stays."""
    return path if len(path) <= SHOWN_PATH else f"{path[: SHOWN_PATH // 3]}…{path[-(SHOWN_PATH - SHOWN_PATH // 3 - 1) :]}"


def _conservation(report: IngestReport) -> str:
    parts = [f"{count:,} {fate.value}" for fate, count in report.fates.items() if count]
    return f"{report.rows_in:,} rows in = " + (" + ".join(parts) or "0")


def _reject_lines(files: Sequence[FileOutcome]) -> list[str]:
    return _located([(f.file, r.row, r, repr(r.got)) for f in files for r in f.rejects], "rejects")


def _note_lines(files: Sequence[FileOutcome]) -> list[str]:
    return _located([(f.file, n.row or None, n, n.got) for f in files for n in f.notes], "notes")


def _located(found: Sequence[tuple[str, int | None, RejectedRow | FileNote, str]], table: str) -> list[str]:
    """Counts by code, and the first of them with their places; ``table`` keeps them in the corpus."""
    if not found:
        return []
    codes = Counter(one.code.value for _, _, one, _ in found)
    lines = [f"{table} by code: " + ", ".join(f"{code} {n:,}" for code, n in codes.most_common())]
    for file, row, one, got in found[:SHOWN_REJECTS]:
        where = file if row is None else f"{file}:{row}"
        column = f" column {one.column!r}" if one.column else ""
        lines.append(f"  {where}: {one.code.value}{column}: expected {one.expected}; got {got}")
    if len(found) > SHOWN_REJECTS:
        lines.append(f"  ... and {len(found) - SHOWN_REJECTS:,} more (--json lists all; the corpus keeps them in {table!r})")
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
