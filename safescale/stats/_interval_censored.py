"""A normal regression of which intervals are known, not values: its likelihood is concave, and Newton climbs it."""

from __future__ import annotations

import math

import attrs
import numpy as np
import scipy

from safescale.stats._domain import FloatVector

_MOST_STEPS = 300
_LOG_ROOT_2_PI = 0.5 * math.log(2 * math.pi)


@attrs.frozen(kw_only=True)
class CensoredMaximum:
    """Where the likelihood is highest: intercept and slope of the line, its scatter, and whether that is as small as allowed."""

    log_likelihood: float
    intercept: float
    slope: float
    sd: float
    at_floor: bool


@attrs.frozen(kw_only=True)
class CensoredLine:
    """
    ``y = a + b x + sd z`` with ``low < y <= high``, -inf and inf where an end is not known; equal ends are a value.

    With ``theta = (a, b, 1) / sd`` each log probability is concave in theta [Burridge 1981], so there is one maximum, with b free
    or held. ``least_sd`` bounds sd below: where one line passes through all intervals, the likelihood rises to 1 as sd falls to 0.
    """

    x: FloatVector
    low: FloatVector
    high: FloatVector
    weight: FloatVector
    least_sd: float

    def maximum(self, slope: float | None = None) -> CensoredMaximum:
        """Highest likelihood over all lines, or over those of one slope."""
        # columns of theta's free part in the two standardised ends: (intercept [, slope], 1 / sd)
        held = 0.0 if slope is None else slope
        left, right = self.low - held * self.x, self.high - held * self.x
        ones = np.ones(len(self.x))
        base = ones[:, np.newaxis] if slope is not None else np.column_stack([ones, self.x])
        theta = self._start(base, left, right)
        cap = 1.0 / self.least_sd
        theta[-1] = min(theta[-1], cap)
        value, gradient, hessian = self._derivatives(base, left, right, theta)
        for _ in range(_MOST_STEPS):
            pinned = theta[-1] >= cap and gradient[-1] >= 0
            free = slice(0, len(theta) - 1) if pinned else slice(0, len(theta))
            information = -hessian[free, free]
            scale = float(np.trace(information)) / len(information)
            if scale <= 1e-300:
                break
            step = np.zeros_like(theta)
            step[free] = np.linalg.solve(information + 1e-13 * scale * np.eye(len(information)), gradient[free])
            if float(gradient[free] @ step[free]) < 1e-13 * (1.0 + abs(value)):
                break
            if step[-1] > 0:
                step *= min(1.0, (cap - theta[-1]) / step[-1]) if theta[-1] < cap else 1.0
            if step[-1] < 0:
                step *= min(1.0, 0.9 * theta[-1] / -step[-1])
            theta, moved = self._climb(base, left, right, theta, step, value, cap)
            if not moved:
                break
            value, gradient, hessian = self._derivatives(base, left, right, theta)
        sd = 1.0 / float(theta[-1])
        return CensoredMaximum(
            log_likelihood=value,
            intercept=float(theta[0]) * sd,
            slope=float(theta[1]) * sd if slope is None else slope,
            sd=sd,
            at_floor=bool(theta[-1] >= cap * (1 - 1e-9)),
        )

    def _start(self, base: FloatVector, left: FloatVector, right: FloatVector) -> FloatVector:
        widths = (right - left)[np.isfinite(right - left)]
        half = 0.5 * float(np.median(widths)) if len(widths) else 0.15
        middle = np.where(
            np.isfinite(left) & np.isfinite(right),
            0.5 * (np.where(np.isfinite(left), left, 0.0) + np.where(np.isfinite(right), right, 0.0)),
            np.where(np.isfinite(left), left + half, right - half),
        )
        line = np.linalg.lstsq(base, middle, rcond=None)[0]
        sd = max(float(np.std(middle - base @ line)), half, self.least_sd)
        return np.append(line, 1.0) / sd

    def _climb(
        self,
        base: FloatVector,
        left: FloatVector,
        right: FloatVector,
        theta: FloatVector,
        step: FloatVector,
        value: float,
        cap: float,
    ) -> tuple[FloatVector, bool]:
        for halvings in range(60):
            there = theta + step * 0.5**halvings
            there[-1] = min(there[-1], cap)
            reached = self._log_likelihood(base, left, right, there)
            if reached > value:
                return there, True
        return theta, False

    def _ends(
        self, base: FloatVector, left: FloatVector, right: FloatVector, theta: FloatVector
    ) -> tuple[FloatVector, FloatVector]:
        centre = base @ theta[:-1]
        return theta[-1] * right - centre, theta[-1] * left - centre

    def _log_likelihood(self, base: FloatVector, left: FloatVector, right: FloatVector, theta: FloatVector) -> float:
        u, v = self._ends(base, left, right, theta)
        exact = self.low == self.high
        each = _log_between(np.where(exact, np.inf, u), v)
        each[exact] = math.log(theta[-1]) - 0.5 * u[exact] ** 2 - _LOG_ROOT_2_PI
        return float(self.weight @ each)

    def _derivatives(
        self, base: FloatVector, left: FloatVector, right: FloatVector, theta: FloatVector
    ) -> tuple[float, FloatVector, FloatVector]:
        u, v = self._ends(base, left, right, theta)
        exact = self.low == self.high
        each = _log_between(np.where(exact, np.inf, u), v)
        value = float(
            self.weight @ np.where(exact, math.log(theta[-1]) - 0.5 * np.where(exact, u, 0.0) ** 2 - _LOG_ROOT_2_PI, each)
        )
        # d log P: g_u du - g_v dv, g = density / P; a value has -u du + d theta / theta
        finite_u, finite_v = np.where(np.isfinite(u), u, 0.0), np.where(np.isfinite(v), v, 0.0)
        with np.errstate(over="ignore"):
            g_u = np.where(np.isfinite(u) & ~exact, np.exp(-0.5 * finite_u**2 - _LOG_ROOT_2_PI - each), 0.0)
            g_v = np.where(np.isfinite(v) & ~exact, np.exp(-0.5 * finite_v**2 - _LOG_ROOT_2_PI - each), 0.0)
        du = np.column_stack([-base, np.where(np.isfinite(right), right, 0.0)])
        dv = np.column_stack([-base, np.where(np.isfinite(left), left, 0.0)])
        w = self.weight
        first_u = np.where(exact, -finite_u, g_u)
        gradient = du.T @ (w * first_u) - dv.T @ (w * g_v)
        second_u = np.where(exact, -1.0, -finite_u * g_u - g_u**2)
        second_v = finite_v * g_v - g_v**2
        cross = (du.T * (w * g_u * g_v)) @ dv
        hessian = (du.T * (w * second_u)) @ du + (dv.T * (w * second_v)) @ dv + cross + cross.T
        values = float(w[exact].sum())
        gradient[-1] += values / theta[-1]
        hessian[-1, -1] -= values / theta[-1] ** 2
        return value, gradient, hessian


def _log_between(u: FloatVector, v: FloatVector) -> FloatVector:
    """``log(Phi(u) - Phi(v))``, u >= v, in the tail where it keeps its digits."""
    flip = v > 0
    upper, lower = np.where(flip, -v, u), np.where(flip, -u, v)
    log_upper, log_lower = scipy.special.log_ndtr(upper), scipy.special.log_ndtr(lower)
    with np.errstate(divide="ignore"):
        return np.asarray(log_upper + np.log(-np.expm1(np.minimum(log_lower - log_upper, 0.0))), dtype=np.float64)
