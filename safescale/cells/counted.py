"""Cells under any selection from sufficient counts alone: what ``Counting`` does with rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.cells.build import cells_of_rows, key_columns
from safescale.cells.coding import coded
from safescale.cells.counting import Counting
from safescale.cells.counts import GRADE_NAMES, SINGLE_RESPONSE, TRACE_NAMES, CellCounts
from safescale.cells.fates import COUNTED, REASONS, fates_of
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces, grader_labels, matches, tampering_of
from safescale.cells.replaced import Replacement
from safescale.cells.responses import SINGLE, Responses, responses_of_rows
from safescale.cells.selection import Selection
from safescale.cells.table import Cells
from safescale.cells.target_pairs import TARGET_ORDER, TargetPairs, pairs_of_rows
from safescale.errors import DomainError

__all__ = ["CountedCells"]

Integers = npt.NDArray[np.int64]

_REPEATS: Final = pa.array(["", *(reason.value for reason in REASONS)])
_NEEDS_ROWS: Final = "cells hold counts and no rows: {what}; ask the corpus itself (leave out --cells)"


class CountedCells(Counting):
    """
    Answers as ``Counting`` on the corpus that was counted; what needs rows is refused in words.

    Parameters
    ----------
    counts : CellCounts
        From ``collect_counts``, or ``read_cells``.
    """

    def __init__(self, counts: CellCounts) -> None:
        super().__init__(_Small(counts))
        self._counts = counts
        self._of_counts: dict[tuple[Selection, bool], Cells] = {}

    def cells(self, selection: Selection, *, by_source: bool = False) -> Cells:
        """The cells under a selection."""
        key = (selection, by_source)
        if key not in self._of_counts:
            traces, rows = self._rows(selection)
            where = self._counts.traces[self._merged(selection)]
            self._of_counts[key] = cells_of_rows(self._corpus, traces, rows, where, selection, by_source=by_source)
        return self._of_counts[key]

    @property
    def sources(self) -> frozenset[str]:
        """The sources of the corpus that was counted."""
        return frozenset(self._counts.sources)

    def responses(self, selection: Selection) -> Responses:
        """The different responses behind the cells."""
        traces, rows = self._rows(selection)
        response = coded(self._table(selection)["response"])
        marks = {"": -1, SINGLE_RESPONSE: SINGLE}
        code = np.array([marks.get(value, i) for i, value in enumerate(response.values.to_pylist())], dtype=np.int64)
        return responses_of_rows(self._corpus, traces, rows, code[response.codes], selection)

    def target_pairs(self, selection: Selection) -> tuple[TargetPairs, ...]:
        """Traces graded on two targets."""
        self._refuse_lost_copies(selection)
        table = self._counts.pairs
        table = table.filter(pc.equal(table["merged"], self._merged(selection)))
        sides = [
            table.select([*(n for n in TRACE_NAMES if n in table.column_names), *(f"{side}_{n}" for n in GRADE_NAMES), "rows"])
            for side in ("first", "second")
        ]
        names = [name.removeprefix("first_") for name in sides[0].column_names]
        both = pa.concat_tables([side.rename_columns(names) for side in sides])
        traces, rows = _as_rows(both, selection)
        assert rows.weight is not None
        counted = fates_of(rows, traces, tampering_of(self._corpus, traces.model_id.values), selection) == COUNTED
        first = np.flatnonzero(counted[: table.num_rows] & counted[table.num_rows :])
        second = first + table.num_rows
        return tuple(
            pairs
            for one, other in _target_names(rows)
            for here in (rows.target.is_in([one])[first] & rows.target.is_in([other])[second],)
            for pairs in pairs_of_rows(
                one, other, first[here], second[here], key_columns(rows, traces), rows, rows.weight[first[here]]
            )
        )

    def verdict_pairs(self, selection: Selection, first: str, second: str) -> pa.Table:
        """Not from counts: which trace got both verdicts is not known."""
        raise DomainError(_NEEDS_ROWS.format(what=f"how {first!r} and {second!r} agree on the same traces is not known"))

    def grader_rows(self, selection: Selection, grader: str, target: str) -> pa.Table:
        """Not from counts: the verdicts of single traces are not known."""
        raise DomainError(_NEEDS_ROWS.format(what=f"which trace {grader!r} gave which verdict is not known"))

    def with_verdicts(self, replacements: Sequence[Replacement]) -> Counting:
        """Not from counts."""
        raise DomainError(_NEEDS_ROWS.format(what="verdicts of single traces cannot be replaced"))

    def row_fates(self, selection: Selection) -> pa.Table:
        """Not from counts."""
        raise DomainError(_NEEDS_ROWS.format(what="what became of each row is not known"))

    def _merged(self, selection: Selection) -> bool:
        return selection.merge_same_traces or not self._counts.has_copies

    def _refuse_lost_copies(self, selection: Selection) -> None:
        if self._counts.has_copies and selection.exclude_sources and selection.merge_same_traces:
            copies = self._counts.traces[True].copies
            words = f"{copies:,} traces stand in several sources, and which copy counts when a source is left out is not known"
            raise DomainError(_NEEDS_ROWS.format(what=words) + ", or count copies too (--count-copies)")

    def _table(self, selection: Selection) -> pa.Table:
        self._refuse_lost_copies(selection)
        return self._counts.counts.filter(pc.equal(self._counts.counts["merged"], self._merged(selection)))

    def _rows(self, selection: Selection) -> tuple[Traces, GradedRows]:
        return _as_rows(self._table(selection), selection)


class _Small:
    """The tables that are not rows of anything: all that cells read besides counts."""

    def __init__(self, counts: CellCounts) -> None:
        self._counts = counts

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        if table not in self._counts.tables:
            raise DomainError(_NEEDS_ROWS.format(what=f"the table {table!r} is not among them"))
        found = self._counts.tables[table]
        return found if columns is None else found.select(list(columns))

    def same_traces(self) -> pa.Table:
        raise DomainError(_NEEDS_ROWS.format(what="which traces are the same is not known"))

    def fingerprint(self) -> str:
        return self._counts.fingerprint


def _as_rows(table: pa.Table, selection: Selection) -> tuple[Traces, GradedRows]:
    """Each count as a graded row of a trace of its own, that stands for many."""
    number = np.arange(table.num_rows, dtype=np.int64)
    columns = {name: coded(table[name]) for name in TRACE_NAMES if name in table.column_names}
    columns.setdefault("prompt_id", coded(pa.chunked_array([pa.array([""] * table.num_rows, pa.string())])))
    excluded = matches(columns["source"], selection.exclude_sources) if selection.exclude_sources else number < 0
    traces = Traces(trace_id=pa.array(number), in_excluded_source=excluded, kept=number, **columns)
    grader, names = grader_labels(coded(table["grader_id"]), coded(table["rubric_version"]))
    if "repeat" in table.column_names:
        repeat = pc.index_in(table["repeat"], value_set=_REPEATS).to_numpy().astype(np.int64) + COUNTED
    else:
        repeat = np.full(table.num_rows, COUNTED, dtype=np.int64)
    rows = GradedRows(
        trace=number,
        target=coded(table["target"]),
        grader=grader,
        grader_kind=coded(table["grader_kind"]),
        verdict=pc.index_in(table["verdict"], value_set=pa.array([v.value for v in VERDICTS])).to_numpy().astype(np.int64),
        grader_names=names,
        weight=table["rows"].to_numpy().astype(np.int64),
        repeat=repeat,
    )
    return traces, rows


def _target_names(rows: GradedRows) -> list[tuple[str, str]]:
    names = [name for name in TARGET_ORDER if name in rows.target.values.to_pylist()]
    return [(one, other) for i, one in enumerate(names) for other in names[i + 1 :]]
