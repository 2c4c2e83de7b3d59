"""Traces of which two targets were graded: what was said against what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.cells.build import key_columns
from safescale.cells.coding import Coded, group_rows, tally
from safescale.cells.fates import COUNTED, fates_of
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.records.verdicts import Verdict

__all__ = ["TARGET_ORDER", "TargetPairs", "pairs_of_rows", "rows_of_one_trace", "target_pairs"]

Integers = npt.NDArray[np.int64]

TARGET_ORDER: Final = ("text", "action", "tool_call")
"""The first of two targets is the one that stands first here."""

PAIR_KEYS: Final = ("attack_class", "model_id", "condition")


@attrs.frozen(kw_only=True)
class TargetPairs:
    """Traces of one model, attack class and condition with a counted verdict on both targets, by the two verdicts."""

    attack_class: str
    model_id: str
    condition: str
    first_target: str
    first_grader: str
    second_target: str
    second_grader: str
    traces: Mapping[tuple[Verdict, Verdict], int]


def target_pairs(corpus: Readable, selection: Selection | None = None) -> tuple[TargetPairs, ...]:
    """
    Traces graded on two targets, for every pair of graders that share traces.

    Parameters
    ----------
    corpus : Readable
        The corpus.
    selection : Selection, optional
        What may enter; only rows that count are paired.

    Returns
    -------
    tuple of TargetPairs
        Unit: traces. Empty where no trace is graded on two targets.
    """
    chosen = Selection() if selection is None else selection
    traces = read_traces(corpus, chosen)
    rows = read_graded_rows(corpus, traces)
    at = np.flatnonzero(fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), chosen) == COUNTED)
    return tuple(
        pairs
        for first, second, left, right in rows_of_one_trace(rows, traces, at)
        for pairs in pairs_of_rows(first, second, left, right, key_columns(rows, traces), rows, None)
    )


def rows_of_one_trace(rows: GradedRows, traces: Traces, at: Integers) -> Iterator[tuple[str, str, Integers, Integers]]:
    """For every two targets the rows, among those ``at``, that judge one trace: ``left[i]`` and ``right[i]`` belong together."""
    trace = traces.kept[rows.trace]
    names = [name for name in TARGET_ORDER if name in rows.target.values.to_pylist()]
    by_target = {name: at[rows.target.is_in([name])[at]] for name in names}
    for first, second in combinations(names, 2):
        yield first, second, *_joined(by_target[first], by_target[second], trace)


def pairs_of_rows(
    first: str, second: str, left: Integers, right: Integers, keys: dict[str, Coded], rows: GradedRows, weight: Integers | None
) -> list[TargetPairs]:
    """
    Pairs of rows by their keys and verdicts.

    Parameters
    ----------
    first, second : str
        The targets.
    left, right : ndarray of int, shape (pairs,)
        Rows that belong together.
    keys, rows
        Columns of all rows.
    weight : ndarray of int, shape (pairs,), optional
        For how many traces each pair stands.
    """
    if not left.size:
        return []
    columns = [keys[name].codes[left] for name in PAIR_KEYS]
    columns += [rows.grader.codes[left], rows.grader.codes[right], rows.verdict[left], rows.verdict[right]]
    groups = group_rows(columns)
    counts = tally(groups.of_row, groups.count, weight).tolist()
    tables: dict[tuple[int, ...], dict[tuple[Verdict, Verdict], int]] = {}
    for codes, count in zip(groups.codes.T.tolist(), counts, strict=True):
        tables.setdefault(tuple(codes[:5]), {})[VERDICTS[codes[5]], VERDICTS[codes[6]]] = count
    return [
        TargetPairs(
            **{name: keys[name].values[key[i]].as_py() for i, name in enumerate(PAIR_KEYS)},
            first_target=first,
            first_grader=rows.grader.values[key[3]].as_py(),
            second_target=second,
            second_grader=rows.grader.values[key[4]].as_py(),
            traces=table,
        )
        for key, table in tables.items()
    ]


def _joined(of_first: Integers, of_second: Integers, trace: Integers) -> tuple[Integers, Integers]:
    """Rows of both targets that belong to one trace, every combination of graders."""
    by_trace = of_second[np.argsort(trace[of_second], kind="stable")]
    start = np.searchsorted(trace[by_trace], trace[of_first], side="left")
    stop = np.searchsorted(trace[by_trace], trace[of_first], side="right")
    partners = stop - start
    left = np.repeat(of_first, partners)
    nth = np.arange(left.size) - np.repeat(np.cumsum(partners) - partners, partners)
    return left, by_trace[np.repeat(start, partners) + nth]
