"""
The YAML column map of the adapter ``mapped``: read, checked, every mistake named with its key.

The format is described in examples/maps/README.md, beside the maps of the public sets that the project uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast

from safescale.ingest.column_map_grades import read_grade
from safescale.ingest.column_map_values import read_conditions, read_value
from safescale.ingest.mapped_spec import AGGREGATE_FIELDS, TRACE_FIELDS, ColumnMap, RowFilter
from safescale.ingest.mapped_values import Value
from safescale.ingest.mapped_yaml import Node, load_yaml
from safescale.records.outcomes import Tier

__all__ = ["load_column_map"]

_TOP: Final = (
    "about",
    "source",
    "kind",
    "format",
    "delimiter",
    "missing_values",
    "files",
    "rows",
    "columns",
    "grades",
    "models",
    "identity",
    "identical_rows",
    "rate_unit",
    "outcome",
    "extends",
    "inspect",
    "scorers",
)


def load_column_map(path: Path, *, default_outcome_map: str | None = None) -> ColumnMap:
    """
    Read and check a column map.

    Parameters
    ----------
    path : Path
        YAML file.
    default_outcome_map : str, optional
        Outcome map of graders for which the file names none.

    Returns
    -------
    ColumnMap
        The checked map.

    Raises
    ------
    DataError
        For the first mistake: file, key, what was expected, what came, the nearest known key.
    """
    top = _with_base(load_yaml(path), path)
    keys = top.mapping(_TOP, required=("source", "kind", "columns"))
    kind = cast(Literal["traces", "aggregates"], keys["kind"].choice(("traces", "aggregates")))
    traces = kind == "traces"
    _only_for(keys, traces, ("grades", "identity", "identical_rows"), ("rate_unit", "outcome"))
    fields = _fields(keys["columns"], TRACE_FIELDS if traces else AGGREGATE_FIELDS)
    needed = ("model_id",) if traces else ("model_id", "grader_id", "rate")
    for field in needed:
        if field not in fields:
            keys["columns"].fail(f"the field {field!r}", got=f"fields {', '.join(fields)}")
    if traces and not {"prompt_id", "prompt", "prompt_sha256"} & set(fields):
        keys["columns"].fail("the field 'prompt_id' (or 'prompt', whose hash stands in)", got=", ".join(fields))
    if not traces:
        for name in ("rate_unit", "outcome"):
            if name not in keys:
                top.fail(f"the key {name!r}: a rate without it can be read in two ways", got=", ".join(keys), key=name)
    repeats = "identical_rows" in keys and keys["identical_rows"].choice(("repeats", "duplicates")) == "repeats"
    if repeats and ("trace_id" in fields or "sample_index" in fields):
        keys["identical_rows"].fail("no 'repeats' where the data number their rows (trace_id, sample_index)")
    return ColumnMap(
        file=str(path),
        source=keys["source"].text(),
        kind=kind,
        fields=fields,
        grades=tuple(read_grade(g, default_outcome_map) for g in keys["grades"].items()) if "grades" in keys else (),
        rows=_rows(keys["rows"]) if "rows" in keys else None,
        files=keys["files"].pattern() if "files" in keys else None,
        sizes=_sizes(keys["models"]) if "models" in keys else {},
        repeats=repeats,
        identity=tuple(i.text() for i in keys["identity"].items()) if "identity" in keys else None,
        percent="rate_unit" in keys and keys["rate_unit"].choice(("fraction", "percent")) == "percent",
        outcome=keys["outcome"].choice([t.value for t in Tier]) if "outcome" in keys else None,
        format=cast(Any, keys["format"].choice(("csv", "jsonl", "parquet"))) if "format" in keys else None,
        delimiter=_delimiter(keys["delimiter"]) if "delimiter" in keys else ",",
        missing=_missing_values(keys["missing_values"]) if "missing_values" in keys else frozenset({""}),
    )


def _with_base(top: Node, path: Path, seen: tuple[Path, ...] = ()) -> Node:
    """``extends: other.yaml`` (beside this file): its keys, with those of this file in their place."""
    if not isinstance(top.value, dict) or "extends" not in top.value:
        return top
    extends = Node(top.file, "extends", top.value["extends"])
    base = path.parent / extends.text()
    if base.resolve() in (*seen, path.resolve()):
        extends.fail("a map that does not extend itself")
    under = _with_base(load_yaml(base), base, (*seen, path.resolve()))
    under.pairs()
    return Node(top.file, "", {**under.value, **{k: v for k, v in top.value.items() if k != "extends"}})


def _only_for(keys: Mapping[str, Node], traces: bool, of_traces: Sequence[str], of_aggregates: Sequence[str]) -> None:
    for key in of_aggregates if traces else of_traces:
        if key in keys:
            keys[key].fail(f"no such key in a map of {'traces' if traces else 'aggregates'}", got=key)


def _fields(node: Node, known: Sequence[str]) -> dict[str, Value]:
    return {field: read_value(child) for field, child in node.mapping(known).items()}


def _rows(node: Node) -> RowFilter:
    keys = node.mapping(("keep", "drop", "reason"), required=("reason",))
    if ("keep" in keys) == ("drop" in keys):
        node.fail("exactly one of keep, drop")
    keep = "keep" in keys
    return RowFilter(any_of=read_conditions(keys["keep" if keep else "drop"]), keep=keep, reason=keys["reason"].text())


def _sizes(node: Node) -> dict[str, tuple[float | None, float | None, bool]]:
    """Declared sizes by model id; where they are from is for the reader of the map, and required."""
    sizes: dict[str, tuple[float | None, float | None, bool]] = {}
    for model, child in node.pairs().items():
        keys = child.mapping(("params_total_b", "params_active_b", "source", "estimated"), required=("source",))
        keys["source"].text()
        total, active = (keys[k].number() if k in keys else None for k in ("params_total_b", "params_active_b"))
        if any(x is not None and x <= 0 for x in (total, active)) or (total is None and active is None):
            child.fail("params_total_b or params_active_b above 0 (in 1e9)")
        sizes[model] = (total, active, "estimated" in keys and keys["estimated"].flag())
    return sizes


def _delimiter(node: Node) -> str:
    if not isinstance(node.value, str) or len(node.value) != 1:
        node.fail("one character")
    return node.value


def _missing_values(node: Node) -> frozenset[str]:
    if not isinstance(node.value, list) or not all(isinstance(v, str) for v in node.value):
        node.fail("a list of texts")
    return frozenset(node.value)
