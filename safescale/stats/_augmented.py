"""
Least squares to the last digit: refinement of solution and residual together, in doubled precision.

The augmented system ``r + X b = y, X' r = 0`` is refined with its two residuals computed from exact products and sums (Dekker,
Knuth). Refining b alone cannot do this: where residuals are large, its error grows with the square of the condition number
(Björck 1967; Higham 2002, section 20.5). That r itself is rounded does no harm: both residuals see the same rounding.
"""

from __future__ import annotations

import numpy as np

from safescale.stats._domain import FloatVector

__all__ = ["refined"]

_SPLITTER = 134217729.0  # 2^27 + 1: cuts a float into two halves of 26 bits
_MOST_STEPS = 10
_LAST_DIGIT = 1e-17


def refined(
    design: FloatVector, response: FloatVector, q: FloatVector, r: FloatVector, b: FloatVector
) -> tuple[FloatVector, FloatVector]:
    """
    Coefficients and residuals of ``min |y - X b|`` as the exact ones of these floats would round.

    Parameters
    ----------
    design : ndarray of float, shape (rows, columns)
        X; columns of about one length, which the caller has scaled by powers of two.
    response : ndarray of float, shape (rows,)
        y.
    q, r : ndarray of float
        ``X = Q R``.
    b : ndarray of float, shape (columns,)
        A first solution.
    """
    rest, before = response - design @ b, np.inf
    for _ in range(_MOST_STEPS):
        gap, gap_low = _two_sum(response, -rest)
        slant = np.empty_like(b)
        for j, column in enumerate(design.T):
            product, error = _two_product(column, b[j])
            gap, lost = _two_sum(gap, -product)
            gap_low = gap_low + (lost - error)
            slant[j] = -_total(*_two_product(column, rest))
        gap = gap + gap_low
        inside = q.T @ gap - np.linalg.solve(r.T, slant)
        step = np.asarray(np.linalg.solve(r, inside), dtype=np.float64)
        b, rest = b + step, rest + (gap - q @ inside)
        size = float(np.abs(step).max())
        if size <= _LAST_DIGIT * float(np.abs(b).max()) or size > 0.5 * before:
            break
        before = size
    return b, rest


def _two_sum(a: FloatVector, b: FloatVector) -> tuple[FloatVector, FloatVector]:
    """The sum as a float, and what it lost."""
    s = a + b
    part = s - a
    return s, (a - (s - part)) + (b - part)


def _two_product(a: FloatVector, b: FloatVector) -> tuple[FloatVector, FloatVector]:
    """The product as a float, and what it lost."""
    p = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: FloatVector) -> tuple[FloatVector, FloatVector]:
    cut = _SPLITTER * a
    high = cut - (cut - a)
    return high, a - high


def _total(values: FloatVector, errors: FloatVector) -> float:
    """Sum of ``values + errors``, pairs added in a tree with what each sum loses."""
    lost = float(errors.sum())
    while len(values) > 1:
        half = (len(values) + 1) // 2
        rest = values[half:]
        top, gone = _two_sum(values[: len(rest)], rest)
        lost += float(gone.sum())
        values = np.concatenate([top, values[len(rest) : half]])
    return float(values[0]) + lost
