"""The Clopper-Pearson interval: exact, therefore wide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._domain import FloatVector, fraction, successes_of_trials, successes_of_trials_arrays
from safescale.stats.proportion import ProportionInterval, ProportionIntervals, proportion_intervals

__all__ = ["clopper_pearson_interval", "clopper_pearson_intervals"]


def clopper_pearson_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Clopper-Pearson interval for a binomial proportion.

    The rates p for which neither binomial tail at k falls below ``a = (1 - level) / 2``::

        low  = BetaInv(a;     k, n - k + 1)      0 when k = 0,  a^(1/n)     when k = n
        high = BetaInv(1 - a; k + 1, n - k)      1 when k = n,  1 - a^(1/n) when k = 0

    Parameters
    ----------
    successes : int
        Number of successes k, ``0 <= k <= n``. Unit: traces.
    trials : int
        Number of trials n, ``n >= 1``. Unit: traces.
    level : float, default 0.95
        Smallest coverage over all p, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ProportionInterval
        Shape: scalar. Unit: fraction. ``0 <= low <= estimate <= high <= 1``.

    Raises
    ------
    DomainError
        If any argument is outside the range above, or a count is a bool or a float.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson (1934), Biometrika 26, 404-413.

    Examples
    --------
    The interval that a published table printed under the name of Wilson:

    >>> from safescale.stats import clopper_pearson_interval
    >>> interval = clopper_pearson_interval(486, 487)
    >>> f"[{interval.low:.3f}, {interval.high:.3f}]"
    '[0.989, 1.000]'
    """
    k, n = successes_of_trials(successes, trials)
    level = fraction("level", level)
    low, high = _clopper_pearson_bounds(np.array([k], dtype=np.float64), np.array([n], dtype=np.float64), level)
    return ProportionInterval(
        estimate=k / n, low=float(low[0]), high=float(high[0]), successes=k, trials=n, level=level, method="clopper_pearson"
    )


def clopper_pearson_intervals(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95) -> ProportionIntervals:
    """
    Clopper-Pearson intervals of many cells at once, each as in `clopper_pearson_interval`.

    Parameters
    ----------
    successes : array_like of int, shape (cells,)
        Successes per cell. Unit: traces.
    trials : array_like of int, shape (cells,)
        Trials per cell, at least 1. Unit: traces.
    level : float, default 0.95
        Smallest coverage of each interval, strictly between 0 and 1. Unit: probability.

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
    .. [1] C. J. Clopper, E. S. Pearson (1934), Biometrika 26, 404-413.

    Examples
    --------
    >>> from safescale.stats import clopper_pearson_intervals
    >>> clopper_pearson_intervals([0, 486], [32, 487]).low.round(3).tolist()
    [0.0, 0.989]
    """
    k, n = successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    low, high = _clopper_pearson_bounds(k.astype(np.float64), n.astype(np.float64), level)
    return proportion_intervals(k / n, low, high, k, n, level=level, method="clopper_pearson")


def _clopper_pearson_bounds(k: FloatVector, n: FloatVector, level: float) -> tuple[FloatVector, FloatVector]:
    a = (1.0 - level) / 2.0
    empty, full = k == 0, k == n
    # where a shape would be 0 the inverse is not defined: those cells have closed forms
    low = scipy.special.betaincinv(np.where(empty, 1.0, k), n - k + 1, a)
    low = np.where(empty, 0.0, np.where(full, np.exp(np.log(a) / n), low))
    # the complement's inverse: 1 - a would lose the digits of a small a
    high = scipy.special.betainccinv(k + 1, np.where(full, 1.0, n - k), a)
    high = np.where(full, 1.0, np.where(empty, -np.expm1(np.log(a) / n), high))
    estimate = k / n
    return np.minimum(low, estimate), np.maximum(high, estimate)
