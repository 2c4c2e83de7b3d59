"""The Clopper-Pearson interval: exact, therefore wide."""

from __future__ import annotations

import scipy

from safescale.stats._domain import fraction, successes_of_trials
from safescale.stats.proportion import ProportionInterval

__all__ = ["clopper_pearson_interval"]


def clopper_pearson_interval(successes: int, trials: int, *, level: float = 0.95) -> ProportionInterval:
    """
    Clopper-Pearson interval for a binomial proportion.

    The rates p for which neither binomial tail at k falls below ``a = (1 - level) / 2``::

        low  = BetaInv(a;     k, n - k + 1)      0 when k = 0
        high = BetaInv(1 - a; k + 1, n - k)      1 when k = n

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
    a = (1.0 - level) / 2.0
    low = 0.0 if k == 0 else float(scipy.special.betaincinv(k, n - k + 1, a))
    # the complement's inverse: 1 - a would lose the digits of a small a
    high = 1.0 if k == n else float(scipy.special.betainccinv(k + 1, n - k, a))
    return ProportionInterval(estimate=k / n, low=low, high=high, successes=k, trials=n, level=level, method="clopper_pearson")
