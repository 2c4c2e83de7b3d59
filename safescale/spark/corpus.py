"""A corpus that a cluster made: folders of Parquet that Spark reads, and what is small beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs
import pyarrow as pa

from safescale.errors import DataError
from safescale.records.fates import Fate
from safescale.spark.session import DataFrame, SparkSession, ddl, need_spark

__all__ = ["FACTS", "PARTS", "SparkCorpus", "save_small"]

PARTS: Final = ("traces", "grades", "rejects", "same_traces", "models", "graders", "aggregates")
FACTS: Final = "facts"


@attrs.frozen(kw_only=True)
class SparkCorpus:
    """
    Tables of a corpus as Spark reads them.

    Attributes
    ----------
    spark : SparkSession
        Classic or Connect.
    path : str
        Folder or URI of the tables.
    fingerprint : str
        That of the same rows ingested on one machine.
    rows_in : int
        Lines read.
    fates : mapping of Fate to int
        What became of them; sums to ``rows_in``.
    """

    spark: SparkSession
    path: str
    fingerprint: str
    rows_in: int
    fates: Mapping[Fate, int]

    @classmethod
    def open(cls, spark: SparkSession, path: str) -> SparkCorpus:
        """
        A corpus that ``ingest`` made before.

        Raises
        ------
        DataError
            When there is none.
        """
        need_spark()
        from pyspark.errors import AnalysisException

        try:
            (row,) = spark.read.parquet(f"{path}/{FACTS}").collect()
        except AnalysisException as error:
            raise DataError("there is no corpus of a cluster here: make one with safescale.spark.ingest", file=path) from error
        facts: dict[str, Any] = json.loads(row["facts"])
        fates = {Fate(name): int(count) for name, count in facts["fates"].items()}
        return cls(spark=spark, path=path, fingerprint=facts["fingerprint"], rows_in=facts["rows_in"], fates=fates)

    def table(self, name: str) -> DataFrame:
        """One of ``PARTS``, as a Spark DataFrame."""
        if name not in PARTS:
            raise KeyError(name)
        return self.spark.read.parquet(f"{self.path}/{name}")

    @property
    def rejects(self) -> DataFrame:
        """Every line that was not taken: the columns of the record reject."""
        return self.table("rejects")

    @property
    def same_rows(self) -> DataFrame:
        """Traces that another source holds too, and the copy that counts."""
        return self.table("same_traces")


def save_small(spark: SparkSession, table: pa.Table, path: str) -> None:
    """A small table as one Parquet file, where Spark writes."""
    rows = (
        spark.createDataFrame(table) if table.num_rows else spark.createDataFrame([], ddl(table.schema))
    )  # Connect takes no empty table
    rows.coalesce(1).write.mode("overwrite").parquet(path)
