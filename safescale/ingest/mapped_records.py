"""A piece and its map to records: traces with their grades, or aggregates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from safescale.ingest.batch import Batch, Options, table_of
from safescale.ingest.identity import content_trace_id, own_trace_id, sha256_text
from safescale.ingest.mapped_cells import instant_cells, integer_cells, number_cells, text_cells, truth_cells
from safescale.ingest.mapped_grades import GradeColumns, grade_columns, settle_unreadable
from safescale.ingest.mapped_input import Piece
from safescale.ingest.mapped_spec import SIZE_FIELDS, ColumnMap
from safescale.ingest.mapped_values import Value, cell_text
from safescale.records.fates import RejectCode
from safescale.records.fields import arrow_schema
from safescale.store.fingerprint import merged_size

__all__ = ["aggregate_batch", "trace_batch"]

Columns = dict[str, list[Any]]
Reader = Callable[[Piece, Value, str], list[Any]]


def _identifiers(piece: Piece, value: Value, field: str) -> list[str | None]:
    return text_cells(piece, value, field, identifier=True)


_READERS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(("trace_id", "aggregate_id", "model_id", "prompt_id", "grader_id"), _identifiers),
    **dict.fromkeys(("sample_index", "response_chars", "seed", "n"), integer_cells),
    **dict.fromkeys(("rate", "interval_low", "interval_high", "params_total_b", "params_active_b"), number_cells),
    "params_estimated": truth_cells,
    "created_at": instant_cells,
}
"""How a field is read; the others are text."""

_DEFAULTS: Final = {
    "prompt_kind": "unknown",
    "attack_class": "none",
    "condition": "default",
    "sample_index": 0,
    "finish_reason": "unknown",
}


def trace_batch(
    piece: Piece, spec: ColumnMap, grades: Sequence[int], source: str, repeats: Counter[str], options: Options
) -> Batch:
    """
    Traces and grades of a piece.

    Parameters
    ----------
    piece, spec : Piece, ColumnMap
        The rows, and what they mean.
    grades : sequence of int
        Positions of the graders of ``spec`` whose columns the file has.
    source : str
        Collection of the traces.
    repeats : Counter
        Identical rows seen so far in this file; used and updated when the map calls them repeats.
    options : Options
        What the user said.
    """
    piece = _inside(piece, spec)
    columns = _columns(piece, spec)
    _require(piece, columns, spec, ("model_id",))
    _add_derived(piece, columns, spec)
    graded = [grade_columns(piece, spec.grades[g]) for g in grades]
    settle_unreadable(piece, graded)
    _check_sizes(piece, columns)
    alive = [i for i in range(piece.size) if i not in piece.refused]
    _add_ids(piece, columns, spec, source, alive, repeats)
    traces = _table("trace", {**columns, "source": [source] * piece.size}, piece, alive)
    graders = [row for g in graded for row in g.graders(options)]
    return _batch(
        piece,
        alive,
        columns,
        spec,
        traces=traces,
        grades=_grade_table(piece, columns, graded, alive) if graded else None,
        graders=table_of("grader", graders) if graders else None,
    )


def aggregate_batch(piece: Piece, spec: ColumnMap, source: str) -> Batch:
    """Aggregates of a piece; a percentage becomes a fraction."""
    piece = _inside(piece, spec)
    columns = _columns(piece, spec)
    _require(piece, columns, spec, ("model_id", "grader_id", "rate"))
    scale = 100.0 if spec.percent else 1.0
    for field in ("rate", "interval_low", "interval_high"):
        columns[field] = [None if x is None else x / scale for x in columns.get(field, [None] * piece.size)]
    for i, rate in enumerate(columns["rate"]):
        if rate is not None and not 0.0 <= rate <= 1.0:
            unit = "0 to 100 (rate_unit: percent)" if spec.percent else "0 to 1 (rate_unit: fraction)"
            piece.refuse(i, RejectCode.OUT_OF_RANGE, expected=unit, got=rate * scale, column=spec.fields["rate"].column)
    columns["outcome"] = [spec.outcome] * piece.size
    _check_sizes(piece, columns)
    alive = [i for i in range(piece.size) if i not in piece.refused]
    # rate and n too: a cell that one source publishes twice is kept twice, and counting says that the two disagree
    keys = ("model_id", "attack_class", "condition", "outcome", "grader_id", "rate", "n")
    columns.setdefault("n", [None] * piece.size)
    own = columns.get("aggregate_id", [None] * piece.size)
    columns["aggregate_id"] = [
        content_trace_id(source, [columns[k][i] for k in keys], 0) if own[i] is None else own_trace_id(source, own[i])
        for i in range(piece.size)
    ]
    table = _table("aggregate", {**columns, "source": [source] * piece.size}, piece, alive)
    return _batch(piece, alive, columns, spec, aggregates=table)


def _inside(piece: Piece, spec: ColumnMap) -> Piece:
    """The piece without the rows that the map leaves out."""
    if spec.rows is None or not piece.size:
        return piece
    keep = spec.rows.keep
    taken = [any(flags) for flags in zip(*(c.holds(piece) for c in spec.rows.any_of), strict=True)]
    return piece.leave_out([holds != keep for holds in taken])


def _columns(piece: Piece, spec: ColumnMap) -> Columns:
    columns: Columns = {}
    for field, value in spec.fields.items():
        columns[field] = _READERS.get(field, text_cells)(piece, value, field)
    for field, default in _DEFAULTS.items():
        cells = columns.get(field)
        columns[field] = [default] * piece.size if cells is None else [default if c is None else c for c in cells]
    return columns


def _require(piece: Piece, columns: Columns, spec: ColumnMap, fields: Sequence[str]) -> None:
    for field in fields:
        for i, cell in enumerate(columns[field]):
            if cell is None or cell == "":
                column = spec.fields[field].column or field
                piece.refuse(i, RejectCode.MISSING_FIELD, expected=f"a value for {field}", got="nothing", column=column)


def _add_derived(piece: Piece, columns: Columns, spec: ColumnMap) -> None:
    """Hashes, lengths, and what kind of response there is, where the data do not say."""
    nothing: list[Any] = [None] * piece.size
    responses = columns.get("response", nothing)
    prompts = columns.get("prompt", nothing)
    for field, texts in (("response_sha256", responses), ("prompt_sha256", prompts)):
        given = columns.get(field, nothing)
        columns[field] = [sha256_text(t) if h is None else h for h, t in zip(given, texts, strict=True)]
    given = columns.get("response_chars", nothing)
    columns["response_chars"] = [n if n is not None or t is None else len(t) for n, t in zip(given, responses, strict=True)]
    absent = "none" if _has_responses(piece, spec) else "withheld"
    given = columns.get("response_kind", nothing)
    columns["response_kind"] = [
        k if k is not None else ("text" if t is not None else absent) for k, t in zip(given, responses, strict=True)
    ]
    ids = columns.get("prompt_id", nothing)
    hashes = columns["prompt_sha256"]
    columns["prompt_id"] = [f"sha-{h[:16]}" if p is None and h else p for p, h in zip(ids, hashes, strict=True)]
    for i, prompt_id in enumerate(columns["prompt_id"]):
        if prompt_id is None or prompt_id == "":
            piece.refuse(i, RejectCode.MISSING_FIELD, expected="a value for prompt_id", got="nothing", column="prompt_id")


def _has_responses(piece: Piece, spec: ColumnMap) -> bool:
    """Whether the file gives response texts at all: if so an empty cell is no response, else the texts are withheld."""
    value = spec.fields.get("response")
    return value is not None and all(piece.names is None or piece.has_column(c) for c in value.columns)


def _check_sizes(piece: Piece, columns: Columns) -> None:
    for field in SIZE_FIELDS[:2]:
        for i, size in enumerate(columns.get(field, ())):
            if size is not None and size <= 0:
                piece.refuse(i, RejectCode.OUT_OF_RANGE, expected="parameters (1e9) > 0", got=size, column=field)


def _add_ids(piece: Piece, columns: Columns, spec: ColumnMap, source: str, alive: Sequence[int], repeats: Counter[str]) -> None:
    """
    The source's own id, else a hash of what was asked and answered (of the whole row where the texts are withheld).

    When identical rows are repeats, the k-th of them in the file gets ``sample_index`` k - 1; so it does not matter in which
    order different rows stand.
    """
    own = columns.get("trace_id", [None] * piece.size)
    ids: list[str | None] = [None] * piece.size
    for i in alive:
        if own[i] is not None:
            ids[i] = own_trace_id(source, own[i])
            continue
        parts = _identity(piece, columns, spec, i)
        trace_id = content_trace_id(source, parts, columns["sample_index"][i])
        if spec.repeats:
            index = columns["sample_index"][i] = repeats[trace_id]
            repeats[trace_id] += 1
            trace_id = content_trace_id(source, parts, index) if index else trace_id
        ids[i] = trace_id
    columns["trace_id"] = ids


def _identity(piece: Piece, columns: Columns, spec: ColumnMap, i: int) -> list[object]:
    if spec.identity is not None:
        return [cell_text(piece.column(name)[i]) for name in spec.identity]
    response = columns["response"][i] if "response" in columns else None
    if response is not None:
        prompt = columns["prompt"][i] if "prompt" in columns else None
        fields = ("model_id", "prompt_id", "attack_class", "condition")
        return [prompt, response, *(columns[field][i] for field in fields)]
    return [cell_text(piece.whole_row(i))]


def _table(record: str, columns: Columns, piece: Piece, alive: Sequence[int]) -> pa.Table:
    schema = arrow_schema(record)
    whole = len(alive) == piece.size
    arrays = []
    given = {**columns, "source_file": [str(piece.path)] * piece.size, "source_row": piece.rows}
    for field in schema:
        cells = given.get(field.name)
        if cells is None:
            arrays.append(pa.nulls(len(alive), field.type))
        else:
            arrays.append(pa.array(cells if whole else [cells[i] for i in alive], type=field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _grade_table(piece: Piece, columns: Columns, graded: Sequence[GradeColumns], alive: Sequence[int]) -> pa.Table:
    schema = arrow_schema("grade")
    tables = []
    for grade in graded:
        rows = grade.rows(alive)
        at = rows.pop("at")
        rows["trace_id"] = [columns["trace_id"][i] for i in at]
        rows["source_file"] = [str(piece.path)] * len(at)
        rows["source_row"] = [piece.rows[i] for i in at]
        tables.append(pa.Table.from_arrays([pa.array(rows[f.name], type=f.type) for f in schema], schema=schema))
    return pa.concat_tables(tables)


def _batch(piece: Piece, alive: Sequence[int], columns: Columns, spec: ColumnMap, **tables: Any) -> Batch:
    metadata = sorted([*piece.blank_rows, *piece.left_out])
    return Batch(
        rows_in=piece.size + len(metadata) + sum(r.row > 0 for r in piece.rejects),
        rejects=sorted([*piece.rejects, *piece.refused.values()], key=lambda r: r.row),
        metadata_rows=metadata,
        declared_sizes=_sizes(columns, spec, alive),
        bytes_read=piece.bytes_read,
        **tables,
    )


def _sizes(columns: Columns, spec: ColumnMap, alive: Sequence[int]) -> dict[str, tuple[float | None, float | None, bool]]:
    models = columns["model_id"]
    found = {m: spec.sizes[m] for m in {models[i] for i in alive} if m in spec.sizes}
    absent: list[Any] = [None] * len(models)
    total, active, guess = (columns.get(f, absent) for f in SIZE_FIELDS)
    for i in alive:
        if total[i] is not None or active[i] is not None:
            size = (total[i], active[i], bool(guess[i]))
            found[models[i]] = merged_size(found[models[i]], size) if models[i] in found else size
    return found
