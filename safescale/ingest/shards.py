"""
Byte ranges of files of lines: what many machines read at once, each line by exactly one of them.

A line belongs to the shard in which its first byte lies. So shards of any size, taken in order, give the lines of the file exactly
once, and nobody has to look at the whole file first. What a shard cannot know is the number of its first line: ``numbered`` counts
newlines (some gigabytes a second) and gives the shards their first rows; then rejects name the same rows as on one machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

import attrs

from safescale.errors import DataError
from safescale.ingest.bytes_in import CHUNK_BYTES, COMPRESSED, Chunk, chunks_of, line_chunks, newlines
from safescale.ingest.detect import found_files

__all__ = ["SHARD_BYTES", "Shard", "count_lines", "numbered", "open_shard_file", "read_shard", "shards"]

SHARD_BYTES: Final = 64 << 20
"""64 MiB: seconds of work, so that a machine that fails loses little, and some hundred shards for a file of 10 GB."""

_LINES: Final = (".jsonl", ".ndjson")
_SCAN: Final = 1 << 16


@attrs.frozen(kw_only=True)
class Shard:
    """
    The lines of a file that begin in a range of its bytes.

    Attributes
    ----------
    path : str
        The file: a path, or a URI that pyarrow reads (``s3://``, ``hdfs://``, ``gs://``).
    low, high : int
        First byte, and the byte after the last. A compressed file is one shard of its whole size. Unit: bytes.
    file : int
        0-based place of the file in the order in which files are read.
    first_row : int or None
        1-based number of the first line; None while nobody has counted.
    """

    path: str
    low: int
    high: int
    file: int = 0
    first_row: int | None = None

    @property
    def compressed(self) -> bool:
        """Whether the file can only be read from its beginning."""
        return os.path.splitext(self.path)[1] in COMPRESSED


def shards(path: str | os.PathLike[str], *, shard_bytes: int = SHARD_BYTES, file: int = 0) -> tuple[Shard, ...]:
    r"""
    Cut a file of lines, or every such file of a folder, into byte ranges.

    Parameters
    ----------
    path : path or URI
        ``.jsonl`` or ``.ndjson``, plain or under ``.gz`` or ``.zst``; a folder holds such files only. A file that is named may have
        any suffix.
    shard_bytes : int, default 64 MiB
        Length of a range. Unit: bytes.
    file : int, default 0
        Number of the first file.

    Returns
    -------
    tuple of Shard
        In the order of the files and of the bytes. An empty file has none.

    Raises
    ------
    DataError
        When there is no such file, or a folder holds data that are not lines.
    ValueError
        If ``shard_bytes`` is less than 1.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> there = pathlib.Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = there.write_bytes(b'{"a": 1}\n{"a": 2}\n')
    >>> [next(read_shard(shard)).data for shard in shards(there, shard_bytes=5) if count_lines(shard)]
    [b'{"a": 1}\n', b'{"a": 2}\n']
    """
    if shard_bytes < 1:
        raise ValueError(f"shard_bytes must be at least 1, got {shard_bytes}")
    found: list[Shard] = []
    for number, (name, size) in enumerate(_files(os.fspath(path)), start=file):
        whole = Shard(path=name, low=0, high=size, file=number)
        if whole.compressed or size <= shard_bytes:
            found += [whole] if size else []
        else:
            found += [attrs.evolve(whole, low=low, high=min(low + shard_bytes, size)) for low in range(0, size, shard_bytes)]
    return tuple(found)


def read_shard(shard: Shard, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """
    The whole lines that begin in a shard.

    Parameters
    ----------
    shard : Shard
        What to read.
    chunk_bytes : int
        About how many bytes are given at once. Unit: bytes.

    Yields
    ------
    Chunk
        For ``decode``. ``first_row`` counts from the first row of the shard where that is known, else from 1 within the shard;
        ``offset`` is the place of the chunk in the file (in a compressed one: after decompression).
    """
    if shard.compressed:
        yield from line_chunks(_local(shard), chunk_bytes=chunk_bytes)
        return
    with open_shard_file(shard.path) as stream:
        start, stop = _line_start(stream, shard.low), _line_start(stream, shard.high)
        stream.seek(start)
        left = stop - start

        def read(size: int) -> tuple[bytes, None]:
            nonlocal left
            piece = stream.read(min(size, left))
            left -= len(piece)
            return piece, None

        yield from chunks_of(read, chunk_bytes=chunk_bytes, first_row=shard.first_row or 1, offset=start)


def count_lines(shard: Shard) -> int:
    """Lines that begin in a shard; of a compressed file all of them, read through to its end or to where it breaks."""
    lines = 0
    for chunk in read_shard(shard):
        lines += newlines(chunk.data) + (not chunk.data.endswith(b"\n") and bool(chunk.data))
    return lines


def numbered(cut: Iterable[Shard], lines: Iterable[int] | None = None) -> tuple[Shard, ...]:
    """
    The shards with their first rows.

    Parameters
    ----------
    cut : iterable of Shard
        All shards of each file, in order.
    lines : iterable of int, optional
        Lines of each shard, where somebody has counted them (a cluster); else they are counted here.
    """
    listed = tuple(cut)
    counts = [count_lines(shard) for shard in listed] if lines is None else list(lines)
    found: list[Shard] = []
    row = 1
    for shard, count in zip(listed, counts, strict=True):
        if not found or found[-1].file != shard.file:
            row = 1
        found.append(attrs.evolve(shard, first_row=row))
        row += count
    return tuple(found)


def _line_start(stream: IO[bytes], place: int) -> int:
    """Where the first line begins that begins at ``place`` or later; the end of the file when there is none."""
    if place <= 0:
        return 0
    at = place - 1
    stream.seek(at)
    while piece := stream.read(_SCAN):
        newline = piece.find(b"\n")
        if newline >= 0:
            return at + newline + 1
        at += len(piece)
    return at


def _files(path: str) -> Iterator[tuple[str, int]]:
    """Files of lines behind a path, in order, with their sizes."""
    if "://" in path:
        yield from _remote_files(path)
        return
    for found in found_files([Path(path)]):
        if found.closed is not None:
            raise DataError(f"this folder cannot be read ({found.closed}); check its permissions", file=str(found.path))
        if os.path.isdir(path) and not _is_lines(found.path.name):
            if not found.is_data:
                continue
            raise _not_lines(str(found.path))
        yield str(found.path), found.path.stat().st_size


def _remote_files(path: str) -> Iterator[tuple[str, int]]:
    from pyarrow import fs

    system, inside = _filesystem(path)
    info = system.get_file_info(inside)
    if info.type == fs.FileType.NotFound:
        raise DataError("there is no such file or folder; check the URI", file=path)
    if info.type == fs.FileType.File:
        yield path, info.size
        return
    prefix = path[: path.index(inside)] if inside in path else path.split("://")[0] + "://"
    for found in sorted(system.get_file_info(fs.FileSelector(inside, recursive=True)), key=lambda f: str(f.path)):
        if found.type == fs.FileType.File and not found.base_name.startswith((".", "_")):
            if not _is_lines(found.base_name):
                raise _not_lines(prefix + found.path)
            yield prefix + found.path, found.size


def _is_lines(name: str) -> bool:
    lowered = name.lower()
    for suffix in COMPRESSED:
        lowered = lowered.removesuffix(suffix)
    return lowered.endswith(_LINES)


def _not_lines(path: str) -> DataError:
    return DataError(
        "only files of lines can be cut into shards; take this one into a corpus on one machine: safescale ingest",
        file=path,
        expected=" or ".join(_LINES) + ", plain or under .gz or .zst",
        got=os.path.basename(path),
    )


def _local(shard: Shard) -> Path:
    if "://" in shard.path:
        raise DataError(
            "a compressed file is read from a path that every machine can open (a mounted folder), not from a URI; unpack it, "
            "or mount it",
            file=shard.path,
        )
    return Path(shard.path)


def open_shard_file(path: str) -> IO[bytes]:
    """The bytes of a file as they are on disk, from a path or a URI."""
    try:
        if "://" in path:
            system, inside = _filesystem(path)
            return cast(IO[bytes], system.open_input_file(inside))
        return open(path, "rb")
    except OSError as error:
        raise DataError(f"cannot open the file: {error}", file=path) from error


def _filesystem(path: str) -> tuple[Any, str]:
    from pyarrow import fs

    system, inside = fs.FileSystem.from_uri(path)
    return system, str(inside)
