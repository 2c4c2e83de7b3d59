"""Tango's score interval for a difference of two proportions on the same prompts."""

from __future__ import annotations

import math

from safescale.errors import DomainError
from safescale.stats._domain import count, fraction
from safescale.stats._two_samples import squared_quantile
from safescale.stats.difference import PairedDifferenceInterval

__all__ = ["tango_interval"]


def tango_interval(n11: int, n10: int, n01: int, n00: int, *, level: float = 0.95) -> PairedDifferenceInterval:
    """
    Tango's score interval for the difference ``p1 - p2`` of two proportions on the same prompts.

    The differences d that the score test does not reject. With n pairs, ``dhat = (n10 - n01) / n``, and r the most
    likely rate of "only the second" under ``p1 - p2 = d``::

        n (dhat - d)^2 = z^2 (2 r + d (1 - d))
        2n r^2 + ((2n - n10 + n01) d - n10 - n01) r - n01 d (1 - d) = 0

    At ``d = 0`` this is McNemar's test without correction, so the interval excludes 0 exactly where that test rejects.
    With no disagreeing pair it is ``-+ z^2 / (n + z^2)``, not [0, 0].

    Parameters
    ----------
    n11, n10, n01, n00 : int
        Prompts on which both models complied, only the first, only the second, neither. At least one in all. Unit:
        prompts.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    PairedDifferenceInterval
        Shape: scalar. Unit: difference of fractions. ``-1 <= low <= estimate <= high <= 1``.

    Raises
    ------
    DomainError
        If a count is negative, a bool or a float, or all four are zero.

    Notes
    -----
    The score statistic only grows with the distance of d from the estimate (the multiplier of the constraint is the
    derivative of a concave profile likelihood), so halving the range between the estimate and -1 or 1 finds the one
    limit on each side. n11 and n00 enter through their sum only.

    References
    ----------
    .. [1] T. Tango (1998), Statist. Med. 17, 891-908, equations 6 to 8.

    Examples
    --------
    Complete response before and after a therapy (59, 6, 16 and 80 patients), as in Fagerland, Lydersen and Laake
    (2017), chapter 8:

    >>> from safescale.stats import tango_interval
    >>> difference = tango_interval(59, 6, 16, 80)
    >>> f"{difference.estimate:.4f} [{difference.low:.4f}, {difference.high:.4f}]"
    '-0.0621 [-0.1240, -0.0054]'
    """
    e, f, g, h = count("n11", n11), count("n10", n10), count("n01", n01), count("n00", n00)
    n = e + f + g + h
    if n == 0:
        raise DomainError("n11, n10, n01 and n00 are all 0; without common prompts use miettinen_nurminen_interval")
    level = fraction("level", level)
    z2 = squared_quantile(level)
    return PairedDifferenceInterval(
        estimate=(f - g) / n,
        low=-_upper_limit(g, f, n, z2),
        high=_upper_limit(f, g, n, z2),
        n11=e,
        n10=f,
        n01=g,
        n00=h,
        level=level,
        method="tango",
    )


def _upper_limit(b: int, c: int, n: int, z2: float) -> float:
    inside, outside = (b - c) / n, 1.0
    estimate = inside
    while inside < (d := 0.5 * (inside + outside)) < outside:
        if n * (d - estimate) ** 2 < z2 * _variance(b, c, n, d):
            inside = d
        else:
            outside = d
    return outside


def _variance(b: int, c: int, n: int, d: float) -> float:
    """The variance of the estimate, times n, at the most likely rates under the difference d."""
    if d < 0:
        return _variance(c, b, n, -d)
    linear = (2 * n - b + c) * d - (b + c)
    root = math.sqrt(linear * linear + 8 * n * c * d * (1 - d))
    only_second = (root - linear) / (4 * n)
    return 2 * only_second + d * (1 - d)
