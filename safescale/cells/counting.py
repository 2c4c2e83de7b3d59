"""Cells of one corpus under several selections: each column is read once, each selection counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs
import pyarrow as pa

from safescale.cells.build import build_cells
from safescale.cells.grader_rows import grader_rows
from safescale.cells.readable import Readable
from safescale.cells.replaced import ReplacedVerdicts, Replacement
from safescale.cells.responses import Responses, distinct_responses
from safescale.cells.row_fates import row_fates
from safescale.cells.selection import SWITCHES, Reason, Selection
from safescale.cells.table import Cells
from safescale.cells.target_pairs import TargetPairs, target_pairs
from safescale.cells.verdict_pairs import verdict_pairs

__all__ = ["Counting", "Flip", "flips"]


class Counting:
    """
    Counts a corpus under any selection; what was read and counted stays in memory.

    Parameters
    ----------
    corpus : Readable
        The corpus; it must stay open while this is used.
    """

    def __init__(self, corpus: Readable) -> None:
        self._corpus = _ReadOnce(corpus)
        self._cells: dict[tuple[Selection, bool], Cells] = {}

    def cells(self, selection: Selection, *, by_source: bool = False) -> Cells:
        """The cells under a selection; ``by_source`` as in ``build_cells``."""
        key = (selection, by_source)
        if key not in self._cells:
            self._cells[key] = build_cells(self._corpus, selection, by_source=by_source)
        return self._cells[key]

    def verdict_pairs(self, selection: Selection, first: str, second: str) -> pa.Table:
        """Pairs of verdicts of two graders on the same traces, as in ``verdict_pairs``."""
        return verdict_pairs(self._corpus, selection, first, second)

    def grader_rows(self, selection: Selection, grader: str, target: str) -> pa.Table:
        """The counted verdicts of one grader, trace by trace, as in ``grader_rows``."""
        return grader_rows(self._corpus, selection, grader, target)

    def row_fates(self, selection: Selection) -> pa.Table:
        """What became of each grade, as in ``row_fates``."""
        return row_fates(self._corpus, selection)

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a table of the corpus."""
        return self._corpus.read(table, columns)

    def with_verdicts(self, replacements: Sequence[Replacement]) -> Counting:
        """
        The same corpus counted as though these verdicts had been given.

        Models that were found to be copies of each other stay so: other verdicts do not make one series two.
        """
        return _Replaced(self, self._corpus, replacements)

    @property
    def sources(self) -> frozenset[str]:
        """The sources of the traces and published rates of the corpus."""
        return frozenset(
            source for table in ("traces", "aggregates") for source in self.read(table, ["source"])["source"].unique().to_pylist()
        )

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the corpus."""
        return self._corpus.fingerprint()

    def responses(self, selection: Selection) -> Responses:
        """The different responses behind the cells under a selection."""
        return distinct_responses(self._corpus, selection)

    def target_pairs(self, selection: Selection) -> tuple[TargetPairs, ...]:
        """Traces graded on two targets, under a selection."""
        return target_pairs(self._corpus, selection)

    @property
    def models(self) -> pa.Table:
        """The table ``models`` of the corpus."""
        return self._corpus.read("models")


class _Replaced(Counting):
    """Counts of replaced verdicts, with what the given ones say of the models."""

    def __init__(self, given: Counting, corpus: Readable, replacements: Sequence[Replacement]) -> None:
        super().__init__(ReplacedVerdicts(corpus, replacements))
        self._given = given

    def cells(self, selection: Selection, *, by_source: bool = False) -> Cells:
        found = super().cells(selection, by_source=by_source)
        return attrs.evolve(found, identical_models=self._given.cells(selection, by_source=by_source).identical_models)


class _ReadOnce:
    """A corpus whose answers are kept."""

    def __init__(self, corpus: Readable) -> None:
        self._corpus = corpus
        self._tables: dict[tuple[str, tuple[str, ...] | None], pa.Table] = {}
        self._same_traces: pa.Table | None = None
        self._fingerprint: str | None = None

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        key = (table, None if columns is None else tuple(columns))
        if key not in self._tables:
            self._tables[key] = self._corpus.read(table, columns)
        return self._tables[key]

    def same_traces(self) -> pa.Table:
        if self._same_traces is None:
            self._same_traces = self._corpus.same_traces()
        return self._same_traces

    def fingerprint(self) -> str:
        if self._fingerprint is None:
            self._fingerprint = self._corpus.fingerprint()
        return self._fingerprint


@attrs.frozen(kw_only=True)
class Flip:
    """One exclusion undone: the reason, the graded rows that it left out, and the selection that lets them in."""

    reason: Reason
    rows: int
    selection: Selection


_UNDONE: Final[dict[Reason, Callable[[Selection], Selection]]] = {
    Reason.SOURCE_EXCLUDED: lambda chosen: attrs.evolve(chosen, exclude_sources=()),
    Reason.MODEL_EXCLUDED: lambda chosen: attrs.evolve(chosen, exclude_models=()),
    Reason.TAMPERED_MODEL: lambda chosen: attrs.evolve(chosen, tampered="include"),
    Reason.NOT_A_TAMPERED_MODEL: lambda chosen: attrs.evolve(chosen, tampered="include"),
    Reason.KEYWORD_GRADER: lambda chosen: attrs.evolve(chosen, allow_keyword=True),
    Reason.TELEMETRY: lambda chosen: attrs.evolve(chosen, include_telemetry=True),
    Reason.NO_RESPONSE: lambda chosen: attrs.evolve(chosen, include_no_response=True),
    Reason.SAME_TRACE: lambda chosen: attrs.evolve(chosen, merge_same_traces=False),
}
assert _UNDONE.keys() == SWITCHES.keys()


def flips(cells: Cells) -> Iterator[Flip]:
    """Each exclusion of these cells that left rows out and has a switch, undone by itself."""
    for exclusion in cells.exclusions:
        if exclusion.rows and exclusion.reason in _UNDONE:
            undone = _UNDONE[exclusion.reason](cells.selection)
            yield Flip(reason=exclusion.reason, rows=exclusion.rows, selection=undone)
