"""``ingest`` and ``validate``: files to adapters to admission to the corpus, one transaction a file."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import attrs
import pyarrow as pa

from safescale.errors import DataError, MissingBackend
from safescale.ingest.admission import Admission, KnownContent
from safescale.ingest.batch import Adapter, Options, table_of
from safescale.ingest.bytes_in import head_bytes, without_compression
from safescale.ingest.detect import choose_adapter, found_files
from safescale.ingest.grade_lines import is_grades_file
from safescale.ingest.outcome import FileOutcome, IngestReport
from safescale.ingest.same_traces import SAME_TRACES_RULE, update_same_traces
from safescale.ingest.sizes import update_models
from safescale.records.fates import Fate, RejectCode
from safescale.records.rows import FileNote, RejectedRow
from safescale.store.base import Corpus, FileTransaction, LedgerEntry

__all__ = ["Progress", "ingest", "validate"]

Progress = Callable[[str, int], None]
"""Called with the file and the number of its bytes done since the last call."""

_HASH_STEP: Final = 1 << 20
_TEXT_SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".csv")
_TEXT_PROBE: Final = 1 << 14
_SQLITE: Final = b"SQLite format 3\x00"


def ingest(
    paths: Sequence[Path],
    corpus: Corpus,
    *,
    options: Options | None = None,
    format: str | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """
    Read files and folders into a corpus.

    Each file is one transaction: a run that is killed leaves whole files only, and a rerun completes it. A file whose bytes were
    ingested before (with the same options) adds nothing and says so.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    corpus : Corpus
        Where the rows go.
    options : Options, optional
        What the user says about the input.
    format : str, optional
        Name of the adapter; default: recognised from the file.
    progress : callable, optional
        Told of the bytes done.

    Returns
    -------
    IngestReport
        The fate of every row.

    Raises
    ------
    DataError
        When a path does not exist, a format is unknown, or a column map is wrong.
    """
    reading = _Reading(corpus, options or Options(), format, progress)
    files = tuple(reading.files(paths))
    same = update_same_traces(corpus)
    update_models(corpus)
    return IngestReport(
        files=files,
        same_traces=same,
        same_traces_rule=SAME_TRACES_RULE,
        fingerprint=corpus.fingerprint(),
        not_read=tuple(reading.not_read),
    )


def validate(
    paths: Sequence[Path],
    *,
    options: Options | None = None,
    format: str | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """The checks of ``ingest`` without storing: the same fates and the same rejects, over all files together."""
    reading = _Reading(None, options or Options(), format, progress)
    files = tuple(reading.files(paths))
    return IngestReport(
        files=files,
        same_traces=None,
        same_traces_rule=SAME_TRACES_RULE,
        fingerprint=None,
        not_read=tuple(reading.not_read),
    )


class _NoCorpus:
    """A transaction that keeps nothing but where each trace was seen."""

    def add(self, table: str, rows: pa.Table, content_hash: Sequence[bytes] | None = None) -> None:
        """Forget the rows."""

    def declare_sizes(self, sizes: Mapping[str, tuple[float | None, float | None, bool]]) -> None:
        """Forget the sizes."""

    def replace_trace(self, trace_id: str, row: pa.Table, content_hash: bytes) -> tuple[str, int]:
        """Nothing is stored, so the earlier row is named by its id alone."""
        return "an earlier row", 0

    def finish(self, entry: LedgerEntry) -> None:
        """Nothing to write."""


class _Reading:
    def __init__(self, corpus: Corpus | None, options: Options, format: str | None, progress: Progress | None) -> None:
        self.corpus, self.options, self.format, self.progress = corpus, options, format, progress
        self.known = KnownContent(corpus)
        self.not_read: list[str] = []
        self.told = 0
        self.ledger = {(e.sha256, e.options): e for e in corpus.ledger()} if corpus else {}

    def files(self, paths: Sequence[Path]) -> Iterator[FileOutcome]:
        """Every file; those of grades alone come last, because they name traces of the others."""
        grades: list[Path] = []
        for path in paths:
            found = 0
            for file in found_files([path]):
                if not file.is_data:
                    self.not_read.append(str(file.path))
                    continue
                found += 1
                if is_grades_file(file.path) and file.closed is None:
                    grades.append(file.path)
                elif file.closed is not None:
                    yield _whole_file(file.path, RejectCode.UNREADABLE, "a folder that can be read", file.closed, format=None)
                else:
                    yield self._told_file(file.path)
            if not found:
                yield _whole_file(path, RejectCode.EMPTY_FOLDER, "at least one data file", "none", format=None)
        for path in grades:
            yield self._told_file(path)

    def _told_file(self, path: Path) -> FileOutcome:
        self.told = 0
        outcome = self._file(path)
        self._tell(path, outcome.size_bytes - self.told)  # of a refused file nothing was told
        return outcome

    def _file(self, path: Path) -> FileOutcome:
        try:
            size = path.stat().st_size
            with path.open("rb"):
                pass
        except OSError as error:
            return _whole_file(path, RejectCode.UNREADABLE, "a readable file", str(error.strerror), format=None)
        if size == 0:
            return _whole_file(path, RejectCode.EMPTY_FILE, "at least one row", "0 bytes", format=None)
        if (mark := _utf16_mark(path)) is not None:
            got = f"the UTF-16 byte order mark {mark!r}; convert the file, for example with iconv -f UTF-16 -t UTF-8"
            return _whole_file(path, RejectCode.NOT_UTF8, "UTF-8 text", got, format=None)
        adapter = choose_adapter(path, self.options, name=self.format)
        if adapter is None:
            return _unknown(path)
        options = _options_key(adapter, self.options, path)
        earlier = self._earlier(path, size, options)
        if earlier is not None:
            self._tell(path, size)
            return FileOutcome(
                file=str(path),
                format=adapter.name,
                rows_in=earlier.rows_in,
                fates={Fate.DUPLICATE: earlier.rows_in},
                rejects=(),
                size_bytes=size,
                already_ingested=True,
            )
        return self._read(path, adapter, size, options)

    def _earlier(self, path: Path, size: int, options: str) -> LedgerEntry | None:
        """The ledger entry of these bytes; they are only hashed where a file of that size was read before."""
        if not any(e.size_bytes == size and e.options == options for e in self.ledger.values()):
            return None
        return self.ledger.get((_sha256(path), options))

    def _read(self, path: Path, adapter: Adapter, size: int, options: str) -> FileOutcome:
        try:
            with self._transaction() as sink, ThreadPoolExecutor(1) as beside:
                hashing = beside.submit(_sha256, path) if self.corpus else None
                outcome = self._admit_all(path, adapter, sink, size)
                digest = hashing.result() if hashing else ""
                sink.add("rejects", _reject_table(outcome))
                if outcome.notes:
                    sink.add("notes", _note_table(outcome))
                entry = LedgerEntry(
                    file=str(path),
                    sha256=digest,
                    size_bytes=size,
                    format=adapter.name,
                    options=options,
                    rows_in=outcome.rows_in,
                    fates={fate.value: n for fate, n in outcome.fates.items() if n},
                    reject_codes=dict(outcome.reject_codes),
                )
                sink.finish(entry)
        except MissingBackend as error:
            expected = f"the extra that reads this format: {error}"
            return _whole_file(path, RejectCode.UNREADABLE, expected, path.name, format=adapter.name)
        except DataError as error:
            if self.corpus is not None:
                self.known = KnownContent(self.corpus)  # the transaction is rolled back, so what it had seen is not known
            if error.file != str(path):
                raise
            got = error.got or str(error)
            return _whole_file(path, RejectCode.UNREADABLE, error.expected or "a readable file", got, format=adapter.name)
        self.ledger[(digest, options)] = entry
        return outcome

    def _transaction(self) -> AbstractContextManager[FileTransaction]:
        return self.corpus.import_file() if self.corpus else nullcontext(_NoCorpus())

    def _admit_all(self, path: Path, adapter: Adapter, sink: FileTransaction, size: int) -> FileOutcome:
        fates: Counter[Fate] = Counter()
        rejects: list[RejectedRow] = []
        notes: list[FileNote] = []
        rows_in = grades = told = 0
        for batch in adapter.read(path, self.options):
            admission = Admission.admit(batch, self.known, sink, str(path))
            fates.update(admission.fates)
            rejects += admission.rejects
            notes += batch.notes
            rows_in += batch.rows_in
            grades += admission.grades_added
            step = min(batch.bytes_read, size - told)
            told += step
            self._tell(path, step)
        self._tell(path, size - told)
        return FileOutcome(
            file=str(path),
            format=adapter.name,
            rows_in=rows_in,
            fates={fate: fates[fate] for fate in Fate},
            rejects=tuple(rejects),
            notes=tuple(notes),
            grades=grades,
            size_bytes=size,
            unreadable=any(r.row == 0 and (r.code is RejectCode.UNREADABLE or not rows_in) for r in rejects),
        )

    def _tell(self, path: Path, done: int) -> None:
        self.told += done
        if self.progress is not None and done:
            self.progress(str(path), done)


def _utf16_mark(path: Path) -> bytes | None:
    """The mark by which a text file says that it is UTF-16: its lines would each be broken JSON."""
    if not without_compression(path.name.lower()).endswith(_TEXT_SUFFIXES):
        return None
    head = head_bytes(path, 2)
    return head if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else None


def _unknown(path: Path) -> FileOutcome:
    """What is wrong with a file that no adapter recognises."""
    head = head_bytes(path)
    if head.startswith(_SQLITE):
        expected = "a whole SQLite database with the tables of a corpus of results"
        return _whole_file(path, RejectCode.UNREADABLE, expected, "a damaged one, or one with other tables", format=None)
    if not head.strip():
        return _whole_file(
            path, RejectCode.EMPTY_FILE, "at least one row", "nothing but blanks, or nothing that unpacks", format=None
        )
    if without_compression(path.name.lower()).endswith(_TEXT_SUFFIXES):
        try:
            head[:_TEXT_PROBE].decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < _TEXT_PROBE - 4:
                got = f"byte {error.start}: {head[max(0, error.start - 10) : error.start + 10]!r}"
                return _whole_file(path, RejectCode.NOT_UTF8, "UTF-8 text", got, format=None)
    expected = "a format that safescale knows; name it with --from, or give a column map with --map"
    return _whole_file(path, RejectCode.UNKNOWN_FORMAT, expected, path.name, format=None)


def _whole_file(path: Path, code: RejectCode, expected: str, got: str, *, format: str | None) -> FileOutcome:
    return FileOutcome(
        file=str(path),
        format=format,
        rows_in=0,
        fates={},
        rejects=(RejectedRow.of(0, code, expected=expected, got=got),),
        size_bytes=path.stat().st_size if path.is_file() else 0,
        unreadable=code in {RejectCode.UNREADABLE, RejectCode.UNKNOWN_FORMAT, RejectCode.NOT_UTF8},
    )


def _reject_table(outcome: FileOutcome) -> pa.Table:
    return table_of(
        "reject",
        [{**attrs.asdict(r), "code": r.code.value, "source_file": outcome.file, "source_row": r.row} for r in outcome.rejects],
    )


def _note_table(outcome: FileOutcome) -> pa.Table:
    return table_of(
        "note", [{**attrs.asdict(n), "code": n.code.value, "source_file": outcome.file, "source_row": n.row} for n in outcome.notes]
    )


def _options_key(adapter: Adapter, options: Options, path: Path) -> str:
    """The options as a stable text: the same bytes read in another way are another import. A map counts by its content."""
    facts = attrs.asdict(options)
    if options.column_map is not None:
        try:
            facts["column_map"] = hashlib.sha256(options.column_map.read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(
                "the column map cannot be read; check the path",
                file=str(options.column_map),
                expected="a YAML file",
                got=str(error.strerror),
            ) from None
    context = adapter.context(path)
    return json.dumps({"format": adapter.name, **facts, **({"context": context} if context else {})}, sort_keys=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_HASH_STEP):
            digest.update(piece)
    return digest.hexdigest()
