"""The folder of an experiment while one process works in it: made, locked, tidied after a kill, its failures in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from safescale.errors import DataError
from safescale.store.lock import WriterLock
from safescale.studies.running.generation import RUNS
from safescale.studies.running.grading import GRADES

__all__ = ["LOCK", "working_folder"]

LOCK: Final = ".lock"
"""Of whoever writes to the folder: one process at a time."""
_LEFT: Final = ("*.tmp", f"{RUNS}/*/*.tmp", f"{GRADES}/*.tmp")


@contextmanager
def working_folder(out: Path, *, what: str) -> Iterator[None]:
    """
    Work in the folder of an experiment; ``what`` it is called in errors ("study").

    Raises
    ------
    DataError
        When it cannot be made, read or written, or another process works in it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the {what} cannot be written here ({error.strerror}); name another place with -o", file=str(out)
        ) from error
    with WriterLock(out / LOCK, out, what=what):
        for left in (one for pattern in _LEFT for one in out.glob(pattern)):
            left.unlink(missing_ok=True)  # a file that a kill kept from its place; its writer writes it again
        try:
            yield
        except OSError as error:
            raise DataError(
                f"the {what} cannot be read or written ({error.strerror or error}); what is there is kept: mend that, and the "
                "same command goes on",
                file=str(error.filename or out),
            ) from error
