"""A corpus, or logs, as a file of cells: all that analyses need, and no row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs

from safescale.cells import collect_counts, write_cells
from safescale.errors import DataError
from safescale.ingest.session import Progress
from safescale.main_job.asked import Input
from safescale.main_job.reading import opened

__all__ = ["CellsWritten", "count_into"]


@attrs.frozen(kw_only=True)
class CellsWritten:
    """A file of cells that was written, and what it stands for."""

    path: Path
    fingerprint: str
    graded_rows: int
    counts: int
    models: int
    size_bytes: int


def count_into(source: Input, into: Path, *, progress: Progress | None = None) -> CellsWritten:
    """
    Count a corpus, or logs, into a file of cells.

    Parameters
    ----------
    source : Input
        What is counted.
    into : Path
        The file; replaced when it is there.
    progress : callable, optional
        Told of bytes read.

    Raises
    ------
    DataError
        When nothing can be read, or the file cannot be written.
    """
    if not into.parent.is_dir():
        raise DataError(f"the folder {into.parent} does not exist: make it first", file=str(into))
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        opened(source, Path(folder), progress=progress) as (corpus, _),
    ):
        counts = collect_counts(corpus)
    write_cells(counts, into)
    here = counts.counts.filter(counts.counts["merged"])
    return CellsWritten(
        path=into,
        fingerprint=counts.fingerprint,
        graded_rows=sum(here["rows"].to_pylist()),
        counts=here.num_rows,
        models=counts.tables["models"].num_rows,
        size_bytes=into.stat().st_size,
    )
