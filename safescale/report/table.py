"""A table from names and rows; what is too long is cut, and says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from safescale.report.document import Column, Table

__all__ = ["SHOWN_ROWS", "table"]

SHOWN_ROWS: Final = 120
"""More rows than this are in report.json only; the table says so."""


def table(
    id: str,
    caption: str,
    names: Sequence[str],
    numeric: Iterable[str],
    rows: Sequence[tuple[str, ...]],
    source: str,
    notes: tuple[str, ...] = (),
) -> Table:
    """Columns named in ``numeric`` are set to the right."""
    right = set(numeric)
    if len(rows) > SHOWN_ROWS:
        notes = (*notes, f"The first {SHOWN_ROWS} of {len(rows):,} rows; all of them are in report.json.")
    return Table(
        id=id,
        caption=caption,
        columns=tuple(Column(name=name, numeric=name in right) for name in names),
        rows=tuple(rows[:SHOWN_ROWS]),
        source=source,
        notes=notes,
    )
