"""Numbers as text: the only place where a fraction becomes a percentage of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import p_words, percent, signed, size_words
from safescale.stats import ProportionInterval

__all__ = [
    "NOTHING",
    "count",
    "decades",
    "p_value",
    "pp",
    "pp_interval",
    "pp_with_error",
    "r_squared",
    "rate_with_interval",
    "size",
    "size_range",
    "sizes",
    "yes_no",
]

NOTHING: Final = "–"
"""What a table shows where there is no number."""

SHOWN_SIZES: Final = 8


def count(value: int | None) -> str:
    """A count with separators."""
    return NOTHING if value is None else f"{value:,}"


def p_value(value: float | None) -> str:
    """A probability as papers print it."""
    return NOTHING if value is None else p_words(value)


def pp(value: float | None) -> str:
    """Percentage points with a sign."""
    return NOTHING if value is None else signed(value)


def pp_with_error(value: float | None, error: float | None) -> str:
    """An estimate in percentage points with its standard error."""
    if value is None:
        return NOTHING
    return signed(value) if error is None else f"{signed(value)} (SE {error:.1f})"


def pp_interval(interval: tuple[float, float] | None) -> str:
    """An interval in percentage points."""
    return NOTHING if interval is None else f"[{signed(interval[0])}, {signed(interval[1])}]"


def r_squared(value: float | None) -> str:
    """A share of variance."""
    return NOTHING if value is None else f"{value:.3f}".removeprefix("0")


def rate_with_interval(interval: ProportionInterval) -> str:
    """A rate in percent with its interval."""
    return f"{percent(interval.estimate)} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def size(params_b: float | None) -> str:
    """A model size."""
    return "unknown" if params_b is None else size_words(params_b)


def sizes(params_b: Sequence[float]) -> str:
    """Model sizes, from the smallest up; many are shortened to their number and range."""
    if not params_b:
        return NOTHING
    if len(params_b) > SHOWN_SIZES:
        return f"{len(params_b)} from {size_words(params_b[0])} to {size_words(params_b[-1])}"
    return ", ".join(size_words(b) for b in params_b)


def size_range(params_b: Sequence[float]) -> str:
    """How many sizes, and from where to where."""
    if len(params_b) < 2:
        return sizes(params_b)
    return f"{len(params_b)}: {size_words(params_b[0])} to {size_words(params_b[-1])}"


def decades(value: float | None) -> str:
    """A spread of sizes in decades."""
    return NOTHING if value is None else f"{value:.2f}"


def yes_no(value: bool) -> str:
    """A truth value."""
    return "yes" if value else "no"
