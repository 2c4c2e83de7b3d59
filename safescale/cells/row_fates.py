"""What became of each grade: the row behind every count, for those who compare corpora."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from safescale.cells.coding import group_rows
from safescale.cells.fates import COUNTED, REASONS, fates_of
from safescale.cells.graded_rows import VERDICTS, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection

__all__ = ["ROW_KEYS", "row_fates"]

ROW_KEYS: Final = ("trace_id", "grader", "target")


def row_fates(corpus: Readable, selection: Selection) -> pa.Table:
    """
    One row per trace, grader and target: the verdict that counts, or why none does.

    Where a grader judged a trace several times, the row that counts stands for all; if none does, the one with the first reason.

    Parameters
    ----------
    corpus : Readable
        The corpus.
    selection : Selection
        What may count, as in ``build_cells``.

    Returns
    -------
    pyarrow.Table
        ``ROW_KEYS, verdict, raw_label, reason`` (empty where counted), and ``model_id, attack_class, condition, source`` of the
        copy of the trace that counts.
    """
    traces = read_traces(corpus, selection)
    rows = read_graded_rows(corpus, traces, labels=True)
    fate = fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), selection)
    keys = group_rows([rows.trace, rows.grader.codes, rows.target.codes])
    assert rows.raw_label is not None
    order = np.lexsort((rows.verdict, fate, keys.of_row))
    first = np.flatnonzero(np.diff(keys.of_row[order], prepend=-1))
    at = order[first]
    kept = traces.kept[rows.trace[at]]
    names = pa.array([verdict.value for verdict in VERDICTS])
    reasons = pa.array(["", *(reason.value for reason in REASONS)])
    coded = {
        "grader": rows.grader.take(at),
        "target": rows.target.take(at),
        "model_id": traces.model_id.take(kept),
        "attack_class": traces.attack_class.take(kept),
        "condition": traces.condition.take(kept),
        "source": traces.source.take(kept),
    }
    text = {name: column.values.take(pa.array(column.codes)) for name, column in coded.items()}
    return pa.table(
        {
            "trace_id": traces.trace_id.take(pa.array(rows.trace[at])),
            "grader": text.pop("grader"),
            "target": text.pop("target"),
            "verdict": names.take(pa.array(rows.verdict[at])),
            "raw_label": rows.raw_label.take(pa.array(at)),
            "reason": reasons.take(pa.array(fate[at] - COUNTED)),
            **text,
        }
    )
