"""A plan on disk: page, Markdown, JSON and figures, beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safescale.report.chapter import Chapter
from safescale.report.document import Document
from safescale.report.figures.sink import FIGURES, FigureSink
from safescale.report.write_files import make_folders, write_files

__all__ = ["write_plan_files"]


def write_plan_files(
    chapter: Callable[[FigureSink], Chapter],
    json_text: str,
    staging: Path,
    into: Path,
    *,
    version: str,
    fingerprint: str,
    command: str,
    simulated: bool,
    summary: str,
) -> tuple[Path, ...]:
    """
    Write a plan to ``staging``, then move its files to ``into``.

    Parameters
    ----------
    chapter : callable
        Makes the chapter, with its figures.
    json_text : str
        The whole result.
    staging : Path
        An empty folder on the same file system as ``into``.
    into : Path
        Where the plan goes.
    version, fingerprint, command : str
        As the page names them.
    simulated : bool
        Whether the rows behind it are simulated.
    summary : str
        What is said where nothing is open.

    Returns
    -------
    tuple of Path
        The paths written.
    """
    make_folders(staging)
    mark = "SIMULATED" if simulated else None
    found = chapter(FigureSink(staging / FIGURES, watermark=mark))
    document = Document(
        title="What would I need to know? A plan",
        version=version,
        fingerprint=fingerprint,
        command=command,
        watermark=mark,
        watermark_words=None if mark is None else f"{mark}: the rows behind this plan are simulated.",
        findings=found.findings,
        summary=None if found.findings else summary,
        sections=(found.section,),
    )
    return write_files(document, f"{json_text}\n", "plan", staging, into)
