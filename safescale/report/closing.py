"""The closing words of ``report``: the answers, where the report is, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.analyses.words import plural
from safescale.report.document import Document
from safescale.report.plain import plain

__all__ = ["closing_words"]

SHOWN_IN_FULL: Final = 4
"""More findings than this are given a line each; the report has their numbers."""


def closing_words(document: Document, paths: Sequence[Path], *, example: bool) -> str:
    """Answers first, then the paths, then the next command."""
    lines = [document.watermark_words, ""] if document.watermark_words else []
    if document.summary:
        lines += [document.summary, ""]
    for finding in document.findings:
        about = f" ({finding.about})" if finding.about else ""
        verdict = finding.verdict[0].upper() + finding.verdict[1:]
        if len(document.findings) > SHOWN_IN_FULL:
            lines.append(f"{finding.about or finding.question}: {finding.verdict}")
        else:
            lines += [f"{finding.question}{about}", f"  {finding.testability}", f"  {verdict}.", f"  {finding.answer}", ""]
    if lines and lines[-1]:
        lines.append("")
    top = min(len(path.parts) for path in paths)
    lines += [f"wrote {path}" for path in reversed(paths) if len(path.parts) == top]
    folders = Counter(path.parent for path in paths if len(path.parts) > top)
    lines += [f"{plural(n, 'file')} in {folder}" for folder, n in folders.items()]
    if example:
        lines.append("next: safescale report YOUR_LOGS")
    return "\n".join(plain(line) for line in lines)
