"""JSON as tools write it (NaN allowed): whole documents of bounded size, and lines with their numbers."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from safescale.ingest.bytes_in import line_chunks, open_bytes
from safescale.ingest.gathering import Gathering
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["DOCUMENT_BYTES", "JsonLine", "first_objects", "json_document", "json_lines", "json_value", "object_lines"]

DOCUMENT_BYTES: Final = 512 << 20
"""Largest document that is held in memory at once (some six times as much as Python objects); lines have no such limit."""

UNPACKED_TIMES: Final = 100
"""A compressed document may unpack to so many times its size (logs shrink to a tenth or a fiftieth, a bomb to a thousandth)."""
_SMALL: Final = 64 << 20

_BOM: Final = b"\xef\xbb\xbf"
_STEP: Final = 1 << 20


@attrs.frozen(kw_only=True)
class JsonLine:
    """One line: its value, or why there is none (``reject``); a blank line has neither."""

    row: int
    raw: bytes
    value: Any = None
    reject: RejectedRow | None = None

    @property
    def blank(self) -> bool:
        """Whether the line holds nothing."""
        return not self.raw.strip()


def json_value(raw: bytes) -> Any:
    """
    Decode one JSON text; NaN and infinities, which Python's own writer puts out, are numbers.

    Raises
    ------
    ValueError
        For what is no JSON (``UnicodeDecodeError``, which is one too, for what is no UTF-8), and for nesting that is too deep.
    """
    try:
        return msgspec.json.decode(raw)
    except UnicodeDecodeError:
        raise
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return json.loads(raw.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_document(path: Path, *, limit: int = DOCUMENT_BYTES) -> Any | RejectedRow:
    """
    The value of a file that is one JSON text, or why there is none, as a reject of the file.

    Parameters
    ----------
    path : Path
        The file; ``.gz`` and ``.zst`` are unpacked.
    limit : int, default ``DOCUMENT_BYTES``
        Largest size that is read (bytes, unpacked).
    """

    def refuse(code: RejectCode, expected: str, got: object) -> RejectedRow:
        return RejectedRow.of(0, code, expected=expected, got=got)

    pieces: list[bytes] = []
    size = 0
    try:
        if path.suffix in {".gz", ".zst"}:
            limit = min(limit, max(_SMALL, UNPACKED_TIMES * path.stat().st_size))
        with open_bytes(path) as stream:
            while piece := stream.read(_STEP):
                size += len(piece)
                if size > limit:
                    return refuse(RejectCode.UNREADABLE, f"a JSON document of at most {limit:,} bytes", "a larger one; split it")
                pieces.append(piece)
    except (OSError, EOFError, zlib.error) as error:
        return refuse(RejectCode.TRUNCATED_FILE, "a whole compressed file", str(error))
    try:
        return json_value(b"".join(pieces).removeprefix(_BOM))
    except UnicodeDecodeError as error:
        return refuse(RejectCode.NOT_UTF8, "UTF-8", f"byte {error.start}")
    except ValueError as error:
        return refuse(RejectCode.BAD_JSON, "one JSON document", str(error))


def json_lines(path: Path) -> Iterator[JsonLine | RejectedRow]:
    """
    Lines of a file that holds one JSON value a line; a reject of row 0 when the file ends before its end.

    Raises
    ------
    DataError
        When the file cannot be opened.
    """
    for chunk in line_chunks(path):
        lines = chunk.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for row, raw in enumerate(lines, chunk.first_row):
            yield _line(row, raw)
        if chunk.broken is not None:
            yield RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a complete archive", got=chunk.broken)


def object_lines(path: Path, into: Gathering) -> Iterator[JsonLine]:
    """
    Lines of a file whose value is an object. The others find their fate in ``into``: blank ones are metadata, the rest rejects.

    Raises
    ------
    DataError
        When the file cannot be opened.
    """
    for line in json_lines(path):
        if isinstance(line, RejectedRow):
            into.reject(line)
            continue
        into.read(len(line.raw) + 1)
        if line.reject is not None:
            into.reject(line.reject)
        elif line.blank:
            into.metadata(line.row)
        elif not isinstance(line.value, dict):
            got = type(line.value).__name__
            into.reject(RejectedRow.of(line.row, RejectCode.NOT_AN_OBJECT, expected="an object", got=got, raw=line.raw))
        else:
            yield line


def _line(row: int, raw: bytes) -> JsonLine:
    if not raw.strip():
        return JsonLine(row=row, raw=raw)
    try:
        return JsonLine(row=row, raw=raw, value=json_value(raw))
    except UnicodeDecodeError as error:
        reject = RejectedRow.of(row, RejectCode.NOT_UTF8, expected="UTF-8", got=f"byte {error.start}", raw=raw)
    except ValueError as error:
        reject = RejectedRow.of(row, RejectCode.BAD_JSON, expected="one JSON value", got=str(error), raw=raw)
    return JsonLine(row=row, raw=raw, reject=reject)


def first_objects(head: bytes, count: int = 5) -> list[dict[str, Any]]:
    """Objects among the first lines of a file's head, for detection; what cannot be decoded is passed over."""
    found: list[dict[str, Any]] = []
    for raw in head.removeprefix(_BOM).split(b"\n")[: 4 * count]:
        try:
            value = json_value(raw) if raw.lstrip().startswith(b"{") else None
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
        if len(found) == count:
            break
    return found
