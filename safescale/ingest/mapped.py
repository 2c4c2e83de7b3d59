"""Adapter ``mapped``: any JSONL, CSV or Parquet file, read by a YAML column map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

from safescale.errors import DataError
from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import head_bytes
from safescale.ingest.column_map import load_column_map
from safescale.ingest.mapped_csv import csv_pieces
from safescale.ingest.mapped_input import Piece, bare_name
from safescale.ingest.mapped_other import jsonl_pieces, parquet_pieces
from safescale.ingest.mapped_records import aggregate_batch, trace_batch
from safescale.ingest.mapped_spec import ColumnMap, required_columns

__all__ = ["Mapped"]

_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


class Mapped:
    """
    Generic JSONL, CSV (both also ``.gz`` and ``.zst``) and Parquet with a column map.

    Row numbers are lines of a JSONL file and records after the header of a CSV. Rows that the map's ``rows`` leaves out, blank
    lines, and all rows of a file that its ``files`` does not name are counted as metadata.
    """

    name = "mapped"
    facts = FormatFacts(
        files="any CSV, JSONL or Parquet with a column map (--map)",
        polarity="as the map says",
        outcome_map="as the map says",
        denominator="evaluable verdicts",
        cluster_key="the column that the map gives for prompt_id",
        attempts="as the map says; else equal rows are duplicates",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """Never: a file does not say what its columns mean, so this adapter is only taken together with a map."""
        return False

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read a file by ``options.column_map``.

        Raises
        ------
        DataError
            When there is no map, the map is wrong, or the file lacks a column that the map names.
        """
        if options.column_map is None:
            raise DataError("this file needs a column map; give one with --map", file=str(path))
        spec = load_column_map(options.column_map, default_outcome_map=options.outcome_map)
        if options.grader_id is not None:
            spec = _with_grader(spec, options.grader_id)
        source = options.source or spec.source
        repeats: Counter[str] = Counter()
        grades: list[int] | None = None
        for piece in _pieces(path, spec):
            if spec.files is not None and spec.files.search(bare_name(path)) is None:
                yield _all_metadata(piece)
                continue
            if grades is None and (piece.size or piece.names):
                grades = _check_columns(piece, spec)
            if spec.kind == "aggregates":
                yield aggregate_batch(piece, spec, source)
            else:
                yield trace_batch(piece, spec, grades or [], source, repeats, options)


def _with_grader(spec: ColumnMap, grader_id: str) -> ColumnMap:
    """The one grader of the map goes by the name that the user gave."""
    if len(spec.grades) != 1:
        return spec
    only = spec.grades[0]
    return attrs.evolve(spec, grades=(attrs.evolve(only, grader_id=attrs.evolve(only.grader_id, column=None, const=grader_id)),))


def _pieces(path: Path, spec: ColumnMap) -> Iterator[Piece]:
    match spec.format or _format(path):
        case "csv":
            delimiter = "\t" if bare_name(path).lower().endswith(".tsv") and spec.delimiter == "," else spec.delimiter
            return csv_pieces(path, delimiter=delimiter, missing=spec.missing)
        case "parquet":
            return parquet_pieces(path, missing=spec.missing)
        case _:
            return jsonl_pieces(path, missing=spec.missing)


def _format(path: Path) -> str:
    """Format by suffix, else by the first bytes."""
    known = _SUFFIXES.get(Path(bare_name(path).lower()).suffix)
    if known is not None:
        return known
    head = head_bytes(path, 64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"{"):
        return "jsonl"
    raise DataError(
        "the format is not clear; name it in the map (format: csv, jsonl or parquet)",
        file=str(path),
        expected="a name ending in " + ", ".join(_SUFFIXES),
        got=path.name,
    )


def _check_columns(piece: Piece, spec: ColumnMap) -> list[int]:
    """Positions of the graders whose columns are there; a file without a column that the map needs cannot be read."""
    for column in required_columns(spec):
        if not piece.has_column(column):
            known = ", ".join(piece.known_columns())
            raise DataError(
                f"the file has no column {column!r}, which the map {spec.file} names",
                file=str(piece.path),
                column=column,
                expected=f"one of the columns of the file: {known}",
                got=f"no column {column!r}; the file has {known}",
            )
    return [g for g, grade in enumerate(spec.grades) if all(map(piece.has_column, grade.columns()))]


def _all_metadata(piece: Piece) -> Batch:
    rows = sorted([*piece.rows, *piece.blank_rows, *(r.row for r in piece.rejects if r.row)])
    return Batch(rows_in=len(rows), metadata_rows=rows, bytes_read=piece.bytes_read)
