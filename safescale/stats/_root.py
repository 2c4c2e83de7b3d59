"""One zero of an increasing function per cell: Newton's steps, kept inside a bracket that halves when they do not help."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from safescale.stats._domain import FloatVector

_EPSILON = float(np.finfo(np.float64).eps)
# Newton needs four to eight; halving alone needs about sixty
_MOST_STEPS = 200


def increasing_root(
    value_and_slope: Callable[[FloatVector], tuple[FloatVector, FloatVector]],
    low: FloatVector,
    high: FloatVector,
    *,
    absolute: float = 0.0,
) -> FloatVector:
    """
    Where an increasing function crosses zero, per cell, to the last digits.

    The caller vouches that the value is at most 0 at ``low`` and at least 0 at ``high``; neither end is evaluated
    unless a step lands there. A Newton step is taken when it is at most half the step before, else the bracket is
    halved, so flat stretches, kinks and zeros at an end do no harm.
    """
    low, high = low.copy(), high.copy()
    x = low + 0.5 * (high - low)
    before = 2.0 * (high - low)
    done = low == high
    for _ in range(_MOST_STEPS):
        if done.all():
            break
        value, slope = value_and_slope(x)
        np.copyto(low, x, where=value < 0)
        np.copyto(high, x, where=value >= 0)
        tolerance = 4 * _EPSILON * np.abs(x) + absolute
        steep = slope > 0
        with np.errstate(over="ignore"):  # a slope near 0 asks for an endless step: the clip ends it
            newton = np.clip(x - np.divide(value, slope, out=np.zeros_like(x), where=steep), low, high)
        helps = steep & (np.abs(newton - x) <= np.maximum(0.5 * before, 2 * tolerance))
        after = np.where(helps, newton, low + 0.5 * (high - low))
        after = np.where(done, x, after)
        before = np.abs(after - x)
        done |= before <= tolerance
        x = after
    return x
