"""A folder that is there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safescale.errors import DataError

__all__ = ["remove_leftovers", "stands_empty", "whole_folder"]

_PARTIAL = ".partial-"


@contextmanager
def whole_folder(place: Path, *, what: str) -> Iterator[Path]:
    """
    A folder beside ``place`` to write into, which takes its place when the block ends well and goes away when it does not.

    Where ``place`` came to be there in the meantime (another process made the same), that one stays.

    Parameters
    ----------
    place : Path
        Where the whole folder will stand.
    what : str
        What is written, for the error.

    Yields
    ------
    Path
        The folder to write into.

    Raises
    ------
    DataError
        When it cannot be written.
    """
    partial = place.with_name(f".{place.name}{_PARTIAL}{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        for path in partial.rglob("*"):
            _to_disk(path)
        _to_disk(partial)
        try:
            os.rename(partial, place)
        except OSError:
            if not place.is_dir():
                raise
        _to_disk(place.parent)
    except OSError as error:
        raise DataError(
            f"{what} cannot be written ({error.strerror or error}); free the disk or name another folder", file=str(place)
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def stands_empty(place: Path) -> bool:
    """Whether nothing is there, or an empty folder, which a whole one may take the place of."""
    return not place.exists() or (place.is_dir() and not any(place.iterdir()))


def remove_leftovers(parent: Path, *, name: str = "*") -> None:
    """Remove what killed processes left half written in a folder (of that name): of ``whole_folder``, and files named likewise."""
    for left in parent.glob(f".{name}{_PARTIAL}*"):
        if _alive(left.name.rpartition(_PARTIAL)[2]):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
