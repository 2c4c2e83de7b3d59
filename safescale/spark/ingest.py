"""Strict ingest on Spark: ``mapInArrow`` over byte-range shards, then what only all rows together can tell."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from safescale.errors import DataError
from safescale.ingest.batch import Options, grader_row, table_of
from safescale.ingest.same_traces import find_same_traces
from safescale.ingest.shards import SHARD_BYTES, Shard, numbered, open_shard_file, shards
from safescale.ingest.sizes import models_table
from safescale.records.fates import Fate, RejectCode, assert_conserved
from safescale.records.fields import arrow_schema
from safescale.spark.corpus import FACTS, SparkCorpus, save_small
from safescale.spark.lines import (
    COUNTED,
    FLAT,
    GRADE_FIELDS,
    REJECT_FIELDS,
    SIZE_FIELDS,
    checked_lines,
    counted_shards,
    shard_table,
)
from safescale.spark.session import DataFrame, SparkSession, ddl, need_spark
from safescale.spark.settling import KEYS, SETTLED, settled_rows
from safescale.store.base import SAME_TRACES_SCHEMA, DeclaredSize
from safescale.store.content import content_hashes
from safescale.store.fingerprint import Lanes, as_lanes, merged_size, size_hash

__all__ = ["ingest"]

_TRACE_NAMES: Final = arrow_schema("trace").names
_SAME_NAMES: Final = ("trace_id", "source", "model_id", "prompt_id", "prompt_sha256", "response_sha256")
_CHECKED: Final = "checked"


def ingest(
    spark: SparkSession,
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    into: str | os.PathLike[str],
    *,
    options: Options | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> SparkCorpus:
    """
    Read canonical lines into tables of Parquet, every line checked: the same rows, rejects and fingerprint as on one machine.

    Parameters
    ----------
    spark : SparkSession
        Classic or Connect.
    paths : path or sequence of path
        Files and folders of lines (``.jsonl``, ``.ndjson``, plain or under ``.gz`` or ``.zst``) that every machine can open under
        the same name, or URIs.
    into : path
        Folder or URI that every machine can write to; must not exist.
    options : Options, optional
        What the user says about the input.
    shard_bytes : int, default 64 MiB
        Length of a shard. Unit: bytes.

    Returns
    -------
    SparkCorpus
        Tables ``traces``, ``grades``, ``rejects`` and the small ones, on disk.

    Raises
    ------
    DataError
        When a path does not exist or is no file of lines, ``into`` is there already, two
        files hold the same bytes, or two rows say different things of one grader.
    MissingBackend
        Without the extra ``spark``.
    """
    need_spark()
    from pyspark.sql import functions as F

    asked, place = options or Options(), os.fspath(into)
    cut = _all_shards([paths] if isinstance(paths, (str, os.PathLike)) else paths, shard_bytes)
    flat = _checked(spark, cut, asked, f"{place}/{_CHECKED}")
    rows = flat.filter(F.col("code").isNull() & F.col("rows_in").isNull())
    settled = _settled(rows)
    settled.write.parquet(f"{place}/settled")
    settled = spark.read.parquet(f"{place}/settled")
    kept = rows.join(settled.select("file", "source_row", "fate", "keep_trace", "keep_grade"), ["file", "source_row"], "left")
    is_trace = F.coalesce("keep_trace", F.lit(True))
    is_grade = F.coalesce("keep_grade", F.lit(True)) & F.col("grade_hash").isNotNull()
    kept.filter(is_trace).select(*_TRACE_NAMES, "trace_hash").write.parquet(f"{place}/traces")
    grade_names = ["trace_id", *GRADE_FIELDS, "source_file", "source_row"]
    kept.filter(is_grade).select(*grade_names, "grade_hash").write.parquet(f"{place}/grades")
    _rejects(flat, settled).write.parquet(f"{place}/rejects")
    said = flat.filter(F.col("rows_in").isNull() & F.col("trace_id").isNotNull())  # refused for their texts they still declare
    graders = _graders(said, asked)
    sizes = _sizes(said)
    traces, grades = (spark.read.parquet(f"{place}/{name}") for name in ("traces", "grades"))
    _same(traces).write.parquet(f"{place}/same_traces")
    ids = [row["model_id"] for row in traces.select("model_id").distinct().collect()]
    for name, table in (
        ("models", models_table(ids, sizes)),
        ("graders", graders),
        ("aggregates", arrow_schema("aggregate").empty_table()),
    ):
        save_small(spark, table, f"{place}/{name}")
    lanes = _lanes(traces, "trace_hash").plus(_lanes(grades, "grade_hash"))
    lanes = lanes.plus(Lanes.of(content_hashes(graders, "grader"))) if graders.num_rows else lanes
    lanes = lanes.plus(Lanes.of([size_hash(model, size) for model, size in sizes.items()])) if sizes else lanes
    rows_in, fates = _fates(flat, settled)
    facts = {"fingerprint": lanes.fingerprint, "rows_in": rows_in, "fates": {f.value: n for f, n in fates.items()}}
    save_small(spark, pa.table({"facts": [json.dumps(facts)]}), f"{place}/{FACTS}")
    return SparkCorpus.open(spark, place)


def _all_shards(paths: Sequence[str | os.PathLike[str]], shard_bytes: int) -> tuple[Shard, ...]:
    found: list[Shard] = []
    for path in paths:
        found += shards(path, shard_bytes=shard_bytes, file=found[-1].file + 1 if found else 0)
    if not found:
        raise DataError("there is no line in these files", file=str(paths[0]) if paths else None)
    _refuse_same_files(found)
    return tuple(found)


def _refuse_same_files(cut: Sequence[Shard]) -> None:
    """One machine leaves out a file that it has read before; here nobody would see it, and its rejects would count twice."""
    sizes: dict[int, list[str]] = {}
    for shard in {shard.file: shard for shard in cut}.values():
        sizes.setdefault(shard.high, []).append(shard.path)
    for names in sizes.values():
        seen: dict[bytes, str] = {}
        for name in names if len(names) > 1 else ():
            digest = hashlib.sha256()
            with open_shard_file(name) as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
            if digest.digest() in seen:
                raise DataError(f"this file holds the same bytes as {seen[digest.digest()]}: leave one of them out", file=name)
            seen[digest.digest()] = name


def _checked(spark: SparkSession, cut: Sequence[Shard], options: Options, place: str) -> DataFrame:
    """Every line as a flat row, on disk: what follows reads it several times."""
    listed = spark.createDataFrame(shard_table(cut)).repartition(len(cut))
    counts = {(r["file"], r["low"]): r["lines"] for r in listed.mapInArrow(counted_shards, ddl(COUNTED)).collect()}
    known = numbered(cut, [counts[shard.file, shard.low] for shard in cut])
    work = functools.partial(_check, options=options)
    sent = spark.createDataFrame(shard_table(known)).repartition(len(known))
    from pyspark.errors import AnalysisException

    try:
        sent.mapInArrow(work, ddl(FLAT)).write.parquet(place)
    except AnalysisException as error:
        if "PATH_ALREADY_EXISTS" in str(error):
            raise DataError("this folder is there already; name a new one for the corpus", file=os.path.dirname(place)) from None
        raise
    return spark.read.parquet(place)


def _check(batches: Iterable[pa.RecordBatch], options: Options) -> Iterator[pa.RecordBatch]:
    return checked_lines(batches, options)


def _settled(rows: DataFrame) -> DataFrame:
    """What becomes of the rows whose id stands more than once."""
    from pyspark.sql import functions as F

    keys = rows.select(*KEYS)
    again = keys.groupBy("trace_id").count().filter(F.col("count") > 1).select("trace_id")
    return keys.join(again, "trace_id").groupBy("trace_id").applyInArrow(settled_rows, ddl(SETTLED))


def _rejects(flat: DataFrame, settled: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    names = ["source_file", "source_row", *REJECT_FIELDS]
    lines = flat.filter(F.col("code").isNotNull()).select(*names)
    lost = settled.filter(F.col("fate") == Fate.REJECT.value).select(
        F.col("named_file").alias("source_file"),
        F.col("named_row").alias("source_row"),
        F.lit(RejectCode.DUPLICATE_ID.value).alias("code"),
        F.lit("trace_id").alias("column"),
        "expected",
        "got",
        F.lit(None).cast("string").alias("raw_sha256"),
    )
    return lines.unionByName(lost).select(*arrow_schema("reject").names)


def _graders(said: DataFrame, options: Options) -> pa.Table:
    """The graders; two meanings of one cannot be settled by majority where nobody sees all rows, so they are refused."""
    from pyspark.sql import functions as F

    graded = said.filter(F.col("grade_hash").isNotNull())
    found = graded.groupBy("grader_id", "grader_kind", F.coalesce("outcome_map", F.lit("flip")).alias("outcome_map")).count()
    rows = sorted(found.collect(), key=lambda r: (r["grader_id"], r["grader_kind"], r["outcome_map"]))
    for before, after in itertools.pairwise(rows):
        if before["grader_id"] == after["grader_id"]:
            said_of_it = [f"{r['grader_kind']}, {r['outcome_map']} ({r['count']:,} rows)" for r in (before, after)]
            raise DataError(
                f"the grader {before['grader_id']!r} has two meanings: give the two different ids, and ingest again",
                column="grader_id",
                expected="one kind and one outcome map for each grader",
                got=" and ".join(said_of_it),
            )
    return table_of(
        "grader", [grader_row(r["grader_id"], r["grader_kind"], r["outcome_map"], options.hallucination_refusal) for r in rows]
    )


def _sizes(said: DataFrame) -> dict[str, DeclaredSize]:
    from pyspark.sql import functions as F

    found: dict[str, DeclaredSize] = {}
    declared = said.filter(F.col("params_total_b").isNotNull()).select("model_id", *SIZE_FIELDS).distinct()
    for row in declared.collect():
        size = (row["params_total_b"], row["params_active_b"], row["params_source"] == "estimated")
        found[row["model_id"]] = merged_size(found[row["model_id"]], size) if row["model_id"] in found else size
    return found


def _same(traces: DataFrame) -> DataFrame:
    """Copies of one trace in several sources: those with one response, which no other response can touch."""
    from pyspark.sql import functions as F

    known = traces.select(*_SAME_NAMES).filter(F.col("response_sha256").isNotNull())
    shared = known.groupBy("response_sha256").agg(F.countDistinct("source").alias("sources")).filter(F.col("sources") > 1)
    return (
        known.join(shared.select("response_sha256"), "response_sha256")
        .groupBy("response_sha256")
        .applyInArrow(_same_of_one_response, ddl(SAME_TRACES_SCHEMA))
    )


def _same_of_one_response(traces: pa.Table) -> pa.Table:
    pairs = find_same_traces(traces)
    return pa.Table.from_pylist([{"trace_id": a, "kept_trace_id": b} for a, b in pairs], schema=SAME_TRACES_SCHEMA)


def _lanes(rows: DataFrame, column: str) -> Lanes:
    """Sum of content hashes: each machine adds up its own."""
    total = Lanes()
    for row in rows.select(column).mapInArrow(_partial_lanes, "digits string").collect():
        total = total.plus(Lanes.parse(row["digits"]))
    return total


def _partial_lanes(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    total = Lanes()
    for batch in batches:
        if batch.num_rows:
            total = total.plus(Lanes.of(as_lanes(batch.column(0).to_pylist())))
    yield pa.RecordBatch.from_pydict({"digits": [total.digits]})


def _fates(flat: DataFrame, settled: DataFrame) -> tuple[int, dict[Fate, int]]:
    """What became of every line; the sum is asserted."""
    from pyspark.sql import functions as F

    counts = flat.agg(
        F.sum("rows_in").alias("rows_in"),
        F.sum("blank").alias("blank"),
        F.count(F.when(F.col("code").isNull() & F.col("rows_in").isNull(), 1)).alias("good"),
        F.count(F.when(F.col("code").isNotNull() & (F.col("source_row") > 0), 1)).alias("refused"),
    ).collect()[0]
    by_fate = Counter({Fate(row["fate"]): int(row["count"]) for row in settled.groupBy("fate").count().collect()})
    fates: dict[Fate, int] = {fate: by_fate[fate] for fate in Fate}
    fates[Fate.TRACE] += int(counts["good"]) - sum(by_fate.values())
    fates[Fate.REJECT] += int(counts["refused"])
    fates[Fate.METADATA] += int(counts["blank"] or 0)
    rows_in = int(counts["rows_in"] or 0)
    assert_conserved(rows_in, fates, where="the ingest on Spark")
    return rows_in, fates
