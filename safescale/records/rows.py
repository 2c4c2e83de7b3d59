"""A rejected row as data."""

from __future__ import annotations

import hashlib

import attrs

from safescale.records.fates import NoteCode, RejectCode

__all__ = ["CLIP_CHARS", "FileNote", "RejectedRow", "clip"]

CLIP_CHARS = 200


def clip(value: object) -> str:
    """What came, clipped to ``CLIP_CHARS`` characters; half a surrogate pair, which no column holds, is shown as its escape."""
    text = value if isinstance(value, str) else repr(value)
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= CLIP_CHARS else text[: CLIP_CHARS - 1] + "…"


@attrs.frozen(kw_only=True)
class RejectedRow:
    """
    One row that was not taken.

    ``row`` is 1-based; 0 speaks of the whole file. ``got`` is clipped, ``raw_sha256`` finds the original again.
    """

    row: int
    code: RejectCode
    expected: str
    got: str
    column: str | None = None
    raw_sha256: str | None = None

    @classmethod
    def of(
        cls,
        row: int,
        code: RejectCode,
        *,
        expected: str,
        got: object,
        column: str | None = None,
        raw: bytes | None = None,
    ) -> RejectedRow:
        """Build a reject from the raw line: ``got`` is clipped, ``raw`` hashed."""
        return cls(
            row=row,
            code=code,
            column=column,
            expected=expected,
            got=clip(got),
            raw_sha256=None if raw is None else hashlib.sha256(raw).hexdigest(),
        )


@attrs.frozen(kw_only=True)
class FileNote:
    """
    Something that a reader of the numbers must know of a file, and that is no fate of a row.

    ``row`` is 1-based; 0 speaks of the whole file. ``got`` and ``expected`` are clipped.
    """

    code: NoteCode
    expected: str
    got: str
    row: int = 0
    column: str | None = None

    @classmethod
    def of(cls, code: NoteCode, *, expected: object, got: object, row: int = 0, column: str | None = None) -> FileNote:
        """Build a note; what was expected and what came are clipped."""
        return cls(code=code, expected=clip(expected), got=clip(got), row=row, column=column)
