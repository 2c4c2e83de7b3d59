"""The corpus that a job reads: stored, or made for the job from logs; and where its rows came from."""

from __future__ import annotations

import contextlib
import difflib
import fnmatch
from collections.abc import Iterator
from pathlib import Path

from safescale.cells import CountedCells, Counting, Selection, read_cells
from safescale.errors import DataError, DomainError
from safescale.example import example_logs
from safescale.ingest.outcome import IngestReport
from safescale.ingest.session import Progress, ingest
from safescale.main_job.asked import Input
from safescale.report.facts import MODEL_COLUMNS, CorpusFacts, ModelFact, SourceFile, Unread
from safescale.store import is_corpus, open_corpus
from safescale.store.base import Corpus

__all__ = ["check_selection", "corpus_facts", "counted", "opened"]


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
        outcome = ingest(
            source.paths or example_logs(source.example), corpus, options=source.options, format=source.format, progress=progress
        )
        if not corpus.count("traces") and not corpus.count("aggregates"):
            raise _nothing_read(outcome)
        yield corpus, outcome


@contextlib.contextmanager
def counted(source: Input, scratch: Path, *, progress: Progress | None = None) -> Iterator[Counting]:
    """
    What can be counted: the corpus that ``opened`` gives, or the cells that were named in its place.

    Raises
    ------
    DataError
        As ``opened``; and when cells are named beside paths.
    """
    if source.cells is None:
        with opened(source, scratch, progress=progress) as (corpus, _):
            yield Counting(corpus)
        return
    if source.paths:
        raise DataError("cells stand in place of a corpus and of logs: name one of the two", file=str(source.paths[0]))
    yield CountedCells(read_cells(source.cells))


def corpus_facts(corpus: Corpus, source: Input, read: IngestReport | None) -> CorpusFacts:
    """Files, fates, sources and models of a corpus; ``read`` is None for a stored one."""
    ledger = sorted(corpus.ledger(), key=lambda entry: (entry.file, entry.sha256))
    models = sorted(corpus.read("models", list(MODEL_COLUMNS)).to_pylist(), key=lambda row: str(row["model_id"]))
    sources = _sources(corpus)
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


def check_selection(counting: Counting, selection: Selection) -> None:
    """
    Refuse to leave out what is not there: a name with a slip in it would change nothing, unseen.

    Raises
    ------
    DomainError
        Naming the first model or pattern that meets nothing, and what the corpus holds.
    """
    if selection.exclude_models:
        models = sorted(counting.read("models", ["model_id"])["model_id"].to_pylist())
        for name in selection.exclude_models:
            if name not in models:
                near = difflib.get_close_matches(name, models, n=3, cutoff=0.3) or models[:3]
                raise DomainError(f"no model of this corpus is called {name!r} (ids are exact); such as {', '.join(near)}")
    if selection.exclude_sources:
        sources = sorted(counting.sources)
        for pattern in selection.exclude_sources:
            if not any(fnmatch.fnmatchcase(source, pattern) for source in sources):
                raise DomainError(f"no source of this corpus is like {pattern!r}; sources: {', '.join(sources[:10])}")


def _sources(corpus: Corpus) -> set[str]:
    return {
        s for table in ("traces", "aggregates") for b in corpus.batches(table, ["source"]) for s in b["source"].unique().to_pylist()
    }


def _named(file: str, source: Input) -> str:
    """The path as the user gave it; of the bundled example the name alone, wherever it is installed."""
    return file if source.paths else Path(file).name


def _unread(read: IngestReport, in_ledger: set[str]) -> tuple[Unread, ...]:
    passed_over = tuple(
        Unread(file=file, code="NOT_READ", expected="the suffix of a data format", got=Path(file).suffix or "none")
        for file in read.not_read
    )
    return passed_over + tuple(
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
