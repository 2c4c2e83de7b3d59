"""How a trace gets its id when the source gives none, and the hashes of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["content_trace_id", "own_trace_id", "sha256_text"]


def sha256_text(text: str | None) -> str | None:
    """SHA-256 (hex) of a text as UTF-8; None for None."""
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def own_trace_id(source: str, own_id: str) -> str:
    """The source's own id, unique within its source."""
    return f"{source}:{own_id}"


def content_trace_id(source: str, parts: Iterable[object], sample_index: int) -> str:
    """
    Id from the content, for sources without ids of their own: equal content with another ``sample_index`` is a repeat.

    The hash is over what was asked and answered (never over file names or row numbers).
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (*parts, sample_index):
        value = "\x00" if part is None else f"{part}"
        digest.update(f"{len(value)}:".encode())
        digest.update(value.encode("utf-8", "surrogatepass"))
    return f"{source}:sha-{digest.hexdigest()}"
