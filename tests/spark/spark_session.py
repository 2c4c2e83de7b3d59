"""A local session of Spark, classic or Connect, that takes this Python for its workers."""

from __future__ import annotations

import os
import sys
from typing import Any


def session(mode: str) -> Any:
    """``classic`` runs in this process, ``connect`` speaks to a server that it starts."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
    return (builder.remote("local[2]") if mode == "connect" else builder.master("local[2]")).getOrCreate()
