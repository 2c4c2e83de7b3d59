"""The violation mask over tables on Spark: the same expression as on any engine of ibis."""

from __future__ import annotations

from safescale.records.rules import ibis_violations, rules
from safescale.spark.session import DataFrame, connected

__all__ = ["broken_rules"]


def broken_rules(rows: DataFrame, record: str) -> dict[tuple[str, str], int]:
    """
    How many rows break which rule: for tables that somebody else wrote.

    Parameters
    ----------
    rows : DataFrame
        Columns of the record, on Spark.
    record : str
        ``trace``, ``grade``, ...

    Returns
    -------
    dict of (column, code) to int
        Rows whose first broken rule this is. Empty when every row is good.
    """
    engine = connected(rows.sparkSession)
    view = f"safescale_{record}_{id(rows)}"
    rows.createOrReplaceTempView(view)
    table = engine.table(view)
    masked = table.mutate(mask=ibis_violations(table, record)).filter(lambda t: t["mask"] > 0)
    counts = engine.to_pyarrow(masked.group_by("mask").agg(rows=masked.count()))
    found: dict[tuple[str, str], int] = {}
    for row in counts.to_pylist():
        rule = rules(record)[(row["mask"] & -row["mask"]).bit_length() - 1]
        key = (rule.field.name, rule.code.value)
        found[key] = found.get(key, 0) + row["rows"]
    return found
