"""Cells that a cluster made, as the file that ``safescale analyze --cells`` takes."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from safescale.cells import CellCounts
from safescale.cells import write_cells as write_file
from safescale.cells.counts import SMALL_TABLES
from safescale.cells.ibis_counts import collect_with_ibis
from safescale.records.fields import arrow_schema
from safescale.spark.corpus import SparkCorpus
from safescale.spark.session import connected
from safescale.store.base import TABLES

__all__ = ["collect_cells", "write_cells"]


def collect_cells(corpus: SparkCorpus) -> CellCounts:
    """The sufficient counts of a corpus on Spark, by the expression that also runs on DuckDB."""
    engine = connected(corpus.spark)
    views = {}
    for name in ("traces", "grades", "same_traces"):
        corpus.table(name).createOrReplaceTempView(f"safescale_{name}")
        views[name] = engine.table(f"safescale_{name}")
    return collect_with_ibis(
        engine,
        views["traces"],
        views["grades"],
        views["same_traces"],
        fingerprint=corpus.fingerprint,
        tables={name: _small(corpus, name) for name in SMALL_TABLES},
    )


def write_cells(corpus: SparkCorpus, path: str | os.PathLike[str]) -> Path:
    """
    Count on the cluster, and write the counts on this machine.

    Parameters
    ----------
    corpus : SparkCorpus
        From ``ingest``.
    path : path
        ``cells.parquet``, on the machine that runs this.

    Returns
    -------
    Path
        The file, for ``safescale analyze QUESTION --cells FILE``.
    """
    into = Path(path)
    write_file(collect_cells(corpus), into)
    return into


def _small(corpus: SparkCorpus, name: str) -> pa.Table:
    schema = arrow_schema(TABLES[name])
    rows = [row.asDict() for row in corpus.table(name).collect()]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row[schema.names[0]])), schema=schema)
