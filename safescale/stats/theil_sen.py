"""The Theil-Sen slope of a rate on log10 model size: the median of all pairwise slopes."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._concordance import ConcordanceMethod, TieBlocks, inversion_counts, tie_blocks, untied_pairs, variance_of_s
from safescale.stats._domain import FloatVector, fraction, sizes_and_rates
from safescale.stats._inference import LOG10_OF_2, ROUNDING, require_three_sizes
from safescale.stats.kendall import kendall_test

__all__ = ["TheilSenIntervalMethod", "TheilSenSlope", "theil_sen_slope"]

TheilSenIntervalMethod: TypeAlias = Literal["exact_kendall", "normal_kendall"]

_RELATIVE_TOLERANCE = 1e-12


@attrs.frozen(kw_only=True)
class TheilSenSlope:
    """
    The median of the pairwise slopes of a rate on log10 model size.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Percentage points per factor of 10 and of 2 in size.
    interval : tuple of (float, float) or None
        Sen's interval, in percentage points per decade. None where these models bear none at ``level`` (see
        ``undefined_because``).
    attained_level : float or None
        Coverage of ``interval`` that the distribution of Kendall's S guarantees, at least ``level`` where exact.
    interval_method : {"exact_kendall", "normal_kendall"}
        Where that distribution came from.
    p_value, p_floor : float or None
        Two-sided p of Kendall's test that rate and size are unrelated, and the smallest that it can reach. None where
        all rates are equal.
    p_method : {"exact", "normal_continuity_corrected"} or None
        How p was computed.
    rate_at_1b : float
        The line at one billion parameters, the median of ``rate - slope log10(size)`` (fraction, not confined to
        [0, 1]).
    n, n_slopes : int
        Models, and pairs of models of different size.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why ``interval`` is None.
    params_b, rates : tuple of float
        The inputs that were given.
    generalises_to : {"new_models"}
        Models are the units.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    interval: tuple[float, float] | None
    attained_level: float | None
    interval_method: TheilSenIntervalMethod
    p_value: float | None
    p_floor: float | None
    p_method: ConcordanceMethod | None
    rate_at_1b: float
    n: int
    n_slopes: int
    level: float
    undefined_because: str | None
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def theil_sen_slope(params_b: npt.ArrayLike, rates: npt.ArrayLike, *, level: float = 0.95) -> TheilSenSlope:
    """
    Theil-Sen slope of a rate on log10 model size with Sen's interval, each model one point.

    With N pairs of models of different size, sorted slopes ``Q_1 <= ... <= Q_N`` and K the number of inversions of a
    random order of the models (equal sizes not counted)::

        slope    = median Q
        interval = [Q_(k+1), Q_(N-k)],    k the largest with P(K <= k) <= (1 - level) / 2

    which holds the slopes b that Kendall's test does not reject for ``rate - b log10(size)``.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    TheilSenSlope
        Shape: scalar. Units: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes; two sizes make a difference (`raw_difference_per_decade`).
    DomainError
        If a size is not positive, a rate not a fraction, or lengths differ.

    Notes
    -----
    Four models of different sizes bear no bounded interval at .95: even the two outermost slopes have only
    ``1 - 2/4! = .917``. ``interval`` is then None. Where ties make both ends equal, a certainty of zero width is not
    claimed either. The slope resists outlying models (up to 29 % of them); it does not resist a shared lineage.

    References
    ----------
    .. [1] H. Theil (1950), Indag. Math. 12, 85-91, 173-177.
    .. [2] P. K. Sen (1968), J. Amer. Statist. Assoc. 63, 1379-1389, section 3.

    Examples
    --------
    One outlier moves the least-squares slope and hardly this one:

    >>> from safescale.stats import theil_sen_slope
    >>> fit = theil_sen_slope([0.5, 1, 2, 4, 8, 16], [0.61, 0.55, 0.50, 0.44, 0.41, 0.99])
    >>> f"{fit.slope_pp_per_decade:.1f} pp/decade [{fit.interval[0]:.1f}, {fit.interval[1]:.1f}]"
    '-15.5 pp/decade [-19.9, 91.4]'
    """
    x, y = sizes_and_rates(params_b, rates)
    level = fraction("level", level)
    require_three_sizes(x)
    slopes = _sorted_slopes(np.log10(x), y)
    equal = bool(np.ptp(y) <= ROUNDING)
    slope = 0.0 if equal else float(np.median(slopes))
    cut, attained, method = _cut(tie_blocks(x), level)
    interval = None if cut is None else (100 * float(slopes[cut]), 100 * float(slopes[len(slopes) - 1 - cut]))
    reason = _undefined(interval, attained, level, n=len(x), equal=equal)
    test = None if equal else kendall_test(x, y)
    return TheilSenSlope(
        slope_pp_per_decade=100 * slope,
        slope_pp_per_doubling=100 * slope * LOG10_OF_2,
        interval=None if reason else interval,
        attained_level=None if reason else attained,
        interval_method=method,
        p_value=None if test is None else test.p_value,
        p_floor=None if test is None else test.p_floor,
        p_method=None if test is None else test.method,
        rate_at_1b=float(np.median(y - slope * np.log10(x))),
        n=len(x),
        n_slopes=len(slopes),
        level=level,
        undefined_because=reason,
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
    )


def _sorted_slopes(x: FloatVector, y: FloatVector) -> FloatVector:
    """Slopes of all pairs with different x; differences of equal rates are exactly 0."""
    i, j = np.triu_indices(len(x), 1)
    run, rise = x[j] - x[i], y[j] - y[i]
    rise[np.abs(rise) <= ROUNDING] = 0.0
    slopes: FloatVector = np.sort(rise[run != 0] / run[run != 0])
    return slopes


def _cut(blocks: TieBlocks, level: float) -> tuple[int | None, float, TheilSenIntervalMethod]:
    """
    How many slopes to leave out at each end, and the coverage that is left.

    None, with the coverage of the outermost slopes, where leaving out none is already too many.
    """
    counts = inversion_counts(blocks)
    if counts is not None:
        total, below, cut = sum(counts), counts[0], None
        attained = 1 - 2 * below / total
        # a share of whole numbers against 1 - level, which is rounded: 2/20 is not more than 1 - 0.9
        while 2 * below / total <= (1.0 - level) * (1 + _RELATIVE_TOLERANCE):
            cut, attained = (0 if cut is None else cut + 1), 1 - 2 * below / total
            below += counts[cut + 1]
        return cut, attained, "exact_kendall"
    sd = math.sqrt(variance_of_s(blocks, (1,) * sum(blocks)))
    pairs = untied_pairs(blocks)
    # P(K <= k) ~ ndtr((2k + 1 - N) / sd), half a step for continuity
    k = math.floor((pairs - 1 + sd * float(scipy.special.ndtri((1.0 - level) / 2))) / 2)
    return k, float(1 - 2 * scipy.special.ndtr((2 * k + 1 - pairs) / sd)), "normal_kendall"


def _undefined(interval: tuple[float, float] | None, attained: float, level: float, *, n: int, equal: bool) -> str | None:
    if equal:
        return f"all {n} rates are equal, which leaves no scatter to judge a slope by"
    if interval is None:
        return f"{n} models bear no bounded interval at {level:g}: all slopes but the outermost have {attained:.3f}"
    if interval[1] - interval[0] <= 100 * ROUNDING:
        return f"ties among the {n} rates make both ends of the interval equal, which is no certainty"
    return None
