"""Power of Student's t test, and the effect that has a given power, by quadrature: no NaN, whatever the arguments."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable

import numpy as np
import scipy

from safescale.stats._domain import FloatVector
from safescale.stats.fisher import Alternative

# beyond so many standard deviations of a normal lies less than 1e-18
_REACH = 9.0
_NODES = 80


@functools.cache
def _legendre() -> tuple[FloatVector, FloatVector]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def t_critical(dof: int, alpha: float, alternative: Alternative) -> float:
    """The t beyond which the test rejects."""
    return -float(scipy.special.stdtrit(dof, alpha / 2 if alternative == "two-sided" else alpha))


def t_power(noncentrality: float, dof: int, alpha: float, alternative: Alternative) -> float:
    """
    Chance that Student's t test rejects when its statistic is ``(Z + noncentrality) / S``, ``S = sqrt(chi2_dof / dof)``.

    "greater" and "less" are the directions of the test; the noncentrality carries the sign of the effect.
    """
    t = t_critical(dof, alpha, alternative)
    if alternative == "two-sided":
        return min(1.0, _upper_tail(noncentrality, dof, t) + _upper_tail(-noncentrality, dof, t))
    return _upper_tail(noncentrality if alternative == "greater" else -noncentrality, dof, t)


@functools.lru_cache(maxsize=1024)
def noncentrality_with_power(power: float, dof: int, alpha: float, alternative: Alternative) -> float:
    """
    The positive noncentrality at which the test, in its own direction, has the power; ``power > alpha``.

    The normal quantile of the power is nearly linear in the noncentrality, so a secant that keeps its bracket (Illinois)
    needs some eight steps.
    """
    direction: Alternative = "greater" if alternative == "less" else alternative
    wanted = float(scipy.special.ndtri(power))

    def missing(noncentrality: float) -> float:
        return float(scipy.special.ndtri(t_power(noncentrality, dof, alpha, direction))) - wanted

    low, high = 0.0, 1.0
    at_low, at_high = missing(low), missing(high)
    while at_high < 0:
        low, high, at_low, at_high = high, 2 * high, at_high, missing(2 * high)
    last = 0
    for _ in range(200):
        middle = high - at_high * (high - low) / (at_high - at_low) if math.isfinite(at_high) else (low + high) / 2
        at_middle = missing(middle)
        if abs(at_middle) < 1e-12 or not low < middle < high:
            return middle
        # an end that stays twice counts half, so that it does not stay for ever
        if at_middle < 0:
            low, at_low, at_high = middle, at_middle, at_high / 2 if last < 0 else at_high
        else:
            high, at_high, at_low = middle, at_middle, at_low / 2 if last > 0 else at_low
        last = -1 if at_middle < 0 else 1
    return high


def mean_over_scale(values: Callable[[FloatVector], FloatVector], dof: int, cuts: Iterable[float]) -> float:
    """
    ``E f(S)`` with ``S = sqrt(chi2_dof / dof)``, by Gauss-Legendre on panels that end at the cuts, where f turns or bends.

    The density of S is ``s^(dof - 1) exp(-dof s^2 / 2)`` up to a constant that the same quadrature gives.
    """
    low, high = max(0.0, 1.0 - (_REACH + 1.0) / math.sqrt(dof)), 1.0 + _REACH / math.sqrt(dof)
    ends = np.array(sorted({low, 1.0, high} | {min(max(cut, low), high) for cut in cuts}))
    half = np.diff(ends)[:, np.newaxis] / 2
    nodes, weights = _legendre()
    s = (ends[:-1, np.newaxis] + half) + half * nodes
    density = half * weights * np.exp(_log_density(s, dof))
    # numerator and denominator from the same nodes: the constant and its rounding cancel
    return float(np.sum(density * values(s)) / np.sum(density))


def turns(centre: float, slope: float) -> tuple[float, ...]:
    """Where ``Phi(centre - slope s)`` turns, however steep it is; nowhere for a slope of 0."""
    if slope == 0:
        return ()
    turn, width = centre / slope, _REACH / abs(slope)
    return turn - width, turn - width / 9, turn, turn + width / 9, turn + width


def _upper_tail(noncentrality: float, dof: int, t: float) -> float:
    """``P(T > t) = E Phi(noncentrality - t S)``."""
    return mean_over_scale(lambda s: np.asarray(scipy.special.ndtr(noncentrality - t * s)), dof, turns(noncentrality, t))


def _log_density(s: FloatVector, dof: int) -> FloatVector:
    """``(dof - 1) log s - dof (s^2 - 1) / 2``, whose large terms cancel near s = 1 if written with s - 1."""
    d = s - 1.0
    with np.errstate(divide="ignore"):
        log_s = np.log1p(d)
    power = (dof - 1) * log_s if dof > 1 else np.zeros_like(s)
    result: FloatVector = power - dof * d * (1.0 + d / 2)
    return result
