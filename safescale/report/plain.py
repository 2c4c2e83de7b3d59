"""Text from the data made safe to set anywhere: no control characters, no direction overrides, one line."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["plain", "shortened"]

_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]+")


def plain(text: str) -> str:
    """Text without characters that XML forbids or that reorder their surroundings."""
    return _UNPRINTABLE.sub(" ", text)


def shortened(text: str, width: int) -> str:
    """Plain text of at most ``width`` characters, cut in the middle so that both ends can be told."""
    words = " ".join(plain(text).split())
    if len(words) <= width:
        return words
    tail = (width - 1) // 3
    return f"{words[: width - 1 - tail]}…{words[-tail:]}"
