"""Where a report is made before it is moved in: beside its place, and gone afterwards."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safescale.errors import DataError

__all__ = ["staging"]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def staging(into: Path) -> Iterator[Path]:
    """
    A folder on the file system of ``into``, removed at the end whatever happens.

    Raises
    ------
    DataError
        When it cannot be made, or the disk fills up while it is written.
    """
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        if into.exists() and not into.is_dir():
            raise DataError("the report goes into a folder, and this is a file; name another with -o", file=str(into))
        _remove_left_behind(into)
        folder = Path(tempfile.mkdtemp(prefix=f"{_partial(into)}{os.getpid()}-", dir=into.parent))
    except OSError as error:
        raise DataError(
            f"the report cannot be written here ({error.strerror}); name another folder with -o", file=str(into)
        ) from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DataError(
            f"the report cannot be written ({error.strerror}); free some space and run again", file=str(into)
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _partial(into: Path) -> str:
    return f".{into.name}.partial-"


def _remove_left_behind(into: Path) -> None:
    """Folders of runs that were killed: they may hold texts, so they do not stay."""
    for folder in into.parent.glob(f"{glob.escape(_partial(into))}*-*"):
        pid = folder.name.removeprefix(_partial(into)).partition("-")[0]
        if os.name == "posix" and pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
