"""Runs the ingest on local Spark in a process of its own and writes what it found as JSON: ``on_spark.py MODE LOGS INTO CELLS``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def session(mode: str) -> Any:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
    return (builder.remote("local[2]") if mode == "connect" else builder.master("local[2]")).getOrCreate()


def main(mode: str, logs: str, into: str, cells: str) -> None:
    from safescale.spark import broken_rules, ingest, write_cells

    spark = session(mode)
    corpus = ingest(spark, logs.split(","), into, shard_bytes=100_000)
    write_cells(corpus, cells)
    found = {
        "fingerprint": corpus.fingerprint,
        "rows_in": corpus.rows_in,
        "fates": {fate.value: n for fate, n in corpus.fates.items() if n},
        "broken": {record: len(broken_rules(corpus.table(f"{record}s"), record)) for record in ("trace", "grade")},
        "classic": "connect" not in type(spark).__module__,
    }
    for name in ("rejects", "traces", "grades", "same_traces"):
        table = corpus.table(name).drop("trace_hash", "grade_hash").toArrow()
        found[name] = table.to_pylist()
    Path(into, "found.json").write_text(json.dumps(found))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
