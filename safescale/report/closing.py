"""The closing words of ``report``: the answers, where the report is, what to do next."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.analyses.words import capital, plural
from safescale.example import EXAMPLES
from safescale.report.document import Document, Finding, in_lines
from safescale.report.plain import plain

__all__ = ["closing_words"]

SHOWN_IN_FULL: Final = 4
"""Answers to the first question, up to so many, are given in full; all others are a line each, and the report has their numbers."""


def closing_words(document: Document, paths: Sequence[Path], *, example: str | None) -> str:
    """What is suspicious, then the answers, the paths, the next command after a bundled example (None: after the user's own)."""
    lines = [document.watermark_words, ""] if document.watermark_words else []
    for section in document.opening:
        lines += [f"{section.title}: {' '.join(section.paragraphs)}", *(f"  {words}" for words in section.warnings), ""]
    if document.summary:
        lines += [document.summary, ""]
    for number, (question, group) in enumerate(itertools.groupby(document.findings, lambda finding: finding.question)):
        findings = tuple(group)
        if number == 0 and len(findings) <= SHOWN_IN_FULL:
            lines += [line for finding in findings for line in _in_full(finding)]
        else:
            lines += [question, *_in_short(findings), ""]
    if lines and lines[-1]:
        lines.append("")
    top = min(len(path.parts) for path in paths)
    lines += [f"wrote {path}" for path in reversed(paths) if len(path.parts) == top]
    folders = Counter(path.parent for path in paths if len(path.parts) > top)
    lines += [f"{plural(n, 'file')} in {folder}" for folder, n in folders.items()]
    if example is not None:
        others = [name for name in EXAMPLES if name != example and name != EXAMPLES[0]]
        lines += [f"next: safescale report --example {name} (real answers of toy models)" for name in others]
        lines.append("next: safescale report YOUR_LOGS")
    return "\n".join(plain(line) for line in lines)


def _in_full(finding: Finding) -> list[str]:
    about = f" ({finding.about})" if finding.about else ""
    words = (finding.testability, f"{capital(finding.verdict)}.", finding.answer)
    return [f"{finding.question}{about}", *(f"  {line}" for line in words), ""]


def _in_short(findings: tuple[Finding, ...]) -> list[str]:
    """A line each; of many that cannot be tested, their number."""
    told, counted = in_lines(findings)
    return [*(f"  {finding.about or 'this corpus'}: {finding.verdict}" for finding in told), *(f"  {words}" for words in counted)]
