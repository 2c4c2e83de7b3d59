"""Where an export goes: made beside its place, moved in when it is whole; what is not ours is never written over."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safescale.errors import DataError

__all__ = ["MARK", "check_place", "move_in", "staged"]

MARK: Final = ".safescale-export"
"""A file in a folder that an export made: such a folder may be replaced by another export."""


def check_place(into: Path, *, folder: bool, overwrite: bool) -> None:
    """
    Refuse a place that holds something else.

    Raises
    ------
    DataError
        For a folder where a file should go or the other way round, a file that exists (without ``overwrite``), and a folder that is
        not empty and not an earlier export.
    """
    if not into.parent.is_dir():
        raise DataError(f"the folder {into.parent} does not exist; make it first", file=str(into))
    if not into.exists():
        return
    if folder != into.is_dir():
        raise DataError(
            f"this export is a {'folder' if folder else 'file'}, and a {'file' if folder else 'folder'} stands there; name another "
            "place with -o",
            file=str(into),
        )
    if folder and any(into.iterdir()) and not (into / MARK).is_file():
        raise DataError("this folder holds other things and is no earlier export; name another with -o", file=str(into))
    if not folder and not overwrite:
        raise DataError("this file exists; name another with -o, or give --overwrite", file=str(into))


@contextlib.contextmanager
def staged(into: Path, *, folder: bool) -> Iterator[Path]:
    """
    A place on the file system of ``into`` with the same name (so that its suffix is known), removed at the end.

    Raises
    ------
    DataError
        When nothing can be written there.
    """
    try:
        room = Path(tempfile.mkdtemp(prefix=f".{into.name}.partial-", dir=into.parent))
    except OSError as error:
        raise DataError(
            f"the export cannot be written here ({error.strerror}); name another place with -o", file=str(into)
        ) from error
    try:
        place = room / into.name
        if folder:
            place.mkdir()
        yield place
    except OSError as error:
        raise DataError(f"the export could not be written ({error}); what was there is as it was", file=str(into)) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def move_in(place: Path, into: Path) -> None:
    """Put what was made into its place; an earlier export there is replaced as a whole."""
    if place.is_dir():
        (place / MARK).write_text("made by safescale export; another export may replace this folder\n", encoding="utf-8")
        old = place.with_name(f"{place.name}.old")
        if into.exists():
            os.replace(into, old)
        try:
            os.replace(place, into)
        except OSError:
            if old.exists():
                os.replace(old, into)
            raise
    else:
        os.replace(place, into)
