"""Runs the ingest on local Spark in a process of its own and writes what it found as JSON: ``on_spark.py MODE LOGS INTO CELLS``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from spark_session import session


def main(mode: str, logs: str, into: str, cells: str) -> None:
    from safescale.spark import broken_rules, ingest, write_cells

    spark = session(mode)
    corpus = ingest(spark, logs.split(","), into, shard_bytes=400_000)
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
