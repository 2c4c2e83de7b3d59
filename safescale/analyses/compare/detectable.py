"""The difference that the rows would show, by the power of the test that is quoted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.special

from safescale.stats import two_proportion_power

__all__ = ["detectable_of_error", "detectable_of_pairs", "detectable_of_rows", "midp_power"]

STEPS: Final = 14
"""Of bisection: the difference is known to 100 pp / 2^14, less than 0.01 pp."""

MOST_TABLES: Final = 250_000
"""Of two independent samples, above which the normal approximation is taken: it is good there, and exact power slow."""

LEAST_SUCCESSES: Final = 5
"""Successes and failures that a normal approximation needs."""

SPREAD: Final = 9.0
"""Standard deviations of the number of discordant pairs that are summed."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def midp_power(pairs: int, only_second: float, only_first: float, alpha: float) -> float:
    """
    Exact power of McNemar's two-sided mid-p test.

    ``sum over d of Bin(d; pairs, only_second + only_first) P(reject | d)``: given d discordant pairs, those of the second are
    binomial, and the test rejects where the smaller count is at most ``c_d``.

    Parameters
    ----------
    pairs : int
        Prompts that both answered once.
    only_second, only_first : float
        Probability of a pair in which only one complies. Unit: fraction.
    alpha : float
        Level. Unit: probability.
    """
    apart = min(1.0, only_second + only_first)
    if apart == 0:
        return 0.0
    middle, reach = pairs * apart, SPREAD * math.sqrt(pairs * apart * (1 - apart)) + SPREAD
    d = np.arange(max(0, math.floor(middle - reach)), min(pairs, math.ceil(middle + reach)) + 1)
    share = only_second / apart
    edge = _edges(d, alpha)
    able = edge >= 0
    d, edge = d[able], edge[able]
    rejected = _at_most(edge, d, share) + _at_most(edge, d, 1 - share)
    return min(1.0, float(_binomial(d, pairs, apart) @ rejected))


def detectable_of_pairs(pairs: int, discordant: int, alpha: float, power: float) -> float | None:
    """
    Smallest difference that the mid-p test finds with the power; None where it finds none.

    The share of discordant pairs is taken as seen; where the difference is larger than it, they all point one way.
    """
    seen = discordant / pairs

    def power_at(difference: float) -> float:
        apart = max(seen, difference)
        return midp_power(pairs, (apart + difference) / 2, (apart - difference) / 2, alpha)

    return _smallest(power_at, power)


def detectable_of_rows(first: tuple[int, int], second: tuple[int, int], alpha: float, power: float) -> float | None:
    """
    Smallest difference that the score test of two independent samples finds with the power, whichever of the two is higher.

    The two rates lie about the pooled one, as far as 0 and 1 allow.
    """
    (k1, n1), (k2, n2) = first, second
    pooled = (k1 + k2) / (n1 + n2)
    exact = (n1 + 1) * (n2 + 1) <= MOST_TABLES

    def power_at(difference: float) -> float:
        low = min(max(pooled - difference / 2, 0.0), 1.0 - difference)
        rates = (low, low + difference), (low + difference, low)
        if exact:
            return min(two_proportion_power(p1, p2, n1, n2, test="score", alpha=alpha).power for p1, p2 in rates)
        return min(_normal_power(p1, p2, n1, n2, alpha) for p1, p2 in rates)

    return _smallest(power_at, power)


def detectable_of_error(error: float | None, dof: int, successes: int, failures: int, alpha: float, power: float) -> float | None:
    """
    ``(t_(1 - alpha/2) + t_power) SE``; None without a standard error, or with too few successes or failures to trust it.

    Here ``successes`` and ``failures`` are counts of what the standard error rests on.
    """
    if not error or min(successes, failures) < LEAST_SUCCESSES:
        return None
    reach = scipy.special.stdtrit(dof, 1 - alpha / 2) + scipy.special.stdtrit(dof, power)
    return min(1.0, float(reach) * error)


def _smallest(power_at: Callable[[float], float], power: float) -> float | None:
    low, high = 0.0, 1.0
    if power_at(high) < power:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return high


def _edges(d: Integers, alpha: float) -> Integers:
    """Largest count of the rarer kind at which the mid-p test of d discordant pairs rejects; -1 where it never does."""
    # the normal quantile is within one of it, so a few candidates do
    near = np.floor(d / 2 + scipy.special.ndtri(alpha / 2) * np.sqrt(d) / 2)
    found = np.full(d.size, -1, dtype=np.int64)
    for step in range(-3, 4):
        c = np.clip(near + step, -1, (d - 1) // 2)
        p_value = _at_most(c - 1, d, 0.5) + _at_most(c, d, 0.5)
        found = np.where((c >= 0) & (p_value <= alpha), np.maximum(found, c), found).astype(np.int64)
    return found


def _at_most(k: Integers | Floats, n: Integers, p: float) -> Floats:
    return np.where(k < 0, 0.0, scipy.special.bdtr(np.maximum(k, 0).astype(np.float64), n, p)).astype(np.float64)


def _binomial(k: Integers, n: int, p: float) -> Floats:
    choose = scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1)
    return np.asarray(np.exp(choose + scipy.special.xlogy(k, p) + scipy.special.xlog1py(n - k, -p)), dtype=np.float64)


def _normal_power(p1: float, p2: float, n1: int, n2: int, alpha: float) -> float:
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    error = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    if error == 0:
        return float(p1 != p2)
    critical = -float(scipy.special.ndtri(alpha / 2)) * null
    return float(sum(scipy.special.ndtr((sign * (p2 - p1) - critical) / error) for sign in (-1, 1)))
