"""The published contracts: JSON Schema, SQLite DDL and an example of each record, generated from the one declaration."""

from __future__ import annotations

import json
from pathlib import Path

from safescale.records.ddl import sqlite_ddl, sqlite_indexes
from safescale.records.fields import FieldSpec, field_specs, record_names
from safescale.records.json_schema import json_schema

__all__ = ["contracts", "example", "write_contracts"]

_EXAMPLES: dict[str, str | int | float] = {
    "trace_id": "demo:1",
    "source": "demo",
    "source_file": "demo.jsonl",
    "model_id": "frimble-7b",
    "canonical_id": "frimble-7b",
    "prompt_id": "zarvonic-001",
    "attack_class": "role_play",
    "condition": "default",
    "grader_id": "demo-judge",
    "raw_label": "REFUSAL",
    "prompt_kind": "harmful",
    "verdict": "REFUSAL",
    "outcome_map": "flip",
    "aggregate_id": "demo:aggregate-1",
    "run_id": "run-1",
    "tool": "demo",
    "text": "plim brudd",
    "code": "BAD_JSON",
    "expected": "one JSON object",
    "got": "[1]",
    "rate": 0.25,
}


def example(record: str) -> dict[str, str | int | float]:
    """A valid row of a record with its required columns, in invented vocabulary."""
    return {f.name: _value(f) for f in field_specs(record) if not f.nullable}


def _value(field: FieldSpec) -> str | int | float:
    found = _EXAMPLES.get(field.name)
    return found if found is not None and (field.allowed is None or found in field.allowed) else _smallest(field)


def _smallest(field: FieldSpec) -> str | int | float:
    if field.allowed is not None:
        return field.allowed[0]
    if field.kind == "text":
        return "demo"
    return int(field.low or 0) if field.kind == "integer" else float(field.low or 0.0)


def contracts() -> dict[str, str]:
    """File name to content of everything that ``schemas/`` holds."""
    files: dict[str, str] = {}
    for record in record_names():
        files[f"{record}.schema.json"] = json.dumps(json_schema(record), indent=2, ensure_ascii=False) + "\n"
        if record not in ("graded_trace", "grade_line"):  # a line of JSON, never a table
            files[f"{record}.sql"] = ";\n\n".join((sqlite_ddl(record), *sqlite_indexes(record))) + ";\n"
        files[f"{record}.example.json"] = json.dumps(example(record), indent=2, ensure_ascii=False) + "\n"
    return files


def write_contracts(folder: Path) -> list[Path]:
    """Write the contracts to a folder and give the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in contracts().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
