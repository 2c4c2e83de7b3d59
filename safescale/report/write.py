"""A report on disk: written beside its place, moved in when it is whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from safescale.report.as_json import facts_json
from safescale.report.compose import FIGURES, compose
from safescale.report.document import Document
from safescale.report.facts import Facts
from safescale.report.figures.save import FORMATS
from safescale.report.html import document_html
from safescale.report.markdown import document_markdown

__all__ = ["REPORT_FILES", "move_in", "remove_stale", "write_report_files"]

REPORT_FILES: Final = ("report.json", "report.md", "report.html")
"""In the order in which they are moved in: the page that people open comes last."""

FIGURE_KINDS: Final = ("rates", "slopes", "power")
"""First words of the names of our figures."""


def write_report_files(
    facts: Facts, staging: Path, into: Path, *, stage: Callable[[str], None]
) -> tuple[Document, tuple[Path, ...]]:
    """
    Write a whole report to ``staging``, then move its files to ``into``.

    An earlier report there is whole until this one is; figures that this one lacks are removed.

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

    Returns
    -------
    tuple
        The document, and the paths written.
    """
    (staging / FIGURES).mkdir()
    stage("drawing figures")
    document = compose(facts, staging / FIGURES)
    stage("writing the report")
    texts = {
        "report.json": facts_json(facts, document),
        "report.md": document_markdown(document),
        "report.html": document_html(document),
    }
    for name, text in texts.items():
        (staging / name).write_text(text, encoding="utf-8", newline="\n")
    figures = sorted(path.name for path in (staging / FIGURES).iterdir())
    written = move_in(staging, into, [*(f"{FIGURES}/{name}" for name in figures), *REPORT_FILES])
    remove_stale(into / FIGURES, keep=figures)
    return document, written


def move_in(staging: Path, into: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Files of a finished report to their place, in this order."""
    (into / FIGURES).mkdir(parents=True, exist_ok=True)
    for name in names:
        os.replace(staging / name, into / name)
    return tuple(into / name for name in names)


def remove_stale(figures: Path, *, keep: Sequence[str], kinds: Sequence[str] = FIGURE_KINDS) -> None:
    """Figures of an earlier report; other files in the folder are not ours."""
    for path in sorted(figures.iterdir()):
        ours = path.suffix[1:] in FORMATS and path.stem.split("-")[0] in kinds
        if ours and path.name not in keep:
            path.unlink()
