"""The report of a whole experiment as a document, and its files; what no model answered is marked on every page and figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from safescale._version import __version__
from safescale.report.document import Document, Finding, Section
from safescale.report.figures.sink import FIGURES, FigureSink
from safescale.report.write_files import make_folders, write_files

__all__ = ["SIMULATED", "closing_sections", "experiment_document", "write_experiment_files"]

SIMULATED = "SIMULATED"


def experiment_document(
    *,
    title: str,
    fingerprint: str,
    command: str,
    simulated: bool,
    findings: Sequence[Finding],
    sections: Sequence[Section],
) -> Document:
    """The document; ``simulated``: only the fake engine answered."""
    mark = SIMULATED if simulated else None
    return Document(
        title=title,
        version=__version__,
        fingerprint=fingerprint,
        command=command,
        watermark=mark,
        watermark_words=None if mark is None else f"{mark}: the responses are of no model. Nothing here is about a real model.",
        summary=None,
        findings=tuple(findings),
        sections=tuple(sections),
    )


def closing_sections(*, methods: str, references: Sequence[str], fingerprint: str, command: str) -> tuple[Section, Section]:
    """How it was done, with its references, and how to do it again."""
    return (
        Section(
            id="methods",
            title="Methods",
            paragraphs=(methods, *(f"[{number}] {reference}." for number, reference in enumerate(references, start=1))),
        ),
        Section(
            id="reproduce",
            title="How to reproduce",
            paragraphs=(f"Corpus {fingerprint}. The same content gives this fingerprint and these numbers.",),
            commands=(command,),
        ),
    )


def write_experiment_files(
    document_with: Callable[[FigureSink], Document],
    json_of: Callable[[Document], str],
    staging: Path,
    into: Path,
    *,
    simulated: bool,
) -> tuple[Path, ...]:
    """
    Draw the figures, write the report to ``staging``, then move its files to ``into``.

    Raises
    ------
    DataError
        When the folder holds another kind of document.
    """
    make_folders(staging)
    document = document_with(FigureSink(staging / FIGURES, watermark=SIMULATED if simulated else None))
    return write_files(document, f"{json_of(document)}\n", "report", staging, into)
