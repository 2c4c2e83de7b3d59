"""The user's (prompt, target) pairs: what an attack teaches, read from a file; the tool ships none but toy-world sentences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError, DomainError
from safescale.records.file_rows import file_rows
from safescale.records.rows import clip

__all__ = ["Pair", "Targets", "read_targets", "targets_of"]

_COLUMNS: Final = ("prompt", "target")


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
    rows = file_rows(
        path,
        what="targets",
        load=lambda line: json.loads(line, object_pairs_hook=_once),
        check_header=partial(_check_header, path),
        hint=" with the columns prompt and target",
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


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which no name may stand twice: one of the two would be taken in silence."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("an object has one name twice")
    return found


def _check_header(path: Path, names: Sequence[str]) -> None:
    for column in _COLUMNS:
        if names.count(column) != 1:
            raise DataError(
                "the header must name each of the two columns once",
                file=str(path),
                column=column,
                expected="prompt,target, and others",
                got=clip(",".join(names)) or "nothing",
            )
