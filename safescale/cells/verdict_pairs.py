"""Two graders on the same traces: how often one gave this verdict where the other gave that."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.cells.coding import group_rows
from safescale.cells.fates import COUNTED, fates_of
from safescale.cells.graded_rows import VERDICTS, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection

__all__ = ["PAIR_KEYS", "verdict_pairs"]

Integers = npt.NDArray[np.int64]

PAIR_KEYS: Final = ("attack_class", "model_id", "condition", "target")


def verdict_pairs(corpus: Readable, selection: Selection, first: str, second: str) -> pa.Table:
    """
    Traces that both graders have a counted verdict on, by pair of verdicts.

    Parameters
    ----------
    corpus : Readable
        The corpus.
    selection : Selection
        What may count, as in ``build_cells``.
    first, second : str
        Labels of two different graders (grader id with rubric version), as in ``Cells.graders``.

    Returns
    -------
    pyarrow.Table
        ``PAIR_KEYS, first, second, traces``: evaluable verdicts of each grader, and the traces that got them.
    """
    traces = read_traces(corpus, selection)
    rows = read_graded_rows(corpus, traces)
    counted = fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), selection) == COUNTED
    kept = traces.kept[rows.trace]
    width = max(len(rows.target.values), 1)
    sides = []
    for label in (first, second):
        at = np.flatnonzero(counted & rows.grader.is_in([label]))
        sides.append((kept[at] * width + rows.target.codes[at], at))
    _, one, two = np.intersect1d(sides[0][0], sides[1][0], assume_unique=True, return_indices=True)
    a, b = sides[0][1][one], sides[1][1][two]
    of = {name: getattr(traces, name).take(kept[a]) for name in PAIR_KEYS if name != "target"} | {"target": rows.target.take(a)}
    groups = group_rows([of[name].codes for name in PAIR_KEYS] + [rows.verdict[a], rows.verdict[b]])
    keys = {name: of[name].values.take(pa.array(groups.codes[i])) for i, name in enumerate(PAIR_KEYS)}
    names = pa.array([verdict.value for verdict in VERDICTS])
    return pa.table(
        keys
        | {side: names.take(pa.array(groups.codes[-2 + i])) for i, side in enumerate(("first", "second"))}
        | {"traces": np.bincount(groups.of_row, minlength=groups.count).astype(np.int64)}
    )
