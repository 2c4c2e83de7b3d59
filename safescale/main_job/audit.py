"""The audit of a corpus, or of logs that are read into a temporary one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import attrs

from safescale._version import __version__
from safescale.audit import AuditResult, Waivers, audit_corpus
from safescale.cells import Counting, Selection
from safescale.ingest.session import Progress
from safescale.main_job.asked import Input, Question
from safescale.main_job.reading import check_selection, opened
from safescale.report.audit_report import audit_github, audit_json, audit_text
from safescale.report.switches import command_line

__all__ = ["Audited", "audit"]

Stage = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Audited:
    """What was found, and the command that finds it again."""

    result: AuditResult
    command: str
    version: str

    def told(self, form: Literal["rich", "json", "github"]) -> str:
        """The findings as text, JSON or annotations of a GitHub workflow."""
        if form == "json":
            return audit_json(self.result, version=self.version, command=self.command)
        return audit_text(self.result) if form == "rich" else audit_github(self.result)


def audit(
    source: Input,
    *,
    selection: Selection | None = None,
    waivers: Waivers | None = None,
    progress: Progress | None = None,
    stage: Stage | None = None,
) -> Audited:
    """
    Audit a corpus or logs.

    Parameters
    ----------
    source : Input
        A corpus, or logs; the bundled example when it names nothing.
    selection : Selection, optional
        What the analyses leave out.
    waivers : Waivers, optional
        Findings that somebody has looked at.
    progress, stage : callable, optional
        Told of bytes read, and of what is being done.

    Raises
    ------
    DataError
        When nothing can be read.
    """
    chosen = selection or Selection()
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        opened(source, Path(folder), progress=progress) as (corpus, _),
    ):
        check_selection(Counting(corpus), chosen)
        result = audit_corpus(corpus, selection=chosen, waivers=waivers, stage=stage)
    words = [*source.arguments(), *Question(selection=chosen).arguments()]
    if waivers is not None and waivers.entries:
        words += ["--waivers", waivers.file]
    return Audited(result=result, command=command_line(["audit"], words), version=__version__)
