"""The counted verdicts of one grader, trace by trace: what a sample is drawn from, and what two graders are compared on."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from safescale.cells.fates import COUNTED, fates_of
from safescale.cells.graded_rows import VERDICTS, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.errors import DomainError

__all__ = ["ROWS_OF_A_GRADER", "grader_label", "grader_rows"]

ROWS_OF_A_GRADER: Final = ("trace_id", "prompt_id", "model_id", "attack_class", "condition", "verdict")


def grader_label(graders: dict[str, tuple[str, str | None]], name: str) -> str:
    """
    The label of a grader (id with rubric version) from its label or its id.

    Raises
    ------
    DomainError
        If no grader of that name has graded anything, or several rubric versions share the id.
    """
    if name in graders:
        return name
    same_id = sorted(label for label, (grader_id, _) in graders.items() if grader_id == name)
    if len(same_id) == 1:
        return same_id[0]
    if same_id:
        raise DomainError(f"grader {name!r} has several rubric versions; name one of: {', '.join(same_id)}")
    raise DomainError(f"no verdict is of grader {name!r}; graders of this corpus: {', '.join(sorted(graders)) or 'none'}")


def grader_rows(corpus: Readable, selection: Selection, grader: str, target: str) -> pa.Table:
    """
    Counted verdicts of one grader on one target, one row per trace, sorted by trace.

    Parameters
    ----------
    corpus : Readable
        The corpus.
    selection : Selection
        What may count, as in ``build_cells``.
    grader : str
        Label or id.
    target : str
        What of the trace is graded.

    Returns
    -------
    pyarrow.Table
        ``ROWS_OF_A_GRADER``; where two sources hold a trace, the id is that of the copy that counts.

    Raises
    ------
    DomainError
        As in ``grader_label``.
    """
    traces = read_traces(corpus, selection)
    rows = read_graded_rows(corpus, traces)
    label = grader_label(rows.grader_names, grader)
    counted = fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), selection) == COUNTED
    at = np.flatnonzero(counted & rows.grader.is_in([label]) & rows.target.is_in([target]))
    kept = traces.kept[rows.trace[at]]
    columns = {name: getattr(traces, name).take(kept) for name in ROWS_OF_A_GRADER if name not in ("trace_id", "verdict")}
    names = pa.array([verdict.value for verdict in VERDICTS])
    table = pa.table(
        {"trace_id": traces.trace_id.take(pa.array(kept))}
        | {name: column.values.take(pa.array(column.codes)) for name, column in columns.items()}
        | {"verdict": names.take(pa.array(rows.verdict[at]))}
    )
    return table.select(list(ROWS_OF_A_GRADER)).sort_by("trace_id")
