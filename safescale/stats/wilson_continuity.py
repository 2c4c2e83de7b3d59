"""The Wilson interval with continuity correction: wider than Wilson's, seldom below its nominal coverage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from safescale.stats._domain import FloatVector, fraction, successes_of_trials, successes_of_trials_arrays
from safescale.stats.proportion import ProportionInterval, ProportionIntervals, proportion_intervals
from safescale.stats.wilson import wilson_bounds

__all__ = ["wilson_continuity_interval", "wilson_continuity_intervals"]


def wilson_continuity_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Wilson score interval with continuity correction for a binomial proportion.

    The rates p that a score test with Yates' correction does not reject, ``n (|phat - p| - 1/(2n))^2 = z^2 p (1 - p)``::

        low  = lower Wilson end of k - 1/2 successes      0 when k = 0
        high = upper Wilson end of k + 1/2 successes      1 when k = n

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
    It contains the Wilson interval. R's ``prop.test`` shrinks the correction to ``|k - n/2|`` where that is below 1/2: at
    ``k = n/2`` it prints the interval without correction.

    References
    ----------
    .. [1] R. G. Newcombe (1998), Statist. Med. 17, 857-872, method 4.

    Examples
    --------
    >>> from safescale.stats import wilson_continuity_interval
    >>> interval = wilson_continuity_interval(486, 487)
    >>> f"[{interval.low:.4f}, {interval.high:.4f}]"
    '[0.9868, 0.9999]'
    """
    k, n = successes_of_trials(successes, trials)
    level = fraction("level", level)
    low, high = _bounds(np.array([k], dtype=np.float64), np.array([n], dtype=np.float64), level)
    return ProportionInterval(
        estimate=k / n, low=float(low[0]), high=float(high[0]), successes=k, trials=n, level=level, method="wilson_continuity"
    )


def wilson_continuity_intervals(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95) -> ProportionIntervals:
    """
    Wilson score intervals with continuity correction of many cells at once, each as in `wilson_continuity_interval`.

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
    .. [1] R. G. Newcombe (1998), Statist. Med. 17, 857-872, method 4.

    Examples
    --------
    >>> from safescale.stats import wilson_continuity_intervals
    >>> wilson_continuity_intervals([0, 486], [32, 487]).low.round(3).tolist()
    [0.0, 0.987]
    """
    k, n = successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    low, high = _bounds(k.astype(np.float64), n.astype(np.float64), level)
    return proportion_intervals(k / n, low, high, k, n, level=level, method="wilson_continuity")


def _bounds(k: FloatVector, n: FloatVector, level: float) -> tuple[FloatVector, FloatVector]:
    estimate = k / n
    # half a success beyond 0 or n is none: the ends are 0 and 1 there
    low = wilson_bounds(np.maximum(k - 0.5, 0.0), n, level)[1]
    high = wilson_bounds(np.minimum(k + 0.5, n), n, level)[2]
    return np.minimum(low, estimate), np.maximum(high, estimate)
