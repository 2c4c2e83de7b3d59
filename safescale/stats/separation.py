"""Are neighbours in an ordered series apart? Disjoint intervals, what they mean as a test, and the test itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import choice, fraction, real, successes_of_trials_arrays
from safescale.stats.fisher import FisherExactTest, fisher_exact_test
from safescale.stats.holm import holm
from safescale.stats.miettinen_nurminen import MiettinenNurminenTest, miettinen_nurminen_test
from safescale.stats.proportion import ProportionInterval
from safescale.stats.wilson import wilson_interval

__all__ = ["AdjacentPair", "AdjacentSeparation", "AdjacentTest", "adjacent_separation", "disjoint_intervals_alpha"]

AdjacentTest: TypeAlias = Literal["fisher", "miettinen_nurminen"]
_TESTS: dict[AdjacentTest, Callable[[int, int, int, int], FisherExactTest | MiettinenNurminenTest]] = {
    "fisher": fisher_exact_test,
    "miettinen_nurminen": miettinen_nurminen_test,
}


@attrs.frozen(kw_only=True)
class AdjacentPair:
    """
    Two neighbours of an ordered series.

    Attributes
    ----------
    first, second : int
        Positions in the series, from 0.
    difference : float
        Rate of the second minus rate of the first, fraction.
    disjoint : bool
        Whether their intervals have no point in common.
    disjoint_alpha : float
        The two-sided level of "disjoint" read as a test of equal rates, from the ratio of the two interval widths.
    p_value, p_holm : float
        Two-sided p of the series' test, raw and Holm-adjusted over its pairs.
    """

    first: int
    second: int
    difference: float
    disjoint: bool
    disjoint_alpha: float
    p_value: float
    p_holm: float


@attrs.frozen(kw_only=True)
class AdjacentSeparation:
    """
    The neighbours of an ordered series of proportions, pair by pair.

    Attributes
    ----------
    intervals : tuple of ProportionInterval
        One Wilson interval per cell; they carry the counts.
    pairs : tuple of AdjacentPair
        One per pair of neighbours.
    all_disjoint : bool
        Whether every pair is disjoint.
    note : str
        What "disjoint" means as a test, in words: its level for intervals of equal and of unequal width, and for these
        pairs. To be shown wherever disjoint intervals are.
    test : {"fisher", "miettinen_nurminen"}
        The test behind ``p_value`` and ``p_holm``.
    level : float
        Nominal coverage of the intervals.
    generalises_to : {"these_models"}
        The trials replicate, the models do not.
    """

    intervals: tuple[ProportionInterval, ...]
    pairs: tuple[AdjacentPair, ...]
    all_disjoint: bool
    note: str
    test: AdjacentTest
    level: float
    generalises_to: Literal["these_models"] = "these_models"


def disjoint_intervals_alpha(se_ratio: float = 1.0, *, level: float = 0.95) -> float:
    """
    The level of the test "reject equality when two intervals are disjoint".

    Intervals ``x_i +- z se_i`` are disjoint when ``|x_1 - x_2| > z (se_1 + se_2)``, while the difference has standard
    error ``sqrt(se_1^2 + se_2^2)``: with r the ratio of the two, the two-sided level is ``2 Phi(-z (1 + r) / sqrt(1 +
    r^2))``.

    Parameters
    ----------
    se_ratio : float, default 1.0
        Ratio of the two standard errors, positive. Unit: none.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    float
        Unit: probability.

    Raises
    ------
    DomainError
        If an argument is outside its range.

    References
    ----------
    .. [1] N. Schenker, J. F. Gentleman (2001), Amer. Statist. 55, 182-186.

    Examples
    --------
    >>> from safescale.stats import disjoint_intervals_alpha
    >>> f"{disjoint_intervals_alpha():.4f} {disjoint_intervals_alpha(2):.4f} {disjoint_intervals_alpha(4):.4f}"
    '0.0056 0.0085 0.0175'
    """
    r, level = real("se_ratio", se_ratio), fraction("level", level)
    if r <= 0:
        raise DomainError(f"se_ratio must be positive, got {r:g}")
    z = -float(scipy.special.ndtri((1.0 - level) / 2.0))
    return float(2 * scipy.special.ndtr(-z * (1 + r) / math.hypot(1.0, r)))


def adjacent_separation(
    successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float = 0.95, test: AdjacentTest = "fisher"
) -> AdjacentSeparation:
    """
    Whether neighbours in an ordered series of proportions are apart.

    Per pair: whether the Wilson intervals are disjoint, at which level that is a test (about .006 for two 95 %
    intervals of equal width, see `disjoint_intervals_alpha`), and the p of a test that needs no such reading, raw and
    Holm-adjusted over the pairs. Overlapping intervals are no evidence of equal rates: that test may still reject.

    Parameters
    ----------
    successes, trials : array_like of int, shape (cells,)
        Counts in the order of the series (model size), at least 2 cells. Unit: traces.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.
    test : {"fisher", "miettinen_nurminen"}, default "fisher"
        Fisher's exact test, which keeps its level and is cautious, or the score test, for counts of any size.

    Returns
    -------
    AdjacentSeparation
        Shapes: ``(cells,)`` intervals, ``(cells - 1,)`` pairs.

    Raises
    ------
    InsufficientData
        If there is one cell only.
    DomainError
        If a cell is empty or inconsistent, or the test is unknown.

    References
    ----------
    .. [1] N. Schenker, J. F. Gentleman (2001), Amer. Statist. 55, 182-186.

    Examples
    --------
    >>> from safescale.stats import adjacent_separation
    >>> series = adjacent_separation([486, 615, 789, 1095], [487, 649, 1008, 2019])
    >>> series.all_disjoint, [f"{pair.p_value:.0e}" for pair in series.pairs]
    (True, ['7e-08', '4e-22', '2e-39'])
    >>> series.note.split(",")[0]
    'two disjoint 95 % intervals are a test of equal rates at level 0.0056 if equally wide'

    Two intervals that overlap, and a difference all the same:

    >>> pair = adjacent_separation([20, 35], [100, 100]).pairs[0]
    >>> pair.disjoint, round(pair.p_value, 3)
    (False, 0.026)
    """
    level = fraction("level", level)
    choice("test", test, tuple(_TESTS))
    k, n = successes_of_trials_arrays(successes, trials)
    if len(k) < 2:
        raise InsufficientData("a series needs at least 2 cells to have neighbours, got 1; report its interval alone")
    cells = [(int(a), int(b)) for a, b in zip(k, n, strict=True)]
    intervals = tuple(wilson_interval(a, b, level=level) for a, b in cells)
    tests = [_TESTS[test](*cells[i + 1], *cells[i]) for i in range(len(cells) - 1)]
    adjusted = holm([result.p_value for result in tests]).adjusted
    pairs = tuple(
        AdjacentPair(
            first=i,
            second=i + 1,
            difference=result.estimate,
            disjoint=_disjoint(intervals[i], intervals[i + 1]),
            disjoint_alpha=disjoint_intervals_alpha(_width(intervals[i]) / _width(intervals[i + 1]), level=level),
            p_value=result.p_value,
            p_holm=p_holm,
        )
        for i, (result, p_holm) in enumerate(zip(tests, adjusted, strict=True))
    )
    return AdjacentSeparation(
        intervals=intervals,
        pairs=pairs,
        all_disjoint=all(pair.disjoint for pair in pairs),
        note=_note([pair.disjoint_alpha for pair in pairs], level),
        test=test,
        level=level,
    )


def _note(alphas: list[float], level: float) -> str:
    equal, double, fourfold = (_in_words(disjoint_intervals_alpha(ratio, level=level)) for ratio in (1, 2, 4))
    here = " to ".join(dict.fromkeys(_in_words(alpha) for alpha in (min(alphas), max(alphas))))
    return (
        f"two disjoint {100 * level:g} % intervals are a test of equal rates at level {equal} if equally wide, {double} if one "
        f"is twice and {fourfold} if it is four times as wide; {here} for these pairs; overlap is no evidence of equality"
    )


def _in_words(alpha: float) -> str:
    return f"{alpha:.4f}" if alpha >= 0.001 else f"{alpha:.1e}"


def _disjoint(a: ProportionInterval, b: ProportionInterval) -> bool:
    return a.high < b.low or b.high < a.low


def _width(interval: ProportionInterval) -> float:
    return interval.high - interval.low
