"""Names in a sentence: the first few, and how many more."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import and_list

__all__ = ["named"]


def named(names: Sequence[str], shown: int = 4) -> str:
    """``a, b and c``, or ``a, b and 7 more``."""
    if not names:
        return "none"
    if len(names) <= shown:
        return and_list(list(names))
    return f"{', '.join(names[: shown - 1])} and {len(names) - shown + 1:,} more"
