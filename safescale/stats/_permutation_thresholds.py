"""
From which true slope a test of `size_slope_test` rejects, for each of many draws of noise.

With centred x = log10 size and ``y = s x + e`` the sum of an arrangement pi of x is ``s x_pi'x + x_pi'e``. It reaches the
observed one exactly where ``s <= r_pi = (x_pi - x)'e / (x - x_pi)'x``, as ``x_pi'x < x'x`` unless ``x_pi = x``. The upper tail
thus rejects beyond an order statistic of the r_pi, and the lower tail below another: power at any slope is a share of draws,
without a second simulation.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._arrangements import MAX_ARRANGEMENTS, arrangements, number_of_arrangements
from safescale.stats._domain import FloatVector
from safescale.stats.fisher import Alternative
from safescale.stats.size_slope import MAX_EXACT_MODELS, SizeSlopeMethod

_RANDOM_ARRANGEMENTS = 1_999
_DRAWS_PER_ARRANGEMENTS = 250
_BLOCK = 1_000_000  # sums worked on at a time: 8 MB


class Thresholds(NamedTuple):
    """Per draw, the true slope (fraction per decade) above which, and below which, the test rejects."""

    above: FloatVector
    below: FloatVector
    method: SizeSlopeMethod
    arrangements: int | None

    def rejected(self, slope: float) -> npt.NDArray[np.bool_]:
        """Whether each draw rejects at this true slope."""
        return np.asarray((slope > self.above) | (slope < self.below))

    def slope_with(self, power: float) -> float:
        """The least slope, in size, at which this share of draws rejects, in the direction that is looked for."""
        k = min(len(self.above), max(1, math.ceil(power * len(self.above)))) - 1
        upward = bool(np.isfinite(self.above).any())
        # a draw that the other tail rejects is a handful among thousands; it would only make the slope smaller
        own = np.sort(self.above if upward else -self.below)
        # a hair beyond the threshold, at which the test does not reject yet
        return float(own[k] + 1e-12 * abs(own[k]))


def thresholds(
    x: FloatVector,
    codes: npt.NDArray[np.int64] | None,
    sds: FloatVector,
    alternative: Alternative,
    alpha: float,
    repeats: int,
    rng: np.random.Generator,
    *,
    p_floor: float,
) -> Thresholds:
    """Of the test that `size_slope_test` makes of models at log10 sizes x, with or without groups."""
    noise = rng.standard_normal((repeats, len(x))) * sds
    if codes is None and len(x) > MAX_EXACT_MODELS:
        # its p is never below the floor of the sizes, which many models at few sizes can lift above a small alpha
        never = np.full(repeats, np.inf)
        above, below = (never, -never) if p_floor > alpha else _student(x - x.mean(), noise, alternative, alpha)
        return Thresholds(above, below, "ols_t", None)
    groups = [np.arange(len(x))] if codes is None else [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
    centred = x.copy()
    for members in groups:
        centred[members] -= x[members].mean()
    needed = math.prod(number_of_arrangements(centred[members]) for members in groups)
    if needed <= MAX_ARRANGEMENTS:
        above, below = _of_arrangements(_all_orders(centred, groups), centred, noise, alternative, alpha, extra=0)
        return Thresholds(above, below, "exact_permutation", needed)
    above, below = np.empty(repeats), np.empty(repeats)
    for start in range(0, repeats, _DRAWS_PER_ARRANGEMENTS):
        part = slice(start, start + _DRAWS_PER_ARRANGEMENTS)
        orders = _random_orders(centred, groups, rng)
        above[part], below[part] = _of_arrangements(orders, centred, noise[part], alternative, alpha, extra=1)
    return Thresholds(above, below, "monte_carlo_permutation", _RANDOM_ARRANGEMENTS)


def _all_orders(x: FloatVector, groups: list[npt.NDArray[np.int64]]) -> FloatVector:
    orders: FloatVector = np.empty((1, len(x)))
    for members in groups:
        own = arrangements(x[members])
        orders = np.repeat(orders, len(own), axis=0)
        orders[:, members] = np.tile(own, (len(orders) // len(own), 1))
    return orders


def _random_orders(x: FloatVector, groups: list[npt.NDArray[np.int64]], rng: np.random.Generator) -> FloatVector:
    orders: FloatVector = np.empty((_RANDOM_ARRANGEMENTS, len(x)))
    for members in groups:
        orders[:, members] = rng.permuted(np.tile(x[members], (_RANDOM_ARRANGEMENTS, 1)), axis=1)
    return orders


def _of_arrangements(
    orders: FloatVector, x: FloatVector, noise: FloatVector, alternative: Alternative, alpha: float, *, extra: int
) -> tuple[FloatVector, FloatVector]:
    apart = (x - orders) @ x
    moved = apart > 1e-10 * float(x @ x)
    total, unmoved = len(orders) + extra, int(np.count_nonzero(~moved))
    # arrangements other than the observed one that a rejection may have in its tail
    allowed = _most_in_tail(total, 2 if alternative == "two-sided" else 1, alpha) - extra - unmoved
    above, below = np.full(len(noise), np.inf), np.full(len(noise), -np.inf)
    others = int(np.count_nonzero(moved))
    if allowed < 0:
        return above, below
    directions = (orders[moved] - x) / apart[moved, np.newaxis]
    step = max(1, _BLOCK // others)
    for start in range(0, len(noise), step):
        r = noise[start : start + step] @ directions.T
        r.partition([allowed, others - 1 - allowed], axis=1)
        if alternative != "less":
            above[start : start + step] = r[:, others - 1 - allowed]
        if alternative != "greater":
            below[start : start + step] = r[:, allowed]
    return above, below


def _most_in_tail(total: int, tails: int, alpha: float) -> int:
    """The largest number c of sums in a tail with ``p = tails c / total <= alpha``, in the arithmetic of the test."""
    c = int(alpha * total / tails) + 1
    while c > 0 and tails * (c / total) > alpha:
        c -= 1
    return c


def _student(x: FloatVector, noise: FloatVector, alternative: Alternative, alpha: float) -> tuple[FloatVector, FloatVector]:
    """Slope of the noise alone plus the true slope, over its standard error, which the true slope leaves alone."""
    dof, sxx = len(x) - 2, float(x @ x)
    apart = noise - noise.mean(axis=1, keepdims=True)
    slope = apart @ x / sxx
    residuals = apart - slope[:, np.newaxis] * x
    se = np.sqrt((residuals * residuals).sum(axis=1) / dof / sxx)
    t = -float(scipy.special.stdtrit(dof, alpha / 2 if alternative == "two-sided" else alpha))
    nowhere = np.full(len(noise), np.inf)
    return (nowhere if alternative == "less" else t * se - slope), (-nowhere if alternative == "greater" else -t * se - slope)
