"""Graded rows as integer columns: the few columns that counting needs, joined to their traces."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.cells.coding import Coded, coded, text_column
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.errors import DataError
from safescale.records.verdicts import Verdict

__all__ = ["VERDICTS", "GradedRows", "Traces", "grader_labels", "matches", "read_graded_rows", "read_traces", "tampering_of"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

VERDICTS: Final[tuple[Verdict, ...]] = tuple(Verdict)
"""Verdicts in code order."""

RUBRIC_MARK: Final = " · rubric "

TRACE_COLUMNS: Final = (
    "trace_id",
    "model_id",
    "prompt_id",
    "prompt_kind",
    "attack_class",
    "condition",
    "response_kind",
    "source",
)
GRADE_COLUMNS: Final = ("trace_id", "target", "grader_id", "grader_kind", "verdict", "rubric_version")


@attrs.frozen(kw_only=True, eq=False)
class Traces:
    """Traces as codes; ``kept`` (traces,) is the row of the copy that counts, where alone the trace's own."""

    trace_id: pa.Array
    model_id: Coded
    prompt_id: Coded
    prompt_kind: Coded
    attack_class: Coded
    condition: Coded
    response_kind: Coded
    source: Coded
    in_excluded_source: Flags
    kept: Integers

    @property
    def count(self) -> int:
        """Number of traces."""
        return len(self.trace_id)


@attrs.frozen(kw_only=True, eq=False)
class GradedRows:
    """
    Grades as codes: ``trace`` (rows,) is the row of the trace, ``grader`` joins grader id and rubric version.

    Rows may stand for several (``weight``), where only counts are left; then how the repeats of a trace were settled is known
    already (``repeat``: index of the reason, -1 for none).
    """

    trace: Integers
    target: Coded
    grader: Coded
    grader_kind: Coded
    verdict: Integers
    grader_names: dict[str, tuple[str, str | None]]
    raw_label: pa.Array | None = None
    weight: Integers | None = None
    repeat: Integers | None = None

    @property
    def count(self) -> int:
        """Length of the columns."""
        return int(self.trace.size)

    @property
    def total(self) -> int:
        """Number of graded rows."""
        return self.count if self.weight is None else int(self.weight.sum())

    def total_at(self, rows: Integers) -> int:
        """Number of graded rows among these."""
        return int(rows.size) if self.weight is None else int(self.weight[rows].sum())

    def weight_at(self, rows: Integers) -> Integers | None:
        """For how many graded rows each of these stands; None where each stands for itself."""
        return None if self.weight is None else self.weight[rows]


def read_traces(corpus: Readable, selection: Selection) -> Traces:
    """Read the traces, without any text of theirs, and settle which copy of a trace counts."""
    table = corpus.read("traces", list(TRACE_COLUMNS))
    trace_id = text_column(table["trace_id"])
    columns = {name: coded(table[name]) for name in TRACE_COLUMNS if name != "trace_id"}
    excluded = np.zeros(len(trace_id), dtype=bool)
    if selection.exclude_sources:
        excluded = matches(columns["source"], selection.exclude_sources)
    kept = np.arange(len(trace_id), dtype=np.int64)
    if selection.merge_same_traces:
        kept = _kept_copies(trace_id, corpus.same_traces(), excluded)
    return Traces(trace_id=trace_id, in_excluded_source=excluded, kept=kept, **columns)


def read_graded_rows(corpus: Readable, traces: Traces, *, labels: bool = False) -> GradedRows:
    """
    Read the grades and find their traces; ``labels`` reads the raw labels too.

    Raises
    ------
    DataError
        When a grade belongs to no stored trace.
    """
    table = corpus.read("grades", [*GRADE_COLUMNS, "raw_label"] if labels else list(GRADE_COLUMNS))
    ids = text_column(table["trace_id"])
    found = pc.index_in(ids, value_set=traces.trace_id)
    if found.null_count:
        orphan = ids.filter(pc.is_null(found))[0].as_py()
        raise DataError(
            f"{found.null_count} grades belong to no trace of this corpus; ingest the traces first",
            column="trace_id",
            expected="the id of a stored trace",
            got=str(orphan),
        )
    grader, names = grader_labels(coded(table["grader_id"]), coded(table["rubric_version"]))
    verdicts = pa.array([verdict.value for verdict in VERDICTS])
    return GradedRows(
        trace=found.to_numpy().astype(np.int64),
        target=coded(table["target"]),
        grader=grader,
        grader_kind=coded(table["grader_kind"]),
        verdict=pc.index_in(text_column(table["verdict"]), value_set=verdicts).to_numpy().astype(np.int64),
        grader_names=names,
        raw_label=text_column(table["raw_label"]) if labels else None,
    )


def tampering_of(corpus: Readable, model_ids: pa.Array) -> list[str]:
    """Tampering state of each model id; ``unknown`` for an id that the models table does not hold."""
    table = corpus.read("models", ["model_id", "tampering"])
    states = dict(zip(table["model_id"].to_pylist(), table["tampering"].to_pylist(), strict=True))
    return [states.get(model_id, "unknown") for model_id in model_ids.to_pylist()]


def matches(column: Coded, patterns: Sequence[str]) -> Flags:
    """Whether each row is like one of these glob patterns."""
    hit = [any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns) for value in column.values.to_pylist()]
    return np.asarray(hit, dtype=bool)[column.codes]


def _kept_copies(trace_id: pa.Array, same: pa.Table, excluded: Flags) -> Integers:
    """Row of the copy that counts; where its source is excluded, the first remaining copy by id takes its place."""
    kept = np.arange(len(trace_id), dtype=np.int64)
    if same.num_rows == 0:
        return kept
    copy = pc.index_in(text_column(same["trace_id"]), value_set=trace_id)
    original = pc.index_in(text_column(same["kept_trace_id"]), value_set=trace_id)
    known = pc.and_(pc.is_valid(copy), pc.is_valid(original)).to_numpy(zero_copy_only=False)
    rows = pc.fill_null(copy, 0).to_numpy().astype(np.int64)[known]
    kept[rows] = pc.fill_null(original, 0).to_numpy().astype(np.int64)[known]
    lost = excluded[kept] & ~excluded
    if lost.any():
        members = np.flatnonzero(lost)
        by_id = members[pc.sort_indices(trace_id.take(pa.array(members))).to_numpy()]
        _, first, group = np.unique(kept[by_id], return_index=True, return_inverse=True)
        kept[by_id] = by_id[first][group]
    return kept


def grader_labels(ids: Coded, rubrics: Coded) -> tuple[Coded, dict[str, tuple[str, str | None]]]:
    """One label per grader and rubric version."""
    width = max(len(rubrics.values), 1)
    pairs, codes = np.unique(ids.codes * width + rubrics.codes, return_inverse=True)
    names: dict[str, tuple[str, str | None]] = {}
    for pair in pairs.tolist():
        grader_id, rubric = ids.values[pair // width].as_py(), rubrics.values[pair % width].as_py()
        names[grader_id + RUBRIC_MARK + rubric if rubric else grader_id] = (grader_id, rubric or None)
    labels = coded(pa.chunked_array([pa.array(list(names), pa.string())]))
    return Coded(codes=labels.codes[codes.reshape(-1)], values=labels.values), names
