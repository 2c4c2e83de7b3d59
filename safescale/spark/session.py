"""The one place that looks for pyspark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from safescale.errors import MissingBackend

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
else:
    DataFrame = SparkSession = object

__all__ = ["DataFrame", "SparkSession", "connected", "ddl", "need_spark"]

Connection: TypeAlias = Any


def need_spark() -> None:
    """
    Refuse at once where Spark cannot be spoken to.

    Raises
    ------
    MissingBackend
        Without the extra ``spark``.
    """
    try:
        import ibis
        import pyspark.sql
    except ImportError as error:
        raise MissingBackend("pyspark", "spark") from error
    assert ibis, pyspark


def connected(spark: SparkSession) -> Connection:
    """A connection of ibis on this session, classic or Connect."""
    need_spark()
    import ibis

    return ibis.pyspark.connect(spark)


def ddl(schema: pa.Schema) -> str:
    """Columns as Spark wants them said."""
    words: dict[Any, str] = {
        pa.string(): "string",
        pa.int64(): "bigint",
        pa.float64(): "double",
        pa.bool_(): "boolean",
        pa.binary(): "binary",
    }
    return ", ".join(f"`{field.name}` {words[field.type]}" for field in schema)
