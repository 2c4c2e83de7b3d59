"""What every plan shares: the smallest number that is enough, and the numbers around it that a curve shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from safescale.errors import DomainError
from safescale.stats._domain import IntVector, choice, fraction
from safescale.stats._slope_noise import target_power
from safescale.stats.fisher import ALTERNATIVES, Alternative

# beyond these no study goes; the search stops and says so
MAX_MODELS = 100_000
MAX_PROMPTS = 10_000_000
_CURVE_POINTS = 21


def asked(slope: float, power: float, alpha: float, alternative: Alternative) -> tuple[float, float]:
    """Level and power, of a test that looks where the slope is."""
    choice("alternative", alternative, ALTERNATIVES)
    level = fraction("alpha", alpha)
    if (alternative == "greater" and slope < 0) or (alternative == "less" and slope > 0):
        raise DomainError(
            f"a test for {alternative!r} never finds a slope of {100 * slope:+g} pp per decade; turn one of them round"
        )
    return level, target_power(power, level)


def smallest(enough: Callable[[int], bool], *, lowest: int, highest: int) -> int | None:
    """The smallest number in ``lowest..highest`` that is enough, where every larger one is too; None where none is."""
    if not enough(highest):
        return None
    below, above = lowest - 1, lowest
    while above < highest and not enough(above):
        below, above = above, min(2 * above, highest)
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above


def around(answer: int | None, *, lowest: int, highest: int) -> IntVector:
    """Numbers from a third of the answer to three times it, even on a log scale, with the answer and its neighbours."""
    if answer is None:
        return np.unique(np.geomspace(lowest, highest, _CURVE_POINTS).round().astype(np.int64))
    grid = np.geomspace(max(lowest, answer / 3), 3 * answer, _CURVE_POINTS).round().astype(np.int64)
    return np.unique(np.clip(np.concatenate([grid, [answer - 1, answer, answer + 1]]), lowest, highest))
