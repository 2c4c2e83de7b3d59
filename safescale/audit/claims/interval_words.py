"""Computed intervals, counts and runs of n for readers."""

from __future__ import annotations

from typing import Final

from safescale.audit.claims.interval_search import Fit
from safescale.audit.claims.share_reading import Reading

__all__ = ["NEAR_PP", "count_words", "interval_text", "list_words", "near_words"]

NEAR_PP: Final = 0.2
"""A nearest count whose interval is within this is called near. Unit: percentage points."""


def interval_text(fit: Fit, reading: Reading, more: int) -> str:
    """A computed interval on the scale and with the decimals of the printed one."""
    printed = reading.claim.interval
    figure = None if printed is None else (printed.high or printed.above)
    own = None if reading.interval is None else (reading.interval.high or reading.interval.above)
    if figure is None or own is None:
        return f"[{100 * fit.low:.1f}, {100 * fit.high:.1f}] %"
    scale = 100 if own.unit_in_last_place != figure.unit_in_last_place else 1
    return f"[{figure.like(scale * fit.low, more=more)}, {figure.like(scale * fit.high, more=more)}]"


def near_words(nearest: Fit, shown: str, apart: float) -> str:
    """How far the nearest count's interval is from the printed one."""
    kind = "near" if apart <= NEAR_PP / 100 else "the nearest"
    return f"{kind} is {nearest.k:,}/{nearest.n:,} with {shown}, {100 * apart:.2f} pp away"


def count_words(ks: list[int]) -> str:
    """One count, a run of them, or a list."""
    if len(ks) == 1:
        return f"k = {ks[0]:,}"
    return f"k = {ks[0]:,} to {ks[-1]:,}" if ks[-1] - ks[0] == len(ks) - 1 else f"k = {list_words(ks)}"


def list_words(numbers: list[int]) -> str:
    """``290, 295`` and runs as ``232-233``; many are shortened."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]:,}" if len(run) == 1 else f"{run[0]:,}-{run[-1]:,}" for run in runs]
    return ", ".join(shown) if len(shown) <= 6 else f"{', '.join(shown[:3])} ... {shown[-1]}"
