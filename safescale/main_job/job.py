"""One analysis, or the whole report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from safescale._version import __version__
from safescale.analyses import FirstLook, InverseScalingResult, analyze_inverse_scaling, first_look
from safescale.cells import build_cells
from safescale.ingest.session import Progress
from safescale.main_job.asked import Input, Question
from safescale.main_job.reading import check_selection, corpus_facts, opened
from safescale.main_job.staging import staging
from safescale.report.facts import Facts
from safescale.report.switches import command_line
from safescale.report.write import write_report_files
from safescale.store.base import Corpus

if TYPE_CHECKING:
    from safescale.report.document import Document

__all__ = ["Report", "ScalingAnswer", "answer_inverse_scaling", "write_report"]

Stage = Callable[[str], None]


@attrs.frozen(kw_only=True)
class ScalingAnswer:
    """The answer of one analysis, and the command that gives it again."""

    result: InverseScalingResult
    command: str
    version: str
    simulated: bool


@attrs.frozen(kw_only=True)
class Report:
    """A report that was written: what it says, and where it is."""

    document: Document
    facts: Facts
    paths: tuple[Path, ...]


def answer_inverse_scaling(
    source: Input, question: Question, *, progress: Progress | None = None, stage: Stage | None = None
) -> ScalingAnswer:
    """
    Whether attack success changes with model size in a corpus or in logs.

    Parameters
    ----------
    source : Input
        A corpus, or logs that are read into a temporary one.
    question : Question
        What is asked.
    progress, stage : callable, optional
        Told of bytes read, and of what is being done.

    Raises
    ------
    DataError
        When nothing can be read.
    DomainError
        When the question is outside its range.
    """
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        opened(source, Path(folder), progress=progress) as (corpus, read),
    ):
        _, result = _analyses(corpus, question, stage or _silent)
        return ScalingAnswer(
            result=result,
            command=_analyze_command(source, question),
            version=__version__,
            simulated=corpus_facts(corpus, source, read).simulated,
        )


def write_report(
    source: Input,
    into: Path,
    *,
    question: Question | None = None,
    progress: Progress | None = None,
    stage: Stage | None = None,
) -> Report:
    """
    Run every analysis that the data support, and write the report.

    The report is made in a folder beside ``into`` and moved in when it is whole. Logs are read into a corpus that is removed
    at the end: a report holds no prompt and no response, so it can be handed on.

    Parameters
    ----------
    source : Input
        A corpus or logs; the bundled example when it names nothing.
    into : Path
        Folder of the report; made when absent.
    question : Question, optional
        What is asked and selected.
    progress, stage : callable, optional
        Told of bytes read, and of what is being done.

    Returns
    -------
    Report
        What was found, and the paths written.

    Raises
    ------
    DataError
        When nothing can be read, or ``into`` cannot be written.
    """
    asked, tell = question or Question(), stage or _silent
    with staging(into) as folder, opened(source, folder, progress=progress) as (corpus, read):
        look, result = _analyses(corpus, asked, tell)
        facts = Facts(
            version=__version__,
            command=command_line(["report"], [*source.arguments(), *asked.arguments()]),
            analyze_command=_analyze_command(source, asked),
            corpus=corpus_facts(corpus, source, read),
            look=look,
            scaling=result,
        )
        document, paths = write_report_files(facts, folder, into, stage=tell)
    return Report(document=document, facts=facts, paths=paths)


def _analyses(corpus: Corpus, question: Question, stage: Stage) -> tuple[FirstLook, InverseScalingResult]:
    check_selection(corpus, question.selection)
    stage("counting cells")
    cells = build_cells(corpus, question.selection)
    stage("analysing")
    result = analyze_inverse_scaling(
        cells,
        corpus.read("models"),
        tier=question.tier,
        claim_classes=question.claim_classes or None,
        grader=question.graders or None,
        min_cell=question.min_cell,
        alpha=question.alpha,
        margin_pp=question.margin_pp,
    )
    return first_look(cells), result


def _analyze_command(source: Input, question: Question) -> str:
    return command_line(["analyze", "inverse-scaling"], [*source.arguments(), *question.arguments()])


def _silent(_: str) -> None:
    """Tell nobody."""
