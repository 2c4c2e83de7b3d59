"""The main job: graded logs or a corpus in; answers and a report out."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from safescale._version import __version__
from safescale.analyses import FirstLook, InverseScalingResult, analyze_inverse_scaling, first_look
from safescale.cells import Selection, build_cells
from safescale.errors import DataError
from safescale.example import example_logs
from safescale.ingest.batch import Options
from safescale.ingest.outcome import IngestReport
from safescale.ingest.session import Progress, ingest
from safescale.records.outcomes import Tier
from safescale.report.facts import MODEL_COLUMNS, CorpusFacts, Facts, ModelFact, SourceFile, Unread
from safescale.report.switches import command_line, selection_arguments
from safescale.report.write import write_report_files
from safescale.store import is_corpus, open_corpus
from safescale.store.base import Corpus

if TYPE_CHECKING:
    from safescale.report.document import Document

__all__ = ["Input", "Question", "Report", "ScalingAnswer", "answer_inverse_scaling", "opened", "write_report"]

Stage = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Input:
    """
    What is read: one corpus, or logs with what the user says about them.

    ``paths`` empty stands for the bundled example.
    """

    paths: tuple[Path, ...] = ()
    options: Options = attrs.field(factory=Options)
    format: str | None = None

    def arguments(self) -> list[str]:
        """The arguments of a command that read the same."""
        options, default = self.options, Options()
        given = {
            "--from": self.format,
            "--map": options.column_map,
            "--source": options.source,
            "--grader-id": options.grader_id,
            "--outcome-map": options.outcome_map,
            "--hallucination-refusal": None
            if options.hallucination_refusal == default.hallucination_refusal
            else options.hallucination_refusal,
        }
        switches = [word for switch, value in given.items() if value is not None for word in (switch, str(value))]
        return [*map(str, self.paths), *switches]


@attrs.frozen(kw_only=True)
class Question:
    """What is asked of the cells, and what may enter them; parameters as in ``analyze_inverse_scaling``."""

    tier: Tier = Tier.STRICT
    graders: tuple[str, ...] = ()
    claim_classes: tuple[str, ...] = ()
    min_cell: int = 20
    alpha: float = 0.05
    margin_pp: float = 5.0
    selection: Selection = attrs.field(factory=Selection)

    def arguments(self) -> list[str]:
        """The arguments of a command that asks the same; defaults are left out."""
        default = Question()
        numbers = {"--min-cell": "min_cell", "--alpha": "alpha", "--margin-pp": "margin_pp"}
        words = [] if self.tier is default.tier else ["--tier", self.tier.value]
        words += [w for grader in self.graders for w in ("--grader", grader)]
        words += [w for attack_class in self.claim_classes for w in ("--claim-class", attack_class)]
        for switch, name in numbers.items():
            if getattr(self, name) != getattr(default, name):
                words += [switch, f"{getattr(self, name):g}"]
        return words + selection_arguments(self.selection)


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
            simulated=_corpus_facts(corpus, source, read).simulated,
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
    with _staging(into) as staging, opened(source, staging, progress=progress) as (corpus, read):
        look, result = _analyses(corpus, asked, tell)
        facts = Facts(
            version=__version__,
            command=command_line(["report"], [*source.arguments(), *asked.arguments()]),
            analyze_command=_analyze_command(source, asked),
            corpus=_corpus_facts(corpus, source, read),
            look=look,
            scaling=result,
        )
        document, paths = write_report_files(facts, staging, into, stage=tell)
    return Report(document=document, facts=facts, paths=paths)


@contextlib.contextmanager
def opened(source: Input, scratch: Path, *, progress: Progress | None = None) -> Iterator[tuple[Corpus, IngestReport | None]]:
    """
    The corpus that was named, or a temporary one in ``scratch`` with the logs that were named.

    Raises
    ------
    DataError
        When a path does not exist, a corpus is named beside other paths, or no row can be read.
    """
    stored = [path for path in source.paths if is_corpus(path)]
    if stored and len(source.paths) > 1:
        others = next((path for path in source.paths if path not in stored), stored[-1])
        raise DataError(
            f"one corpus, or logs, but not both: take {others} into the corpus first: safescale ingest {others} --into {stored[0]}",
            file=str(stored[0]),
        )
    if stored:
        with contextlib.closing(open_corpus(stored[0])) as corpus:
            yield corpus, None
        return
    with contextlib.closing(open_corpus(scratch / "corpus.db", create=True)) as corpus:
        outcome = ingest(source.paths or example_logs(), corpus, options=source.options, format=source.format, progress=progress)
        if not corpus.count("traces") and not corpus.count("aggregates"):
            raise _nothing_read(outcome)
        yield corpus, outcome


def _analyses(corpus: Corpus, question: Question, stage: Stage) -> tuple[FirstLook, InverseScalingResult]:
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


def _corpus_facts(corpus: Corpus, source: Input, read: IngestReport | None) -> CorpusFacts:
    ledger = sorted(corpus.ledger(), key=lambda entry: (entry.file, entry.sha256))
    models = sorted(corpus.read("models", list(MODEL_COLUMNS)).to_pylist(), key=lambda row: str(row["model_id"]))
    sources = {
        s for table in ("traces", "aggregates") for b in corpus.batches(table, ["source"]) for s in b["source"].unique().to_pylist()
    }
    return CorpusFacts(
        corpus=str(source.paths[0]) if read is None else None,
        fingerprint=corpus.fingerprint(),
        files=tuple(
            SourceFile(
                file=_named(entry.file, source),
                format=entry.format,
                rows_in=entry.rows_in,
                fates=dict(sorted(entry.fates.items())),
                reject_codes=dict(sorted(entry.reject_codes.items())),
            )
            for entry in ledger
        ),
        unread=() if read is None else _unread(read, {entry.file for entry in ledger}),
        sources=tuple(sorted(sources)),
        models=tuple(ModelFact(**row) for row in models),
    )


def _named(file: str, source: Input) -> str:
    """The path as the user gave it; of the bundled example the name alone, wherever it is installed."""
    return file if source.paths else Path(file).name


def _unread(read: IngestReport, in_ledger: set[str]) -> tuple[Unread, ...]:
    return tuple(
        Unread(file=file.file, code=reject.code.value, expected=reject.expected, got=reject.got)
        for file in read.files
        if file.file not in in_ledger
        for reject in file.rejects
    )


def _nothing_read(outcome: IngestReport) -> DataError:
    first = next(((file, reject) for file in outcome.files for reject in file.rejects), None)
    files = "1 file" if len(outcome.files) == 1 else f"{len(outcome.files):,} files"
    message = f"no row could be taken from {files}; see every reason with: safescale validate PATH"
    if first is None:
        return DataError(message)
    file, reject = first
    return DataError(
        message, file=file.file, row=reject.row or None, column=reject.column, expected=reject.expected, got=reject.got
    )


@contextlib.contextmanager
def _staging(into: Path) -> Iterator[Path]:
    """A folder on the file system of ``into``, removed at the end whatever happens."""
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        if into.exists() and not into.is_dir():
            raise DataError("the report goes into a folder, and this is a file; name another with -o", file=str(into))
        _remove_left_behind(into)
        folder = Path(tempfile.mkdtemp(prefix=f"{_partial(into)}{os.getpid()}-", dir=into.parent))
    except OSError as error:
        raise DataError(
            f"the report cannot be written here ({error.strerror}); name another folder with -o", file=str(into)
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _partial(into: Path) -> str:
    return f".{into.name}.partial-"


def _remove_left_behind(into: Path) -> None:
    """Folders of runs that were killed: they may hold texts, so they do not stay."""
    for folder in into.parent.glob(f"{glob.escape(_partial(into))}*-*"):
        pid = folder.name.removeprefix(_partial(into)).partition("-")[0]
        if os.name == "posix" and pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _silent(_: str) -> None:
    """Tell nobody."""
