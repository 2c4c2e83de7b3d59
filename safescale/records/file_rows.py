"""Rows of a file that people write by hand, JSONL or CSV: strict, with the row that is wrong named."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from safescale.errors import DataError
from safescale.records.rows import clip

__all__ = ["file_rows"]

_FIELD_LIMIT: Final = 1 << 30


def file_rows(
    path: Path, *, what: str, load: Callable[[bytes], object], check_header: Callable[[Sequence[str]], None], hint: str
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """
    Rows of a JSONL or CSV file, each with its number from 1 (a CSV's first row is the one after the header).

    Parameters
    ----------
    path : Path
        ``.jsonl``, ``.ndjson`` or ``.csv``, UTF-8.
    what : str
        What is read, for errors: "prompts".
    load : callable
        JSON of a line; raises ValueError (or RecursionError) for what is none.
    check_header : callable
        Raises for the names of a CSV's columns.
    hint : str
        How the error for another kind of file goes on.

    Raises
    ------
    DataError
        Naming file and row, for the first row that is wrong.
    """
    lowered = path.name.lower()
    if lowered.endswith(".csv"):
        return _csv_rows(path, what, check_header)
    if lowered.endswith((".jsonl", ".ndjson")):
        return _json_rows(path, what, load)
    raise DataError(
        f"{what} are read from JSONL or CSV{hint}", file=str(path), expected=".jsonl or .csv", got=path.suffix or path.name
    )


def _json_rows(path: Path, what: str, load: Callable[[bytes], object]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open("rb") as stream:
            for row, raw in enumerate(stream, 1):
                line = raw.removeprefix(b"\xef\xbb\xbf") if row == 1 else raw
                if not line.strip():
                    continue
                try:
                    value = load(line)
                except (ValueError, RecursionError) as error:
                    raise DataError(
                        "a line is no JSON", file=str(path), row=row, expected="one JSON object a line", got=clip(str(error))
                    ) from None
                if not isinstance(value, dict):
                    raise DataError(
                        "a line is no object", file=str(path), row=row, expected="one JSON object a line", got=clip(value)
                    )
                yield row, value
    except OSError as error:
        raise _unreadable(path, what, error) from error


def _csv_rows(path: Path, what: str, check_header: Callable[[Sequence[str]], None]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            check_header(list(reader.fieldnames or ()))
            for row, fields in enumerate(reader, 1):
                if None in fields:
                    got = f"{len(fields[None])} more"
                    raise DataError("a row has more fields than the header", file=str(path), row=row, got=got)
                yield row, fields
    except OSError as error:
        raise _unreadable(path, what, error) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError("the file is no CSV in UTF-8", file=str(path), expected="CSV with a header", got=clip(str(error))) from None


def _unreadable(path: Path, what: str, error: OSError) -> DataError:
    return DataError(f"the {what} cannot be read ({error.strerror}); check the path", file=str(path))
