"""How likely it is that something suspicious is luck."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

__all__ = ["log_coincidence"]

Floats = npt.NDArray[np.float64]

_EXACT_BELOW: Final = 10.0
"""Variance of a count up to which its distribution is built term by term; above, the normal density is closer than 1 %."""


def log_coincidence(unusual: npt.NDArray[np.bool_], odds: Floats) -> float:
    """
    Log probability that a second model is off its usual verdict on exactly these prompts, given on how many.

    Under independence with the same odds up to a factor of the model (a Rasch model), the set S of m prompts has the probability
    ``prod_{j in S} w_j / e_m(w)`` with the elementary symmetric polynomial e_m: the factor of the model cancels.

    Parameters
    ----------
    unusual : ndarray of bool, shape (rows,)
        Which rows hold the unusual verdict.
    odds : ndarray of float, shape (rows,)
        Odds w of the unusual verdict by row, above 0.

    Returns
    -------
    float
        Natural logarithm of a probability.

    References
    ----------
    .. [1] G. Rasch (1960), Probabilistic Models for Some Intelligence and Attainment Tests, ch. X.

    Examples
    --------
    One prompt of four, all alike:

    >>> f"{np.exp(log_coincidence(np.array([True, False, False, False]), np.ones(4))):.2f}"
    '0.25'
    """
    m, n = int(unusual.sum()), int(unusual.size)
    if m in (0, n):
        return 0.0
    log_w = np.log(odds)

    def excess(shift: float) -> float:
        return float((1.0 / (1.0 + np.exp(-(log_w + shift)))).sum() - m)

    span = 60.0 + float(np.abs(log_w).max())
    shift = float(brentq(excess, -span, span))
    p = 1.0 / (1.0 + np.exp(-(log_w + shift)))
    this_set = float(np.log(p[unusual]).sum() + np.log1p(-p[~unusual]).sum())
    variance = float((p * (1.0 - p)).sum())
    if variance > _EXACT_BELOW:
        return this_set + 0.5 * float(np.log(2.0 * np.pi * variance))
    count = np.zeros(m + 1)
    count[0] = 1.0
    for each in p:
        count[1:] = count[1:] * (1.0 - each) + count[:-1] * each
        count[0] *= 1.0 - each
    return this_set - float(np.log(count[m]))
