"""Traces of which two targets were graded: what was said against what was done."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.cells.build import key_columns
from safescale.cells.coding import Coded, group_rows
from safescale.cells.fates import COUNTED, fates_of
from safescale.cells.graded_rows import VERDICTS, GradedRows, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.records.verdicts import Verdict

__all__ = ["TARGET_ORDER", "TargetPairs", "target_pairs"]

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
    names = [name for name in TARGET_ORDER if name in rows.target.values.to_pylist()]
    if len(names) < 2:
        return ()
    fate = fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), chosen)
    at = np.flatnonzero(fate == COUNTED)
    keys = key_columns(rows, traces)
    trace = traces.kept[rows.trace]
    by_target = {name: at[rows.target.is_in([name])[at]] for name in names}
    return tuple(
        pairs
        for first, second in combinations(names, 2)
        for pairs in _pairs(first, second, by_target[first], by_target[second], trace, keys, rows)
    )


def _pairs(
    first: str, second: str, of_first: Integers, of_second: Integers, trace: Integers, keys: dict[str, Coded], rows: GradedRows
) -> list[TargetPairs]:
    left, right = _joined(of_first, of_second, trace)
    if not left.size:
        return []
    columns = [keys[name].codes[left] for name in PAIR_KEYS]
    columns += [rows.grader.codes[left], rows.grader.codes[right], rows.verdict[left], rows.verdict[right]]
    groups = group_rows(columns)
    counts = np.bincount(groups.of_row, minlength=groups.count).tolist()
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
