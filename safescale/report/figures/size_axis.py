"""The axis of model size, on a log scale, as every figure has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses.words import size_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["size_span", "size_ticks"]

NICE_SIZES: Final = (
    *(1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    *(1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0),
)


def size_span(params_b: Sequence[float]) -> tuple[float, float]:
    """Ends of the axis, as log10 of billions of parameters, with room beside the outermost sizes."""
    low, high = math.log10(min(params_b)), math.log10(max(params_b))
    room = max(0.07 * (high - low), 0.12)
    return low - room, high + room


def size_ticks(axis: Axes, params_b: Sequence[float], span: tuple[float, float]) -> None:
    """Round sizes where two of them are in sight, else the sizes themselves; x holds log10 of billions of parameters."""
    sizes = sorted(set(params_b))
    ticks = [b for b in NICE_SIZES if span[0] <= math.log10(b) <= span[1]]
    if len(ticks) < 2:
        ticks = sizes if len(sizes) <= 4 else [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
    axis.set_xticks([math.log10(b) for b in ticks], [size_words(b) for b in ticks])
    axis.set_xlim(*span)
