"""Files of claims: TOML, CSV, and a table pasted as Markdown."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from safescale.audit.claims.claim import Claim
from safescale.audit.claims.column_map import ColumnMap, front_block, read_column_map
from safescale.audit.claims.column_of_means import read_as_means
from safescale.audit.claims.fields import claim_from_fields
from safescale.audit.claims.printed import Scale
from safescale.audit.claims.result import ClaimResult
from safescale.audit.claims.table_rows import TableRow, csv_rows, markdown_rows
from safescale.audit.claims.verify import verify_claim
from safescale.errors import DataError

__all__ = ["ColumnMap", "read_claims", "verify_claims"]

_REFERENCE: Final = re.compile(r"^@(?P<id>.+)\.(?P<field>\w+)$")
_Row: TypeAlias = "tuple[int, dict[str, Any], Mapping[str, Scale], Mapping[str, str]]"
"""Line, fields, scale by field, and heading by field."""

_LARGEST_FILE: Final = 50_000_000


def verify_claims(
    file: str | Path, *, column_map: ColumnMap | str | Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[ClaimResult, ...]:
    """
    Check every claim of a file.

    Parameters
    ----------
    file : path
        ``.toml`` with ``[[claim]]`` tables, ``.csv`` (``.tsv``), or ``.md`` with a pasted table.
    column_map : ColumnMap or path, optional
        Which column holds which field; a file in TOML or YAML. A table may carry it as a block before its first line.
    columns : mapping of str to str, optional
        Field to heading, over those of the map.

    Returns
    -------
    tuple of ClaimResult
        One per claim, in the order of the file.

    Raises
    ------
    DataError
        If the file cannot be read; it names file, row, column, what was expected and what came.
    """
    claims = read_claims(file, column_map=column_map, columns=columns)
    results = tuple(verify_claim(claim) for claim in claims)
    return results if _is_toml(Path(file)) else read_as_means(claims, results)


def read_claims(
    file: str | Path, *, column_map: ColumnMap | str | Path | None = None, columns: Mapping[str, str] | None = None
) -> tuple[Claim, ...]:
    """
    Read a file of claims without checking them; as `verify_claims`.

    Raises
    ------
    DataError
        If the file cannot be read; it names file, row, column, what was expected and what came.
    """
    path = Path(file)
    text = _text(path)
    own = read_column_map(column_map) if isinstance(column_map, str | Path) else column_map
    form = path.suffix.lower()
    if _is_toml(path):
        if own is not None or columns:
            raise DataError("a TOML file names its fields itself; a column map is for tables", file=str(path))
        rows: list[_Row] = [(line, fields, {}, {}) for line, fields in _toml(path, text)]
    elif form in (".csv", ".tsv", ".md", ".markdown", ".txt"):
        front, body, skipped = front_block(text, file=str(path))
        chosen = own or front or ColumnMap()
        chosen = attrs.evolve(chosen, columns={**chosen.columns, **(columns or {})})
        found = (
            csv_rows(body, file=str(path), first_line=skipped)
            if form in (".csv", ".tsv")
            else markdown_rows(body, file=str(path), first_line=skipped)
        )
        rows = [_fields(row, chosen, file=str(path)) for row in found]
    else:
        raise DataError(
            "claims come as TOML, CSV or Markdown",
            file=str(path),
            expected="a name that ends in .toml, .csv or .md",
            got=repr(path.name),
        )
    if not rows:
        raise DataError("the file holds no claim; write [[claim]] tables, or a table with a heading", file=str(path))
    return tuple(_claims(path, rows if _is_toml(path) else _with_own_ids(rows)))


def _is_toml(path: Path) -> bool:
    return path.suffix.lower() == ".toml"


def _with_own_ids(rows: list[_Row]) -> list[_Row]:
    """In a long table one model stands in many rows: there the row tells them apart."""
    count = Counter(str(fields["id"]) for _, fields, _, _ in rows if "id" in fields)
    for line, fields, _, _ in rows:
        if count[str(fields.get("id"))] > 1:
            fields["id"] = f"{fields['id']} (row {line})"
    return rows


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(
                "a file of claims is small; this one is not",
                file=str(path),
                expected="at most 50 MB",
                got=f"{path.stat().st_size:,} bytes",
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"the file cannot be opened ({error.strerror})", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise DataError(
            "the file is not UTF-8; save it as UTF-8", file=str(path), got=f"byte {error.object[error.start]:#x} at {error.start}"
        ) from None


def _toml(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Fields of each ``[[claim]]`` with the line that it starts on; numbers keep their digits."""
    try:
        content = tomllib.loads(text, parse_float=str)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(f"the file is not TOML: {error}", file=str(path)) from None
    claims = content.pop("claim", None)
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise DataError(
            "the file holds no [[claim]] table", file=str(path), expected="[[claim]]", got=", ".join(content)[:80] or "nothing"
        )
    unknown = [name for name in content if name not in ("source", "title")]
    if unknown:
        raise DataError(
            "only source and title stand before the claims",
            file=str(path),
            column=unknown[0],
            expected="source, title or [[claim]]",
            got=repr(unknown[0]),
        )
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().replace(" ", "").startswith("[[claim]]")]
    for at, claim in enumerate(claims):
        # an array written in one line has no headings to count
        line = lines[at] if len(lines) == len(claims) else at + 1
        yield line, {"source": content.get("source", ""), **claim}


def _fields(row: TableRow, columns: ColumnMap, *, file: str) -> _Row:
    fields, scales, headings = columns.fields_of(row, file=file)
    return row.line, fields, scales, headings


def _claims(path: Path, rows: list[_Row]) -> Iterator[Claim]:
    by_id: dict[str, dict[str, Any]] = {}
    for line, fields, _, _ in rows:
        own = fields.setdefault("id", f"row {line}")
        if str(own) in by_id:
            raise DataError(
                "two claims have one id", file=str(path), row=line, column="id", expected="an id of its own", got=repr(own)
            )
        by_id[str(own)] = fields
    for line, fields, scales, headings in rows:
        try:
            resolved = {name: _resolved(value, by_id, name) for name, value in fields.items()}
            yield claim_from_fields(resolved, scales=scales)
        except DataError as error:
            raise _located(error, path, line, headings) from None
        except (TypeError, ValueError) as error:
            raise DataError(f"the claim cannot be read ({error})", file=str(path), row=line) from None


def _located(error: DataError, path: Path, line: int, headings: Mapping[str, str]) -> DataError:
    column = None if error.column is None else headings.get(error.column, error.column)
    message = str(error).partition(" [")[0]
    return DataError(message, file=str(path), row=line, column=column, expected=error.expected, got=error.got)


def _resolved(value: Any, by_id: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    """Follow ``@id.field`` to the figure of another claim, once."""
    if isinstance(value, list):
        return [_resolved(item, by_id, name) for item in value]
    match = _REFERENCE.match(value) if isinstance(value, str) else None
    if match is None:
        return value
    other = by_id.get(match["id"])
    if other is None:
        raise DataError(
            "no claim has the id that is referred to",
            column=name,
            expected=f"one of {', '.join(list(by_id)[:20])}",
            got=repr(value),
        )
    low, high = other.get(f"{match['field']}_low"), other.get(f"{match['field']}_high")
    found = other.get(match["field"], (low, high) if low is not None and high is not None else None)
    if found is None or (isinstance(found, str) and _REFERENCE.match(found)):
        raise DataError(
            "the claim that is referred to has no such figure of its own",
            column=name,
            expected=f"one of {', '.join(other)}",
            got=repr(value),
        )
    return found
