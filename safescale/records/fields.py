"""Reading the pandera declarations: the one place that knows pandera's own classes."""

from __future__ import annotations

import functools
import re
from typing import Final, Literal, assert_never

import attrs
import pandera.pyarrow as pa
import pyarrow as arrow

from safescale.errors import SafescaleError
from safescale.records.models import RECORDS

__all__ = ["FieldSpec", "arrow_schema", "field_specs", "record_names"]

Kind = Literal["text", "integer", "number"]

_CLASS_TIMES_N: Final = re.compile(r"\[([^\]^][^\]]*)\]\{([0-9]+)\}")
_KINDS: Final[dict[str, Kind]] = {"String": "text", "Int64": "integer", "Float64": "number"}


@attrs.frozen(kw_only=True)
class FieldSpec:
    r"""
    One column of a record, engine-free.

    ``pattern`` is an ASCII body without anchors: each engine adds its own (``\A..\Z`` Python, ``^..$`` ECMA and RE2).
    """

    name: str
    kind: Kind
    nullable: bool
    description: str
    min_length: int | None = None
    pattern: str | None = None
    allowed: tuple[str, ...] | None = None
    low: float | None = None
    low_open: bool = False
    high: float | None = None

    @property
    def arrow_type(self) -> arrow.DataType:
        """Arrow type of the column."""
        match self.kind:
            case "text":
                return arrow.string()
            case "integer":
                return arrow.int64()
            case "number":
                return arrow.float64()
            case _:  # pragma: no cover
                assert_never(self.kind)

    @property
    def fixed_class(self) -> tuple[str, int] | None:
        """Characters and length of a pattern that is one character class a fixed number of times (``[0-9a-f]{64}``), else None."""
        found = _CLASS_TIMES_N.fullmatch(self.pattern or "")
        return (found[1], int(found[2])) if found else None

    @property
    def expected(self) -> str:
        """The contract of the column in words, for error messages."""
        words = {"text": "text", "integer": "an integer", "number": "a finite number"}[self.kind]
        if self.allowed is not None:
            words = "one of " + ", ".join(self.allowed)
        if self.pattern is not None:
            words = f"text matching {self.pattern}"
        if self.min_length:
            words = f"text of at least {self.min_length} character" + ("s" if self.min_length > 1 else "")
        if self.low is not None:
            words += f" {'>' if self.low_open else '>='} {self.low:g}"
        if self.high is not None:
            words += f" and <= {self.high:g}"
        return words + (" or null" if self.nullable else "")


def record_names() -> tuple[str, ...]:
    """Names of all records."""
    return tuple(RECORDS)


@functools.cache
def field_specs(record: str) -> tuple[FieldSpec, ...]:
    """
    Columns of a record in order.

    Raises
    ------
    SafescaleError
        When the declaration uses a rule that cannot be lowered to every engine.
    """
    schema = RECORDS[record].to_schema()
    return tuple(_lower(name, column) for name, column in schema.columns.items())


@functools.cache
def arrow_schema(record: str) -> arrow.Schema:
    """Arrow schema of a record: column types, nullability, and descriptions as metadata."""
    return arrow.schema(
        [
            arrow.field(f.name, f.arrow_type, nullable=f.nullable, metadata={"description": f.description})
            for f in field_specs(record)
        ]
    )


def _lower(name: str, column: pa.Column) -> FieldSpec:
    kind = _KINDS.get(str(column.dtype))
    if kind is None:
        raise SafescaleError(f"column {name!r}: type {column.dtype} has no lowering; use str, int or float")
    spec = FieldSpec(name=name, kind=kind, nullable=bool(column.nullable), description=str(column.description or ""))
    for check in column.checks:
        spec = _with_rule(spec, str(check.name), dict(check.statistics))
    return spec


def _with_rule(spec: FieldSpec, rule: str, statistics: dict[str, object]) -> FieldSpec:
    match rule, statistics:
        case "str_length", {"min_value": int(least), "max_value": None}:
            return attrs.evolve(spec, min_length=least or None)
        case "str_matches", {"pattern": str(pattern)} if pattern.startswith("^(?:") and pattern.endswith(")$"):
            return attrs.evolve(spec, pattern=pattern[4:-2])
        case "isin", {"allowed_values": list(values)}:
            return attrs.evolve(spec, allowed=tuple(str(v) for v in values), min_length=None)
        case "greater_than_or_equal_to", {"min_value": (int() | float()) as low}:
            return attrs.evolve(spec, low=low)
        case "greater_than", {"min_value": (int() | float()) as low}:
            return attrs.evolve(spec, low=low, low_open=True)
        case "less_than_or_equal_to", {"max_value": (int() | float()) as high}:
            return attrs.evolve(spec, high=high)
        case _:
            raise SafescaleError(f"column {spec.name!r}: rule {rule} {statistics} has no lowering")
