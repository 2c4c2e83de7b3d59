"""The odds ratio of two independent proportions: conditional with its exact interval, or as sampled with Woolf's."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

import attrs
import numpy as np

from safescale.stats._domain import FloatVector, choice, fraction
from safescale.stats._hypergeometric import tables
from safescale.stats._root import increasing_root
from safescale.stats._two_samples import squared_quantile, two_cells

__all__ = ["OddsRatioInterval", "OddsRatioMethod", "odds_ratio"]

OddsRatioMethod: TypeAlias = Literal["conditional", "woolf"]

# digits of the log of a ratio: what a float can hold of it near 0
_DIGITS = 1e-15


@attrs.frozen(kw_only=True)
class OddsRatioInterval:
    """
    The odds ratio of two independent proportions with its two-sided interval.

    Attributes
    ----------
    estimate : float or None
        Odds of success in the first sample over those in the second, at least 0. None where infinite or undefined.
    low : float or None
        Lower limit, at least 0. None where the method has no interval.
    high : float or None
        Upper limit. None where there is none: with ``low`` a number, every larger ratio is compatible with the data
        (the limit is infinite); with ``low`` None, the method has no interval.
    undefined_because : str or None
        Why something is None, and the next step.
    successes_1, trials_1, successes_2, trials_2 : int
        The counts that were given.
    level : float
        Nominal coverage.
    method : {"conditional", "woolf"}
        How estimate and interval were made.
    generalises_to : {"these_models"}
        The trials replicate, the two models do not.
    """

    estimate: float | None
    low: float | None
    high: float | None
    undefined_because: str | None
    successes_1: int
    trials_1: int
    successes_2: int
    trials_2: int
    level: float
    method: OddsRatioMethod
    generalises_to: Literal["these_models"] = "these_models"


def odds_ratio(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    *,
    level: float = 0.95,
    method: OddsRatioMethod = "conditional",
) -> OddsRatioInterval:
    """
    Odds ratio of two independent proportions with its interval.

    "conditional": given both margins, the first count j has Fisher's non-central hypergeometric distribution, ``P(j)``
    proportional to ``C(n1, j) C(n2, K - j) r^j`` with ``K = k1 + k2``. The estimate is the r that makes ``E(j) = k1``;
    the limits put ``(1 - level) / 2`` into each tail::

        P(j >= k1 | low) = P(j <= k1 | high) = (1 - level) / 2

    "woolf": ``r = k1 (n2 - k2) / (k2 (n1 - k1))`` and ``log r +- z sqrt(1/k1 + 1/(n1 - k1) + 1/k2 + 1/(n2 - k2))``,
    which needs four positive counts; nothing is added to them.

    Parameters
    ----------
    successes_1, trials_1 : int
        Counts of the first sample, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : int
        Counts of the second sample, the reference. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1 (guaranteed by "conditional"). Unit: probability.
    method : {"conditional", "woolf"}, default "conditional"
        How estimate and interval are made.

    Returns
    -------
    OddsRatioInterval
        Shape: scalar. Unit: ratio of odds. ``0 <= low <= estimate <= high`` where they exist; what does not exist is
        None, and ``undefined_because`` says why.

    Raises
    ------
    DomainError
        If any argument is outside the range above, a count is a bool or a float, or "conditional" would visit more than
        5,000,000 tables.

    Notes
    -----
    The conditional interval agrees with the one-sided tests of `fisher_exact_test`: ``low > 1`` exactly where the p of
    "greater" is below ``(1 - level) / 2``, ``high < 1`` where that of "less" is. The two-sided p of that test orders
    tables by their probability instead of doubling a tail, so it can be below 0.05 while the interval contains 1.

    References
    ----------
    .. [1] J. Cornfield (1956), Proc. Third Berkeley Symp. Math. Statist. Probab. 4, 135-148.
    .. [2] M. P. Fay (2010), Biostatistics 11, 373-374.
    .. [3] B. Woolf (1955), Ann. Human Genet. 19, 251-253.

    Examples
    --------
    >>> from safescale.stats import odds_ratio
    >>> ratio = odds_ratio(7, 34, 1, 34)
    >>> f"{ratio.estimate:.2f} [{ratio.low:.2f}, {ratio.high:.0f}]"
    '8.33 [0.97, 397]'
    >>> ratio = odds_ratio(15, 241, 0, 32)
    >>> ratio.estimate, round(ratio.low, 3), ratio.high
    (None, 0.479, None)
    """
    k1, n1, k2, n2 = two_cells(successes_1, trials_1, successes_2, trials_2)[0]
    level = fraction("level", level)
    choice("method", method, ("conditional", "woolf"))
    estimate, low, high = (_conditional if method == "conditional" else _woolf)(k1, n1, k2, n2, level)
    return OddsRatioInterval(
        estimate=estimate,
        low=low,
        high=high,
        undefined_because=_why_undefined(k1, n1, k2, n2, method),
        successes_1=k1,
        trials_1=n1,
        successes_2=k2,
        trials_2=n2,
        level=level,
        method=method,
    )


def _why_undefined(k1: int, n1: int, k2: int, n2: int, method: OddsRatioMethod) -> str | None:
    if k1 == k2 == 0:
        return "neither sample has a success, so every odds ratio is compatible with the data"
    if k1 == n1 and k2 == n2:
        return "neither sample has a failure, so every odds ratio is compatible with the data"
    if method == "woolf" and min(k1, n1 - k1, k2, n2 - k2) == 0:
        return f"Woolf's standard error needs four positive counts, got {k1} of {n1} and {k2} of {n2}; use method='conditional'"
    if k2 == 0:
        return "the second sample has no success, so the odds ratio has no finite estimate and no upper limit"
    if k1 == n1:
        return "the first sample has no failure, so the odds ratio has no finite estimate and no upper limit"
    return None


def _woolf(k1: int, n1: int, k2: int, n2: int, level: float) -> tuple[float | None, float | None, float | None]:
    for_it, against_it = k1 * (n2 - k2), k2 * (n1 - k1)
    estimate = for_it / against_it if against_it else None
    if for_it == 0 or estimate is None:
        return estimate, None, None
    spread = math.exp(math.sqrt(squared_quantile(level) * (1 / k1 + 1 / (n1 - k1) + 1 / k2 + 1 / (n2 - k2))))
    return estimate, estimate / spread, estimate * spread


def _conditional(k1: int, n1: int, k2: int, n2: int, level: float) -> tuple[float | None, float, float | None]:
    j, log_weight = tables(n1, n2, k1 + k2, instead="use method='woolf'")
    if len(j) == 1:
        return None, 0.0, None
    log_tail = math.log((1.0 - level) / 2.0)
    # centred at k1: the exponents stay small near the answer
    above, at_top, at_bottom = (j - k1).astype(np.float64), k1 == j[-1], k1 == j[0]
    # half a trace in every count starts the search, and is nowhere in the answer
    start = math.log((k1 + 0.5) * (n2 - k2 + 0.5) / ((n1 - k1 + 0.5) * (k2 + 0.5)))
    low = 0.0 if at_bottom else _zero(partial(_log_upper_tail, above, log_weight, log_tail), start)
    high = None if at_top else 1.0 / _zero(partial(_log_upper_tail, -above, log_weight, log_tail), -start)
    if at_top or at_bottom:
        return None if at_top else 0.0, low, high
    return _zero(partial(_mean_above, above, log_weight), start), low, high


def _zero(value_and_slope_at: Callable[[float], tuple[float, float]], start: float) -> float:
    """The odds ratio at which a function that rises with its log is zero, looked for outward from the log ``start``."""

    def column(x: FloatVector) -> tuple[FloatVector, FloatVector]:
        value, slope = value_and_slope_at(float(x[0]))
        return np.array([value]), np.array([slope])

    low, high, step = start - 1.0, start + 1.0, 1.0
    while value_and_slope_at(low)[0] > 0:
        step *= 2
        low, high = low - step, low
    while value_and_slope_at(high)[0] < 0:
        step *= 2
        low, high = high, high + step
    return math.exp(float(increasing_root(column, np.array([low]), np.array([high]), absolute=_DIGITS)[0]))


def _log_upper_tail(above: FloatVector, log_weight: FloatVector, log_tail: float, log_ratio: float) -> tuple[float, float]:
    """Log of the probability of ``above >= 0`` less ``log_tail``, and its derivative in the log odds ratio."""
    exponent = log_weight + above * log_ratio
    weight = np.exp(exponent - exponent.max())
    counted = above >= 0
    # the tail has a scale of its own: it may be too small for that of the whole
    largest = exponent[counted].max()
    tail = np.exp(exponent[counted] - largest)
    share = math.log(tail.sum()) + largest - math.log(weight.sum()) - exponent.max()
    slope = float(tail @ above[counted] / tail.sum() - weight @ above / weight.sum())
    return float(share) - log_tail, slope


def _mean_above(above: FloatVector, log_weight: FloatVector, log_ratio: float) -> tuple[float, float]:
    """The mean of ``above`` and its derivative in the log odds ratio, which is the variance."""
    exponent = log_weight + above * log_ratio
    weight = np.exp(exponent - exponent.max())
    weight /= weight.sum()
    mean = float(weight @ above)
    return mean, float(weight @ (above - mean) ** 2)
