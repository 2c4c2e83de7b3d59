"""Graded rows of two corpora side by side: which are new, gone, judged or counted otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.diff.results import Cause, FieldChange, RowChange, RowTotals
from safescale.cells.row_fates import ROW_KEYS

__all__ = ["CAUSES", "Events", "events_of", "field_changes", "row_changes", "row_totals", "with_traces"]

CAUSES: Final = tuple(Cause)
EXAMPLES: Final = 3
SEPARATOR: Final = "\x1f"
COUNTED: Final = "counted"

CELL: Final = ("model_id", "attack_class", "condition")
OF_TRACE: Final = ("prompt_id", "response_sha256")

Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class Events:
    """
    Rows that count otherwise, shape (events,): cause, row in the first and in the second table (-1: none), texts before and after.

    A row that moved to another cell is one event; what it does to the two cells is for ``figures`` to say.
    """

    cause: Positions
    first: Positions
    second: Positions
    before: pa.Array
    after: pa.Array


def row_totals(first: pa.Table, second: pa.Table, keys: Sequence[str], columns: Sequence[str]) -> RowTotals:
    """Rows that are only in one table, and those whose ``columns`` differ; keys are unique in each table."""
    at = _positions(first, second, keys)
    common = np.flatnonzero(at >= 0)
    different = np.zeros(common.size, dtype=bool)
    by_column = {}
    for column in columns:
        changed = _differs(first[column], second[column], at[common], common)
        different |= changed
        if changed.any():
            by_column[column] = int(changed.sum())
    return RowTotals(
        before=first.num_rows,
        after=second.num_rows,
        added=second.num_rows - common.size,
        removed=first.num_rows - common.size,
        changed=int(different.sum()),
        changed_columns=by_column,
    )


def with_traces(rows: pa.Table, traces: pa.Table) -> pa.Table:
    """Table of ``row_fates`` with the prompt and the response (hash) of each row's trace."""
    at = pc.index_in(_flat(rows["trace_id"]).cast(pa.string()), value_set=_flat(traces["trace_id"]).cast(pa.string()))
    for name in OF_TRACE:
        rows = rows.append_column(name, _flat(traces[name]).take(at))
    return rows


def events_of(first: pa.Table, second: pa.Table) -> Events:
    """What changed between two tables of ``with_traces``."""
    at = _positions(first, second, ROW_KEYS)
    one, two = at[at >= 0], np.flatnonzero(at >= 0)
    gone = np.setdiff1d(np.arange(first.num_rows), one, assume_unique=True)
    new = np.flatnonzero(at < 0)
    verdict = _differs(first["verdict"], second["verdict"], one, two)
    label = _differs(first["raw_label"], second["raw_label"], one, two)
    fate = _differs(first["reason"], second["reason"], one, two)
    was, now = _counted(first)[one], _counted(second)[two]
    moved = np.zeros(one.size, dtype=bool)
    for column in (*CELL, "prompt_id"):
        moved |= _differs(first[column], second[column], one, two)
    # a response that one corpus does not hold is no other response
    answered = _differs(first["response_sha256"], second["response_sha256"], one, two, known=True)
    concerned = was | now
    cause = np.full(one.size, -1, dtype=np.int64)
    for found, where in (
        (Cause.MOVED, moved & (concerned | verdict)),
        (Cause.ANSWERED, answered & (concerned | verdict)),
        (Cause.REGRADED, verdict & label),
        (Cause.REMAPPED, verdict & ~label),
        (Cause.EXCLUDED, fate & was & ~now),
        (Cause.INCLUDED, fate & ~was & now),
    ):
        cause[(cause < 0) & where] = CAUSES.index(found)
    kept = cause >= 0
    nothing = np.full(max(gone.size, new.size), -1, dtype=np.int64)
    causes = np.concatenate(
        [cause[kept], np.full(gone.size, CAUSES.index(Cause.REMOVED)), np.full(new.size, CAUSES.index(Cause.ADDED))]
    ).astype(np.int64)
    firsts = np.concatenate([one[kept], gone, nothing[: new.size]]).astype(np.int64)
    seconds = np.concatenate([two[kept], nothing[: gone.size], new]).astype(np.int64)
    by_fate = np.isin(causes, [CAUSES.index(c) for c in (Cause.EXCLUDED, Cause.INCLUDED)])
    by_cell = causes == CAUSES.index(Cause.MOVED)
    before, after = _words(first, firsts, by_fate, by_cell), _words(second, seconds, by_fate, by_cell)
    return Events(cause=causes, first=firsts, second=seconds, before=before, after=_of_another_prompt(before, after, by_cell))


def _of_another_prompt(before: pa.Array, after: pa.Array, by_cell: Flags) -> pa.Array:
    """The cell after; where it is the one before, the row came there under another prompt."""
    stayed = pc.and_(pa.array(by_cell), pc.equal(before, after))
    return pc.if_else(stayed, pc.binary_join_element_wise(after, "another prompt", ", "), after)


