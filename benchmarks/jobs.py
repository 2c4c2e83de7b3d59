"""The timed jobs, each run alone in a process of its own: ``python -m benchmarks.jobs NAME FOLDER`` prints one line of JSON."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAT, DIRTY, NESTED = "flat.jsonl", "flat_dirty.jsonl", "nested_dirty.jsonl"


def validate_flat(folder: Path) -> dict[str, Any]:
    return _validate(folder / DIRTY)


def validate_nested(folder: Path) -> dict[str, Any]:
    return _validate(folder / NESTED)


def flat_into_parquet(folder: Path) -> dict[str, Any]:
    return _ingest(folder / DIRTY, "corpus")


def nested_into_parquet(folder: Path) -> dict[str, Any]:
    return _ingest(folder / NESTED, "corpus")


def flat_into_sqlite(folder: Path) -> dict[str, Any]:
    return _ingest(folder / DIRTY, "corpus.db")


def nested_into_sqlite(folder: Path) -> dict[str, Any]:
    return _ingest(folder / NESTED, "corpus.db")


def cells_sqlite(folder: Path) -> dict[str, Any]:
    return _cells(folder / "bench.db")


def cells_parquet(folder: Path) -> dict[str, Any]:
    return _cells(folder / "bench_corpus")


def unchecked_read(folder: Path) -> dict[str, Any]:
    """The floor: pyarrow's JSON reader over the clean file, no check, no reason, no line number."""
    import pyarrow.json

    return _timed(folder / FLAT, lambda: {"rows": pyarrow.json.read_json(str(folder / FLAT)).num_rows})


def unchecked_read_to_parquet(folder: Path) -> dict[str, Any]:
    """The same, written to Parquet."""
    import pyarrow.json
    import pyarrow.parquet

    def work() -> dict[str, int]:
        table = pyarrow.json.read_json(str(folder / FLAT))
        with tempfile.TemporaryDirectory() as there:
            pyarrow.parquet.write_table(table, f"{there}/t.parquet", compression="zstd")
        return {"rows": table.num_rows}

    return _timed(folder / FLAT, work)


def executemany(folder: Path) -> dict[str, Any]:
    """The floor of SQLite: tuples that are already there, one STRICT table, one transaction."""
    import sqlite3

    import pyarrow.json

    table = pyarrow.json.read_json(str(folder / FLAT))
    rows = list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    columns = ", ".join(f'"{n}" ANY' for n in table.column_names)

    def work() -> dict[str, int]:
        with tempfile.TemporaryDirectory() as there:
            connection = sqlite3.connect(f"{there}/t.db")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"CREATE TABLE t ({columns}) STRICT")
            with connection:
                connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(table.column_names))})", rows)
            connection.close()
        return {"rows": len(rows)}

    return _timed(folder / FLAT, work)


def pandas_pipeline(folder: Path) -> dict[str, Any]:
    """What people write: read_json, a few checks, to_parquet. One bad line loses the whole file, so it gets the clean one."""
    import pandas as pd

    def work() -> dict[str, int]:
        frame = pd.read_json(folder / FLAT, lines=True)
        assert frame["model_id"].notna().all()
        assert (
            frame["verdict"]
            .dropna()
            .isin(
                [
                    "COMPLIANCE",
                    "PARTIAL",
                    "REFUSAL",
                    "HALLUCINATION_REFUSAL",
                    "BENIGN_QUERY",
                    "NOT_GRADEABLE",
                    "ERROR",
                    "NOT_HARMFUL",
                    "UNGRADED",
                ]
            )
            .all()
        )
        assert not frame["trace_id"].duplicated().any()
        with tempfile.TemporaryDirectory() as there:
            frame.to_parquet(f"{there}/t.parquet")
        return {"rows": len(frame)}

    return _timed(folder / FLAT, work)


def _validate(path: Path) -> dict[str, Any]:
    from safescale.ingest.session import validate

    def work() -> dict[str, int]:
        report = validate([path])
        return {"rows": report.rows_in, "rejects": report.findings}

    return _timed(path, work)


def _ingest(path: Path, name: str) -> dict[str, Any]:
    from safescale.ingest.session import ingest
    from safescale.store import open_corpus

    there = Path(tempfile.mkdtemp(dir=path.parent))

    def work() -> dict[str, int]:
        corpus = open_corpus(there / name, create=True)
        report = ingest([path], corpus)
        corpus.close()
        return {"rows": report.rows_in, "rejects": report.findings}

    try:
        return _timed(path, work)
    finally:
        shutil.rmtree(there)


def _cells(corpus_path: Path) -> dict[str, Any]:
    from safescale.cells import build_cells
    from safescale.store import open_corpus

    corpus = open_corpus(corpus_path)

    def work() -> dict[str, int]:
        cells = build_cells(corpus)
        return {"rows": cells.considered, "cells": len(cells)}

    try:
        return _timed(corpus_path, work)
    finally:
        corpus.close()


def _timed(path: Path, work: Callable[[], dict[str, int]]) -> dict[str, Any]:
    megabytes = path.stat().st_size / 1e6 if path.is_file() else None
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rate = None if megabytes is None else megabytes / seconds
    return {"seconds": seconds, "mb": megabytes, "mb_per_s": rate, "peak_mb": peak_mb, **result}


JOBS: dict[str, Callable[[Path], dict[str, Any]]] = {
    job.__name__: job
    for job in (
        validate_flat, flat_into_parquet, flat_into_sqlite, validate_nested, nested_into_parquet, nested_into_sqlite,
        cells_sqlite, cells_parquet, unchecked_read, unchecked_read_to_parquet, executemany, pandas_pipeline,
    )
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]))))
