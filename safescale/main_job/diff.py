"""Two corpora, or two sets of logs: which figures differ, and which rows did it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from safescale._version import __version__
from safescale.analyses.diff import DiffResult, diff_corpora
from safescale.analyses.headline import Headline
from safescale.cells import Counting
from safescale.errors import DomainError
from safescale.main_job.analyses import Analysis, inverse_scaling
from safescale.main_job.asked import Input, Question
from safescale.main_job.reading import check_selection, corpus_facts, opened
from safescale.report.chapter_text import chapter_json, chapter_markdown, chapter_text
from safescale.report.diff_section import diff_chapter
from safescale.report.switches import command_line
from safescale.store.base import Corpus

__all__ = ["Differed", "diff"]

Stage = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Differed:
    """The difference, and the command that gives it again."""

    result: DiffResult
    command: str
    version: str
    simulated: bool

    def told(self, form: Literal["text", "markdown", "json"]) -> str:
        """The difference as text, Markdown or JSON; in words alone where there is none."""
        if form == "json":
            return chapter_json("diff", self.result, version=self.version, command=self.command, simulated=self.simulated)
        if self.result.same:
            return f"no difference: both are corpus {self.result.first_fingerprint}"
        render = chapter_text if form == "text" else chapter_markdown
        chapter = diff_chapter(self.result, self.command)
        return render(
            chapter, version=self.version, fingerprint=self.result.fingerprint, command=self.command, simulated=self.simulated
        )


def diff(
    first: Input,
    second: Input,
    question: Question,
    *,
    analyses: Sequence[Analysis[Any]] | None = None,
    stage: Stage | None = None,
) -> Differed:
    """
    Compare two corpora or logs.

    Parameters
    ----------
    first, second : Input
        A corpus each, or logs that are read into a temporary one.
    question : Question
        What is selected in both, and which tier is compared.
    analyses : sequence of Analysis, optional
        Whose quoted numbers are compared; inverse scaling by default.
    stage : callable, optional
        Told of what is being done.

    Raises
    ------
    DataError
        When one of the two cannot be read.
    DomainError
        When the question is outside its range.
    """
    tell = stage or _silent
    asked = [inverse_scaling()] if analyses is None else list(analyses)
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        opened(first, _made(Path(folder) / "first")) as (one, read_one),
        opened(second, _made(Path(folder) / "second")) as (two, read_two),
    ):
        _check(question, one, two)
        tell("comparing")
        result = diff_corpora(
            Counting(one),
            Counting(two),
            selection=question.selection,
            tier=question.tier,
            headlines=[(analysis.command, _headlines_of(analysis, question)) for analysis in asked],
        )
        sides = ((one, first, read_one), (two, second, read_two))
        simulated = any(corpus_facts(corpus, source, read).simulated for corpus, source, read in sides)
    words = [*map(str, first.paths), *map(str, second.paths), *Input(options=first.options, format=first.format).arguments()]
    command = command_line(["diff"], [*words, *question.arguments()])
    return Differed(result=result, command=command, version=__version__, simulated=simulated)


def _check(question: Question, one: Corpus, two: Corpus) -> None:
    """What is left out must be in one of the two."""
    try:
        check_selection(Counting(one), question.selection)
    except DomainError:
        check_selection(Counting(two), question.selection)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _headlines_of(analysis: Analysis[Any], question: Question) -> Callable[[Counting], Sequence[Headline]]:
    def compute(counting: Counting) -> Sequence[Headline]:
        found: Sequence[Headline] = analysis.run(counting, question).headlines
        return found

    return compute


def _silent(_: str) -> None:
    """Tell nobody."""
