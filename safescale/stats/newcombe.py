"""Newcombe's hybrid score intervals for a difference of two proportions: independent, and on the same prompts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, IntVector, count, fraction, frozen
from safescale.stats._two_samples import two_cells, two_columns
from safescale.stats.difference import DifferenceInterval, DifferenceIntervals, PairedDifferenceInterval
from safescale.stats.wilson import wilson_interval, wilson_intervals

__all__ = ["newcombe_interval", "newcombe_intervals", "paired_newcombe_interval"]


def newcombe_interval(
    successes_1: int, trials_1: int, successes_2: int, trials_2: int, *, level: float = 0.95
) -> DifferenceInterval:
    """
    Newcombe's hybrid score interval for the difference ``p1 - p2`` of two independent proportions.

    With the Wilson limits ``l_i, u_i`` of each proportion::

        low  = (p1 - p2) - sqrt((p1 - l1)^2 + (u2 - p2)^2)
        high = (p1 - p2) + sqrt((u1 - p1)^2 + (p2 - l2)^2)

    The sign is the paper's, first minus second: for "larger minus smaller model" pass the larger model first.

    Parameters
    ----------
    successes_1, trials_1 : int
        Counts of the first sample, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : int
        Counts of the second sample. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    DifferenceInterval
        Shape: scalar. Unit: difference of fractions. ``-1 <= low <= estimate <= high <= 1``.

    Raises
    ------
    DomainError
        If any argument is outside the range above, or a count is a bool or a float.

    References
    ----------
    .. [1] R. G. Newcombe (1998), Statist. Med. 17, 873-890, method 10.

    Examples
    --------
    0 of 32 at 4B against 15 of 241 at 27B: the data allow a fall as well as a rise.

    >>> from safescale.stats import newcombe_interval
    >>> difference = newcombe_interval(15, 241, 0, 32)
    >>> f"{100 * difference.estimate:.1f} pp [{100 * difference.low:.1f}, {100 * difference.high:.1f}]"
    '6.2 pp [-4.8, 10.0]'
    """
    k1, n1, k2, n2 = two_cells(successes_1, trials_1, successes_2, trials_2)[0]
    level = fraction("level", level)
    columns = (np.array([whole], dtype=np.int64) for whole in (k1, n1, k2, n2))
    theta, low, high = (float(bound[0]) for bound in _newcombe_bounds(*columns, level=level))
    return DifferenceInterval(
        estimate=theta,
        low=low,
        high=high,
        successes_1=k1,
        trials_1=n1,
        successes_2=k2,
        trials_2=n2,
        level=level,
        method="newcombe",
    )


def newcombe_intervals(
    successes_1: npt.ArrayLike,
    trials_1: npt.ArrayLike,
    successes_2: npt.ArrayLike,
    trials_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> DifferenceIntervals:
    """
    Newcombe's hybrid score intervals of many pairs of cells at once, each as in `newcombe_interval`.

    Parameters
    ----------
    successes_1, trials_1 : array_like of int, shape (pairs,)
        Counts of the first samples, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : array_like of int, shape (pairs,)
        Counts of the second samples. Unit: traces.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    DifferenceIntervals
        Shape: ``(pairs,)`` per array. Unit: difference of fractions.

    Raises
    ------
    DomainError
        If a cell has no trials or more successes than trials, lengths differ, or there is no pair.

    References
    ----------
    .. [1] R. G. Newcombe (1998), Statist. Med. 17, 873-890, method 10.

    Examples
    --------
    >>> from safescale.stats import newcombe_intervals
    >>> newcombe_intervals([15, 92], [241, 617], [0, 5], [32, 39]).low.round(3).tolist()
    [-0.048, -0.12]
    """
    k1, n1, k2, n2 = two_columns(successes_1, trials_1, successes_2, trials_2)
    level = fraction("level", level)
    theta, low, high = _newcombe_bounds(k1, n1, k2, n2, level=level)
    return DifferenceIntervals(
        estimate=frozen(theta),
        low=frozen(low),
        high=frozen(high),
        successes_1=frozen(k1),
        trials_1=frozen(n1),
        successes_2=frozen(k2),
        trials_2=frozen(n2),
        level=level,
        method="newcombe",
    )


def _newcombe_bounds(
    k1: IntVector, n1: IntVector, k2: IntVector, n2: IntVector, *, level: float
) -> tuple[FloatVector, FloatVector, FloatVector]:
    first, second = wilson_intervals(k1, n1, level=level), wilson_intervals(k2, n2, level=level)
    p1, l1, u1 = first.estimate, first.low, first.high
    p2, l2, u2 = second.estimate, second.low, second.high
    theta: FloatVector = p1 - p2
    low = np.maximum(-1.0, theta - np.hypot(p1 - l1, u2 - p2))
    high = np.minimum(1.0, theta + np.hypot(u1 - p1, p2 - l2))
    return theta, low, high


def paired_newcombe_interval(n11: int, n10: int, n01: int, n00: int, *, level: float = 0.95) -> PairedDifferenceInterval:
    """
    Newcombe's score interval for the difference ``p1 - p2`` of two proportions on the same prompts.

    With ``p1 = (n11 + n10) / n``, ``p2 = (n11 + n01) / n``, their Wilson limits ``l_i, u_i`` and the correlation
    ``phi`` of the 2x2 table, corrected towards zero by ``n/2`` in its numerator where that is positive::

        low  = (p1 - p2) - sqrt((p1 - l1)^2 - 2 phi (p1 - l1) (u2 - p2) + (u2 - p2)^2)
        high = (p1 - p2) + sqrt((u1 - p1)^2 - 2 phi (u1 - p1) (p2 - l2) + (p2 - l2)^2)

    ``phi`` is 0 where a margin of the table is empty.

    Parameters
    ----------
    n11, n10, n01, n00 : int
        Prompts on which both models complied, only the first, only the second, neither. At least one in all. Unit:
        prompts.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    PairedDifferenceInterval
        Shape: scalar. Unit: difference of fractions. ``-1 <= low <= estimate <= high <= 1``.

    Raises
    ------
    DomainError
        If a count is negative, a bool or a float, or all four are zero.

    References
    ----------
    .. [1] R. G. Newcombe (1998), Statist. Med. 17, 2635-2650, method 10.

    Examples
    --------
    The worked example of the paper, 36, 12, 2 and 0 pairs:

    >>> from safescale.stats import paired_newcombe_interval
    >>> difference = paired_newcombe_interval(36, 12, 2, 0)
    >>> f"{difference.estimate:.4f} [{difference.low:.4f}, {difference.high:.4f}]"
    '0.2000 [0.0569, 0.3404]'
    """
    e, f, g, h = count("n11", n11), count("n10", n10), count("n01", n01), count("n00", n00)
    n = e + f + g + h
    if n == 0:
        raise DomainError("n11, n10, n01 and n00 are all 0; without common prompts use newcombe_interval")
    level = fraction("level", level)
    first, second = wilson_interval(e + f, n, level=level), wilson_interval(e + g, n, level=level)
    phi = _corrected_phi(e, f, g, h)
    theta = (f - g) / n
    below = _combine(first.estimate - first.low, second.high - second.estimate, phi)
    above = _combine(first.high - first.estimate, second.estimate - second.low, phi)
    return PairedDifferenceInterval(
        estimate=theta,
        low=max(-1.0, theta - below),
        high=min(1.0, theta + above),
        n11=e,
        n10=f,
        n01=g,
        n00=h,
        level=level,
        method="paired_newcombe",
    )


def _corrected_phi(e: int, f: int, g: int, h: int) -> float:
    margins = (e + f) * (g + h) * (e + g) * (f + h)
    if margins == 0:
        return 0.0
    agreement = float(e * h - f * g)
    if agreement > 0:
        agreement = max(agreement - (e + f + g + h) / 2, 0.0)
    return agreement / math.sqrt(margins)


def _combine(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))
