"""The Agresti-Coull interval: Wald's formula around the Wilson midpoint, clipped to [0, 1]."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from safescale.stats._domain import FloatVector, fraction, successes_of_trials, successes_of_trials_arrays
from safescale.stats.proportion import ProportionInterval, ProportionIntervals, proportion_intervals, squared_normal_quantile

__all__ = ["agresti_coull_interval", "agresti_coull_intervals"]


def agresti_coull_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Agresti-Coull interval for a binomial proportion, clipped to [0, 1].

    With ``n' = n + z^2`` and ``p' = (k + z^2/2) / n'``, the midpoint of Wilson's interval::

        low  = max(0, p' - z sqrt(p' (1 - p') / n'))
        high = min(1, p' + z sqrt(p' (1 - p') / n'))

    It contains the Wilson interval. ``estimate`` is k/n, not p'.

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
    The unclipped formula leaves [0, 1] near k = 0 and k = n; the part outside is cut off. z is the normal quantile of
    the level, not the 2 of "add two successes and two failures". The lower end is computed as
    ``p' (k - z^2/2 + z^2 p') / (n' (p' + z sqrt(p' (1 - p') / n')))``, which does not subtract nearly equal numbers.

    References
    ----------
    .. [1] A. Agresti, B. A. Coull (1998), Amer. Statist. 52, 119-126.
    .. [2] L. D. Brown, T. T. Cai, A. DasGupta (2001), Statist. Sci. 16, 101-133, section 3.1.2.

    Examples
    --------
    >>> from safescale.stats import agresti_coull_interval
    >>> interval = agresti_coull_interval(0, 32)
    >>> f"[{interval.low:.3f}, {interval.high:.3f}]"
    '[0.000, 0.127]'
    """
    k, n = successes_of_trials(successes, trials)
    level = fraction("level", level)
    low, high = _agresti_coull_bounds(np.array([k], dtype=np.float64), np.array([n], dtype=np.float64), level)
    return ProportionInterval(
        estimate=k / n, low=float(low[0]), high=float(high[0]), successes=k, trials=n, level=level, method="agresti_coull"
    )


def agresti_coull_intervals(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95) -> ProportionIntervals:
    """
    Agresti-Coull intervals of many cells at once, each clipped to [0, 1] as in `agresti_coull_interval`.

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
    .. [1] A. Agresti, B. A. Coull (1998), Amer. Statist. 52, 119-126.

    Examples
    --------
    >>> from safescale.stats import agresti_coull_intervals
    >>> agresti_coull_intervals([0, 15], [32, 241]).high.round(3).tolist()
    [0.127, 0.101]
    """
    k, n = successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    low, high = _agresti_coull_bounds(k.astype(np.float64), n.astype(np.float64), level)
    return proportion_intervals(k / n, low, high, k, n, level=level, method="agresti_coull")


def _agresti_coull_bounds(k: FloatVector, n: FloatVector, level: float) -> tuple[FloatVector, FloatVector]:
    z2 = squared_normal_quantile(level)
    estimate, mirrored = k / n, n - k
    low, high_of_few = _ends(k, n, z2)
    high_of_many = 1.0 - _ends(mirrored, n, z2)[0]
    return np.minimum(low, estimate), np.maximum(np.where(k <= mirrored, high_of_few, high_of_many), estimate)


def _ends(k: FloatVector, n: FloatVector, z2: float) -> tuple[FloatVector, FloatVector]:
    total = n + z2
    p = (k + z2 / 2) / total
    q = (n - k + z2 / 2) / total
    high = p + np.sqrt(z2 * p * q / total)
    low = p * (k - z2 / 2 + z2 * p) / (total * high)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)
