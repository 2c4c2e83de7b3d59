"""The sufficient counts as ibis expressions: the same on DuckDB, on Spark, and on whatever else ibis speaks to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import pyarrow as pa

from safescale.cells.counts import (
    COUNTS_SCHEMA,
    GRADE_NAMES,
    PAIRS_SCHEMA,
    SINGLE_RESPONSE,
    TRACE_NAMES,
    CellCounts,
    refuse_mixed_kinds,
)
from safescale.cells.graded_rows import RUBRIC_MARK
from safescale.cells.selection import Reason
from safescale.cells.table import TraceCounts
from safescale.cells.target_pairs import TARGET_ORDER
from safescale.errors import DataError, MissingBackend
from safescale.records.verdicts import EVALUABLE

if TYPE_CHECKING:
    import ibis

__all__ = ["Engine", "collect_with_ibis", "graded_counts", "graded_rows", "target_pair_counts", "trace_count_row"]

_EVALUABLE: Final = sorted(verdict.value for verdict in EVALUABLE)
_OWN: Final = ("kept", "is_copy")


class Engine(Protocol):
    """What runs an expression: a connection of ibis."""

    def to_pyarrow(self, expr: ibis.Expr) -> pa.Table:
        """The result as Arrow."""
        ...


def graded_rows(traces: ibis.Table, grades: ibis.Table, same: ibis.Table | None) -> ibis.Table:
    """
    Each grade with its trace (the copy that counts), and what repetition and contradiction decide of it.

    Parameters
    ----------
    traces, grades : ibis.Table
        Columns of the records trace and grade.
    same : ibis.Table or None
        ``trace_id, kept_trace_id``; None keeps copies apart.

    Raises
    ------
    MissingBackend
        Without the extra ``ibis``.
    """
    try:
        import ibis
    except ImportError as error:
        raise MissingBackend("ibis-framework", "ibis") from error
    times = traces.count().over(ibis.window(group_by=traces.response_sha256))
    hashed = traces.response_sha256
    own = traces.select(
        *TRACE_NAMES,
        kept=traces.trace_id,
        response=ibis.ifelse(hashed.isnull(), "", ibis.ifelse(times > 1, hashed.fill_null(""), SINGLE_RESPONSE)),
    )
    judged = grades.select(
        "grader_id", "grader_kind", "target", "verdict", "trace_id", rubric_version=grades.rubric_version.fill_null("")
    )
    judged = _with_kept(judged, same)
    rows = judged.join(own, "kept")
    by = [rows.kept, rows.target, rows.grader_id, rows.rubric_version]
    rows = rows.mutate(nth=ibis.row_number().over(ibis.window(group_by=[*by, rows.verdict], order_by=rows.is_copy)))
    rows = rows.mutate(once=(rows.nth == 0) & rows.verdict.isin(_EVALUABLE))
    by = [rows.kept, rows.target, rows.grader_id, rows.rubric_version]
    rows = rows.mutate(different=rows.once.cast("int64").sum().over(ibis.window(group_by=by)))
    repeat = ibis.cases(
        ((rows.nth > 0) & (rows.is_copy == 1), Reason.SAME_TRACE.value),
        (rows.nth > 0, Reason.REPEATED_GRADE.value),
        (~rows.once & (rows.different > 0), Reason.SUPERSEDED.value),
        (rows.once & (rows.different > 1), Reason.CONTRADICTION.value),
        else_="",
    )
    return rows.select("kept", *TRACE_NAMES, *GRADE_NAMES, "response", repeat=repeat)


def graded_counts(rows: ibis.Table) -> ibis.Table:
    """``COUNTS_SCHEMA`` but for ``merged``, from ``graded_rows``."""
    return rows.group_by([*TRACE_NAMES, *GRADE_NAMES, "repeat", "response"]).agg(rows=rows.count())


def target_pair_counts(rows: ibis.Table) -> ibis.Table:
    """``PAIRS_SCHEMA`` but for ``merged``: traces of which two targets have a verdict that some selection counts."""
    import ibis

    place = ibis.cases(*((rows.target == name, i) for i, name in enumerate(TARGET_ORDER)), else_=len(TARGET_ORDER))
    counting = rows.mutate(place=place).filter(
        lambda t: (t.repeat == "") & t.verdict.isin(_EVALUABLE) & (t.prompt_kind != "benign")
    )
    of_trace = [name for name in TRACE_NAMES if name != "prompt_id"]
    first = counting.select("kept", *of_trace, first_place="place", **{f"first_{name}": name for name in GRADE_NAMES})
    second = counting.select(second_kept="kept", second_place="place", **{f"second_{name}": name for name in GRADE_NAMES})
    both = first.join(second, [first.kept == second.second_kept, first.first_place < second.second_place])
    return both.group_by(PAIRS_SCHEMA.names[1:-1]).agg(rows=both.count())


def trace_count_row(traces: ibis.Table, grades: ibis.Table, same: ibis.Table | None) -> ibis.Table:
    """One row with the fields of ``TraceCounts``."""
    own = _with_kept(traces.select("trace_id", "response_kind", "prompt_kind"), same)
    seen = _with_kept(grades.select("trace_id"), same).select("kept").distinct().mutate(seen=1)
    own = own.left_join(seen, "kept").select("is_copy", "response_kind", "prompt_kind", "seen")
    mine = own.is_copy == 0
    waiting = mine & own.seen.isnull()

    def number(where: ibis.expr.types.BooleanValue) -> ibis.expr.types.IntegerScalar:
        return where.fill_null(False).cast("int64").sum().fill_null(0)

    return own.agg(
        traces=own.count(),
        copies=number(own.is_copy == 1),
        graded=number(mine & own.seen.notnull()),
        ungraded=number(waiting),
        ungraded_without_response=number(waiting & (own.response_kind == "none")),
        prompt_kind_unknown=number(mine & (own.prompt_kind == "unknown")),
    )


def collect_with_ibis(
    engine: Engine,
    traces: ibis.Table,
    grades: ibis.Table,
    same: ibis.Table,
    *,
    fingerprint: str,
    tables: Mapping[str, pa.Table],
) -> CellCounts:
    """
    What ``collect_counts`` gives, counted by an engine that holds more rows than this machine.

    Parameters
    ----------
    engine : Engine
        ``ibis.duckdb.connect()``, ``ibis.pyspark.connect(spark)``, ...
    traces, grades, same : ibis.Table
        Tables of a corpus on that engine; ``same`` holds ``trace_id, kept_trace_id``.
    fingerprint : str
        Fingerprint of that corpus.
    tables : mapping of str to pyarrow.Table
        Its ``models``, ``graders`` and ``aggregates``.

    Raises
    ------
    DataError
        When a grade belongs to no stored trace, or a grader is a keyword rule and another kind at once.
    """
    graders = engine.to_pyarrow(grades.select("grader_id", "rubric_version", "grader_kind").distinct()).to_pylist()
    refuse_mixed_kinds(
        [(r["grader_id"] + (RUBRIC_MARK + r["rubric_version"] if r["rubric_version"] else ""), r["grader_kind"]) for r in graders]
    )
    targets = engine.to_pyarrow(grades.select("target").distinct()).num_rows
    total = int(engine.to_pyarrow(grades.agg(n=grades.count()))["n"][0].as_py())
    has_copies = bool(engine.to_pyarrow(same.limit(1)).num_rows)
    counts, pairs, where = [], [PAIRS_SCHEMA.empty_table()], {}
    for merged in (True, False) if has_copies else (True,):
        kept = same if merged and has_copies else None
        rows = graded_rows(traces, grades, kept)
        counts.append(_typed(engine.to_pyarrow(graded_counts(rows)), COUNTS_SCHEMA, merged=merged))
        if targets > 1:
            pairs.append(_typed(engine.to_pyarrow(target_pair_counts(rows)), PAIRS_SCHEMA, merged=merged))
        (row,) = engine.to_pyarrow(trace_count_row(traces, grades, kept)).to_pylist()
        where[merged] = TraceCounts(**{name: int(value) for name, value in row.items()})
        found = sum(counts[-1]["rows"].to_pylist())
        if found != total:
            raise DataError(
                f"{total:,} grades, {found:,} of them with a trace: a grade belongs to no trace of this corpus, or a trace stands "
                "twice; ingest the traces first",
                column="trace_id",
                expected="the id of one stored trace",
            )
    sources = {
        s for t in (engine.to_pyarrow(traces.select("source").distinct()), tables["aggregates"]) for s in t["source"].to_pylist()
    }
    return CellCounts(
        fingerprint=fingerprint,
        counts=_in_order(counts),
        pairs=_in_order(pairs),
        traces=where if has_copies else {True: where[True], False: where[True]},
        sources=tuple(sorted(sources)),
        tables=dict(tables),
    )


def _with_kept(table: ibis.Table, same: ibis.Table | None) -> ibis.Table:
    """With ``kept``, the id of the copy that counts, and ``is_copy`` (0 or 1), in place of ``trace_id``."""
    import ibis

    if same is None:
        return table.mutate(kept=table.trace_id, is_copy=ibis.literal(0, type="int64")).drop("trace_id")
    pairs = same.select(copy_id="trace_id", kept_id="kept_trace_id")
    both = table.left_join(pairs, table.trace_id == pairs.copy_id)
    found = both.mutate(kept=both.kept_id.coalesce(both.trace_id), is_copy=ibis.ifelse(both.kept_id.isnull(), 0, 1).cast("int64"))
    return found.select(*(name for name in table.columns if name != "trace_id"), *_OWN)


def _typed(found: pa.Table, schema: pa.Schema, *, merged: bool) -> pa.Table:
    flag = pa.array([merged] * found.num_rows, pa.bool_())
    return pa.Table.from_arrays([flag, *(found[name].cast(schema.field(name).type) for name in schema.names[1:])], schema=schema)


def _in_order(parts: Sequence[pa.Table]) -> pa.Table:
    table = pa.concat_tables(parts).combine_chunks()
    return table.sort_by([(name, "ascending") for name in table.column_names])
