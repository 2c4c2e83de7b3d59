"""Rows of the user's files as drafts of prompts; what cannot be one is a reject with its file, row and column."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from safescale.errors import DataError
from safescale.generate.prompts.layouts import CANONICAL, Layout, UnusablePrompt, check_fields, layout_of, layout_with_columns
from safescale.generate.prompts.prompt import NO_ATTACK, normalised
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.detect import found_files
from safescale.ingest.mapped_csv import csv_pieces
from safescale.ingest.mapped_input import Piece
from safescale.ingest.mapped_other import jsonl_pieces, parquet_pieces
from safescale.records.fates import RejectCode
from safescale.records.models import PROMPT_KINDS
from safescale.records.rows import RejectedRow

__all__ = ["Draft", "FileRead", "Reading", "read_drafts"]

_MISSING: Final = frozenset({""})
_FORMATS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@attrs.frozen(kw_only=True)
class Draft:
    """One row that holds a prompt, before ids and splits."""

    prompt: str
    prompt_kind: str
    attack_class: str
    category: str | None
    source: str
    metadata: Mapping[str, Any]
    file: str
    row: int

    @property
    def order(self) -> tuple[str, ...]:
        """What decides which of equal prompts is kept: its content, never its place."""
        more = json.dumps(self.metadata, sort_keys=True, ensure_ascii=False)
        return (self.source, self.attack_class, self.category or "", self.prompt, self.prompt_kind, more)


@attrs.define(kw_only=True)
class FileRead:
    """What became of the rows of one file: each is a draft, a reject or blank."""

    file: str
    layout: str | None = None
    rows: int = 0
    drafts: int = 0
    blank: int = 0
    rejects: list[RejectedRow] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class Reading:
    """Everything that was read."""

    drafts: list[Draft] = attrs.field(factory=list)
    files: list[FileRead] = attrs.field(factory=list)

    @property
    def rejects(self) -> Iterator[tuple[str, RejectedRow]]:
        """Every reject with its file, in the order of the files."""
        return ((each.file, reject) for each in self.files for reject in each.rejects)


def read_drafts(
    paths: Sequence[Path],
    *,
    columns: Mapping[str, str],
    source: str | None,
    kind: str | None,
    progress: Callable[[str, int], None] | None = None,
) -> Reading:
    """
    Read every file behind paths.

    Parameters
    ----------
    paths : sequence of Path
        CSV, TSV, JSONL or Parquet files (also ``.gz``, ``.zst``), or folders of them. Order is irrelevant to what is kept.
    columns : mapping of str to str
        Field to column, where the user names it.
    source : str, optional
        Source of all prompts, whatever the files say.
    kind : str, optional
        Kind of the prompts of which the files say nothing.
    progress : callable, optional
        Told the file and the bytes read since the last call.

    Raises
    ------
    DataError
        For a path that does not exist, and for a file that was named and whose columns nobody knows.
    """
    check_fields(columns)
    reading = Reading()
    named = {path for path in paths if not path.is_dir()}
    for found in found_files(list(dict.fromkeys(paths))):
        read = FileRead(file=str(found.path))
        if found.closed is not None:
            read.rejects.append(RejectedRow.of(0, RejectCode.UNREADABLE, expected="a folder that can be read", got=found.closed))
        elif not without_compression(found.path.name.lower()).endswith(_FORMATS):
            if found.path in named:
                raise DataError(
                    "this is no file of prompts; give a CSV, TSV, JSONL or Parquet file",
                    file=str(found.path),
                    got=found.path.suffix,
                )
            if not found.is_data:
                continue  # a licence or a readme beside the data
            expected = "a file named .csv, .tsv, .jsonl or .parquet"
            read.rejects.append(RejectedRow.of(0, RejectCode.UNKNOWN_FORMAT, expected=expected, got=found.path.name))
        else:
            _read_file(found.path, read, reading.drafts, columns, source, kind, found.path in named, progress)
        reading.files.append(read)
    return reading


def _read_file(
    path: Path,
    read: FileRead,
    drafts: list[Draft],
    columns: Mapping[str, str],
    source: str | None,
    kind: str | None,
    named: bool,
    progress: Callable[[str, int], None] | None,
) -> None:
    for piece in _pieces(path):
        read.rejects.extend(piece.rejects)
        read.blank += len(piece.blank_rows)
        read.rows += piece.size + len(piece.blank_rows) + sum(reject.row > 0 for reject in piece.rejects)
        for layout, rows in _by_layout(piece, columns, named):
            if layout is None:
                _unknown(piece, rows, read)
                continue
            read.layout = read.layout or layout.name
            _draft_rows(piece, rows, layout, read, drafts, source, kind)
        if progress is not None:
            progress(str(path), piece.bytes_read)


def _pieces(path: Path) -> Iterator[Piece]:
    name = without_compression(path.name.lower())
    if name.endswith(".parquet"):
        return parquet_pieces(path, missing=_MISSING)
    if name.endswith((".csv", ".tsv")):
        return csv_pieces(path, delimiter="\t" if name.endswith(".tsv") else ",", missing=_MISSING)
    return jsonl_pieces(path, missing=_MISSING)


def _by_layout(piece: Piece, columns: Mapping[str, str], named: bool) -> Iterator[tuple[Layout | None, list[int]]]:
    """Rows of a piece by their layout: one for a table; lines of JSON each have columns of their own."""
    if not piece.size:
        return
    shapes: dict[tuple[str, ...], list[int]] = {}
    if piece.names is not None:
        shapes[tuple(piece.names)] = list(range(piece.size))
    else:
        for i, row in enumerate(piece.cells):
            shapes.setdefault(tuple(row), []).append(i)
    found = [(_layout(piece, names, columns), rows) for names, rows in shapes.items()]
    if named and piece.rows[0] == 1 and all(layout is None for layout, _ in found):
        raise _no_layout(piece, next(iter(shapes)), columns)
    yield from found


def _layout(piece: Piece, names: tuple[str, ...], columns: Mapping[str, str]) -> Layout | None:
    folded = {name.strip().casefold() for name in names}
    layout = layout_of(folded)
    if not columns:
        return layout
    if columns.get("prompt", "").strip().casefold() not in {"", *folded} or (layout is None and "prompt" not in columns):
        return None
    return layout_with_columns(columns, layout)


def _no_layout(piece: Piece, names: tuple[str, ...], columns: Mapping[str, str]) -> DataError:
    named = columns.get("prompt")
    advice = "no known set of prompts has these columns; say which column holds the prompt with --column prompt=NAME"
    if named is not None:
        advice = "the file has no such column; name one of those that it has with --column prompt=NAME"
    return DataError(advice, file=str(piece.path), column=named, got=f"the columns {', '.join(names)}")


def _unknown(piece: Piece, rows: list[int], read: FileRead) -> None:
    expected = "a column with the prompt (name it with --column prompt=NAME)"
    for i in rows:
        names = piece.names if piece.names is not None else piece.cells[i]
        read.rejects.append(
            RejectedRow.of(piece.rows[i], RejectCode.MISSING_FIELD, expected=expected, got=", ".join(names), column="prompt")
        )


def _draft_rows(
    piece: Piece, rows: list[int], layout: Layout, read: FileRead, drafts: list[Draft], source: str | None, kind: str | None
) -> None:
    for i in rows:
        whole = {name: _plain(cell) for name, cell in piece.whole_row(i).items()}
        raw = None if piece.raws is None else piece.raws[i]
        cells = {name.strip().casefold(): None if cell == "" else cell for name, cell in whole.items()}
        try:
            draft = _draft(cells, whole, layout, piece.path, piece.rows[i], source, kind)
        except UnusablePrompt as unusable:
            code = RejectCode.MISSING_FIELD if unusable.got is None else RejectCode.UNKNOWN_VALUE
            read.rejects.append(
                RejectedRow.of(piece.rows[i], code, expected=unusable.expected, got=unusable.got, column=unusable.column, raw=raw)
            )
            continue
        read.drafts += 1
        drafts.append(draft)


def _draft(
    cells: Mapping[str, Any], whole: Mapping[str, Any], layout: Layout, path: Path, row: int, source: str | None, kind: str | None
) -> Draft:
    named = layout.columns

    def cell(field: str) -> Any:
        return cells.get(named[field]) if field in named else None

    prompt = layout.prompt(cells) if layout.prompt is not None else cell("prompt")
    if not isinstance(prompt, str):
        raise UnusablePrompt(named["prompt"], "a text", prompt)
    if not normalised(prompt):
        raise UnusablePrompt(named["prompt"], "a text that is not blank", prompt or None)
    said = cell("prompt_kind") if "prompt_kind" in named else None
    said = layout.kind(cells, path) if said is None else said
    if said is None or (said == "unknown" and layout.name != CANONICAL):  # a prepared set has said all it knows
        said = kind or "unknown"
    if said not in PROMPT_KINDS:
        raise UnusablePrompt(named.get("prompt_kind", "label"), " or ".join(PROMPT_KINDS), said)
    attack = layout.attack(cells) if layout.attack is not None else cell("attack_class")
    draft = Draft(
        prompt=prompt,
        prompt_kind=str(said),
        attack_class=NO_ATTACK if attack is None else str(attack),
        category=None if cell("category") is None else str(cell("category")),
        source=source or str(cell("source") or layout.name),
        metadata=_metadata(cells, whole, layout),
        file=str(path),
        row=row,
    )
    try:
        msgspec.json.encode([draft.prompt, draft.attack_class, draft.category, draft.source, draft.metadata])
    except UnicodeEncodeError as error:
        got = f"half a surrogate pair at character {error.start}"
        raise UnusablePrompt(named["prompt"], "text that UTF-8 can hold", got) from None
    return draft


def _metadata(cells: Mapping[str, Any], whole: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """The columns that no field took, under their own names; the source's own id as ``source_id``."""
    if layout.name == CANONICAL:
        held = cells.get("metadata")
        return dict(sorted(held.items())) if isinstance(held, dict) else {}
    taken = {name for field, name in layout.columns.items() if field != "source_id"} | layout.used
    own = layout.columns.get("source_id")
    found: dict[str, Any] = {}
    for name, cell in whole.items():
        folded = name.strip().casefold()
        if cell is None or cell == "" or folded in taken:
            continue
        found["source_id" if folded == own else name] = cell
    return dict(sorted(found.items()))


def _plain(cell: Any) -> Any:
    """A cell as JSON can hold it; a number that is none (NaN, how Parquet files of pandas say "empty") is None."""
    if cell is None or isinstance(cell, bool | str):
        return cell
    if isinstance(cell, int):
        return cell if abs(cell) < 1 << 63 else str(cell)
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, Mapping):
        return {str(key): _plain(item) for key, item in cell.items()}
    if isinstance(cell, list | tuple):
        return [_plain(item) for item in cell]
    return str(cell)
