"""A corpus with other verdicts of some grades: what every analysis then counts is the same rows, prompts and pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from safescale.cells.coding import text_column
from safescale.cells.graded_rows import RUBRIC_MARK
from safescale.cells.readable import Readable

__all__ = ["ReplacedVerdicts", "Replacement"]

_KEYS: Final = ("trace_id", "target", "grader_id", "rubric_version")


@attrs.frozen(kw_only=True, eq=False)
class Replacement:
    """Verdicts of one grader (label) on one target: by the trace whose copy counts."""

    grader: str
    target: str
    trace_id: pa.Array
    verdict: pa.Array


class ReplacedVerdicts:
    """
    A corpus whose grades read as though these verdicts had been given.

    Parameters
    ----------
    corpus : Readable
        The corpus.
    replacements : sequence of Replacement
        A grade that none of them names stays as it is.
    """

    def __init__(self, corpus: Readable, replacements: Sequence[Replacement]) -> None:
        self._corpus = corpus
        self._by: Mapping[tuple[str, str], Replacement] = {(own.grader, own.target): own for own in replacements}

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a table; of grades, with the verdicts replaced."""
        found = self._corpus.read(table, columns)
        if table != "grades" or "verdict" not in found.column_names:
            return found
        keys = self._corpus.read(table, list(_KEYS))
        trace = self._kept(text_column(keys["trace_id"]))
        rubric = text_column(keys["rubric_version"])
        marked = pc.if_else(pc.equal(rubric, ""), "", pc.binary_join_element_wise("", rubric, RUBRIC_MARK))
        label = pc.binary_join_element_wise(text_column(keys["grader_id"]), marked, "")
        target = text_column(keys["target"])
        verdict = text_column(found["verdict"])
        for (grader, of), own in self._by.items():
            here = pc.and_(pc.equal(label, grader), pc.equal(target, of))
            new = own.verdict.take(pc.index_in(trace, value_set=own.trace_id))
            verdict = pc.if_else(pc.and_(here, pc.is_valid(new)), new, verdict)
        return found.set_column(found.column_names.index("verdict"), "verdict", verdict)

    def _kept(self, trace: pa.Array) -> pa.Array:
        """The trace whose copy counts, of each."""
        same = self._corpus.same_traces()
        if not same.num_rows:
            return trace
        at = pc.index_in(trace, value_set=text_column(same["trace_id"]))
        return pc.coalesce(text_column(same["kept_trace_id"]).take(at), trace)

    def same_traces(self) -> pa.Table:
        """Traces that another source holds too."""
        return self._corpus.same_traces()

    def fingerprint(self) -> str:
        """Fingerprint of the corpus, which is what the rows are of."""
        return self._corpus.fingerprint()
