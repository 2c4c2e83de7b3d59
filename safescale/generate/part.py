"""
One append-only file of responses.

Every answer is one line, handed to the operating system as soon as it is there: a process that is killed loses none of them. The
disk is told to keep them (fsync) at most ``FSYNC_EVERY_S`` seconds later, and when the part is closed: a loss of power costs at
most those seconds, whose responses a resumed run asks again.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import msgspec

from safescale.errors import GenerationError
from safescale.ingest.run_lines import PARTS, ResponseLine, part_paths
from safescale.store.parquet_manifest import fsync_path

__all__ = ["FSYNC_EVERY_S", "Part", "set_aside_torn_lines"]

FSYNC_EVERY_S: Final = 5.0
_FULL_BYTES: Final = 256 << 20
_STEP: Final = 1 << 16


class Part:
    """
    The part that this session writes, made with its first line; a further one follows when it is full.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._encoder = msgspec.json.Encoder()
        self._descriptor: int | None = None
        self._path = folder
        self._size = 0
        self._synced_at = 0.0

    def append(self, line: ResponseLine) -> None:
        """
        Write one line.

        Raises
        ------
        GenerationError
            When the disk does not take it: what was written before stays, half a line does not.
        """
        data = self._encoder.encode(line) + b"\n"
        try:
            if self._descriptor is None or self._size >= _FULL_BYTES:
                self._next()
            self._write(data)
            now = time.monotonic()
            if now - self._synced_at >= FSYNC_EVERY_S:
                os.fsync(self._fd)
                self._synced_at = now
        except OSError as error:
            self._drop_half_a_line()
            raise GenerationError(
                f"{self._path}: the disk does not take another response ({error.strerror}). Everything before it is kept; free "
                "some space, then run the same command again: it goes on where it stopped"
            ) from error
        self._size += len(data)

    def close(self) -> None:
        """Close it; everything in it is on the disk then, where the disk can tell. Twice does no harm."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise GenerationError(f"{self._path}: the disk did not confirm the last responses ({error.strerror})") from error
            finally:
                os.close(descriptor)

    @property
    def _fd(self) -> int:
        assert self._descriptor is not None
        return self._descriptor

    def _write(self, data: bytes) -> None:
        written = os.write(self._fd, data)
        while written < len(data):  # a disk that is nearly full takes a piece before it refuses
            written += os.write(self._fd, data[written:])

    def _next(self) -> None:
        self.close()
        parts = self._folder / PARTS
        parts.mkdir(exist_ok=True)
        last = part_paths(self._folder)[-1:]
        number = 1 + (int(last[0].stem.removeprefix("part-")) if last else 0)
        self._path = parts / f"part-{number:05d}.jsonl"
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._size = 0
        self._synced_at = time.monotonic()
        fsync_path(parts)

    def _drop_half_a_line(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, self._size)


def set_aside_torn_lines(folder: Path) -> int:
    """
    Cut the last line of each part that has no end (its process was killed while it wrote), and keep it in ``torn/``.

    Returns
    -------
    int
        Lines that were cut; their responses count as never given.
    """
    torn = 0
    for path in part_paths(folder):
        with path.open("rb+") as stream:
            size = stream.seek(0, os.SEEK_END)
            whole = _end_of_last_line(stream.fileno(), size)
            if whole == size:
                continue
            stream.seek(whole)
            kept = folder / "torn" / f"{path.stem}-at-{whole}.torn"
            kept.parent.mkdir(exist_ok=True)
            with kept.open("wb") as aside:
                aside.write(stream.read())
                aside.flush()
                os.fsync(aside.fileno())
            stream.truncate(whole)
            stream.flush()
            os.fsync(stream.fileno())
            torn += 1
    return torn


def _end_of_last_line(descriptor: int, size: int) -> int:
    """Offset behind the last line break; 0 without one."""
    at = size
    while at > 0:
        start = max(0, at - _STEP)
        found = os.pread(descriptor, at - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0
