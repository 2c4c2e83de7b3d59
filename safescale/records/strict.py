"""The strict line decoder of a record: exact JSON types, no unknown and no repeated key, one reason per line."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import attrs
import msgspec

from safescale.records.fates import RejectCode
from safescale.records.fields import FieldSpec, field_specs
from safescale.records.rows import RejectedRow

__all__ = ["LineDecoder", "line_decoder", "reject_of_error", "repeated_key"]

_INT64: Final = {"ge": -(2**63), "le": 2**63 - 1}
_PATH: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_EXPECTED_GOT: Final = re.compile(r"^Expected `(.*?)`(?:, got `(.*)`)?$")
_BYTE: Final = re.compile(r"\(byte ([0-9]+)\)")
_WANTED: Final = re.compile(r"^Object (?:missing required|contains unknown) field `(.*)`$")


@attrs.frozen
class LineDecoder:
    """Decoder of one record: ``decode`` gives the values in column order, or the reject."""

    record: str
    columns: tuple[str, ...]
    _decoder: msgspec.json.Decoder[Any]

    def decode(self, line: bytes, row: int) -> tuple[Any, ...] | RejectedRow:
        """
        Values of one line (without its newline) in the order of ``columns``.

        Parameters
        ----------
        line : bytes
            One JSON object.
        row : int
            1-based line number, for the reject.
        """
        try:
            found = self._decoder.decode(line)
            line.decode("utf-8")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return reject_of_error(error, line, row, self.record)
        key = repeated_key(line)
        if key is not None:
            return RejectedRow.of(
                row, RejectCode.DUPLICATE_KEY, column=key, expected="each key once", got=f"{key!r} twice", raw=line
            )
        return msgspec.structs.astuple(found)


@functools.cache
def line_decoder(record: str, *, without: tuple[str, ...] = ()) -> LineDecoder:
    """Decoder for a record, without the columns that the reader gives (file and row)."""
    fields = [f for f in field_specs(record) if f.name not in without]
    required = [f for f in fields if not f.nullable]
    optional = [f for f in fields if f.nullable]
    struct = msgspec.defstruct(
        f"{record}_line",
        [(f.name, _annotation(f)) for f in required] + [(f.name, _annotation(f), None) for f in optional],
        forbid_unknown_fields=True,
        gc=False,
    )
    columns = tuple(f.name for f in (*required, *optional))
    return LineDecoder(record, columns, msgspec.json.Decoder(struct))


def _annotation(field: FieldSpec) -> Any:
    """Type with its rules. The open lower bound and the finite rule are msgspec's own (``gt``, and no NaN in JSON)."""
    kind: Any = {"text": str, "integer": int, "number": float}[field.kind]
    meta: dict[str, Any] = dict(_INT64) if field.kind == "integer" else {}
    if field.low is not None:
        meta.pop("ge", None)
        meta["gt" if field.low_open else "ge"] = int(field.low) if field.kind == "integer" else field.low
    if field.high is not None:
        meta["le"] = int(field.high) if field.kind == "integer" else field.high
    if field.pattern is not None:
        meta["pattern"] = f"\\A(?:{field.pattern})\\Z"
    if field.min_length is not None:
        meta["min_length"] = field.min_length
    if field.allowed is not None:
        from typing import Literal

        kind = Literal[field.allowed]
    if meta:
        kind = Annotated[kind, msgspec.Meta(**meta)]
    return kind | None if field.nullable else kind


def repeated_key(line: bytes) -> str | None:
    """First key that stands twice in the same object of a valid JSON line, else None."""
    found: list[str] = []

    def look(pairs: Sequence[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(line, object_pairs_hook=look, parse_int=float)
    return found[0] if found else None


def reject_of_error(error: Exception, line: bytes, row: int, record: str) -> RejectedRow:
    """The reject that a decoding error stands for: code, column, expected, got."""
    if isinstance(error, msgspec.DecodeError) and "utf-8" in str(error).lower():
        error = _not_utf8(line) or error  # msgspec 0.23 words it as an error of its own
    if isinstance(error, UnicodeDecodeError):
        got = line[max(0, error.start - 20) : error.start + 20]
        return RejectedRow.of(row, RejectCode.NOT_UTF8, expected="UTF-8", got=f"byte {error.start}: {got!r}", raw=line)
    if isinstance(error, RecursionError):
        return RejectedRow.of(row, RejectCode.BAD_JSON, expected="a flat object", got="nesting too deep", raw=line)
    message = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return RejectedRow.of(row, RejectCode.BAD_JSON, expected="one JSON object", got=_shown(message, line), raw=line)
    return _reject_of_validation(message, line, row, record)


def _not_utf8(line: bytes) -> UnicodeDecodeError | None:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return error
    return None


def _shown(message: str, line: bytes) -> str:
    """The decoder's words and the bytes around the place that it names."""
    place = _BYTE.search(message)
    start = max(0, int(place.group(1)) - 40) if place else 0
    return f"{message}: {line[start : start + 80].decode('utf-8', 'replace')}"


def _reject_of_validation(message: str, line: bytes, row: int, record: str) -> RejectedRow:
    path = _PATH.search(message)
    column = path.group(1) if path else None
    core = message[: path.start()] if path else message
    if wanted := _WANTED.match(core):
        missing = "missing" in core
        column = ".".join(part for part in (column, wanted.group(1)) if part)
        return RejectedRow.of(
            row,
            RejectCode.MISSING_FIELD if missing else RejectCode.UNKNOWN_FIELD,
            column=column,
            expected=_expected(record, column) if missing else f"only the columns of {record}",
            got="nothing" if missing else _value(line, column),
            raw=line,
        )
    if column is None:
        return RejectedRow.of(row, RejectCode.NOT_AN_OBJECT, expected="one JSON object", got=_shown(core, line), raw=line)
    got = _value(line, column)
    code = _code(core, column, got)
    return RejectedRow.of(row, code, column=column, expected=_expected(record, column), got=got, raw=line)


def _code(core: str, column: str, got: str) -> RejectCode:
    if got == "null":
        return RejectCode.MISSING_FIELD
    if core.startswith("Invalid enum value"):
        return RejectCode.UNKNOWN_VERDICT if column == "verdict" else RejectCode.UNKNOWN_VALUE
    if got == '""':
        return RejectCode.MISSING_FIELD
    stated = _EXPECTED_GOT.match(core)
    if stated is not None and stated.group(2) is not None:
        return RejectCode.WRONG_TYPE
    return RejectCode.OUT_OF_RANGE


def _expected(record: str, column: str) -> str:
    for field in field_specs(record):
        if field.name == column:
            return field.expected
    return f"a column of {record}"


def _value(line: bytes, column: str) -> str:
    """The offending value as JSON text."""
    try:
        value = msgspec.json.decode(line)
        for part in column.split("."):
            value = value[part]
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, RecursionError):
        return "?"
