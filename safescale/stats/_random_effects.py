"""
The normal random-effects line ``y_i = a + b x_i + u_i + e_i``, with known ``Var(e_i) = v_i`` and unknown ``Var(u_i) = tau^2``.

Private. The last axis of every array is the model; axes before it are data sets, so that the calibration job runs the
very code that a caller runs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from safescale.stats._domain import FloatVector

_GRID = 257
# a density this many nats below its peak adds less than a rounding error
_NATS = 37.0


class WeightedLine(NamedTuple):
    """The least-squares line with weights ``1 / (v + tau2)``, and the restricted likelihood at this tau2; shape ``(...)``."""

    slope: FloatVector
    centre: FloatVector  # weighted mean of x
    height: FloatVector  # the line at the centre
    information: FloatVector  # 1 / Var(slope)
    weight: FloatVector  # 1 / Var(height)
    q: FloatVector  # generalised Cochran Q: weighted sum of squared residuals
    log_likelihood: FloatVector
    score: FloatVector
    residual_trace: FloatVector  # trace of P = W - W X (X'WX)^-1 X'W


class SlopeMixture(NamedTuple):
    """Lines over a grid of tau, and the mass of each tau; shape ``(..., grid)``."""

    tau2: FloatVector
    mass: FloatVector
    line: WeightedLine


def line_variances(x: FloatVector, k: FloatVector, n: FloatVector) -> FloatVector:
    """
    Binomial variances ``m (1 - m) / n`` at the rates m of the ordinary least-squares line, kept half a trace inside [0, 1].

    A model's own rate would tie its weight to its luck: 0 of 100 would weigh most.
    """
    y = k / n
    about = x - x.mean(axis=-1, keepdims=True)
    slope = (about * y).sum(axis=-1, keepdims=True) / (about * about).sum(axis=-1, keepdims=True)
    least = 0.5 / (n + 1)
    m = np.clip(y.mean(axis=-1, keepdims=True) + slope * about, least, 1 - least)
    return np.asarray(m * (1 - m) / n)


def weighted_line(x: FloatVector, y: FloatVector, v: FloatVector, tau2: FloatVector) -> WeightedLine:
    """Fit at a given tau2; ``log L_R = (sum log w - log |X'WX| - Q) / 2`` and ``score = (y'PPy - tr P) / 2``."""
    w = 1.0 / (v + tau2[..., np.newaxis])
    weight = w.sum(axis=-1)
    centre, height = (w * x).sum(axis=-1) / weight, (w * y).sum(axis=-1) / weight
    about = x - centre[..., np.newaxis]
    information = (w * about * about).sum(axis=-1)
    slope = (w * about * (y - height[..., np.newaxis])).sum(axis=-1) / information
    residuals = y - height[..., np.newaxis] - slope[..., np.newaxis] * about
    q = (w * residuals**2).sum(axis=-1)
    leverage = 1 / weight[..., np.newaxis] + about * about / information[..., np.newaxis]
    trace = (w * (1 - w * leverage)).sum(axis=-1)
    return WeightedLine(
        slope=slope,
        centre=centre,
        height=height,
        information=information,
        weight=weight,
        q=q,
        log_likelihood=0.5 * (np.log(w).sum(axis=-1) - np.log(weight) - np.log(information) - q),
        score=0.5 * (((w * residuals) ** 2).sum(axis=-1) - trace),
        residual_trace=trace,
    )


def reml_tau2(x: FloatVector, y: FloatVector, v: FloatVector) -> FloatVector:
    """
    The tau2 >= 0 of highest restricted likelihood, shape ``(...)``.

    The score is negative beyond ``(s + sqrt(s^2 + 4 s max v)) / 2`` with s the residual variance of the unweighted
    line, so a grid up to there brackets every maximum; the best is refined by bisection of the score.
    """
    s = _unweighted_variance(x, y)
    top = np.maximum((s + np.sqrt(s * s + 4 * s * v.max(axis=-1))) / 2, 1e-30)
    bottom = np.minimum(1e-5 * v.min(axis=-1), 1e-3 * top)
    steps = np.linspace(0.0, 1.0, 60)
    grid = bottom[..., np.newaxis] * (top / bottom)[..., np.newaxis] ** steps
    grid = np.concatenate([np.zeros((*grid.shape[:-1], 1)), grid], axis=-1)
    over_grid = weighted_line(x[..., np.newaxis, :], y[..., np.newaxis, :], v[..., np.newaxis, :], grid)
    at = np.argmax(over_grid.log_likelihood, axis=-1)[..., np.newaxis]
    low = np.take_along_axis(grid, np.maximum(at - 1, 0), axis=-1)[..., 0]
    high = np.take_along_axis(grid, np.minimum(at + 1, grid.shape[-1] - 1), axis=-1)[..., 0]
    for _ in range(60):
        middle = 0.5 * (low + high)
        rising = weighted_line(x, y, v, middle).score > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    at_zero = (at[..., 0] == 0) & (over_grid.score[..., 0] <= 0)
    return np.where(at_zero, 0.0, 0.5 * (low + high))


def _unweighted_variance(x: FloatVector, y: FloatVector) -> FloatVector:
    about = x - x.mean(axis=-1, keepdims=True)
    slope = (about * y).sum(axis=-1, keepdims=True) / (about * about).sum(axis=-1, keepdims=True)
    residuals = y - y.mean(axis=-1, keepdims=True) - slope * about
    return np.asarray((residuals**2).sum(axis=-1) / (x.shape[-1] - 2))


def q_profile(x: FloatVector, y: FloatVector, v: FloatVector, level: float) -> tuple[float, float] | None:
    """
    The tau2 whose generalised Q is no surprise: ``chi2(alpha/2) <= Q(tau2) <= chi2(1 - alpha/2)``, one data set.

    None where Q lies below even at tau2 = 0: no value of tau fits.
    """
    dof, tail = len(y) - 2, (1.0 - level) / 2.0
    upper_q, lower_q = (float(scipy.special.chdtri(dof, p)) for p in (tail, 1.0 - tail))

    def q(tau2: float) -> float:
        return float(weighted_line(x, y, v, np.asarray(tau2)).q)

    def solve(target: float) -> float:
        # Q <= RSS of the unweighted line / tau2
        top = dof * float(_unweighted_variance(x, y)) / target * (1 + 1e-9)
        return float(scipy.optimize.brentq(lambda t: q(t) - target, 0.0, top, xtol=1e-300, rtol=1e-14, maxiter=500))

    if q(0.0) < lower_q:
        return None
    return (solve(upper_q) if q(0.0) > upper_q else 0.0), solve(lower_q)


def slope_mixture(x: FloatVector, y: FloatVector, v: FloatVector) -> SlopeMixture:
    """
    Lines weighted by restricted likelihood times the reference prior ``sqrt(sum_i (tau / (v_i + tau^2))^2)``.

    A uniform grid in log tau around the peak, found by one coarse look; the integrand dies off at both ends, so equal
    steps lose nothing.
    """
    scale = 0.5 * np.log(_unweighted_variance(x, y) + v.mean(axis=-1))
    reach = _NATS / (x.shape[-1] - 2) + 3
    coarse = scale[..., np.newaxis] + np.linspace(-_NATS / 2 - 3, reach, _GRID)
    density = _log_density(x, y, v, coarse)[0]
    inside = density > density.max(axis=-1, keepdims=True) - _NATS
    step = coarse[..., 1] - coarse[..., 0]
    low = np.min(np.where(inside, coarse, np.inf), axis=-1) - step
    high = np.max(np.where(inside, coarse, -np.inf), axis=-1) + step
    fine = low[..., np.newaxis] + (high - low)[..., np.newaxis] * np.linspace(0.0, 1.0, _GRID)
    density, line = _log_density(x, y, v, fine)
    mass = np.exp(density - density.max(axis=-1, keepdims=True))
    return SlopeMixture(tau2=np.exp(2 * fine), mass=mass / mass.sum(axis=-1, keepdims=True), line=line)


def _log_density(x: FloatVector, y: FloatVector, v: FloatVector, log_tau: FloatVector) -> tuple[FloatVector, WeightedLine]:
    v = v[..., np.newaxis, :]
    tau2 = np.exp(2 * log_tau)
    line = weighted_line(x[..., np.newaxis, :], y[..., np.newaxis, :], v, tau2)
    prior = 0.5 * np.log((1.0 / (v + tau2[..., np.newaxis]) ** 2).sum(axis=-1)) + log_tau
    return line.log_likelihood + prior + log_tau, line


def mixture_tails(centres: FloatVector, sds: FloatVector, mass: FloatVector, at: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Mass of a mixture of normals below and above a point, shape ``(...)``; neither is one minus the other."""
    z = (at[..., np.newaxis] - centres) / sds
    return (mass * scipy.special.ndtr(z)).sum(axis=-1), (mass * scipy.special.ndtr(-z)).sum(axis=-1)


def mixture_quantiles(centres: FloatVector, sds: FloatVector, mass: FloatVector, probabilities: FloatVector) -> FloatVector:
    """
    Quantiles of a mixture of normals by bisection, shape ``(..., probabilities)``.

    The steps stay fine near the peak and reach far tails.
    """
    peak = np.argmax(mass, axis=-1)[..., np.newaxis]
    centre, scale = (np.take_along_axis(a, peak, axis=-1) for a in (centres, sds))
    low = np.full((*mass.shape[:-1], len(probabilities)), -60.0)
    high = -low
    for _ in range(64):
        middle = 0.5 * (low + high)
        at = centre + scale * np.sinh(middle)
        below, above = mixture_tails(centres[..., np.newaxis, :], sds[..., np.newaxis, :], mass[..., np.newaxis, :], at)
        short = np.where(probabilities < 0.5, below < probabilities, above > 1.0 - probabilities)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray(centre + scale * np.sinh(0.5 * (low + high)))
