"""Adapter ``jailbreak-db``: the SQLite corpus of the Failure-First project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from safescale.errors import DataError
from safescale.ingest.batch import Batch, FormatFacts, Options, Probe, table_of
from safescale.ingest.failure_first_answers import Answer, answer_of
from safescale.ingest.failure_first_grades import HEURISTIC, UnknownVerdict, grader_kind_of, graders_of, verdict_of
from safescale.ingest.failure_first_traces import Collected, columns_table, grade_tuple
from safescale.ingest.identity import own_trace_id
from safescale.ingest.jailbreak_db_open import (
    CHECKED_INTEGERS,
    REQUIRED_TABLES,
    SELECTED,
    opened,
    result_rows,
    tables_of,
)
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow
from safescale.records.verdicts import EVALUABLE, canonical_verdict
from safescale.registry import is_closed, parse_model_id, read_parameter_count

__all__ = ["JailbreakDb", "declared_size"]

_MAGIC: Final = b"SQLite format 3\x00"
_ROWS: Final = 2_000
_CHARS: Final = 8 << 20
_BENIGN_DATASET: Final = re.compile(r"(?:\A|[ _-])benign(?:[ _-]|\Z)", re.IGNORECASE)
_TEXT_COLUMNS: Final = ("raw_response", "heuristic_verdict", "llm_verdict", "llm_classifier", "prompt", "family")
_SQL_NAMES: Final = {"model": "models.name", "dataset": "source_datasets.name", "family": "techniques.family"}


class _Result(msgspec.Struct, gc=False):
    """A row of the joined query; every type is still what SQLite gave."""

    result_id: Any
    run_id: Any
    run_key: Any
    model_key: Any
    model: Any
    parameter_count: Any
    prompt_id: Any
    prompt_key: Any
    prompt: Any
    dataset_id: Any
    dataset: Any
    family: Any
    raw_response: Any
    heuristic_verdict: Any
    llm_verdict: Any
    llm_classifier: Any
    duration_ms: Any
    response_tokens: Any
    thinking_tokens: Any


assert _Result.__struct_fields__ == SELECTED


class _BadRow(Exception):
    def __init__(self, code: RejectCode, column: str, expected: str, got: object) -> None:
        super().__init__(column)
        self.code, self.column, self.expected, self.got = code, column, expected, got


class JailbreakDb:
    """
    Reader of ``jailbreak_corpus.db``: one row of ``results`` is one trace with up to two grades.

    The source of a trace is ``jailbreak-db/<dataset>``, so that exclusion by provenance is possible. Rows are numbered by the
    order of ``results.id``. The heuristic verdict is a grade of kind ``keyword``; the LLM verdict is one of the grader that
    ``llm_classifier`` names. Where that is an import, both verdicts were written from one source: both grades are of kind
    ``imported``, the heuristic one under a name of its own, so that their agreement passes for no agreement of graders.
    """

    name = "jailbreak-db"
    facts = FormatFacts(
        files="jailbreak_corpus.db, the SQLite corpus of the Failure-First project",
        polarity="verdicts in words (FLIP)",
        outcome_map="flip",
        denominator="evaluable verdicts; benign prompts never enter",
        cluster_key="results.prompt_id",
        attempts="each row of results is one",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """An SQLite file with at least two of the corpus's tables (a missing one is then named by ``read``)."""
        if not probe.head.startswith(_MAGIC):
            return False
        try:
            with opened(probe.path) as connection:
                return len(tables_of(connection) & set(REQUIRED_TABLES)) >= 2
        except DataError:
            return False

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Batches of at most 2,000 results (fewer where responses are long), read as they are needed."""
        reader = _Reader(str(path), options, options.source or self.name)
        with opened(path) as connection:
            pending: list[Sequence[Any]] = []
            chars = row = 0
            for values in result_rows(connection, path):
                pending.append(values)
                chars += sum(len(v) for v in values if isinstance(v, (str, bytes)))
                if len(pending) >= _ROWS or chars >= _CHARS:
                    yield reader.batch(pending, row, chars)
                    row += len(pending)
                    pending, chars = [], 0
            if pending:
                yield reader.batch(pending, row, chars)
                row += len(pending)
        if not row:
            whole = RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="rows in table results", got="an empty table")
            yield Batch(rows_in=0, rejects=[whole])


@attrs.frozen
class _Reader:
    file: str
    options: Options
    source: str

    def batch(self, values: list[Sequence[Any]], before: int, size: int) -> Batch:
        into, rejects = Collected(), []
        sizes: dict[str, tuple[float | None, float | None, bool]] = {}
        for row, found in enumerate(values, start=before + 1):
            try:
                self._add(_Result(*found), row, into, sizes)
            except _BadRow as bad:
                rejects.append(self._reject(row, bad.code, bad.column, bad.expected, bad.got, found))
            except UnknownVerdict as unknown:
                expected = "a verdict of the alias table"
                column = unknown.column
                rejects.append(self._reject(row, RejectCode.UNKNOWN_VERDICT, column, expected, repr(unknown.label), found))
        return Batch(
            rows_in=len(values),
            traces=columns_table("trace", into.traces),
            grades=columns_table("grade", into.grades),
            graders=table_of("grader", graders_of(into.graders, self.options)) if into.graders else None,
            rejects=rejects,
            declared_sizes=sizes,
            checked=True,
            bytes_read=size,
        )

    def _reject(self, row: int, code: RejectCode, column: str, expected: str, got: object, values: Sequence[Any]) -> RejectedRow:
        raw = repr(tuple(values)).encode("utf-8", "surrogatepass")
        return RejectedRow.of(row, code, column=column, expected=expected, got=got, raw=raw)

    def _add(self, r: _Result, row: int, into: Collected, sizes: dict[str, tuple[float | None, float | None, bool]]) -> None:
        _check(r)
        answer = _answer(r)
        source = f"{self.source}/{r.dataset or 'unknown'}"
        trace_id = own_trace_id(source, str(r.result_id))
        for grader, kind, verdict, label in self._grades(r, answer):
            into.graders.add((grader, kind))
            into.grades.append(grade_tuple(trace_id, grader, kind, verdict, label, self.file, row))
        into.traces.append(
            (
                trace_id,
                source,
                r.model,
                str(r.prompt_id),
                "benign" if _BENIGN_DATASET.search(r.dataset or "") else "unknown",
                r.family or "unclassified",
                "default",
                0,
                answer.response_kind,
                answer.finish_reason,
                answer.chars,
                None,  # the session fills and checks the hashes of all adapters
                None,
                None,
                None,
                answer.error,
                r.prompt,
                answer.response,
                self.file,
                row,
            )
        )
        if r.model not in sizes and (size := declared_size(r.parameter_count)) is not None:
            sizes[r.model] = (size, None, is_closed(parse_model_id(r.model)))

    def _grades(self, r: _Result, answer: Answer) -> list[tuple[str, str, str, str]]:
        """Grader, kind, verdict, raw label."""
        answered = answer.response_kind != "none"
        classifier = r.llm_classifier or self.options.grader_id or "llm"
        kind = grader_kind_of(classifier)
        found: list[tuple[str, str, str, str]] = []
        if r.heuristic_verdict is not None:
            verdict = verdict_of(r.heuristic_verdict, "heuristic_verdict", answered=answered)
            imported = kind == "imported"
            grader = f"{classifier}/heuristic" if imported else HEURISTIC
            found.append((grader, "imported" if imported else "keyword", verdict, r.heuristic_verdict))
        if r.llm_verdict is not None:
            verdict = verdict_of(r.llm_verdict, "llm_verdict", answered=answered)
            found.append((classifier, kind, verdict, r.llm_verdict))
        return found


def _check(r: _Result) -> None:
    """Types, and that every joined row exists."""
    _id("results.id", r.result_id)
    _id("results.prompt_id", r.prompt_id)
    _id("results.evaluation_run_id", r.run_id)
    for column, key, wanted in (
        ("results.evaluation_run_id", r.run_key, r.run_id),
        ("evaluation_runs.model_id", r.model_key, r.run_id),
        ("results.prompt_id", r.prompt_key, r.prompt_id),
    ):
        if key is None:
            raise _BadRow(RejectCode.MISSING_FIELD, column, "the id of a row that exists", repr(wanted))
    if r.dataset_id is not None and r.dataset is None:
        raise _BadRow(RejectCode.MISSING_FIELD, "prompts.source_dataset_id", "the id of a named dataset", repr(r.dataset_id))
    _text("model", r.model)
    if not r.model or r.model.isspace():
        raise _BadRow(RejectCode.MISSING_FIELD, "models.name", "a model id", repr(r.model))
    if r.dataset is not None:
        _text("dataset", r.dataset)
    for name in _TEXT_COLUMNS:
        value = getattr(r, name)
        if value is not None and type(value) is not str:
            _text(name, value)
    for name in CHECKED_INTEGERS:
        value = getattr(r, name)
        if value is not None and type(value) is not int:
            raise _BadRow(RejectCode.WRONG_TYPE, f"results.{name}", "an integer or null", repr(value))


def _id(column: str, value: object) -> None:
    if value is None or value == "":
        raise _BadRow(RejectCode.MISSING_FIELD, column, "an id", repr(value))
    if not isinstance(value, (int, str)):
        raise _BadRow(RejectCode.WRONG_TYPE, column, "an integer or text", repr(value))


def _text(name: str, value: object) -> None:
    if isinstance(value, str):
        return
    column = _SQL_NAMES.get(name, "prompts" if name == "prompt" else f"results.{name}")
    if isinstance(value, bytes):
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            raise _BadRow(RejectCode.NOT_UTF8, column, "UTF-8 text", repr(value[:40])) from None
    code = RejectCode.MISSING_FIELD if value is None else RejectCode.WRONG_TYPE
    raise _BadRow(code, column, "text", repr(value))


def _answer(r: _Result) -> Answer:
    """
    The response. NULL was withheld where someone judged it, else nothing came back.

    A verdict that speaks of a failure (ERROR) is no sign of a response.
    """
    if r.raw_response is not None:
        return answer_of(r.raw_response)
    judged = any(label is not None and canonical_verdict(label) in EVALUABLE for label in (r.heuristic_verdict, r.llm_verdict))
    return Answer("withheld", "unknown") if judged else answer_of(None)


def declared_size(parameter_count: object) -> float | None:
    """
    Parameters (1e9) of a ``parameter_count`` such as ``'1.5B'``; None for ``'unknown'`` and whatever has no unit.

    Examples
    --------
    >>> declared_size("671B"), declared_size("7 billion"), declared_size("unknown"), declared_size("7")
    (671.0, 7.0, None, None)
    """
    if not isinstance(parameter_count, str) or not parameter_count.rstrip()[-1:].isalpha():
        return None
    return read_parameter_count(parameter_count).params_b
