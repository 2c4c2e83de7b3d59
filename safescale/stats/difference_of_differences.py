"""The difference of two differences, from their intervals: does a gap at one size differ from the gap at another?"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

from safescale.errors import DomainError
from safescale.stats.difference import DifferenceInterval, PairedDifferenceInterval

__all__ = ["DifferenceOfDifferences", "GapInterval", "difference_of_differences"]

GapInterval: TypeAlias = DifferenceInterval | PairedDifferenceInterval


@attrs.frozen(kw_only=True)
class DifferenceOfDifferences:
    """
    A difference of two independent differences of proportions, with its two-sided interval.

    Attributes
    ----------
    estimate, low, high : float
        Differences of fractions, ``-2 <= low <= estimate <= high <= 2``. Positive: the first difference is larger.
    first, second : DifferenceInterval or PairedDifferenceInterval
        The differences that were given.
    level : float
        Nominal coverage.
    method : {"mover"}
        How the interval was made.
    generalises_to : {"these_models"}
        Traces or prompts replicate, the models do not.
    """

    estimate: float
    low: float
    high: float
    first: GapInterval
    second: GapInterval
    level: float
    method: Literal["mover"] = "mover"
    generalises_to: Literal["these_models"] = "these_models"


def difference_of_differences(first: GapInterval, second: GapInterval) -> DifferenceOfDifferences:
    """
    Interval for the difference of two independent differences, by the method of variance estimates recovery (MOVER).

    With estimates ``d_i`` and limits ``l_i, u_i``::

        low  = d1 - d2 - sqrt((d1 - l1)^2 + (u2 - d2)^2)
        high = d1 - d2 + sqrt((u1 - d1)^2 + (d2 - l2)^2)

    Newcombe's method of squaring and adding, one level up.

    Parameters
    ----------
    first, second : DifferenceInterval or PairedDifferenceInterval
        Two differences at the same level: of the larger and of the smaller size, say. Unit: difference of fractions.

    Returns
    -------
    DifferenceOfDifferences
        Shape: scalar. Unit: difference of fractions.

    Raises
    ------
    DomainError
        If the levels differ.

    Notes
    -----
    The two differences are taken as independent. Where all four cells answer the same prompts they are not; prompts that are hard
    for all move both differences the same way, and then the interval is too wide rather than too narrow.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner (2008), Statist. Med. 27, 1693-1702.
    .. [2] R. G. Newcombe (2001), J. Clin. Epidemiol. 54, 1005-1011 (differences between differences).

    Examples
    --------
    A gap of 60 points at 4B and of 40 at 27B, 100 traces per cell:

    >>> from safescale.stats import difference_of_differences, newcombe_interval
    >>> found = difference_of_differences(newcombe_interval(80, 100, 40, 100), newcombe_interval(80, 100, 20, 100))
    >>> f"{100 * found.estimate:.0f} pp [{100 * found.low:.0f}, {100 * found.high:.0f}]"
    '-20 pp [-36, -3]'
    """
    if first.level != second.level:
        raise DomainError(f"both intervals must have one level, got {first.level:g} and {second.level:g}")
    d1, l1, u1 = first.estimate, first.low, first.high
    d2, l2, u2 = second.estimate, second.low, second.high
    return DifferenceOfDifferences(
        estimate=d1 - d2,
        low=d1 - d2 - math.hypot(d1 - l1, u2 - d2),
        high=d1 - d2 + math.hypot(u1 - d1, d2 - l2),
        first=first,
        second=second,
        level=first.level,
    )