def row_changes(first: pa.Table, second: pa.Table, events: Events) -> tuple[RowChange, ...]:
    """Events by cause, grader, and what before and after were, with a few trace ids."""
    if not events.cause.size:
        return ()
    in_second = events.second >= 0
    rows = np.where(in_second, events.second, events.first)
    grader = _choose(first["grader"], second["grader"], events.first, events.second)
    trace = _choose(first["trace_id"], second["trace_id"], events.first, events.second)
    table = pa.table(
        {
            "cause": pa.array(events.cause),
            "grader": grader,
            "before": events.before,
            "after": events.after,
            "at": pa.array(np.arange(rows.size)),
        }
    )
    keys = ["cause", "grader", "before", "after"]
    grouped = table.group_by(keys).aggregate([("at", "count"), ("at", "list")]).sort_by([(key, "ascending") for key in keys])
    found = []
    for row in grouped.select([*keys, "at_count"]).to_pylist():
        found.append(row)
    lists = grouped["at_list"].combine_chunks()
    return tuple(
        RowChange(
            cause=CAUSES[row["cause"]],
            grader=row["grader"],
            before=row["before"],
            after=row["after"],
            rows=row["at_count"],
            examples=tuple(sorted(trace.take(pa.array(lists[i].values[:EXAMPLES])).to_pylist())),
        )
        for i, row in enumerate(found)
    )


def field_changes(first: pa.Table, second: pa.Table, key: str, fields: Sequence[str]) -> tuple[FieldChange, ...]:
    """Fields that differ between rows of the same key; rows that only one table has are given by their key alone."""
    sides = [{row[key]: row for row in table.select([key, *fields]).to_pylist()} for table in (first, second)]
    changes = []
    for name in sorted({*sides[0], *sides[1]}):
        before, after = sides[0].get(name), sides[1].get(name)
        if before is None or after is None:
            changes.append(FieldChange(name=name, field=key, before=before and name, after=after and name))
            continue
        changes += [
            FieldChange(name=name, field=field, before=_text(before[field]), after=_text(after[field]))
            for field in fields
            if before[field] != after[field]
        ]
    return tuple(changes)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def _keys(table: pa.Table, keys: Sequence[str]) -> pa.Array:
    columns = [_flat(table[key]).cast(pa.string()) for key in keys]
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, SEPARATOR)


def _positions(first: pa.Table, second: pa.Table, keys: Sequence[str]) -> Positions:
    """Row of the first table for each row of the second; -1 where there is none."""
    found = pc.index_in(_keys(second, keys), value_set=_keys(first, keys))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _differs(first: pa.ChunkedArray, second: pa.ChunkedArray, one: Positions, two: Positions, *, known: bool = False) -> Flags:
    """Where two columns differ; ``known``: only where both have a value."""
    a, b = _flat(first).take(pa.array(one)), _flat(second).take(pa.array(two))
    unequal = pc.fill_null(pc.not_equal(a, b), False)
    if not known:
        unequal = pc.or_(unequal, pc.xor(a.is_null(), b.is_null()))
    return np.asarray(unequal.to_numpy(zero_copy_only=False), dtype=bool)


def _counted(table: pa.Table) -> Flags:
    return np.asarray(pc.equal(_flat(table["reason"]), "").to_numpy(zero_copy_only=False), dtype=bool)


def _words(table: pa.Table, at: Positions, by_fate: Flags, by_cell: Flags) -> pa.Array:
    """Verdict, fate or cell of each event on one side; empty where the row is not there."""
    present = at >= 0
    rows = pa.array(np.where(present, at, 0))
    if not table.num_rows:
        return pa.array([""] * at.size, pa.string())
    verdict = _flat(table["verdict"]).take(rows)
    reason = _flat(table["reason"]).take(rows)
    fate = pc.if_else(pc.equal(reason, ""), COUNTED, reason)
    cell = pc.binary_join_element_wise(*(_flat(table[name]).take(rows) for name in CELL), " / ")
    cell = pc.if_else(pc.equal(reason, ""), cell, pc.binary_join_element_wise(cell, reason, ": "))
    words = pc.if_else(pa.array(by_fate), fate, pc.if_else(pa.array(by_cell), cell, verdict))
    return pc.if_else(pa.array(present), words, "")


def _choose(first: pa.ChunkedArray, second: pa.ChunkedArray, one: Positions, two: Positions) -> pa.Array:
    """The text of the second table where the row is there, else of the first."""
    both = pa.concat_arrays([_flat(first).cast(pa.string()), _flat(second).cast(pa.string())])
    return both.take(pa.array(np.where(two >= 0, two + len(first), one)))
