"""The Wilson score interval, in the form that loses no digits at 0, at n and for huge n."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from safescale.stats._domain import FloatVector, IntVector, fraction, successes_of_trials, successes_of_trials_arrays
from safescale.stats.proportion import ProportionInterval, ProportionIntervals, proportion_intervals, squared_normal_quantile

__all__ = ["wilson_interval", "wilson_intervals"]

# cells worked on at a time: eight vectors of this length fit a core's second cache
_BLOCK = 8192


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Wilson score interval for a binomial proportion.

    The rates p that a score test does not reject: the roots of ``n (phat - p)^2 = z^2 p (1 - p)``, in the form::

        G    = (z/2 + sqrt(k (n - k) / n + z^2/4))^2
        low  = (k^2 / n) / (k^2 / n + G)
        high = G / (G + (n - k)^2 / n)

    which subtracts nothing: the odds of the two ends are ``k^2 / (n G)`` and ``n G / (n - k)^2``, as symmetric about
    those of k/n as the roots are.

    Parameters
    ----------
    successes : int
        Number of successes k, ``0 <= k <= n``. Unit: traces.
    trials : int
        Number of trials n, ``n >= 1``. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ProportionInterval
        Shape: scalar. Unit: fraction. ``0 <= low <= estimate <= high <= 1``.

    Raises
    ------
    DomainError
        If any argument is outside the range above, or a count is a bool or a float.

    Notes
    -----
    The trials are taken as independent. Rows that share a prompt are not; the interval is then too narrow.

    References
    ----------
    .. [1] E. B. Wilson (1927), J. Amer. Statist. Assoc. 22, 209-212.
    .. [2] R. G. Newcombe (1998), Statist. Med. 17, 857-872, method 3.

    Examples
    --------
    Nothing observed in 32 traces is not the same as nothing there:

    >>> from safescale.stats import wilson_interval
    >>> f"{wilson_interval(0, 32).high:.3f}"
    '0.107'
    """
    k, n = successes_of_trials(successes, trials)
    level = fraction("level", level)
    _, low, high = wilson_bounds(np.array([k], dtype=np.float64), np.array([n], dtype=np.float64), level)
    return ProportionInterval(
        estimate=k / n, low=float(low[0]), high=float(high[0]), successes=k, trials=n, level=level, method="wilson"
    )


def wilson_intervals(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95) -> ProportionIntervals:
    """
    Wilson score intervals of many cells at once, each as in `wilson_interval`.

    Parameters
    ----------
    successes : array_like of int, shape (cells,)
        Successes per cell. Unit: traces.
    trials : array_like of int, shape (cells,)
        Trials per cell, at least 1. Unit: traces.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ProportionIntervals
        Shape: ``(cells,)`` per array. Unit: fraction.

    Raises
    ------
    DomainError
        If a cell has no trials or more successes than trials, lengths differ, or there is no cell.

    References
    ----------
    .. [1] E. B. Wilson (1927), J. Amer. Statist. Assoc. 22, 209-212.

    Examples
    --------
    >>> from safescale.stats import wilson_intervals
    >>> wilson_intervals([0, 15], [32, 241]).high.round(3).tolist()
    [0.107, 0.1]
    """
    k, n = successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    estimate, low, high = wilson_bounds(k, n, level)
    return proportion_intervals(estimate, low, high, k, n, level=level, method="wilson")


def wilson_bounds(k: FloatVector | IntVector, n: FloatVector | IntVector, level: float) -> tuple[FloatVector, ...]:
    """Estimate, low and high per cell, one block at a time: what a block needs stays in the cache."""
    z2 = squared_normal_quantile(level)
    cells = len(k)
    estimate, low, high = np.empty((3, cells))
    scratch = np.empty((5, min(cells, _BLOCK)))
    for start in range(0, cells, _BLOCK):
        block = slice(start, start + _BLOCK)
        _wilson_block(k[block], n[block], z2, estimate[block], low[block], high[block], scratch[:, : len(k[block])])
    return estimate, low, high


def _wilson_block(
    successes: FloatVector | IntVector,
    trials: FloatVector | IntVector,
    z2: float,
    estimate: FloatVector,
    low: FloatVector,
    high: FloatVector,
    scratch: FloatVector,
) -> None:
    """Fill the three outputs in place; each line of the comments is a line of the formula in `wilson_interval`."""
    k, n, m, g, part = scratch
    k[:], n[:] = successes, trials
    np.divide(k, n, out=estimate)
    np.subtract(n, k, out=m)
    # G = (z/2 + sqrt(k (n - k) / n + z^2/4))^2
    np.multiply(m, estimate, out=g)
    g += z2 / 4
    np.sqrt(g, out=g)
    g += math.sqrt(z2) / 2
    g *= g
    # low = (k^2 / n) / (k^2 / n + G); k^2 alone would overflow for absurd n
    k *= estimate
    np.add(k, g, out=part)
    np.divide(k, part, out=low)
    # high = G / (G + (n - k)^2 / n)
    np.divide(m, n, out=part)
    part *= m
    part += g
    np.divide(g, part, out=high)
    # the last bit may fall on the wrong side of k/n when n dwarfs z^2; the order of the three is a promise
    np.minimum(low, estimate, out=low)
    np.maximum(high, estimate, out=high)
