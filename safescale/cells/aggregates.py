"""Published rates without rows, under the same selection as rows."""

from __future__ import annotations

import collections
import fnmatch
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from safescale.cells.fates import provenance_reasons
from safescale.cells.graded_rows import tampering_of
from safescale.cells.readable import Readable
from safescale.cells.selection import Selection
from safescale.cells.table import CELL_KEYS, AggregateCell
from safescale.records.outcomes import Tier

__all__ = ["aggregate_cells", "aggregate_graders"]

TARGET: Final = "text"
"""Publications that give rates without rows speak of the text of the response."""

COLUMNS: Final = (
    "source",
    "model_id",
    "attack_class",
    "condition",
    "outcome",
    "grader_id",
    "rate",
    "n",
    "interval_low",
    "interval_high",
)


def aggregate_cells(
    corpus: Readable, selection: Selection, row_cells: pa.Table
) -> tuple[tuple[AggregateCell, ...], dict[str, int]]:
    """
    Published rates as cells, and the number left out by reason.

    Rates of one cell that publications give twice count once when they are equal; when they differ, none counts.
    Where the corpus holds the rows of a cell, its published rate is left out.
    """
    rows = corpus.read("aggregates", list(COLUMNS)).to_pylist()
    left_out: collections.Counter[str] = collections.Counter()
    kinds = _keyword_graders(corpus)
    have_rows = {tuple(row.values()) for row in row_cells.select(list(CELL_KEYS)).to_pylist()}
    groups: dict[tuple[str, ...], list[AggregateCell]] = {}
    for row, reason in zip(rows, _reasons(corpus, rows, selection), strict=True):
        cell = _cell(row)
        key = tuple(str(getattr(cell, name)) for name in CELL_KEYS)
        if reason is not None:
            left_out[reason] += 1
        elif cell.grader in kinds and not selection.allow_keyword:
            left_out["keyword_grader"] += 1
        elif key in have_rows:
            left_out["rows_are_here"] += 1
        else:
            groups.setdefault((*key, cell.tier.value), []).append(cell)
    kept: list[AggregateCell] = []
    for key in sorted(groups):
        cells = groups[key]
        if len({(cell.rate, cell.n) for cell in cells}) > 1:
            left_out["publications_disagree"] += len(cells)
            continue
        kept.append(min(cells, key=lambda cell: cell.source))
        if len(cells) > 1:
            left_out["published_more_than_once"] += len(cells) - 1
    return tuple(kept), dict(sorted(left_out.items()))


def aggregate_graders(cells: Iterable[AggregateCell]) -> dict[str, tuple[str, str | None]]:
    """Grader labels of published rates."""
    return {cell.grader: (cell.grader, None) for cell in cells}


def _reasons(corpus: Readable, rows: list[dict[str, Any]], selection: Selection) -> list[str | None]:
    model_ids = [row["model_id"] for row in rows]
    tampering = tampering_of(corpus, pa.array(model_ids, pa.string()))
    out = [any(fnmatch.fnmatchcase(row["source"], glob) for glob in selection.exclude_sources) for row in rows]
    reasons = provenance_reasons(model_ids, tampering, out, selection)
    return [None if reason is None else reason.value for reason in reasons]


def _keyword_graders(corpus: Readable) -> set[str]:
    table = corpus.read("graders", ["grader_id", "grader_kind"])
    return {row["grader_id"] for row in table.to_pylist() if row["grader_kind"] == "keyword"}


def _cell(row: dict[str, Any]) -> AggregateCell:
    return AggregateCell(
        source=row["source"],
        attack_class=row["attack_class"],
        model_id=row["model_id"],
        condition=row["condition"],
        grader=row["grader_id"],
        target=TARGET,
        tier=Tier(row["outcome"]),
        rate=row["rate"],
        n=row["n"],
        interval_low=row["interval_low"],
        interval_high=row["interval_high"],
    )
