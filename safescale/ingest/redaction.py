"""Texts that were taken out of a log before it was passed on: what the mark in their place still says."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from safescale.ingest.identity import sha256_text

__all__ = ["Text", "response_fields", "text_of"]

_MARK: Final = re.compile(r"\[REDACTED chars=(\d{1,9}) sha256=[0-9a-f]{8,64}\]")


@attrs.frozen(kw_only=True)
class Text:
    """
    A text of a log, or what is known of one that was taken out.

    Parameters
    ----------
    text : str or None
        The text; None where there is none, and where it was taken out.
    withheld : bool
        Whether there was a text that is not here.
    chars : int or None
        Its length (characters), also where it was taken out.
    key : str
        What tells it from other texts: itself, or the mark in its place.
    """

    text: str | None
    withheld: bool
    chars: int | None
    key: str


def text_of(value: str | None) -> Text:
    """A text or its mark (``[REDACTED chars=12 sha256=0123456789abcdef]``)."""
    if value is None:
        return Text(text=None, withheld=False, chars=None, key="")
    mark = _MARK.fullmatch(value)
    if mark is None:
        return Text(text=value, withheld=False, chars=len(value), key=value)
    return Text(text=None, withheld=True, chars=int(mark[1]), key=value)


def response_fields(response: Text) -> dict[str, Any]:
    """Fields of a trace that say what came back."""
    return {
        "response_kind": "withheld" if response.withheld else "none" if response.text is None else "text",
        "response": response.text,
        "response_chars": response.chars,
        "response_sha256": sha256_text(response.text),
    }
