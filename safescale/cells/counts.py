"""
Sufficient counts: everything that analyses need of graded rows, under every selection, and no row.

A row of counts stands for all graded rows that no selection tells apart: same source, attack class, model, condition, prompt,
kinds, grader, target and verdict, and the same outcome of settling repeats. There are as many as models x prompts x graders,
whatever the size of the corpus. A response enters by its hash, and only where two traces have it; one that a single trace has
needs no name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.cells.build import trace_counts
from safescale.cells.coding import coded, group_rows, tally
from safescale.cells.fates import COUNTED, REASONS, settled_repeats
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces, read_graded_rows, read_traces
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.cells.table import TraceCounts
from safescale.cells.target_pairs import rows_of_one_trace
from safescale.errors import DataError
from safescale.records.verdicts import EVALUABLE

__all__ = [
    "COUNTS_SCHEMA",
    "GRADE_NAMES",
    "PAIRS_SCHEMA",
    "SINGLE_RESPONSE",
    "SMALL_TABLES",
    "TRACE_NAMES",
    "CellCounts",
    "collect_counts",
    "refuse_mixed_kinds",
]

Integers = npt.NDArray[np.int64]

SINGLE_RESPONSE: Final = "single"
"""What stands in ``response`` where one trace alone has that response; empty where its hash is not known."""

TRACE_NAMES: Final = ("source", "attack_class", "model_id", "condition", "prompt_id", "prompt_kind", "response_kind")
"""Columns of the copy of the trace that counts."""

GRADE_NAMES: Final = ("grader_id", "rubric_version", "grader_kind", "target", "verdict")
"""Columns of the grade."""

SMALL_TABLES: Final = ("models", "graders", "aggregates")
"""Tables that go along as they are."""

_PAIR_TRACE_NAMES: Final = tuple(name for name in TRACE_NAMES if name != "prompt_id")


def _schema(names: Sequence[str]) -> pa.Schema:
    texts = [pa.field(name, pa.string(), nullable=False) for name in names]
    return pa.schema([pa.field("merged", pa.bool_(), nullable=False), *texts, pa.field("rows", pa.int64(), nullable=False)])


COUNTS_SCHEMA: Final = _schema((*TRACE_NAMES, *GRADE_NAMES, "repeat", "response"))
"""``merged``: whether a trace that two sources hold is one; a corpus without such traces has merged rows only."""

PAIRS_SCHEMA: Final = _schema((*_PAIR_TRACE_NAMES, *(f"{side}_{name}" for side in ("first", "second") for name in GRADE_NAMES)))
"""Traces of which two targets were graded, by both verdicts; only verdicts that some selection counts."""


@attrs.frozen(kw_only=True, eq=False)
class CellCounts:
    """
    The counts of a corpus, without its rows.

    Attributes
    ----------
    fingerprint : str
        Fingerprint of the corpus that was counted.
    counts, pairs : pyarrow.Table
        ``COUNTS_SCHEMA`` and ``PAIRS_SCHEMA``, sorted by all columns.
    traces : mapping of bool to TraceCounts
        Where the traces stand, merged (True) or apart.
    sources : tuple of str
        All sources of the corpus, of traces nobody graded too.
    tables : mapping of str to pyarrow.Table
        ``SMALL_TABLES``.
    """

    fingerprint: str
    counts: pa.Table
    pairs: pa.Table
    traces: dict[bool, TraceCounts]
    sources: tuple[str, ...]
    tables: dict[str, pa.Table]

    @property
    def has_copies(self) -> bool:
        """Whether a trace stands in two sources."""
        return self.traces[True].copies > 0


def collect_counts(corpus: Readable) -> CellCounts:
    """
    Count a corpus for every selection at once.

    Parameters
    ----------
    corpus : Readable
        SQLite, Parquet, or anything else with that Protocol.

    Returns
    -------
    CellCounts
        Unit: graded rows.

    Raises
    ------
    DataError
        When a grade belongs to no stored trace, or a grader is a keyword rule and another kind at once.
    """
    tables = {name: corpus.read(name) for name in SMALL_TABLES}
    found: dict[bool, tuple[pa.Table, pa.Table, TraceCounts]] = {}
    hashes = coded(corpus.read("traces", ["response_sha256"])["response_sha256"])
    for merged in (True, False):
        traces = read_traces(corpus, Selection(merge_same_traces=merged))
        rows = read_graded_rows(corpus, traces)
        if merged:
            _refuse_keyword_and_more(rows)
        found[merged] = (*_counted(traces, rows, hashes.codes, hashes.values, merged=merged), trace_counts(traces, rows))
        if not found[True][2].copies:
            found[False] = (COUNTS_SCHEMA.empty_table(), PAIRS_SCHEMA.empty_table(), found[True][2])
            break
    sources = {
        source for table in ("traces", "aggregates") for source in corpus.read(table, ["source"])["source"].unique().to_pylist()
    }
    return CellCounts(
        fingerprint=corpus.fingerprint(),
        counts=_in_order([found[True][0], found[False][0]]),
        pairs=_in_order([found[True][1], found[False][1]]),
        traces={merged: counts for merged, (_, _, counts) in found.items()},
        sources=tuple(sorted(sources)),
        tables=tables,
    )


def _counted(
    traces: Traces, rows: GradedRows, hash_codes: Integers, hash_values: pa.Array, *, merged: bool
) -> tuple[pa.Table, pa.Table]:
    kept = traces.kept[rows.trace]
    of_trace = {name: getattr(traces, name).take(kept) for name in TRACE_NAMES}
    codes = {name: (column.codes, column.values) for name, column in of_trace.items()}
    codes |= _grade_columns(rows)
    repeat = settled_repeats(rows, traces)
    codes["repeat"] = repeat - COUNTED, pa.array(["", *(reason.value for reason in REASONS)])
    codes["response"] = _responses(hash_codes, hash_values, kept)
    groups = group_rows([codes[name][0] for name in COUNTS_SCHEMA.names[1:-1]])
    counts = _table(COUNTS_SCHEMA, codes, groups.codes, tally(groups.of_row, groups.count, None), merged=merged)
    evaluable = np.isin(rows.verdict, [code for code, verdict in enumerate(VERDICTS) if verdict in EVALUABLE])
    at = np.flatnonzero((repeat == COUNTED) & evaluable & ~of_trace["prompt_kind"].is_in(["benign"]))
    return counts, _pairs(traces, rows, codes, at, merged=merged)


def _pairs(
    traces: Traces, rows: GradedRows, codes: dict[str, tuple[Integers, pa.Array]], at: Integers, *, merged: bool
) -> pa.Table:
    found = [PAIRS_SCHEMA.empty_table()]
    for _, _, left, right in rows_of_one_trace(rows, traces, at):
        sides = {name: (codes[name][0][left], codes[name][1]) for name in _PAIR_TRACE_NAMES}
        for side, here in (("first", left), ("second", right)):
            sides |= {f"{side}_{name}": (codes[name][0][here], codes[name][1]) for name in GRADE_NAMES}
        groups = group_rows([sides[name][0] for name in PAIRS_SCHEMA.names[1:-1]])
        found.append(_table(PAIRS_SCHEMA, sides, groups.codes, tally(groups.of_row, groups.count, None), merged=merged))
    return pa.concat_tables(found)


def _grade_columns(rows: GradedRows) -> dict[str, tuple[Integers, pa.Array]]:
    labels = rows.grader.values.to_pylist()
    columns: dict[str, tuple[Integers, pa.Array]] = {
        "grader_kind": (rows.grader_kind.codes, rows.grader_kind.values),
        "target": (rows.target.codes, rows.target.values),
        "verdict": (rows.verdict, pa.array([verdict.value for verdict in VERDICTS])),
    }
    for place, name in enumerate(("grader_id", "rubric_version")):
        columns[name] = rows.grader.codes, pa.array([rows.grader_names[label][place] or "" for label in labels], pa.string())
    return columns


def _responses(hash_codes: Integers, hash_values: pa.Array, kept: Integers) -> tuple[Integers, pa.Array]:
    """Responses of rows: empty without a hash, one mark for all that a single trace has, else the hash."""
    times = np.bincount(hash_codes, minlength=len(hash_values))
    shared = np.flatnonzero(times > 1)
    code = np.full(len(hash_values), 1, dtype=np.int64)
    code[shared] = np.arange(shared.size) + 2
    if len(hash_values) and hash_values[0].as_py() == "":  # sorted: the empty text is first
        code[0] = 0
    return code[hash_codes[kept]], pa.concat_arrays(
        [pa.array(["", SINGLE_RESPONSE]), hash_values.take(pa.array(shared)).cast(pa.string())]
    )


def _table(
    schema: pa.Schema, columns: dict[str, tuple[Integers, pa.Array]], codes: Integers, rows: Integers, *, merged: bool
) -> pa.Table:
    texts = [columns[name][1].take(pa.array(codes[i])) for i, name in enumerate(schema.names[1:-1])]
    return pa.Table.from_arrays([pa.array(np.full(rows.size, merged)), *texts, pa.array(rows)], schema=schema)


def _in_order(parts: Sequence[pa.Table]) -> pa.Table:
    """One order, whoever counted."""
    table = pa.concat_tables(parts).combine_chunks()
    return table.sort_by([(name, "ascending") for name in table.column_names])


def _refuse_keyword_and_more(rows: GradedRows) -> None:
    groups = group_rows([rows.grader.codes, rows.grader_kind.codes])
    labels, kinds = rows.grader.values, rows.grader_kind.values
    refuse_mixed_kinds([(labels[grader].as_py(), kinds[kind].as_py()) for grader, kind in groups.codes.T.tolist()])


def refuse_mixed_kinds(pairs: Sequence[tuple[str, str]]) -> None:
    """
    Refuse a grader whose rows are of a keyword rule in part: which of its repeats count would depend on the selection.

    Raises
    ------
    DataError
        Naming the grader.
    """
    kinds: dict[str, set[str]] = {}
    for grader, kind in pairs:
        kinds.setdefault(grader, set()).add(kind)
    for grader, found in sorted(kinds.items()):
        if "keyword" in found and len(found) > 1:
            raise DataError(
                f"the grader {grader!r} is a keyword rule and something else: give the two different ids, and ingest again",
                column="grader_kind",
                expected="one kind for each grader",
                got=", ".join(sorted(found)),
            )
