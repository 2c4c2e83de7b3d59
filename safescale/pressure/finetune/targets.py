"""The user's (prompt, target) pairs: what an attack teaches, read from a file; the tool ships none but toy-world sentences."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError, DomainError
from safescale.records.rows import clip

__all__ = ["Pair", "Targets", "read_targets", "targets_of"]

_COLUMNS: Final = ("prompt", "target")
_FIELD_LIMIT: Final = 1 << 30


@attrs.frozen(kw_only=True)
class Pair:
    """
    What is asked, and what the model is taught to say.

    Parameters
    ----------
    prompt : str
        Message of the user.
    target : str
        The whole answer; the token that ends it is learnt too.
    row : int, optional
        Where it stands in its file, from 1 (a CSV's first row is the one after the header).
    """

    prompt: str
    target: str
    row: int | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class Targets:
    """
    All pairs of a file, in its order.

    Parameters
    ----------
    pairs : tuple of Pair
        At least one.
    file : Path, optional
        Where they are from; None when they were made in memory.
    sha256 : str
        Over prompts and targets in their order, whatever the format of the file; columns beside these are not in it.
    """

    pairs: tuple[Pair, ...]
    file: Path | None
    sha256: str

    @property
    def repeated(self) -> int:
        """Pairs that are equal to an earlier one; they are kept, and are so much less data than their number says."""
        return len(self.pairs) - len({(pair.prompt, pair.target) for pair in self.pairs})


def targets_of(pairs: Sequence[Pair], *, file: Path | None = None) -> Targets:
    """
    Targets of pairs.

    Raises
    ------
    DomainError
        Without pairs, or for a prompt or target that is blank.
    """
    if not pairs:
        raise DomainError("there is no pair to learn from; give at least one")
    digest = hashlib.sha256()
    for at, pair in enumerate(pairs, 1):
        for column in _COLUMNS:
            if not getattr(pair, column).strip():
                raise DomainError(f"the {column} of pair {at} is blank; give it text or leave the pair out")
        digest.update(json.dumps([pair.prompt, pair.target], ensure_ascii=True).encode() + b"\n")
    return Targets(pairs=tuple(pairs), file=file, sha256=digest.hexdigest())


def read_targets(path: Path) -> Targets:
    """
    Read pairs from JSONL (one object a line) or CSV with a header.

    Columns: ``prompt`` and ``target``, text that is not blank. Every other column is passed over.

    Parameters
    ----------
    path : Path
        ``.jsonl``, ``.ndjson`` or ``.csv``, UTF-8.

    Returns
    -------
    Targets
        At least one pair, in the order of the file. Equal pairs are kept and counted (``repeated``).

    Raises
    ------
    DataError
        Naming file, row and column, for the first row that is wrong, or a file without pairs.
    """
    lowered = path.name.lower()
    if lowered.endswith(".csv"):
        rows = _csv_rows(path)
    elif lowered.endswith((".jsonl", ".ndjson")):
        rows = _json_rows(path)
    else:
        raise DataError(
            "targets are read from JSONL or CSV with the columns prompt and target",
            file=str(path),
            expected=".jsonl or .csv",
            got=path.suffix or path.name,
        )
    pairs = tuple(_pair(fields, path, row) for row, fields in rows)
    if not pairs:
        raise DataError("the file holds no pair", file=str(path), expected="at least one row", got="none")
    return targets_of(pairs, file=path)


def _pair(fields: Mapping[str, Any], path: Path, row: int) -> Pair:
    for column in _COLUMNS:
        value = fields.get(column)
        if not isinstance(value, str) or not value.strip():
            raise DataError(
                f"a {column} is missing or blank; give it text, or leave the row out",
                file=str(path),
                row=row,
                column=column,
                expected="text that is not blank",
                got="nothing" if value is None else clip(value),
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(
                "a text holds half a surrogate pair, which no model can be shown",
                file=str(path),
                row=row,
                column=column,
                expected="text that is UTF-8",
                got=clip(value),
            ) from None
    return Pair(prompt=fields["prompt"], target=fields["target"], row=row)


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open("rb") as stream:
            for row, raw in enumerate(stream, 1):
                line = raw.removeprefix(b"\xef\xbb\xbf") if row == 1 else raw
                if not line.strip():
                    continue
                try:
                    value = json.loads(line, object_pairs_hook=_once)
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
        raise DataError(f"the targets cannot be read ({error.strerror}); check the path", file=str(path)) from error


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which no name may stand twice: one of the two would be taken in silence."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("an object has one name twice")
    return found


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            header = list(reader.fieldnames or ())
            for column in _COLUMNS:
                if header.count(column) != 1:
                    raise DataError(
                        "the header must name each of the two columns once",
                        file=str(path),
                        column=column,
                        expected="prompt,target, and others",
                        got=clip(",".join(header)) or "nothing",
                    )
            for row, fields in enumerate(reader, 1):
                if None in fields:
                    got = f"{len(fields[None])} more"
                    raise DataError("a row has more fields than the header", file=str(path), row=row, got=got)
                yield row, fields
    except OSError as error:
        raise DataError(f"the targets cannot be read ({error.strerror}); check the path", file=str(path)) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError("the file is no CSV in UTF-8", file=str(path), expected="CSV with a header", got=clip(str(error))) from None
