"""Files of one result written beside their places, then moved in one by one: the one that others read comes last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from safescale.errors import DataError

__all__ = ["Places", "place_files", "places_of"]


@attrs.frozen(kw_only=True)
class Places:
    """Where the files of a set lie: the prompts, and beside them what was left out and the data sheet."""

    prompts: Path
    rejects: Path
    duplicates: Path
    sheet_markdown: Path
    sheet_json: Path


def places_of(into: Path) -> Places:
    """
    Beside ``NAME.jsonl``: ``NAME.rejects.jsonl``, ``NAME.duplicates.jsonl``, ``NAME.sheet.md`` and ``NAME.sheet.json``.

    Raises
    ------
    DataError
        For another suffix: whoever read the file by it would read something else.
    """
    if into.suffix != ".jsonl":
        raise DataError(
            "a set of prompts is written as JSONL; name it so with -o", file=str(into), expected="NAME.jsonl", got=into.name
        )
    stem = into.name.removesuffix(".jsonl")
    return Places(
        prompts=into,
        rejects=into.with_name(f"{stem}.rejects.jsonl"),
        duplicates=into.with_name(f"{stem}.duplicates.jsonl"),
        sheet_markdown=into.with_name(f"{stem}.sheet.md"),
        sheet_json=into.with_name(f"{stem}.sheet.json"),
    )


def place_files(contents: Sequence[tuple[Path, str]]) -> None:
    """
    Write all, then move all in, in the order given: nothing is moved before everything is on the disk.

    Raises
    ------
    DataError
        When one cannot be written; what was there before is then still there.
    """
    waiting: list[tuple[Path, Path]] = []
    path = contents[0][0]
    try:
        for path, content in contents:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
            waiting.append((partial, path))
            with partial.open("w", encoding="utf-8", newline="") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for partial, path in waiting:
            os.replace(partial, path)
    except OSError as error:
        raise DataError(
            f"the file cannot be written ({error.strerror}); free the disk or name another with -o", file=str(path)
        ) from error
    finally:
        for partial, _ in waiting:
            partial.unlink(missing_ok=True)
