"""What came back from a model: text, a failure that the runner wrote into the text, or imported telemetry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

__all__ = ["Answer", "answer_of", "is_sentinel"]

_SENTINEL: Final = re.compile(r"\s*\[(ERROR|TIMEOUT|PARSE_ERROR)(?=[:\s\]])", re.IGNORECASE)
_FAILURES: Final = frozenset({"error", "timeout", "parse_error"})
_FINISH: Final[Mapping[str, str]] = {
    **{name: name for name in ("stop", "length", "content_filter", "tool_calls", "error", "timeout", "parse_error")},
    "end_turn": "stop",
    "max_tokens": "length",
}


class _Blob(msgspec.Struct, gc=False):
    source_kind: str | None = None
    synthetic: bool | None = None


_decode_blob: Final = msgspec.json.Decoder(_Blob).decode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Columns of a trace that speak of the response (a msgspec struct: one is made for every line). The session fills hashes."""

    response_kind: str
    finish_reason: str
    response: str | None = None
    chars: int | None = None
    error: str | None = None


def is_sentinel(text: str) -> str | None:
    """
    Finish reason of a failure that is written into the text (``[ERROR: ...]``), else None.

    The whole text must be the bracket: a response that only begins like one is a response.

    Examples
    --------
    >>> is_sentinel("[TIMEOUT after 120s]"), is_sentinel("[ERROR: x] and then the answer")
    ('timeout', None)
    """
    found = _SENTINEL.match(text)
    return found[1].lower() if found and text.rstrip().endswith("]") else None


def answer_of(text: str | None, *, stated_finish: str | None = None, error: str | None = None) -> Answer:
    """
    What a response text is.

    Parameters
    ----------
    text : str, optional
        Text as the source holds it; None when there is none.
    stated_finish : str, optional
        Finish reason as the source words it.
    error : str, optional
        What failed, for a row without text.
    """
    finish = _FINISH.get(stated_finish, "unknown") if stated_finish else "unknown"
    if text is None:
        if finish not in _FAILURES:
            finish = "error" if error else "unknown"
        return Answer("none", finish, error=error)
    if text[:1] in "[ \n\t\r" and (failure := is_sentinel(text)):
        return Answer("none", failure, error=text)
    if text.startswith("{") and _is_telemetry(text):
        return Answer("telemetry", finish)
    return Answer("text", finish, text, len(text))


def _is_telemetry(text: str) -> bool:
    """Whether a JSON blob says of itself that it is imported telemetry."""
    try:
        blob = _decode_blob(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return False
    return blob.source_kind == "telemetry" or (blob.synthetic is True and blob.source_kind is not None)
