"""A report on disk: written beside its place, moved in when it is whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from safescale.report.as_json import facts_json
from safescale.report.compose import FIGURES, compose
from safescale.report.document import Document
from safescale.report.facts import Facts
from safescale.report.html import document_html
from safescale.report.markdown import document_markdown
from safescale.report.table_files import INDEX, TABLES, write_tables

__all__ = ["REPORT_FILES", "write_report_files"]

REPORT_FILES: Final = ("report.json", "report.md", "report.html")
"""In the order in which they are moved in: the page that people open comes last."""

_PART: Final = re.compile(rf"(?:{FIGURES}|{TABLES})/[\w-]+\.(?:svg|pdf|png|csv|tex)")
"""Names that may be removed: a list read from a file must not reach anything else."""


def write_report_files(
    facts: Facts, staging: Path, into: Path, *, stage: Callable[[str], None]
) -> tuple[Document, tuple[Path, ...]]:
    """
    Write a whole report to ``staging``, then move its files to ``into``.

    An earlier report there is whole until this one is; figures and tables that this one lacks are removed.

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
    for folder in (FIGURES, TABLES):
        (staging / folder).mkdir()
    stage("drawing figures")
    document = compose(facts, staging / FIGURES)
    stage("writing the report")
    tables = write_tables(document, staging / TABLES)
    texts = {
        "report.json": facts_json(facts, document),
        "report.md": document_markdown(document),
        "report.html": document_html(document),
    }
    for name, text in texts.items():
        (staging / name).write_text(text, encoding="utf-8", newline="\n")
    figures = sorted(f"{FIGURES}/{path.name}" for path in (staging / FIGURES).iterdir())
    parts = [*figures, *(f"{TABLES}/{name}" for name in tables)]
    earlier = _parts_of(into)
    written = _move_in(staging, into, [*parts, *REPORT_FILES])
    for name in sorted(earlier - set(parts)):
        (into / name).unlink(missing_ok=True)
    return document, written


def _move_in(staging: Path, into: Path, names: Sequence[str]) -> tuple[Path, ...]:
    for folder in (FIGURES, TABLES):
        (into / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        os.replace(staging / name, into / name)
    return tuple(into / name for name in names)


def _parts_of(report: Path) -> set[str]:
    """Figures and tables of an earlier report, as it lists them itself; other files in its folders are not ours."""
    listed = [
        *_listed(report / "report.json", "figures"),
        *(f"{TABLES}/{name}" for name in _listed(report / TABLES / INDEX, "tables")),
    ]
    return {name for name in listed if _PART.fullmatch(name)}


def _listed(file: Path, what: str) -> list[str]:
    try:
        return [str(name) for thing in json.loads(file.read_text(encoding="utf-8"))[what] for name in thing["files"]]
    except (OSError, ValueError, LookupError, TypeError):
        # no earlier report here, or not one of ours: then nothing is known to be ours
        return []
