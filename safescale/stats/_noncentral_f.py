"""The non-central F distribution as a Poisson mixture of beta distributions, and its noncentrality from an observed F."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy

from safescale.stats._domain import FloatVector

# beyond this noncentrality the numerator's spread is below 1e-5 of it, and the denominator's chi square alone decides
_HUGE = 1e10
# Poisson means up to which every term is summed
_KEPT = 500.0


def noncentral_f_tail(f: float, d1: int, d2: int, noncentrality: float, *, upper: bool) -> float:
    """
    ``P(F > f)`` (upper) or ``P(F <= f)`` of the non-central F distribution, to its own digits.

    ``sum_j Poisson(j; noncentrality / 2) I_x(d1/2 + j, d2/2)`` with ``x = d1 f / (d1 f + d2)`` (Johnson, Kotz,
    Balakrishnan 1995, eq. 30.10). For a wide Poisson the sum is taken in strides of a fraction of its standard deviation: a
    trapezoid over a smooth, bell-shaped integrand.
    """
    j, weights = _poisson_weights(noncentrality / 2)
    return float(weights @ _beta_tails(j, f, d1, d2, upper=upper))


def _beta_tails(j: FloatVector, f: float, d1: int, d2: int, *, upper: bool) -> FloatVector:
    a, b, x, y = d1 / 2 + j, d2 / 2, d1 * f / (d1 * f + d2), d2 / (d1 * f + d2)
    # for x near 1 the digits of 1 - x
    of_x = x <= 0.5
    tails = scipy.special.betainc if of_x != upper else scipy.special.betaincc
    return np.asarray(tails(a, b, x) if of_x else tails(b, a, y))


class _Tail:
    """`noncentral_f_tail` as a function of the noncentrality, which does not enter the betas: they are kept."""

    def __init__(self, f: float, d1: int, d2: int, *, upper: bool) -> None:
        self._arguments, self._upper = (f, d1, d2), upper
        self._betas = self._log_factorials = np.zeros(0)

    def __call__(self, noncentrality: float) -> float:
        mean = noncentrality / 2
        if mean > _KEPT:
            return noncentral_f_tail(*self._arguments, noncentrality, upper=self._upper)
        needed = math.ceil(mean + 10 * math.sqrt(mean) + 20)
        if needed > len(self._betas):
            j = np.arange(len(self._betas), needed + needed // 4, dtype=np.float64)
            self._betas = np.append(self._betas, _beta_tails(j, *self._arguments, upper=self._upper))
            self._log_factorials = np.append(self._log_factorials, scipy.special.gammaln(j + 1))
        logs = (
            np.arange(needed) * math.log(mean) - self._log_factorials[:needed]
            if mean > 0
            else np.append(0.0, np.full(needed - 1, -np.inf))
        )
        weights = np.exp(logs - logs.max())
        return float(weights @ self._betas[:needed] / weights.sum())


def noncentrality_limits(f: float, d1: int, d2: int, level: float) -> tuple[float, float] | None:
    """
    The noncentralities that an observed F does not reject, with ``(1 - level) / 2`` in each tail.

    ``low`` solves ``P(F > f) = alpha/2``, 0 where F is not that large; ``high`` solves ``P(F <= f) = alpha/2``. None where
    even noncentrality 0 makes so small an F rarer than alpha/2: then no value is compatible.
    """
    tail = (1.0 - level) / 2.0
    if d1 * f > _HUGE:
        low, high = (float(scipy.special.chdtri(d2, q)) / d2 * d1 * f for q in (1.0 - tail, tail))
        return low, high

    below, above = _Tail(f, d1, d2, upper=False), _Tail(f, d1, d2, upper=True)
    if below(0.0) <= tail:
        return None
    # mean and spread that the noncentrality's method-of-moments estimate would have: where to look
    centre = d1 * max(f - 1.0, 0.0)
    spread = 1.0 + math.sqrt(2 * d1 + 4 * centre + 2 * (d1 + centre) ** 2 / d2)
    high = _root(lambda value: math.log(max(below(value), 1e-300) / tail), centre + spread, centre + 4 * spread)
    if above(0.0) >= tail:
        return 0.0, high
    return _root(lambda value: math.log(tail / max(above(value), 1e-300)), centre - 3 * spread, centre), high


def _poisson_weights(mean: float) -> tuple[FloatVector, FloatVector]:
    """Points and weights, summing to 1, of a Poisson distribution or of a comb of it."""
    if mean == 0:
        return np.zeros(1), np.ones(1)
    sd = math.sqrt(mean)
    stride = max(1, math.floor(sd / 4))
    j = np.arange(max(0, math.floor(mean - 10 * sd)), math.ceil(mean + 10 * sd + 20), stride, dtype=np.float64)
    if mean < 1e5:
        logs = j * math.log(mean) - scipy.special.gammaln(j + 1)
    else:
        # gammaln's last bits would show here: the deviance, as a series in (j - mean) / mean, with Stirling's 1 / (12 j)
        u = (j - mean) / mean
        series = np.array([0.0, 0.0] + [(-1.0) ** p / (p * (p - 1)) for p in range(2, 20)])
        logs = -mean * np.polynomial.polynomial.polyval(u, series) - 1 / (12 * j) - np.log(j) / 2
    weights = np.exp(logs - logs.max())
    return j, weights / weights.sum()


def _root(decreasing: Callable[[float], float], low: float, high: float) -> float:
    """Where a decreasing function of a positive number crosses 0: widen the bracket, then false position (Illinois)."""
    low = max(low, 0.0)
    at_low, at_high = decreasing(low), decreasing(high)
    while at_high > 0:
        low, at_low, high = high, at_high, 2 * high + 1
        at_high = decreasing(high)
    while at_low < 0 and low > 0:
        high, at_high, low = low, at_low, low / 2 if low > 1 else 0.0
        at_low = decreasing(low)
    kept = 0
    for step in range(200):
        middle = low + (high - low) * at_low / (at_low - at_high) if step % 8 < 7 else (low + high) / 2
        value = decreasing(middle)
        if value > 0:
            low, at_low, at_high, kept = middle, value, at_high / 2 if kept == 1 else at_high, 1
        else:
            high, at_high, at_low, kept = middle, value, at_low / 2 if kept == -1 else at_low, -1
        if high - low <= 1e-13 * high or abs(value) <= 1e-9:
            return middle
    return (low + high) / 2
