"""
Tails of Spearman's statistic from its moments, with an error bar, where counting is too dear.

S lies on a lattice of step d. A smooth density f stands for the lattice: ``P(S >= s)`` is its integral from ``s - d/2``.
For that to hold its moments are not those of S but, formally, ``E[(S + V)^p]`` with ``E[V^k] = d^k B_k(1/2)``, B the
Bernoulli polynomials: summation over a lattice multiplies a characteristic function by ``(w d/2) / sin(w d/2)`` (Sheppard's
correction with the sign of a sum, E[V^2] = -d^2/12). To add uniform noise instead would leave an error of d^2/12 f'.

f is expanded in Gegenbauer polynomials C_k about the Pearson type II density of its variance, of which Student's t
approximation is the first term, on [-1, 1] after division by the largest conceivable sum::

    f = w (1 + sum_k g_k C_k),   w ~ (1 - x^2)^(alpha - 1/2),   g_k = E[C_k] (k + alpha) / (alpha C_k(1))
    integral of w C_k from x to 1  =  2 alpha / (k (k + 2 alpha)) (1 - x^2)^(alpha + 1/2) C'_(k-1)(x) / norm,   C' of alpha + 1

Private: `safescale.stats.spearman` decides when to ask.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import scipy

from safescale.stats._domain import FloatVector, IntVector
from safescale.stats._spearman_moments import permutation_moments

# orders that are tried, until the increments no longer matter beside the rest of the error
_ORDERS = (12, 16, 20, 24)
# The error bar, calibrated against exact tails (tests/stats/test_spearman_expansion.py): so many times the sum of the last
# increments, at its largest nearby, for single polynomials vanish here and there.
_LAST, _TIMES = 8, 8.0
# "nearby" in quarters of 1 / order, as an angle
_REACH = 6


class Tail(NamedTuple):
    """A probability and its error bar; the true one lies within ``p - error`` and ``p + error``."""

    p: float
    error: float


class _Expansion(NamedTuple):
    """Coefficients ``g_1, g_2, ..`` about the density of exponent ``alpha - 1/2``."""

    alpha: float
    coefficients: tuple[float, ...]


def approximation(a: IntVector, b: IntVector) -> Callable[[int, int], tuple[Tail, Tail]]:
    """
    The two tails of the sum of products of centred doubled midranks, as a function of ``low`` and ``high``.

    The function gives the probabilities of a sum at most ``low``, and at least ``high``. It takes more moments until
    they hardly narrow the error bar, and keeps them for the next question.
    """
    (lowest_a, step_a, gap_a, even_a), (lowest_b, step_b, gap_b, even_b) = _spacing(a), _spacing(b)
    step, offset = step_a * step_b, -len(a) * lowest_a * lowest_b
    bound = Fraction(math.isqrt(int(a @ a) * int(b @ b)) + 1) + Fraction(step, 2)
    scale = float(bound)
    # between levels at uneven distances the sums clump: their distribution is smooth on the scale of a mean distance only
    clump = 0.0 if even_a and even_b else gap_a * gap_b / scale
    source, moments = permutation_moments(a, b), list[Fraction]()

    @functools.cache
    def expansion(order: int) -> _Expansion:
        moments.extend(itertools.islice(source, order + 1 - len(moments)))
        return _expand(_without_lattice(moments, step), bound)

    def tails(low: int, high: int) -> tuple[Tail, Tail]:
        at_low = offset + (low - offset) // step * step
        at_high = offset - (offset - high) // step * step
        for order in _ORDERS:
            here = expansion(order)
            mirrored = here._replace(coefficients=tuple(g * (-1) ** k for k, g in enumerate(here.coefficients, start=1)))
            below, done_below = _upper_tail(mirrored, (-at_low - step / 2) / scale, clump)
            above, done_above = _upper_tail(here, (at_high - step / 2) / scale, clump)
            if done_below and done_above:
                break
        return below, above

    return tails


def _spacing(ranks: IntVector) -> tuple[int, int, float, bool]:
    """Lowest, common step and mean distance of the distinct values, and whether all distances are equal."""
    distinct = np.unique(ranks)
    gaps = np.diff(distinct)
    return int(distinct[0]), int(np.gcd.reduce(gaps)), float(gaps.mean()), bool(np.all(gaps == gaps[0]))


@functools.cache
def _bernoulli(k: int) -> Fraction:
    if k == 0:
        return Fraction(1)
    return -sum((math.comb(k + 1, j) * _bernoulli(j) for j in range(k)), start=Fraction(0)) / (k + 1)


def _without_lattice(moments: list[Fraction], step: int) -> list[Fraction]:
    """The moments of the smooth density: ``B_k(1/2) = (2^(1-k) - 1) B_k``."""
    v = [Fraction(step) ** k * (Fraction(2) / 2**k - 1) * _bernoulli(k) for k in range(len(moments))]
    return [sum((math.comb(p, k) * moments[p - k] * v[k] for k in range(p + 1)), start=Fraction(0)) for p in range(len(moments))]


def _expand(moments: list[Fraction], bound: Fraction) -> _Expansion:
    """Exact up to the last conversion to float: the alternating sums of E[C_k] would lose all digits."""
    scaled = [moment / bound**p for p, moment in enumerate(moments)]
    # any alpha will do, this one leaves little to the polynomials; a short fraction keeps the arithmetic short
    alpha = max(Fraction(1, 2), (1 / (2 * scaled[2]) - 1).limit_denominator(10**6))
    before, here = [Fraction(1)], [Fraction(0), 2 * alpha]
    coefficients = []
    for k in range(1, len(moments)):
        mean = sum((c * m for c, m in zip(here, scaled, strict=False)), start=Fraction(0))
        coefficients.append(float(mean * (k + alpha) / (alpha * sum(here))))
        up, down = 2 * (k + alpha) / (k + 1), (k + 2 * alpha - 1) / (k + 1)
        after = [Fraction(0), *(up * c for c in here)]
        before, here = here, [c - down * (before[i] if i < len(before) else 0) for i, c in enumerate(after)]
    return _Expansion(alpha=float(alpha), coefficients=tuple(coefficients))


def _terms(expansion: _Expansion, x: FloatVector) -> FloatVector:
    """What each order adds to the probability above x, shape ``(orders + 1, points)``."""
    alpha, gs = expansion
    x = np.clip(x, -1.0, 1.0)
    log_norm = 0.5 * math.log(math.pi) + math.lgamma(alpha + 0.5) - math.lgamma(alpha + 1)
    with np.errstate(divide="ignore"):
        edge = np.exp((alpha + 0.5) * np.log1p(-x * x) - log_norm)
    rows = [scipy.special.betainc(alpha + 0.5, alpha + 0.5, (1 - x) / 2)]
    before, here = np.zeros_like(x), np.ones_like(x)
    for k, g in enumerate(gs, start=1):
        rows.append(g * 2 * alpha / (k * (k + 2 * alpha)) * edge * here)
        before, here = here, (2 * x * (k + alpha) * here - (k + 2 * alpha) * before) / k
    return np.array(rows)


def _upper_tail(expansion: _Expansion, x: float, clump: float) -> tuple[Tail, bool]:
    """The probability above x, and whether a higher order would hardly narrow its error bar."""
    if not -1 < x < 1:
        return Tail(float(x <= -1), 0.0), True
    order = len(expansion.coefficients)
    # equal steps of angle, in which the polynomials swing evenly, from the middle through x to half a swing beyond
    inside = max(_REACH, math.ceil(abs(math.asin(x)) * order * 4))
    angles = math.asin(x) + np.arange(-inside, _REACH + 1) / (4 * order)
    terms = _terms(expansion, np.sin(np.clip(angles, -math.pi / 2, math.pi / 2)))
    ps, increments = terms.sum(axis=0), np.abs(terms[-_LAST:]).sum(axis=0)
    largest = np.lib.stride_tricks.sliding_window_view(np.pad(increments, _REACH, mode="edge"), 2 * _REACH + 1).max(axis=1)
    p, error = float(ps[inside]), _TIMES * float(largest[inside])
    if error > p:
        # the series is lost: p is at most what it was farther inside, where the series still held
        held = np.flatnonzero(_TIMES * largest[: inside + 1] <= ps[: inside + 1])
        error = max(error, 2 * float(ps[held[-1]])) if len(held) else 1.0
    inner, outer = _terms(expansion, np.array([x - clump, x + clump])).sum(axis=0)
    clumped = abs(float(inner - outer))
    done = error <= max(1e-9 * abs(p), 1e-2 * clumped)
    return Tail(min(1.0, max(0.0, p)), error + clumped), done
