"""Bytes from disk: plain, gzip and zstandard files as one stream of line-aligned chunks."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import attrs
import numpy as np
import pyarrow as pa

from safescale.errors import DataError

__all__ = [
    "CHUNK_BYTES",
    "COMPRESSED",
    "Chunk",
    "chunks_of",
    "head_bytes",
    "line_chunks",
    "newlines",
    "open_bytes",
    "without_compression",
]

CHUNK_BYTES = 1 << 22
"""4 MiB: below that the calls for each chunk weigh as much as the bytes (measured: 76 MB/s at 1 MiB, 102 at 4, on one core)."""

COMPRESSED = frozenset({".gz", ".zst"})
"""Suffixes of archives of one file."""

_COMPRESSED_STEP = 1 << 16
LINE_BYTES = 128 << 20
"""Longest line that is held in memory: a small archive can unpack to one line of any length."""

_NEWLINE = 0x0A


@attrs.frozen
class Chunk:
    """Whole lines of a file, the 1-based number of the first, and why the stream ended early (or None)."""

    data: bytes
    first_row: int
    offset: int
    broken: str | None = None


def without_compression(name: str) -> str:
    """A file's name without the suffix of its archive."""
    return name.removesuffix(".gz").removesuffix(".zst")


def open_bytes(path: Path) -> IO[bytes]:
    """
    Open a file for reading, decompressing ``.gz`` and ``.zst``.

    Raises
    ------
    DataError
        When the file cannot be opened.
    """
    try:
        if path.suffix in COMPRESSED:
            if path.suffix == ".gz":  # gives every byte before a failure, and takes padding for what it is; Arrow drops a block
                return cast(IO[bytes], gzip.open(path, "rb"))
            return cast(IO[bytes], pa.input_stream(str(path), compression="zstd", buffer_size=_COMPRESSED_STEP))
        return path.open("rb")
    except OSError as error:
        raise DataError(f"cannot open the file: {error}", file=str(path)) from error


def head_bytes(path: Path, size: int = 1 << 16) -> bytes:
    """First bytes of a file after decompression; as many as can be read when it is damaged."""
    collected = io.BytesIO()
    try:
        with open_bytes(path) as stream:
            while collected.tell() < size:
                piece = _some(stream, min(size - collected.tell(), _COMPRESSED_STEP))
                if not piece:
                    break
                collected.write(piece)
    except (OSError, EOFError, zlib.error, DataError):
        pass
    return collected.getvalue()


def line_chunks(path: Path, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """
    Whole lines of a file in chunks of about ``chunk_bytes``.

    A UTF-8 byte-order mark is dropped. A line longer than a chunk makes the chunk longer. When decompression fails, what came
    before the failure is given, and the last chunk says so in ``broken``: its final line may be cut.
    """
    compressed = path.suffix in COMPRESSED
    with open_bytes(path) as stream:
        yield from chunks_of(lambda size: _read_step(stream, size, compressed=compressed), chunk_bytes=chunk_bytes)


def chunks_of(
    read: Callable[[int], tuple[bytes, str | None]], *, chunk_bytes: int, first_row: int = 1, offset: int = 0
) -> Iterator[Chunk]:
    """
    Whole lines in chunks, from anything that reads.

    Parameters
    ----------
    read : callable
        Gives up to so many bytes, and why the stream ended early (or None); no bytes at the end.
    chunk_bytes : int
        About how many bytes a chunk has.
    first_row, offset : int
        Of the first line. A UTF-8 byte-order mark is dropped at offset 0.
    """
    row, first, pending = first_row, offset == 0, [b""]
    broken: str | None = None
    while True:
        piece, broken = read(max(chunk_bytes, 3) if first else chunk_bytes)
        if not piece:
            break
        if first:
            piece = piece.removeprefix(b"\xef\xbb\xbf")
            first = False
        cut = piece.rfind(b"\n")
        if cut < 0:
            pending.append(piece)
            if broken is None and sum(map(len, pending)) > LINE_BYTES:
                broken = f"a line of more than {LINE_BYTES:,} bytes; what follows it is not read"
            if broken:
                break
            continue
        data = b"".join([*pending, piece[: cut + 1]])
        pending = [piece[cut + 1 :]]
        yield Chunk(data, row, offset)
        row += newlines(data)
        offset += len(data)
        if broken:
            break
    last = b"".join(pending)
    if last or broken:
        yield Chunk(last, row, offset, broken)


def newlines(data: bytes) -> int:
    """Number of newlines: half the time of ``bytes.count``."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE))


def _read_step(stream: IO[bytes], size: int, *, compressed: bool) -> tuple[bytes, str | None]:
    """Up to ``size`` bytes; small steps through a decompressor, so that a cut archive loses as little as possible."""
    if not compressed:
        return stream.read(size), None
    pieces: list[bytes] = []
    got = 0
    while got < size:
        try:
            piece = _some(stream, _COMPRESSED_STEP)
        except (OSError, EOFError, zlib.error) as error:
            return b"".join(pieces), str(error)
        if not piece:
            break
        pieces.append(piece)
        got += len(piece)
    return b"".join(pieces), None


def _some(stream: IO[bytes], size: int) -> bytes:
    """At most ``size`` bytes of one decompression: what comes before a failure is given; the next call fails."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(size)
