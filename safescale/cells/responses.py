"""How many different responses stand behind the counted rows: rows with one and the same text are not independent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.cells.build import key_columns
from safescale.cells.coding import coded, group_rows, tally
from safescale.cells.fates import COUNTED, fates_of
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.cells.table import CELL_KEYS, Cell
from safescale.records.verdicts import EVALUABLE, Verdict

__all__ = ["SINGLE", "DistinctResponses", "Responses", "distinct_responses", "responses_of_rows"]

Integers = npt.NDArray[np.int64]

SINGLE: Final = -2
"""Code of a response that one trace alone has: nobody else can have it, so it needs no name of its own."""

_UNKNOWN: Final = -1


@attrs.frozen(kw_only=True)
class DistinctResponses:
    """
    Different responses behind some cells, told apart by their hash.

    ``by_verdict`` counts the different responses that got each verdict; one response may stand under two. ``rows`` are all rows of
    the cells, ``rows_with_hash`` those whose response is known by its hash.
    """

    rows: int
    rows_with_hash: int
    distinct: int
    by_verdict: Mapping[Verdict, int]


@attrs.frozen(kw_only=True, eq=False)
class Responses:
    """
    Graded rows by cell, verdict and response.

    Attributes
    ----------
    cell, verdict, response, rows : ndarray of int, shape (groups,)
        Index of the cell under the same selection, code of the verdict, code of the response (-1 without a hash, ``SINGLE`` where
        no other trace has it), and rows.
    """

    cell: Integers
    verdict: Integers
    response: Integers
    rows: Integers

    def of(self, cells: Iterable[Cell]) -> DistinctResponses | None:
        """
        Different responses behind these cells together; None where no row has a hash.

        The cells are of one grader and target, so that each trace stands in one row.
        """
        here = np.isin(self.cell, [cell.index for cell in cells])
        known = here & (self.response != _UNKNOWN)
        if not known.any():
            return None
        by_verdict = {
            verdict: self._different(known & (self.verdict == code))
            for code, verdict in enumerate(VERDICTS)
            if verdict in EVALUABLE
        }
        return DistinctResponses(
            rows=int(self.rows[here].sum()),
            rows_with_hash=int(self.rows[known].sum()),
            distinct=self._different(known),
            by_verdict=by_verdict,
        )

    def _different(self, where: npt.NDArray[np.bool_]) -> int:
        single = where & (self.response == SINGLE)
        return int(np.unique(self.response[where & ~single]).size) + int(self.rows[single].sum())


def distinct_responses(corpus: Readable, selection: Selection | None = None) -> Responses:
    """
    Count the different responses behind the rows that count.

    Parameters
    ----------
    corpus : Readable
        The same corpus as of the cells.
    selection : Selection, optional
        The same selection as of the cells: only then do the cells have the same index.

    Returns
    -------
    Responses
        Unit: graded rows. Only hashes are read, no text.
    """
    chosen = Selection() if selection is None else selection
    traces = read_traces(corpus, chosen)
    rows = read_graded_rows(corpus, traces)
    hashes = coded(corpus.read("traces", ["response_sha256"])["response_sha256"])
    empty = [code for code, value in enumerate(hashes.values.to_pylist()[:1]) if value == ""]  # sorted: the empty text is first
    response = hashes.codes[traces.kept[rows.trace]]
    return responses_of_rows(corpus, traces, rows, np.where(np.isin(response, empty), _UNKNOWN, response), chosen)


def responses_of_rows(corpus: Readable, traces: Traces, rows: GradedRows, response: Integers, chosen: Selection) -> Responses:
    """The same of rows that were read, or of which only counts are left; ``response`` is the code of each row's response."""
    fate = fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), chosen)
    at = np.flatnonzero(fate == COUNTED)
    keys = key_columns(rows, traces)
    cell = group_rows([keys[name].codes[at] for name in CELL_KEYS]).of_row
    groups = group_rows([cell, rows.verdict[at], response[at] - SINGLE])  # codes of groups are not negative
    cell_codes, verdict_codes, response_codes = groups.codes
    return Responses(
        cell=cell_codes,
        verdict=verdict_codes,
        response=response_codes + SINGLE,
        rows=tally(groups.of_row, groups.count, rows.weight_at(at)),
    )
