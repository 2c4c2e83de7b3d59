"""A finished document on disk: written beside its place, moved in when it is whole; parts of an earlier one removed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.errors import DataError
from safescale.report.document import Document, every_section
from safescale.report.figures.sink import FIGURES
from safescale.report.html import document_html
from safescale.report.markdown import document_markdown
from safescale.report.table_files import INDEX, TABLES, write_tables

__all__ = ["make_folders", "write_files", "write_text"]

STEMS: Final = ("report", "plan")
"""What a folder may hold one of."""

_PART: Final = re.compile(rf"(?:{FIGURES}|{TABLES})/[\w-]+\.(?:svg|pdf|png|csv|tex)")
"""Names that may be removed: a list read from a file must not reach anything else."""


def make_folders(staging: Path) -> None:
    """The folders of figures and tables, empty."""
    for folder in (FIGURES, TABLES):
        (staging / folder).mkdir()


def write_text(path: Path, text: str) -> None:
    """
    Write one file beside its place, then move it in: what was there is whole until this is.

    Raises
    ------
    DataError
        When it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"the file cannot be written ({error.strerror})", file=str(path)) from None


def write_files(document: Document, json_text: str, stem: str, staging: Path, into: Path) -> tuple[Path, ...]:
    """
    Write page, Markdown, JSON and tables of a document beside its figures, then move all of it in.

    What was there is whole until this is; figures and tables that this one lacks are removed, other files are not touched.

    Parameters
    ----------
    document : Document
        Its figures are in ``staging`` already.
    json_text : str
        Everything, unrounded.
    stem : str
        Name of the three files: ``report`` or ``plan``.
    staging : Path
        A folder on the same file system as ``into``, with the folders of ``make_folders``.
    into : Path
        Where it goes.

    Returns
    -------
    tuple of Path
        The paths written; the page that people open comes last.

    Raises
    ------
    DataError
        When the folder holds another kind of document, whose parts would be lost.
    """
    other = next((name for name in STEMS if name != stem and (into / f"{name}.json").exists()), None)
    if other is not None:
        raise DataError(f"this folder holds a {other}; a {stem} goes into another one: name it with -o", file=str(into))
    tables = write_tables(document, staging / TABLES)
    texts = {f"{stem}.json": json_text, f"{stem}.md": document_markdown(document), f"{stem}.html": document_html(document)}
    figures = [file for _, section in every_section(document.whole) for figure in section.figures for file in figure.files]
    index = {"figures": [{"files": sorted(figures)}]}
    texts = {f"{FIGURES}/{INDEX}": json.dumps(index, indent=2) + "\n"} | texts
    for name, text in texts.items():
        (staging / name).write_text(text, encoding="utf-8", newline="\n")
    parts = [*sorted(figures), *(f"{TABLES}/{name}" for name in tables)]
    earlier = _parts_of(into)
    for folder in (FIGURES, TABLES):
        (into / folder).mkdir(parents=True, exist_ok=True)
    written = tuple(_moved(staging, into, [*parts, *texts]))
    for name in sorted(earlier - set(parts)):
        (into / name).unlink(missing_ok=True)
    return written


def _moved(staging: Path, into: Path, names: Sequence[str]) -> list[Path]:
    for name in names:
        os.replace(staging / name, into / name)
    return [into / name for name in names]


def _parts_of(folder: Path) -> set[str]:
    """Figures and tables of what was there before, as it lists them itself; other files in its folders are not ours."""
    listed = [
        *_listed(folder / FIGURES / INDEX, "figures"),
        *(f"{TABLES}/{name}" for name in _listed(folder / TABLES / INDEX, "tables")),
    ]
    return {name for name in listed if _PART.fullmatch(name)}


def _listed(file: Path, what: str) -> list[str]:
    try:
        return [str(name) for thing in json.loads(file.read_text(encoding="utf-8"))[what] for name in thing["files"]]
    except (OSError, ValueError, LookupError, TypeError):
        # nothing there before, or nothing of ours: then nothing is known to be ours
        return []
