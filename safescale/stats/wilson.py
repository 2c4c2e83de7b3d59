"""The Wilson score interval, in the form that loses no digits at 0, at n and for huge n."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._domain import FloatVector, fraction, frozen, successes_of_trials
from safescale.stats._domain import successes_of_trials_arrays as _successes_of_trials_arrays
from safescale.stats.proportion import ProportionInterval, ProportionIntervals

__all__ = ["wilson_interval", "wilson_intervals"]


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Wilson score interval for a binomial proportion.

    The rates p that a score test does not reject: the roots of ``n (phat - p)^2 = z^2 p (1 - p)``, in the form::

        low  = (k^2 / n) / (k + z^2/2 + z sqrt(k (n - k) / n + z^2/4))
        high = (k + z^2/2 + z sqrt(k (n - k) / n + z^2/4)) / (n + z^2)      for k <= n/2
        high = 1 - low(n - k)                                               for k > n/2

    which subtracts no two nearly equal numbers.

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
    low, high = _wilson_bounds(np.array([k], dtype=np.float64), np.array([n], dtype=np.float64), level)
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
    k, n = _successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    low, high = _wilson_bounds(k.astype(np.float64), n.astype(np.float64), level)
    return ProportionIntervals(
        estimate=frozen(k / n),
        low=frozen(low),
        high=frozen(high),
        successes=frozen(k),
        trials=frozen(n),
        level=level,
        method="wilson",
    )


def _wilson_bounds(k: FloatVector, n: FloatVector, level: float) -> tuple[FloatVector, FloatVector]:
    # -ndtri(small) keeps the digits that ndtri(1 - small) loses for levels near 1
    z2 = float(scipy.special.ndtri((1.0 - level) / 2.0)) ** 2
    spread = np.sqrt(z2 * (k * ((n - k) / n) + z2 / 4))
    mirrored = n - k
    low = k * (k / n) / (k + z2 / 2 + spread)
    high_of_few = (k + z2 / 2 + spread) / (n + z2)
    high_of_many = 1.0 - mirrored * (mirrored / n) / (mirrored + z2 / 2 + spread)
    estimate = k / n
    # the last bit may fall on the wrong side of k/n when n dwarfs z^2; the order of the three is a promise
    return np.minimum(low, estimate), np.maximum(np.where(2 * k <= n, high_of_few, high_of_many), estimate)
