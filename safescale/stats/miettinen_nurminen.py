"""The score interval and test of Miettinen and Nurminen for a difference of two proportions, with an answer for every table."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, choice, fraction, frozen, real
from safescale.stats._root import increasing_root
from safescale.stats._two_samples import by_blocks, floats, squared_quantile, two_cells, two_columns
from safescale.stats.difference import DifferenceInterval, DifferenceIntervals
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = [
    "MiettinenNurminenTest",
    "miettinen_nurminen_interval",
    "miettinen_nurminen_intervals",
    "miettinen_nurminen_test",
]


@attrs.frozen(kw_only=True)
class MiettinenNurminenTest:
    """
    The score test of a difference of two independent proportions.

    Attributes
    ----------
    p_value : float
        In (0, 1].
    z : float
        The score statistic, positive where the estimate exceeds the hypothesis; 0 where they agree.
    estimate : float
        ``p1 - p2``, difference of fractions.
    difference : float
        The difference under the null hypothesis.
    alternative : {"two-sided", "greater", "less"}
        "greater": the difference is larger than ``difference``.
    successes_1, trials_1, successes_2, trials_2 : int
        The counts that were given.
    generalises_to : {"these_models"}
        The trials replicate, the two models do not.
    """

    p_value: float
    z: float
    estimate: float
    difference: float
    alternative: Alternative
    successes_1: int
    trials_1: int
    successes_2: int
    trials_2: int
    generalises_to: Literal["these_models"] = "these_models"


def miettinen_nurminen_interval(
    successes_1: int, trials_1: int, successes_2: int, trials_2: int, *, level: float = 0.95
) -> DifferenceInterval:
    """
    Miettinen-Nurminen score interval for the difference ``p1 - p2`` of two independent proportions.

    The differences d that the score test does not reject. With ``q = 1 - p`` and ``p1, p2`` the most likely rates
    under ``p1 - p2 = d``::

        (phat1 - phat2 - d)^2 = z^2 V,    V = (p1 q1 / n1 + p2 q2 / n2) N / (N - 1),    N = n1 + n2

    The sign is first minus second: for "larger minus smaller model" pass the larger model first.

    Parameters
    ----------
    successes_1, trials_1 : int
        Counts of the first sample, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : int
        Counts of the second sample. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    DifferenceInterval
        Shape: scalar. Unit: difference of fractions. ``-1 <= low <= estimate <= high <= 1``.

    Raises
    ------
    DomainError
        If any argument is outside the range above, or a count is a bool or a float.

    Notes
    -----
    No search over d and no cubic: the constraint has a Lagrange multiplier m, and given m each rate solves a quadratic
    of its own, ``m p^2 - (n + m) p + k = 0`` (with -m for the second). In m the equation above reads ``m (phat1 - phat2
    - d(m)) = z^2 N / (N - 1)``. Its left side only rises with ``|m|``, so there is one limit on each side, and the
    Wilson limits of the two samples bracket it within a factor of 2.

    References
    ----------
    .. [1] O. Miettinen, M. Nurminen (1985), Statist. Med. 4, 213-226, equations 8 and 9.

    Examples
    --------
    0 of 32 at 4B against 15 of 241 at 27B, the table at which a search over d is known to break down:

    >>> from safescale.stats import miettinen_nurminen_interval
    >>> difference = miettinen_nurminen_interval(15, 241, 0, 32)
    >>> f"{100 * difference.estimate:.1f} pp [{100 * difference.low:.1f}, {100 * difference.high:.1f}]"
    '6.2 pp [-4.6, 10.0]'
    """
    (k1, n1, k2, n2), columns = two_cells(successes_1, trials_1, successes_2, trials_2)
    level = fraction("level", level)
    theta, low, high = (float(bound[0]) for bound in _score_bounds(*columns, level=level))
    return DifferenceInterval(
        estimate=theta,
        low=low,
        high=high,
        successes_1=k1,
        trials_1=n1,
        successes_2=k2,
        trials_2=n2,
        level=level,
        method="miettinen_nurminen",
    )


def miettinen_nurminen_intervals(
    successes_1: npt.ArrayLike,
    trials_1: npt.ArrayLike,
    successes_2: npt.ArrayLike,
    trials_2: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> DifferenceIntervals:
    """
    Miettinen-Nurminen intervals of many pairs of cells at once, each as in `miettinen_nurminen_interval`.

    Parameters
    ----------
    successes_1, trials_1 : array_like of int, shape (pairs,)
        Counts of the first samples, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : array_like of int, shape (pairs,)
        Counts of the second samples. Unit: traces.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    DifferenceIntervals
        Shape: ``(pairs,)`` per array. Unit: difference of fractions.

    Raises
    ------
    DomainError
        If a cell has no trials or more successes than trials, lengths differ, or there is no pair.

    References
    ----------
    .. [1] O. Miettinen, M. Nurminen (1985), Statist. Med. 4, 213-226.

    Examples
    --------
    >>> from safescale.stats import miettinen_nurminen_intervals
    >>> miettinen_nurminen_intervals([0, 10], [16, 10], [15, 0], [72, 20]).low.round(4).tolist()
    [-0.3164, 0.7156]
    """
    k1, n1, k2, n2 = two_columns(successes_1, trials_1, successes_2, trials_2)
    level = fraction("level", level)
    theta, low, high = by_blocks(partial(_score_bounds, level=level), *floats(k1, n1, k2, n2))
    return DifferenceIntervals(
        estimate=frozen(theta),
        low=frozen(low),
        high=frozen(high),
        successes_1=frozen(k1),
        trials_1=frozen(n1),
        successes_2=frozen(k2),
        trials_2=frozen(n2),
        level=level,
        method="miettinen_nurminen",
    )


def miettinen_nurminen_test(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    *,
    difference: float = 0.0,
    alternative: Alternative = "two-sided",
) -> MiettinenNurminenTest:
    """
    Score test that the difference ``p1 - p2`` of two independent proportions has a given value.

    ``z = (phat1 - phat2 - d) / sqrt(V)`` with V as in `miettinen_nurminen_interval`, referred to the normal
    distribution. At ``d = 0`` it is Pearson's chi-squared test with the factor ``(N - 1) / N``. The two-sided test at
    level ``1 - level`` rejects exactly the differences outside the interval.

    Parameters
    ----------
    successes_1, trials_1 : int
        Counts of the first sample, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    successes_2, trials_2 : int
        Counts of the second sample. Unit: traces.
    difference : float, default 0.0
        The difference d under the null hypothesis, strictly between -1 and 1. Unit: difference of fractions.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": the difference is larger than d; "less": it is smaller.

    Returns
    -------
    MiettinenNurminenTest
        Shape: scalar. ``p_value`` in (0, 1]; unit: probability.

    Raises
    ------
    DomainError
        If any argument is outside the range above, or a count is a bool or a float.

    References
    ----------
    .. [1] O. Miettinen, M. Nurminen (1985), Statist. Med. 4, 213-226, equation 8.

    Examples
    --------
    Is the rate at 70B (92 of 617) less than 10 points above the rate at 8B (5 of 39)?

    >>> from safescale.stats import miettinen_nurminen_test
    >>> test = miettinen_nurminen_test(92, 617, 5, 39, difference=0.10, alternative="less")
    >>> f"z = {test.z:.2f}, p = {test.p_value:.2f}"
    'z = -1.94, p = 0.03'
    """
    k1, n1, k2, n2 = two_cells(successes_1, trials_1, successes_2, trials_2)[0]
    d = real("difference", difference)
    choice("alternative", alternative, ALTERNATIVES)
    if not -1.0 < d < 1.0:
        raise DomainError(f"difference must lie strictly between -1 and 1, got {d:g}; 5 percentage points are written 0.05")
    z = _score(k1, n1, k2, n2, d)
    tail = -abs(z) if alternative == "two-sided" else (-z if alternative == "greater" else z)
    p_value = float(scipy.special.ndtr(tail)) * (2 if alternative == "two-sided" else 1)
    return MiettinenNurminenTest(
        p_value=max(p_value, float(np.finfo(np.float64).tiny)),
        z=z,
        estimate=k1 / n1 - k2 / n2,
        difference=d,
        alternative=alternative,
        successes_1=k1,
        trials_1=n1,
        successes_2=k2,
        trials_2=n2,
    )


def _score(k1: int, n1: int, k2: int, n2: int, d: float) -> float:
    if d < 0:
        return -_score(k2, n2, k1, n1, -d)
    gap = k1 / n1 - k2 / n2 - d
    if gap == 0.0:
        return 0.0
    p2 = _likeliest_second_rate(k1, n1, k2, n2, d)
    if p2 > 0.75 * (1.0 - d):
        # near the upper end 1 - p1 has digits that p2 has not: the same question about failures
        return _score(n2 - k2, n2, n1 - k1, n1, d)
    p1 = p2 + d
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    return gap / math.sqrt(variance)


def _likeliest_second_rate(k1: int, n1: int, k2: int, n2: int, d: float) -> float:
    """The p2 that is most likely under ``p1 = p2 + d``: the log likelihood is concave, so halving finds its top."""
    if d == 0.0:
        return (k1 + k2) / (n1 + n2)
    low, high = 0.0, 1.0 - d
    while low < (p2 := 0.5 * (low + high)) < high:
        p1 = p2 + d
        if p1 < 1.0 and k1 / p1 - (n1 - k1) / (1 - p1) + k2 / p2 - (n2 - k2) / (1 - p2) > 0:
            low = p2
        else:
            high = p2
    return p2


def _score_bounds(
    k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector, *, level: float
) -> tuple[FloatVector, FloatVector, FloatVector]:
    theta: FloatVector = k1 / n1 - k2 / n2
    w = squared_quantile(level) * (n1 + n2) / (n1 + n2 - 1)
    low, high = _lower_limit(k1, n1, k2, n2, w), -_lower_limit(k2, n2, k1, n1, w)
    return theta, np.minimum(low, theta), np.maximum(high, theta)


def _lower_limit(k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector, w: FloatVector) -> FloatVector:
    """p1 - p2 at the multiplier m > 0 with ``m^2 (p1 q1 / n1 + p2 q2 / n2) = w``; -1 where no table is farther out."""
    # one of the two terms alone reaches w at the Wilson limit of its sample, and one of them reaches w / 2
    most = np.minimum(_wilson_multiplier(k1, n1, w), _wilson_multiplier(n2 - k2, n2, w))
    least = np.minimum(_wilson_multiplier(k1, n1, w / 2), _wilson_multiplier(n2 - k2, n2, w / 2))
    unlimited = np.isinf(most)
    least, most = np.where(unlimited, 1.0, least), np.where(unlimited, 1.0, most)
    m = increasing_root(partial(_excess, k1, n1, k2, n2, w), least, most)
    p1, p2 = _rate(k1, n1, m)[0], _rate(k2, n2, -m)[0]
    return np.where(unlimited, -1.0, p1 - p2)


def _excess(
    k1: FloatVector, n1: FloatVector, k2: FloatVector, n2: FloatVector, w: FloatVector, m: FloatVector
) -> tuple[FloatVector, FloatVector]:
    """``m^2 (p1 q1 / n1 + p2 q2 / n2) - w`` and its derivative in m."""
    p1, q1, root_1 = _rate(k1, n1, m)
    p2, q2, root_2 = _rate(k2, n2, -m)
    variance = p1 * q1 / n1 + p2 * q2 / n2
    # dp/dm = -p q / root; an empty or full sample on its edge has root 0 and does not move
    moves = sum(np.divide(p * q, r, out=np.zeros_like(m), where=r > 0) for p, q, r in ((p1, q1, root_1), (p2, q2, root_2)))
    return m * (m * variance) - w, m * (variance + moves)


def _rate(k: FloatVector, n: FloatVector, m: FloatVector) -> tuple[FloatVector, FloatVector, FloatVector]:
    """The root p in [0, 1] of ``m p^2 - (n + m) p + k = 0``, its complement, and the root of the discriminant."""
    # the discriminant (n + m)^2 - 4 m k, as a sum of two terms that are not negative
    root = np.sqrt(np.where(m < 0, (n + m) ** 2 - 4 * m * k, (n - m) ** 2 + 4 * m * (n - k)))
    return _stable_root(k, n, m, root), _stable_root(n - k, n, -m, root), root


def _stable_root(k: FloatVector, n: FloatVector, m: FloatVector, root: FloatVector) -> FloatVector:
    linear = n + m
    subtracts = linear <= 0
    return np.where(
        subtracts,
        (linear - root) / np.where(subtracts, 2 * m, 1.0),
        2 * k / np.where(subtracts, 1.0, linear + root),
    )


def _wilson_multiplier(k: FloatVector, n: FloatVector, w: FloatVector) -> FloatVector:
    """``w / (k/n - l)`` with l the lower Wilson limit at ``z^2 = w``; infinite where k = 0 leaves no distance."""
    p, q = k / n, (n - k) / n
    spread = np.sqrt(w * (k * q + w / 4))
    few = 2 * k < n
    # the same number twice, each written without a difference of near equals
    of_few = np.divide(spread + w * (0.5 - p), p * q, out=np.full_like(p, np.inf), where=few & (k > 0))
    return np.divide(w * (n + w), w * (p - 0.5) + spread, out=of_few, where=~few)
