"""A table from names and rows; what is too long is cut, and says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from safescale.report.document import Column, Table, Value

__all__ = ["SHOWN_ROWS", "table"]

SHOWN_ROWS: Final = 120
"""More rows than this are in the files only; the table says so."""


def table(
    id: str,
    caption: str,
    names: Sequence[str],
    numeric: Iterable[str],
    rows: Sequence[tuple[str, ...]],
    source: str,
    notes: tuple[str, ...] = (),
    *,
    values: Sequence[tuple[Value, ...]] | None = None,
    value_names: tuple[str, ...] = (),
) -> Table:
    """Columns named in ``numeric`` are set to the right; ``values`` and ``value_names`` as in ``Table``."""
    right = set(numeric)
    if len(rows) > SHOWN_ROWS:
        files = "report.json" if values is None else "the CSV file"
        notes = (*notes, f"The first {SHOWN_ROWS} of {len(rows):,} rows; all of them are in {files}.")
    return Table(
        id=id,
        caption=caption,
        columns=tuple(Column(name=name, numeric=name in right) for name in names),
        rows=tuple(rows[:SHOWN_ROWS]),
        source=source,
        notes=notes,
        values=None if values is None else tuple(values),
        value_names=value_names,
    )
