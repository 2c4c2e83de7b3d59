"""A small L-BFGS in single precision: scipy's spends most of its time on bounds that nothing here has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["descend"]

_Single = npt.NDArray[np.float32]
_MEMORY: Final = 8
_ARMIJO: Final = 1e-4


def descend(loss: Callable[[_Single], tuple[float, _Single]], start: _Single, *, steps: int) -> _Single:
    """
    Point after some steps of L-BFGS with backtracking (Nocedal & Wright, Numerical Optimization, algorithm 7.5).

    Parameters
    ----------
    loss : callable
        Point (d,) to value and gradient (d,).
    start : array
        (d,).
    steps : int
        Steps at most; fewer when no step lowers the loss.

    Returns
    -------
    array
        (d,).
    """
    point = start
    value, slope = loss(point)
    memory: deque[tuple[_Single, _Single, float]] = deque(maxlen=_MEMORY)
    for step in range(steps):
        direction = -_inverse_hessian_times(slope, memory)
        gain = float(direction @ slope)
        if gain >= 0:
            break
        length = 1.0 if step else min(1.0, 1.0 / float(np.sqrt(slope @ slope)))
        for _ in range(20):
            moved = (point + np.float32(length) * direction).astype(np.float32)
            new_value, new_slope = loss(moved)
            if new_value <= value + _ARMIJO * length * gain:
                break
            length /= 2
        else:
            break
        s, y = moved - point, new_slope - slope
        curvature = float(s @ y)
        if curvature > 1e-12:
            memory.append((s, y, curvature))
        point, value, slope = moved, new_value, new_slope
    return point


def _inverse_hessian_times(vector: _Single, memory: deque[tuple[_Single, _Single, float]]) -> _Single:
    q = vector.copy()
    shares = []
    for s, y, curvature in reversed(memory):
        share = np.float32(float(s @ q) / curvature)
        shares.append(share)
        q -= share * y
    if memory:
        _, y, curvature = memory[-1]
        q *= np.float32(curvature / float(y @ y))
    for (s, y, curvature), share in zip(memory, reversed(shares), strict=True):
        q += (share - np.float32(float(y @ q) / curvature)) * s
    return q
