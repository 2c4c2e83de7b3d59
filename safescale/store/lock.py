"""One writer at a time: a lock file that the system releases when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Self

from safescale.errors import DataError

__all__ = ["WriterLock"]


class WriterLock:
    """
    The right to write to one corpus.

    The file names the process that holds it. The lock is on the open file, not its existence, so a file that a killed process
    left behind (of a dead pid) is simply taken over.

    Parameters
    ----------
    path : Path
        The lock file.
    corpus : Path
        The corpus (or what else is locked), for messages.
    what : str, default "corpus"
        What is locked, in words.

    Raises
    ------
    DataError
        When another process is writing.
    """

    def __init__(self, path: Path, corpus: Path, *, what: str = "corpus") -> None:
        self._path, self._what = path, what
        self._descriptor: int | None = self._acquire(corpus)

    def _acquire(self, corpus: Path) -> int:
        while True:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise DataError(
                    f"this {self._what} cannot be written to ({error.strerror}): check the permissions of its folder",
                    file=str(corpus),
                ) from error
            try:
                if not _try_lock(descriptor):
                    holder = os.read(descriptor, 64).decode("ascii", "replace").strip() or "unknown"
                    raise DataError(
                        f"another process (pid {holder}) is writing to this {self._what}: wait until it is done, then run again",
                        file=str(corpus),
                    )
                if self._is_current(descriptor):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, f"{os.getpid()}\n".encode())
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # the holder removed the file between our open and our lock: try the new one

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the right back; a second call does nothing."""
        if self._descriptor is not None:
            with contextlib.suppress(PermissionError):  # Windows keeps an open file; a left-over file is harmless
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text, which others may read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
