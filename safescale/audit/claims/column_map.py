"""Which column of a table holds which field of a claim."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from safescale.audit.claims.claim import KINDS
from safescale.audit.claims.fields import RATE_FIELDS, field_names
from safescale.audit.claims.printed import Scale
from safescale.audit.claims.table_rows import TableRow
from safescale.errors import DataError

__all__ = ["ColumnMap", "front_block", "read_column_map"]

_PERCENT: Final = re.compile(r"%|\bpct\b|_pct|percent", re.IGNORECASE)
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "n": ("n", "N", "n_total", "rows", "traces"),
    "k": ("k", "successes"),
    "percentage": ("percentage", "percent", "rate", "%"),
    "interval": ("interval", "ci", "95% ci", "95 % ci", "95% CI", "95 % CI", "CI", "Wilson 95 %", "Wilson 95%", "Wilson 95% CI"),
    "interval_low": ("interval_low", "ci_low", "ci_lo", "ci_lo_pct", "lower"),
    "interval_high": ("interval_high", "ci_high", "ci_hi", "ci_hi_pct", "upper"),
}


@attrs.frozen(kw_only=True)
class ColumnMap:
    """
    What the columns of a table are.

    Attributes
    ----------
    kind : str
        Kind of claim that each row is; a column ``kind`` overrides it.
    columns : mapping of str to str
        Field to heading. Headings that are fields need no entry.
    constants : mapping of str to figure
        Fields that are the same in each row: ``method = "wilson"``.
    source : str
        Where the table is printed.
    """

    kind: str = "proportion"
    columns: Mapping[str, str] = attrs.field(factory=dict)
    constants: Mapping[str, Any] = attrs.field(factory=dict)
    source: str = ""

    def fields_of(self, row: TableRow, *, file: str) -> tuple[dict[str, Any], dict[str, Scale], dict[str, str]]:
        """
        The fields of a claim that a row holds, the scale that its headings say, and the heading of each field.

        Raises
        ------
        DataError
            If a mapped heading is missing, or nothing in the table is mapped.
        """
        kind = row.cells.get(self.columns.get("kind", "kind"), "").strip() or self.kind
        if kind not in KINDS:
            raise DataError(
                "a claim needs a kind",
                file=file,
                row=row.line,
                column="kind",
                expected=f"one of {', '.join(KINDS)}",
                got=repr(kind),
            )
        known = field_names(kind)
        fields: dict[str, Any] = {"kind": kind, **self.constants}
        scales: dict[str, Scale] = {}
        headings: dict[str, str] = {}
        used = {self.columns.get("kind", "kind")}
        for field, heading in self.columns.items():
            if heading not in row.cells:
                raise DataError(
                    f"the column for {field} is not in the table",
                    file=file,
                    row=row.line,
                    column=heading,
                    expected=f"one of {', '.join(row.headings)}",
                    got=repr(heading),
                )
            if field == "kind":
                continue
            if field not in known:
                raise DataError(
                    f"a claim of kind {kind} has no such field",
                    file=file,
                    row=row.line,
                    column=field,
                    expected=f"one of {', '.join(known)}",
                    got=repr(field),
                )
            used.add(heading)
            headings[field] = heading
            self._take(fields, scales, field, heading, row)
        taken = bool(fields.keys() - {"kind", *self.constants})
        for field in known:
            if field in fields or field in self.columns:
                continue
            heading_of = next((name for name in (field, *_USUAL.get(field, ())) if name in row.cells and name not in used), None)
            if heading_of is not None:
                used.add(heading_of)
                headings[field] = heading_of
                self._take(fields, scales, field, heading_of, row)
                taken = True
        if not taken:
            raise DataError(
                "no column of the table is a field; say which is which, with --map or --column n='N'",
                file=file,
                row=row.line,
                expected=f"headings among {', '.join(known)}",
                got=", ".join(row.headings)[:120],
            )
        if not fields.get("id"):
            first = next((cell for heading, cell in row.cells.items() if heading not in used and cell), "")
            fields["id"] = f"row {row.line}{': ' if first else ''}{first}"
        fields.setdefault("source", self.source)
        return fields, scales, headings

    @staticmethod
    def _take(fields: dict[str, Any], scales: dict[str, Scale], field: str, heading: str, row: TableRow) -> None:
        value = row.cells[heading]
        fields[field] = value or None
        base = field.removesuffix("_low").removesuffix("_high")
        if base in RATE_FIELDS and _PERCENT.search(heading) and not (base == "interval" and _is_fraction(value)):
            scales[base] = "percent"


def _is_fraction(value: str) -> bool:
    """A heading "95 % CI" over [0.52, 0.56] speaks of the level: such ends leave the scale open."""
    numbers = re.findall(r"\d*\.?\d+", value)
    return bool(numbers) and all(float(number) <= 1 for number in numbers)


def read_column_map(file: str | Path) -> ColumnMap:
    """
    Read a column map in TOML or YAML: ``kind``, ``columns``, ``constants``, ``source``.

    Raises
    ------
    DataError
        If the file cannot be read or holds another key.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the column map cannot be read ({error})", file=str(path)) from None
    return _parsed(text, "toml" if path.suffix.lower() == ".toml" else "yaml", file=str(path))


def front_block(text: str, *, file: str) -> tuple[ColumnMap | None, str, int]:
    """The map in a block before a table (``---`` YAML, ``+++`` TOML), the rest, and how many lines the block took."""
    lines = text.splitlines(keepends=True)
    mark = lines[0].strip() if lines else ""
    if mark not in ("---", "+++"):
        return None, text, 0
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == mark), None)
    if end is None:
        raise DataError(
            "the block before the table is not closed", file=file, row=1, expected=repr(mark), got="the end of the file"
        )
    found = _parsed("".join(lines[1:end]), "yaml" if mark == "---" else "toml", file=file)
    return found, "".join(lines[end + 1 :]), end + 1


def _parsed(text: str, form: str, *, file: str) -> ColumnMap:
    try:
        # every YAML scalar stays text: 0.640 must not lose its zero
        content = tomllib.loads(text, parse_float=str) if form == "toml" else yaml.load(text, Loader=yaml.BaseLoader)
    except (tomllib.TOMLDecodeError, yaml.YAMLError, RecursionError) as error:
        raise DataError(f"the column map cannot be read: {' '.join(str(error).split())}", file=file) from None
    if not isinstance(content, dict):
        raise DataError("a column map names its keys", file=file, expected="kind, columns, constants, source", got=repr(text[:60]))
    unknown = [str(key) for key in content if key not in ("kind", "columns", "constants", "source")]
    if unknown:
        raise DataError(
            "the column map has an unknown key",
            file=file,
            column=unknown[0],
            expected="kind, columns, constants, source",
            got=repr(unknown[0]),
        )
    columns, constants = content.get("columns") or {}, content.get("constants") or {}
    for name, value in (("columns", columns), ("constants", constants)):
        if not isinstance(value, dict):
            raise DataError(f"{name} maps fields", file=file, column=name, expected="field: heading", got=repr(value)[:60])
    kind = str(content.get("kind", "proportion"))
    if kind not in KINDS:
        raise DataError(
            "the kind of claim is not known", file=file, column="kind", expected=f"one of {', '.join(KINDS)}", got=repr(kind)
        )
    return ColumnMap(
        kind=kind,
        columns={str(field): str(heading) for field, heading in columns.items()},
        constants={str(field): value for field, value in constants.items()},
        source=str(content.get("source", "")),
    )
