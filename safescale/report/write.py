"""The report on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from safescale.report.as_json import facts_json
from safescale.report.compose import MoreChapters, compose, nothing_more
from safescale.report.document import Document
from safescale.report.facts import Facts
from safescale.report.figures.sink import FIGURES
from safescale.report.write_files import make_folders, write_files

__all__ = ["write_report_files"]


def write_report_files(
    facts: Facts,
    staging: Path,
    into: Path,
    *,
    stage: Callable[[str], None],
    more: MoreChapters = nothing_more,
    results: Mapping[str, object] | None = None,
) -> tuple[Document, tuple[Path, ...]]:
    """
    Write a whole report to ``staging``, then move its files to ``into``.

    Parameters
    ----------
    facts : Facts
        What the report says.
    staging : Path
        An empty folder on the same file system as ``into``.
    into : Path
        Where the report goes.
    stage : callable
        Told what is being done.
    more : callable, optional
        Makes the chapters of the other analyses.
    results : mapping of str to object, optional
        Their results, for ``report.json``.

    Returns
    -------
    tuple
        The document, and the paths written.
    """
    make_folders(staging)
    stage("drawing figures")
    document = compose(facts, staging / FIGURES, more)
    stage("writing the report")
    return document, write_files(document, facts_json(facts, document, results), "report", staging, into)
