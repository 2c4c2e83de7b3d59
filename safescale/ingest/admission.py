"""Which rows of a batch are new, which are known, which contradict what is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.ingest.batch import Batch, table_of
from safescale.ingest.texts import complete_texts
from safescale.records.fates import Fate, RejectCode
from safescale.records.rows import RejectedRow
from safescale.records.rules import first_violations, violations
from safescale.store.base import Corpus, FileTransaction
from safescale.store.content import content_hashes
from safescale.store.hash_index import HashIndex

__all__ = ["Admission", "KnownContent"]

_TABLE: Final = {"trace": "traces", "turn": "turns", "grade": "grades", "aggregate": "aggregates"}
_RECORDS: Final = tuple(_TABLE)
_CARRIED: Final = ("grade", "turn")
_MEANING: Final = ("grader_kind", "outcome_map", "hallucination_refusal")
_NO_ROWS: Final[npt.NDArray[np.int64]] = np.empty(0, dtype=np.int64)

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]


Meaning = tuple[str, ...]


class KnownContent:
    """What a corpus already holds, as 64-bit keys: trace ids with their content, grades and aggregates by content."""

    def __init__(self, corpus: Corpus | None) -> None:
        self.traces = HashIndex()
        self.others = HashIndex()
        self.graders: dict[str, Meaning] = {}
        self.runs: dict[str, dict[str, object]] = {}
        if corpus is None:
            return
        self.runs = {row["run_id"]: row for row in corpus.read("runs").to_pylist()}
        self.graders = {row["grader_id"]: _meaning(row) for row in corpus.read("graders").to_pylist()}
        contents = corpus.content_hashes("traces")[:, 0]
        ids = corpus.read("traces", ["trace_id"])["trace_id"]
        if len(ids):
            self.traces.insert(_text_keys(ids), contents)
        for table in ("grades", "aggregates"):
            keys = corpus.content_hashes(table)[:, 0]
            self.others.insert(keys, keys)


@attrs.frozen(kw_only=True)
class Admission:
    """
    The decision on one batch: what is added, and the fate of each of its rows.

    Each row has exactly one fate: the first of trace, aggregate, grade, turn that it brings something new as; ``duplicate`` when
    it brings nothing new; ``reject`` when it contradicts.
    """

    fates: dict[Fate, int]
    rejects: tuple[RejectedRow, ...]
    grades_added: int

    @classmethod
    def admit(cls, batch: Batch, known: KnownContent, sink: FileTransaction, file: str) -> Admission:
        """Check, compare with what is known, add what is new to ``sink``."""
        return _Admitting(batch, known, sink, file).run()


class _Admitting:
    """The steps of one admission; lives as long as one batch."""

    def __init__(self, batch: Batch, known: KnownContent, sink: FileTransaction, file: str) -> None:
        self.batch, self.known, self.sink, self.file = batch, known, sink, file
        self.rejects: list[RejectedRow] = list(batch.rejects)
        self.refused: set[int] = set()
        self.grades_added = 0
        given = {"trace": batch.traces, "turn": batch.turns, "grade": batch.grades, "aggregate": batch.aggregates}
        self.tables: dict[str, pa.Table] = {n: t for n, t in given.items() if t is not None and t.num_rows}

    def run(self) -> Admission:
        all_rows = _union([_source_rows(t) for t in self.tables.values()])
        self._complete_and_check()
        if self.batch.declared_sizes:
            self.sink.declare_sizes(self.batch.declared_sizes)
        new = {Fate.TRACE: self._traces(), Fate.AGGREGATE: self._aggregates()}
        new[Fate.TURN] = self._turns(new[Fate.TRACE])
        new[Fate.GRADE] = self._grades()
        return Admission(fates=self._fates(all_rows, new), rejects=tuple(self.rejects), grades_added=self.grades_added)

    # -- checking ------------------------------------------------------------------------------------------------------

    def _complete_and_check(self) -> None:
        """Fill hashes; refuse rows that contradict themselves or break a rule, with everything that they carry."""
        if "trace" in self.tables:
            self.tables["trace"], contradicted = complete_texts(self.tables["trace"])
            for row in _source_rows(self.tables["trace"])[contradicted].tolist():
                self._refuse(row, RejectCode.CONTRADICTION, "the hash of the text beside it", "another", "response_sha256")
        if not self.batch.checked:
            for record in self.tables:
                self._check(record)
        self._graders()
        self._runs()
        self._drop(self.refused)

    def _graders(self) -> None:
        """Add new graders; refuse the rows of a grader whose meaning contradicts the one that is known."""
        if self.batch.graders is None:
            return
        rows = self.batch.graders.to_pylist()
        if len(rows) > 1 and "grade" in self.tables:
            uses = Counter(zip(*(self.tables["grade"][name].to_pylist() for name in ("grader_id", "grader_kind")), strict=True))
            rows.sort(key=lambda row: (-uses[row["grader_id"], row["grader_kind"]], _meaning(row)))  # the usual meaning first
        for row in rows:
            known = self.known.graders.setdefault(row["grader_id"], _meaning(row))
            if known != _meaning(row):
                self._refuse_grades(row["grader_id"], known, _meaning(row))
        self.sink.add("graders", table_of("grader", [r for r in rows if self.known.graders[r["grader_id"]] == _meaning(r)]))

    def _runs(self) -> None:
        """Add new manifests of runs; one that breaks its contract or contradicts the known one is a reject of the file."""
        if self.batch.runs is None:
            return
        broken = dict(first_violations(violations(self.batch.runs, "run"), "run"))
        new = []
        for index, row in enumerate(self.batch.runs.to_pylist()):
            rule = broken.get(index)
            if rule is not None:
                got = row[rule.field.name]
                self.rejects.append(RejectedRow.of(0, rule.code, expected=rule.expected, got=got, column=rule.field.name))
                continue
            known = self.known.runs.setdefault(row["run_id"], row)
            if known == row:
                new.append(row)
                continue
            column = next(name for name in row if known[name] != row[name])
            expected = f"one manifest of the run {row['run_id']}: {known[column]!r}"
            self.rejects.append(RejectedRow.of(0, RejectCode.CONTRADICTION, expected=expected, got=row[column], column=column))
        if new:
            self.sink.add("runs", table_of("run", new))

    def _refuse_grades(self, grader_id: str, known: Meaning, given: Meaning) -> None:
        grades = self.tables.get("grade")
        if grades is None:
            return
        theirs = pc.equal(grades["grader_id"], grader_id)
        if known[0] != given[0]:
            theirs = pc.and_(theirs, pc.equal(grades["grader_kind"], given[0]))
        column = next(name for name, a, b in zip(_MEANING, known, given, strict=True) if a != b)
        expected = f"one meaning of the grader {grader_id!r}: {', '.join(known)}"
        for row in _source_rows(grades.filter(theirs)).tolist():
            self._refuse(row, RejectCode.CONTRADICTION, expected, ", ".join(given), column)

    def _check(self, record: str) -> None:
        table = self.tables[record]
        rows = _source_rows(table)
        for index, rule in first_violations(violations(table, record), record):
            got = table.column(rule.field.name)[index].as_py()
            self._refuse(int(rows[index]), rule.code, rule.expected, got, rule.field.name)

    def _refuse(self, row: int, code: RejectCode, expected: str, got: object, column: str) -> None:
        if row not in self.refused:
            self.refused.add(row)
            self.rejects.append(RejectedRow.of(row, code, expected=expected, got=got, column=column))

    def _drop(self, rows: Collection[int], records: Collection[str] = _RECORDS) -> None:
        if rows:
            gone = np.fromiter(rows, dtype=np.int64)
            for name in self.tables.keys() & set(records):
                keep = ~np.isin(_source_rows(self.tables[name]), gone)
                self.tables[name] = self.tables[name].filter(pa.array(keep))

    # -- admitting -----------------------------------------------------------------------------------------------------

    def _traces(self) -> Rows:
        """Add new traces and settle ids that come with another content. Gives the rows that brought a trace."""
        table = self.tables.get("trace")
        if table is None or not table.num_rows:
            return _NO_ROWS
        hashes = content_hashes(table, "trace")
        contents = _first_lane(hashes)
        keys = _text_keys(table["trace_id"])
        new = self.known.traces.insert(keys, contents)
        self._add("traces", table, hashes, new)
        if new.all():
            return _source_rows(table)
        _, stored = self.known.traces.lookup(keys)
        conflict = contents != stored
        rows = _source_rows(table)
        # a row equal to what is stored now may contradict what replaces it meanwhile: every further row of such an id is settled
        for index in np.flatnonzero(~new & np.isin(keys, keys[conflict])).tolist():
            self._settle(table.slice(index, 1), int(keys[index]), hashes[index], int(rows[index]))
        return rows[new]

    def _settle(self, trace: pa.Table, key: int, content: bytes, row: int) -> None:
        """
        One id, two contents: the smaller content hash is kept, whatever the order of rows and files.

        In the count it is this row that is rejected; the reject names the row that lost.
        """
        trace_id = trace["trace_id"][0].as_py()
        expected = f"one content for the id {trace_id!r}; the content with the smaller hash is kept"
        lane, one_key = _first_lane([content]), np.array([key], dtype=np.uint64)
        _, stored = self.known.traces.lookup(one_key)
        if int(lane[0]) == int(stored[0]):
            return  # the same as what replaced the row that it contradicted
        if int(lane[0]) > int(stored[0]):
            self._refuse(row, RejectCode.DUPLICATE_ID, expected, "another content than the row that is kept", "trace_id")
            self._drop({row}, _CARRIED)
            return
        self.known.traces.assign(one_key, lane)
        loser_file, loser_row = self.sink.replace_trace(trace_id, trace, content)
        self.refused.add(row)
        named = loser_row if loser_file == self.file and loser_row else row
        got = f"another content at {loser_file}:{loser_row}, which row {row} replaces"
        self.rejects.append(RejectedRow.of(named, RejectCode.DUPLICATE_ID, expected=expected, got=got, column="trace_id"))
        self._move_carried(row, loser_row if loser_file == self.file else None)

    def _move_carried(self, winner: int, loser: int | None) -> None:
        """Store what the winning row carries; drop what the losing row of this batch carries."""
        for record in _CARRIED:
            table = self.tables.get(record)
            if table is not None:
                won = table.filter(pa.array(_source_rows(table) == winner))
                if won.num_rows:
                    hashes = content_hashes(won, record)
                    self.sink.add(_TABLE[record], won, hashes)
                    if record == "grade":
                        self._unseen(_first_lane(hashes))
        self._drop({winner} if loser is None else {winner, loser}, _CARRIED)

    def _aggregates(self) -> Rows:
        table = self.tables.get("aggregate")
        if table is None or not table.num_rows:
            return _NO_ROWS
        hashes = content_hashes(table, "aggregate")
        new = self._unseen(_first_lane(hashes))
        self._add("aggregates", table, hashes, new)
        return _source_rows(table)[new]

    def _turns(self, new_trace_rows: Rows) -> Rows:
        """Turns belong to the content of their trace: they come with it."""
        table = self.tables.get("turn")
        if table is not None and table.num_rows:
            mine = np.isin(_source_rows(table), new_trace_rows)
            if mine.any():
                kept = table.filter(pa.array(mine))
                self.sink.add("turns", kept, content_hashes(kept, "turn"))
        return _NO_ROWS

    def _grades(self) -> Rows:
        table = self.tables.get("grade")
        if table is None or not table.num_rows:
            return _NO_ROWS
        known, _ = self.known.traces.lookup(_text_keys(table["trace_id"]))
        rows = _source_rows(table)
        for index in np.flatnonzero(~known).tolist():
            got = table["trace_id"][index].as_py()
            self._refuse(int(rows[index]), RejectCode.ORPHAN_GRADE, "the id of a known trace", got, "trace_id")
        if not known.all():
            table = table.filter(pa.array(known))
        hashes = content_hashes(table, "grade")
        new = self._unseen(_first_lane(hashes))
        self._add("grades", table, hashes, new)
        self.grades_added = int(new.sum())
        return _source_rows(table)[new]

    def _unseen(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which contents are new, the first of equal ones within the batch; they are remembered."""
        return self.known.others.insert(keys, keys)

    def _add(self, name: str, table: pa.Table, hashes: Sequence[bytes], new: npt.NDArray[np.bool_]) -> None:
        if new.all():
            self.sink.add(name, table, hashes)
        elif new.any():
            self.sink.add(name, table.filter(pa.array(new)), [h for h, is_new in zip(hashes, new, strict=True) if is_new])

    # -- counting ------------------------------------------------------------------------------------------------------

    def _fates(self, all_rows: Rows, new: Mapping[Fate, Rows]) -> dict[Fate, int]:
        """One fate for each row of the batch."""
        fates: dict[Fate, int] = dict.fromkeys(Fate, 0)
        left = np.setdiff1d(all_rows, np.fromiter(self.refused, dtype=np.int64)) if self.refused else all_rows
        fates[Fate.REJECT] = len(all_rows) - len(left) + sum(r.row > 0 for r in self.batch.rejects)
        for fate, rows in new.items():
            taken = np.ones(len(left), dtype=np.bool_) if np.array_equal(left, rows) else np.isin(left, rows)
            fates[fate] = int(taken.sum())
            left = left[~taken]
        fates[Fate.DUPLICATE] = len(left)
        fates[Fate.METADATA] = len(self.batch.metadata_rows)
        fates[Fate.SUPERSEDED] = len(self.batch.superseded_rows)
        return fates


def _meaning(grader: Mapping[str, str]) -> Meaning:
    return tuple(grader[name] for name in _MEANING)


def _source_rows(table: pa.Table) -> Rows:
    return np.asarray(table["source_row"].to_numpy(), dtype=np.int64)


def _union(parts: Sequence[Rows]) -> Rows:
    if parts and all(np.array_equal(part, parts[0]) for part in parts[1:]) and (np.diff(parts[0]) > 0).all():
        return parts[0]  # the usual case, without a sort: each row a trace with its grade
    return np.unique(np.concatenate(parts)) if parts else _NO_ROWS


def _text_keys(texts: pa.ChunkedArray) -> Keys:
    """64-bit keys of texts. Python's own hash: salted for each process, and the index lives in one process only."""
    return np.fromiter(map(hash, texts.to_pylist()), dtype=np.int64, count=len(texts)).view(np.uint64)


def _first_lane(hashes: Sequence[bytes]) -> Keys:
    return np.frombuffer(b"".join(hashes), dtype="<u8").reshape(-1, 2)[:, 0].astype(np.uint64)
