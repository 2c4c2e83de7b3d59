"""One analysis as a report shows it: findings that stand first, and a section."""

from __future__ import annotations

import attrs

from safescale.report.document import Finding, Section

__all__ = ["Chapter"]


@attrs.frozen(kw_only=True)
class Chapter:
    """
    One analysis in a report.

    ``key`` is its name in ``report.json``; ``idle`` says why the corpus has nothing to ask, and then only that is shown;
    ``section`` holds the answer in one sentence, the figures, the tables, the caveats and the methods paragraph.
    """

    key: str
    idle: str | None = None
    findings: tuple[Finding, ...]
    section: Section
