"""Counts and masks by ibis on local Spark, from tables in a folder: ``expressions.py FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from spark_session import session


def main(folder: Path) -> None:
    import ibis

    from records.test_one_declaration import odd_table
    from safescale.cells import write_cells
    from safescale.cells.ibis_counts import collect_with_ibis
    from safescale.records.fields import arrow_schema, record_names
    from safescale.records.rules import ibis_violations, violations

    spark = session("classic")
    engine = ibis.pyspark.connect(spark)
    views = {}
    for name in ("traces", "grades", "same"):
        spark.read.parquet(str(folder / f"{name}.parquet")).createOrReplaceTempView(name)
        views[name] = engine.table(name)
    small = {name: arrow_schema(name.removesuffix("s")).empty_table() for name in ("models", "graders", "aggregates")}
    counts = collect_with_ibis(engine, views["traces"], views["grades"], views["same"], fingerprint="ss1-" + "0" * 32, tables=small)
    write_cells(counts, folder / "cells.parquet")
    masks = {}
    for record in record_names():
        table = odd_table(record)
        table = table.append_column("place", [list(range(table.num_rows))])
        spark.createDataFrame(table).createOrReplaceTempView(f"odd_{record}")
        odd = engine.table(f"odd_{record}")
        found = engine.to_pyarrow(odd.select("place", mask=ibis_violations(odd, record))).sort_by("place")
        masks[record] = {"spark": found["mask"].to_pylist(), "here": violations(table.drop(["place"]), record).tolist()}
    (folder / "masks.json").write_text(json.dumps(masks))
    spark.stop()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main(Path(sys.argv[1]))
