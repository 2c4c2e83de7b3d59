"""The Jeffreys interval: equal tails of the Beta posterior under the Jeffreys prior, with its ends at 0 and n."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._domain import FloatVector, fraction, successes_of_trials, successes_of_trials_arrays
from safescale.stats.proportion import ProportionInterval, ProportionIntervals, proportion_intervals

__all__ = ["jeffreys_interval", "jeffreys_intervals"]


def jeffreys_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Jeffreys interval for a binomial proportion.

    The equal-tailed interval of the posterior ``Beta(k + 1/2, n - k + 1/2)`` with ``a = (1 - level) / 2``::

        low  = BetaInv(a;     k + 1/2, n - k + 1/2)      0 when k = 0
        high = BetaInv(1 - a; k + 1/2, n - k + 1/2)      1 when k = n

    Parameters
    ----------
    successes : int
        Number of successes k, ``0 <= k <= n``. Unit: traces.
    trials : int
        Number of trials n, ``n >= 1``. Unit: traces.
    level : float, default 0.95
        Posterior probability, and nominal coverage on average over p; strictly between 0 and 1. Unit: probability.

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
    Boundary convention, as Brown, Cai and DasGupta state it: low is 0 at k = 0 and high is 1 at k = n, where the equal
    tails alone would exclude what was observed; without it coverage falls to 0 as p nears 0 or 1. The other end keeps
    its tail a. Their further change at k = 1 and k = n - 1 (the "modified" Jeffreys interval) is not made. At levels
    below about one half the equal tails can miss k/n; the near end is then k/n.

    References
    ----------
    .. [1] L. D. Brown, T. T. Cai, A. DasGupta (2001), Statist. Sci. 16, 101-133, section 3.1.3.

    Examples
    --------
    >>> from safescale.stats import jeffreys_interval
    >>> interval = jeffreys_interval(0, 32)
    >>> f"[{interval.low:.3f}, {interval.high:.3f}]"
    '[0.000, 0.075]'
    """
    k, n = successes_of_trials(successes, trials)
    level = fraction("level", level)
    low, high = _jeffreys_bounds(np.array([k], dtype=np.float64), np.array([n], dtype=np.float64), level)
    return ProportionInterval(
        estimate=k / n, low=float(low[0]), high=float(high[0]), successes=k, trials=n, level=level, method="jeffreys"
    )


def jeffreys_intervals(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95) -> ProportionIntervals:
    """
    Jeffreys intervals of many cells at once, each as in `jeffreys_interval`.

    Parameters
    ----------
    successes : array_like of int, shape (cells,)
        Successes per cell. Unit: traces.
    trials : array_like of int, shape (cells,)
        Trials per cell, at least 1. Unit: traces.
    level : float, default 0.95
        Posterior probability of each interval, strictly between 0 and 1. Unit: probability.

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
    .. [1] L. D. Brown, T. T. Cai, A. DasGupta (2001), Statist. Sci. 16, 101-133, section 3.1.3.

    Examples
    --------
    >>> from safescale.stats import jeffreys_intervals
    >>> jeffreys_intervals([0, 15], [32, 241]).high.round(3).tolist()
    [0.075, 0.098]
    """
    k, n = successes_of_trials_arrays(successes, trials)
    level = fraction("level", level)
    low, high = _jeffreys_bounds(k.astype(np.float64), n.astype(np.float64), level)
    return proportion_intervals(k / n, low, high, k, n, level=level, method="jeffreys")


def _jeffreys_bounds(k: FloatVector, n: FloatVector, level: float) -> tuple[FloatVector, FloatVector]:
    a = (1.0 - level) / 2.0
    estimate = k / n
    low = np.where(k == 0, 0.0, scipy.special.betaincinv(k + 0.5, n - k + 0.5, a))
    # the complement's inverse: 1 - a would lose the digits of a small a
    high = np.where(k == n, 1.0, scipy.special.betainccinv(k + 0.5, n - k + 0.5, a))
    return np.minimum(low, estimate), np.maximum(high, estimate)
