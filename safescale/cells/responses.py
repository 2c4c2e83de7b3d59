"""How many different responses stand behind the counted rows: rows with one and the same text are not independent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import numpy as np
import numpy.typing as npt

from safescale.cells.build import key_columns
from safescale.cells.coding import coded, group_rows
from safescale.cells.fates import COUNTED, fates_of
from safescale.cells.graded_rows import VERDICTS, read_graded_rows, read_traces, tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.cells.table import CELL_KEYS, Cell
from safescale.records.verdicts import EVALUABLE, Verdict

__all__ = ["DistinctResponses", "Responses", "distinct_responses"]

Integers = npt.NDArray[np.int64]


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
        Index of the cell under the same selection, code of the verdict, code of the response (-1 without a hash), and rows.
    """

    cell: Integers
    verdict: Integers
    response: Integers
    rows: Integers

    def of(self, cells: Iterable[Cell]) -> DistinctResponses | None:
        """Different responses behind these cells together; None where no row has a hash."""
        here = np.isin(self.cell, [cell.index for cell in cells])
        known = here & (self.response >= 0)
        if not known.any():
            return None
        by_verdict = {
            verdict: int(np.unique(self.response[known & (self.verdict == code)]).size)
            for code, verdict in enumerate(VERDICTS)
            if verdict in EVALUABLE
        }
        return DistinctResponses(
            rows=int(self.rows[here].sum()),
            rows_with_hash=int(self.rows[known].sum()),
            distinct=int(np.unique(self.response[known]).size),
            by_verdict=by_verdict,
        )


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
    fate = fates_of(rows, traces, tampering_of(corpus, traces.model_id.values), chosen)
    at = np.flatnonzero(fate == COUNTED)
    keys = key_columns(rows, traces)
    cell = group_rows([keys[name].codes[at] for name in CELL_KEYS]).of_row
    hashes = coded(corpus.read("traces", ["response_sha256"])["response_sha256"])
    response = hashes.codes[traces.kept[rows.trace[at]]]
    empty = [code for code, value in enumerate(hashes.values.to_pylist()[:1]) if value == ""]  # sorted: the empty text is first
    groups = group_rows([cell, rows.verdict[at], response])
    cell_codes, verdict_codes, response_codes = groups.codes
    return Responses(
        cell=cell_codes,
        verdict=verdict_codes,
        response=np.where(np.isin(response_codes, empty), -1, response_codes),
        rows=np.bincount(groups.of_row, minlength=groups.count).astype(np.int64),
    )
