"""JSON Schema (2020-12) of a record, for other languages."""

from __future__ import annotations

from safescale.records.fields import FieldSpec, field_specs
from safescale.records.models import RECORDS

__all__ = ["json_schema"]

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def json_schema(record: str) -> dict[str, JsonValue]:
    """JSON Schema of one record as a JSON object; unknown properties are refused."""
    fields = field_specs(record)
    doc = (RECORDS[record].__doc__ or "").strip().splitlines()[0]
    required: list[JsonValue] = [f.name for f in fields if not f.nullable]
    properties: dict[str, JsonValue] = {f.name: _property(f) for f in fields}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:safescale:record:{record}",
        "title": record,
        "description": doc,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(field: FieldSpec) -> dict[str, JsonValue]:
    kind = {"text": "string", "integer": "integer", "number": "number"}[field.kind]
    types: list[JsonValue] = [kind, "null"]
    found: dict[str, JsonValue] = {"type": types if field.nullable else kind, "description": field.description}
    if field.allowed is not None:
        values: list[JsonValue] = [*field.allowed, None] if field.nullable else [*field.allowed]
        found["enum"] = values
    if field.pattern is not None:
        found["pattern"] = f"^(?:{field.pattern})$"
    if field.min_length is not None:
        found["minLength"] = field.min_length
    if field.low is not None:
        found["exclusiveMinimum" if field.low_open else "minimum"] = field.low
    if field.high is not None:
        found["maximum"] = field.high
    return found
