"""One analysis, or the whole report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import attrs

from safescale._version import __version__
from safescale.analyses import first_look
from safescale.analyses.bands import NumberBand, grader_bands
from safescale.analyses.corrected import CorrectedNumbers
from safescale.analyses.headline import Answer
from safescale.analyses.switched import SwitchEffect, switch_effects
from safescale.audit import Waivers, audit_corpus
from safescale.cells import Counting
from safescale.example import SIMULATED_SOURCE
from safescale.ingest.session import Progress
from safescale.main_job.analyses import Analysis, inverse_scaling, reported
from safescale.main_job.asked import Input, Question
from safescale.main_job.correcting import corrected_answer
from safescale.main_job.reading import check_selection, corpus_facts, counted, opened
from safescale.main_job.staging import staging
from safescale.report.bands_table import with_bands_table
from safescale.report.chapter import Chapter
from safescale.report.chapter_text import chapter_json, chapter_markdown, chapter_text
from safescale.report.corrected_table import with_corrected_table
from safescale.report.facts import Facts
from safescale.report.figures.sink import FigureSink
from safescale.report.switch_table import with_switch_table
from safescale.report.switches import command_line
from safescale.report.write import write_report_files

if TYPE_CHECKING:
    from safescale.report.document import Document

__all__ = ["Answered", "Report", "answer", "write_report"]

Stage = Callable[[str], None]
Result = TypeVar("Result", bound=Answer)


@attrs.frozen(kw_only=True)
class Answered(Generic[Result]):
    """The answer of one analysis, the command that gives it again, and its numbers corrected where that was asked for."""

    result: Result
    chapter: Chapter
    key: str
    command: str
    version: str
    simulated: bool
    bands: tuple[NumberBand, ...] = ()
    corrected: CorrectedNumbers | None = None

    def told(self, form: Literal["text", "markdown", "json"]) -> str:
        """The answer as text, Markdown or JSON."""
        if form == "json":
            more: dict[str, object] = {} if self.corrected is None else {"corrected": self.corrected}
            if self.bands:
                more["graders"] = self.bands
            return chapter_json(
                self.key, self.result, version=self.version, command=self.command, simulated=self.simulated, more=more
            )
        render = chapter_text if form == "text" else chapter_markdown
        return render(
            self.chapter, version=self.version, fingerprint=self.result.fingerprint, command=self.command, simulated=self.simulated
        )


@attrs.frozen(kw_only=True)
class Report:
    """A report that was written: what it says, and where it is."""

    document: Document
    facts: Facts
    paths: tuple[Path, ...]


def answer(
    source: Input,
    question: Question,
    analysis: Analysis[Result],
    *,
    progress: Progress | None = None,
    stage: Stage | None = None,
) -> Answered[Result]:
    """
    Put one question to a corpus or to logs.

    Parameters
    ----------
    source : Input
        A corpus, logs that are read into a temporary one, or cells that somebody counted.
    question : Question
        What is selected and which level holds.
    analysis : Analysis
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
    tell = stage or _silent
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        counted(source, Path(folder), progress=progress) as counting,
    ):
        check_selection(counting, question.selection)
        tell("analysing")
        result = analysis.run(counting, question)
        command = _command(analysis, source, question)
        bands = _bands(analysis, result, counting, question)
        chapter, corrected = with_bands_table(analysis.chapter(result, command, None), bands, command, result.fingerprint), None
        if question.correcting is not None:
            corrected = corrected_answer(counting, question, result, analysis.run, stage=tell)
            chapter = with_corrected_table(chapter, corrected, command, result.fingerprint)
        return Answered(
            result=result,
            chapter=chapter,
            key=analysis.key,
            command=command,
            version=__version__,
            simulated=SIMULATED_SOURCE in counting.sources,
            bands=bands,
            corrected=corrected,
        )


def write_report(
    source: Input,
    into: Path,
    *,
    question: Question | None = None,
    waivers: Waivers | None = None,
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
    waivers : Waivers, optional
        Findings of the audit that somebody has looked at.
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
        counting = Counting(corpus)
        check_selection(counting, asked.selection)
        tell("counting cells")
        cells = counting.cells(asked.selection)
        tell("auditing")
        audited = audit_corpus(corpus, selection=asked.selection, waivers=waivers)
        tell("analysing")
        scaling = inverse_scaling()
        result = scaling.run(counting, asked)
        facts = Facts(
            version=__version__,
            command=command_line(["report"], [*source.arguments(), *asked.arguments()]),
            analyze_command=_command(scaling, source, asked),
            corpus=corpus_facts(corpus, source, read),
            look=first_look(cells),
            scaling=result,
            effects=_effects(scaling, result, counting, asked),
            audit=audited,
            audit_arguments=(*source.arguments(), *Question(selection=asked.selection).arguments()),
        )
        others = [_Run.of(analysis, counting, source, asked) for analysis in reported(result)]
        document, paths = write_report_files(
            facts,
            folder,
            into,
            stage=tell,
            more=lambda sink: tuple(run.chapter(sink) for run in others),
            results={run.analysis.key: run.result for run in others},
        )
    return Report(document=document, facts=facts, paths=paths)


@attrs.frozen(kw_only=True)
class _Run:
    """One analysis of a report, computed and not yet shown."""

    analysis: Analysis[Any]
    result: Any
    command: str
    effects: tuple[SwitchEffect, ...]
    bands: tuple[NumberBand, ...]

    @classmethod
    def of(cls, analysis: Analysis[Any], counting: Counting, source: Input, question: Question) -> _Run:
        result = analysis.run(counting, question)
        return cls(
            analysis=analysis,
            result=result,
            command=_command(analysis, source, question),
            effects=_effects(analysis, result, counting, question),
            bands=_bands(analysis, result, counting, question),
        )

    def chapter(self, sink: FigureSink) -> Chapter:
        idle = self.analysis.idle(self.result)
        chapter = self.analysis.chapter(self.result, self.command, None if idle else sink)
        if idle:
            return attrs.evolve(chapter, idle=idle)
        chapter = with_bands_table(chapter, self.bands, self.command, self.result.fingerprint)
        return chapter if not self.effects else with_switch_table(chapter, self.effects, self.command, self.result.fingerprint)


def _effects(analysis: Analysis[Result], result: Result, counting: Counting, question: Question) -> tuple[SwitchEffect, ...]:
    """The numbers to quote without each exclusion; of an analysis that says itself which models it takes, none."""
    brief = analysis.brief
    if brief is None:
        return ()
    return switch_effects(
        counting,
        question.selection,
        lambda selection: brief(counting, attrs.evolve(question, selection=selection)),
        answer=result,
    )


def _bands(analysis: Analysis[Result], result: Result, counting: Counting, question: Question) -> tuple[NumberBand, ...]:
    """What several graders say of each number; of an analysis that compares graders by itself, nothing more."""
    if analysis.compares_graders:
        return ()
    # every selection of a question has the same graders
    return grader_bands(result.headlines, counting.cells(question.selection).graders)


def _command(analysis: Analysis[Result], source: Input, question: Question) -> str:
    words = [*analysis.named, *source.arguments(), *analysis.arguments, *question.arguments()]
    return command_line([*analysis.under, analysis.command], words)


def _silent(_: str) -> None:
    """Tell nobody."""
