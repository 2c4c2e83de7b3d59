"""Power, by simulation, of the test that `size_slope_test` makes: exact permutation of few models, Student's t of more."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import choice, count, fraction, group_codes, positive, same_length, sizes
from safescale.stats._inference import LOG10_OF_2, require_three_sizes
from safescale.stats._permutation_thresholds import Thresholds, thresholds
from safescale.stats._slope_noise import between_variance, positive_number, target_power, true_slope
from safescale.stats._tails import seeded
from safescale.stats.fisher import ALTERNATIVES, Alternative
from safescale.stats.size_slope import SizeSlopeMethod
from safescale.stats.sizes import smallest_attainable_p
from safescale.stats.wilson import wilson_interval
from safescale.stats.within_group import informative_groups

__all__ = ["PermutationDetectableSlope", "PermutationSlopePower", "permutation_detectable_slope", "permutation_slope_power"]


@attrs.frozen(kw_only=True)
class PermutationSlopePower:
    """
    The chance that `size_slope_test` finds a slope, by simulation.

    Attributes
    ----------
    power : float
        Share of the simulated data sets with ``p <= alpha``.
    monte_carlo_error : float
        Standard error of ``power`` as a share of ``repeats`` data sets, from ``(k + 1/2) / (repeats + 1)``: never 0.
    interval : tuple of (float, float)
        Wilson 95 % interval of the power that endless repeats would give.
    p_floor : float
        Smallest p that these sizes can reach; above ``alpha`` the power is 0 whatever the slope.
    method : {"exact_permutation", "monte_carlo_permutation", "ols_t"}
        The test whose power it is.
    arrangements : int or None
        Arrangements behind each p; None for the t test.
    slope_pp_per_decade, slope_pp_per_doubling : float
        The true slope, percentage points per factor of 10 and of 2 in size.
    n_models : int
        Number of models.
    sds : tuple of float
        Standard deviation of each model's value about the line (fraction), sampling noise included.
    residual_sd, tau_pp : float or None
        The noise as given.
    variances : tuple of float or None
        The sampling variances that were given.
    alpha : float
        Level of the test.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    repeats : int
        Simulated data sets.
    params_b : tuple of float
        The sizes that were given.
    groups : tuple or None
        The group of each model, where permutations stay within groups.
    generalises_to : {"new_models"}
        Models are the units.
    """

    power: float
    monte_carlo_error: float
    interval: tuple[float, float]
    p_floor: float
    method: SizeSlopeMethod
    arrangements: int | None
    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    n_models: int
    sds: tuple[float, ...]
    residual_sd: float | None
    tau_pp: float | None
    variances: tuple[float, ...] | None
    alpha: float
    alternative: Alternative
    repeats: int
    params_b: tuple[float, ...]
    groups: tuple[Hashable, ...] | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class PermutationDetectableSlope:
    """
    The smallest slope that `size_slope_test` finds with the given power, by simulation.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Negative where the alternative is "less". A two-sided test finds falls as well as rises.
    interval : tuple of (float, float)
        Slopes at which the simulated power is two Monte Carlo errors below and above the power asked for.
    possible : bool
        Whether the slope fits between 0 and 1 over these sizes; a difference of rates has twice that room.
    at : PermutationSlopePower
        The power at this slope, on the same simulated noise; it carries the inputs.
    power : float
        The power that was asked for.
    generalises_to : {"new_models"}
        Models are the units.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    interval: tuple[float, float]
    possible: bool
    at: PermutationSlopePower
    power: float
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def permutation_slope_power(
    params_b: npt.ArrayLike,
    slope_pp_per_decade: float,
    *,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    variances: npt.ArrayLike | None = None,
    groups: Iterable[Hashable] | None = None,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    repeats: int = 10_000,
    rng: np.random.Generator | int | None = None,
) -> PermutationSlopePower:
    """
    Power of `size_slope_test` on log10 size, models as units: of the exact permutation test up to 8 models, of t beyond.

    Values ``y_i = slope log10(size_i) + sd_i z_i`` with z standard normal, ``sd_i = residual_sd`` or ``sqrt(tau^2 + v_i)``; the
    power is the share of data sets with ``p <= alpha``. With ``groups`` models change places within groups.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    slope_pp_per_decade : float
        The true slope, of either sign; 0 gives the size of the test. Unit: percentage points per decade.
    residual_sd : float, optional
        Standard deviation of a model's value about the line, everything included. Unit: fraction.
    tau_pp : float, optional
        Instead: spread between models of one size, beside ``variances``. Unit: percentage points.
    variances : array_like of float, shape (models,), optional
        Sampling variance of each model's value, such as ``variance`` of `paired_difference`. Unit: squared fraction.
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" looks for a rise with size.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    repeats : int, default 10,000
        Simulated data sets, at least 100. Ten thousand of six models take a quarter of a second, of eight some five.
    rng : numpy Generator or int, optional
        Source or seed; None is the fixed seed 20260630.

    Returns
    -------
    PermutationSlopePower
        Shape: scalar. Unit: probability.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes, or no group holds two.
    DomainError
        If a value is out of range, or the noise is given in both ways or in neither.

    Notes
    -----
    The values are not confined to [0, 1] or [-1, 1]: near the ends real rates scatter less and bend, and the power is another.
    A permutation test claims its level where all models scatter alike; with very unequal ``variances`` its size, at slope 0, is
    printed here and need not be alpha.

    In each data set the statistic is linear in the true slope, so the slope from which the test rejects is an order statistic over
    the arrangements (`permutation_detectable_slope` reads it). Groups with more than 400,000 arrangements are judged by 1,999
    random ones, drawn anew every 250 data sets, where `size_slope_test` draws 99,999: the difference in power is below a point.

    References
    ----------
    .. [1] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 225-232.
    .. [2] G. E. Noether (1987), J. Amer. Statist. Assoc. 82, 645-647 (power of distribution-free tests).

    Examples
    --------
    Six models over two decades, 5 pp between models and 1 pp of sampling noise:

    >>> from safescale.stats import permutation_slope_power
    >>> found = permutation_slope_power([0.5, 1.2, 3, 8, 20, 50], 15, tau_pp=5, variances=[1e-4] * 6)
    >>> f"{found.power:.2f} +- {found.monte_carlo_error:.3f}", found.method
    ('0.95 +- 0.002', 'exact_permutation')
    """
    setting = _setting(params_b, residual_sd, tau_pp, variances, groups, alternative, alpha, repeats)
    slope = true_slope(slope_pp_per_decade)
    return _power_at(slope, setting, _thresholds_of(setting, rng))


def permutation_detectable_slope(
    params_b: npt.ArrayLike,
    *,
    power: float = 0.8,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    variances: npt.ArrayLike | None = None,
    groups: Iterable[Hashable] | None = None,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
    repeats: int = 10_000,
    rng: np.random.Generator | int | None = None,
) -> PermutationDetectableSlope:
    """
    Smallest slope on log10 size that `size_slope_test` finds with the given power, models as units.

    The slope at which the simulated power of `permutation_slope_power` first reaches ``power``, on one set of noise.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    power : float, default 0.8
        Above alpha, below 1. Unit: probability.
    residual_sd : float, optional
        Standard deviation of a model's value about the line, everything included. Unit: fraction.
    tau_pp : float, optional
        Instead: spread between models of one size, beside ``variances``. Unit: percentage points.
    variances : array_like of float, shape (models,), optional
        Sampling variance of each model's value. Unit: squared fraction.
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        A one-sided test finds smaller slopes, in its own direction only.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    repeats : int, default 10,000
        Simulated data sets, at least 100. Ten thousand of six models take a quarter of a second, of eight some five.
    rng : numpy Generator or int, optional
        Source or seed; None is the fixed seed 20260630.

    Returns
    -------
    PermutationDetectableSlope
        Shape: scalar. Unit: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If no slope is found however steep, because these sizes cannot give ``p <= alpha``; or as `permutation_slope_power`.
    DomainError
        If a value is out of range, or the noise is given in both ways or in neither.

    References
    ----------
    .. [1] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 225-232.

    Examples
    --------
    Five models, whose exact test asks for a nearly perfect order, need a steeper slope than t would:

    >>> from safescale.stats import minimum_detectable_slope, permutation_detectable_slope
    >>> sizes = [0.5, 1.6, 5, 16, 50]
    >>> exact, t = permutation_detectable_slope(sizes, residual_sd=0.05), minimum_detectable_slope(sizes, residual_sd=0.05)
    >>> f"{exact.slope_pp_per_decade:.0f} against {t.slope_pp_per_decade:.0f} pp per decade"
    '14 against 13 pp per decade'
    """
    setting = _setting(params_b, residual_sd, tau_pp, variances, groups, alternative, alpha, repeats)
    wanted = target_power(power, setting.alpha)
    if setting.p_floor > setting.alpha:
        raise InsufficientData(
            f"no slope can be found: the smallest p of these {len(setting.sizes)} sizes is {setting.p_floor:.3g}, above alpha "
            f"{setting.alpha:g}; add models of other sizes"
        )
    found = _thresholds_of(setting, rng)
    error = math.sqrt(wanted * (1 - wanted) / setting.repeats)
    sign = -1.0 if alternative == "less" else 1.0
    low, slope, high = (100 * sign * found.slope_with(share) for share in (wanted - 2 * error, wanted, wanted + 2 * error))
    return PermutationDetectableSlope(
        slope_pp_per_decade=slope,
        slope_pp_per_doubling=slope * LOG10_OF_2,
        interval=(min(low, high), max(low, high)),
        possible=bool(abs(slope) / 100 * np.ptp(np.log10(setting.sizes)) <= 1.0),
        at=_power_at(slope, setting, found),
        power=wanted,
    )


@attrs.frozen(kw_only=True)
class _Setting:
    sizes: npt.NDArray[np.float64]
    sds: npt.NDArray[np.float64]
    residual_sd: float | None
    tau_pp: float | None
    variances: tuple[float, ...] | None
    labels: tuple[Hashable, ...] | None
    codes: npt.NDArray[np.int64]
    alternative: Alternative
    alpha: float
    repeats: int
    p_floor: float


def _setting(
    params_b: npt.ArrayLike,
    residual_sd: float | None,
    tau_pp: float | None,
    variances: npt.ArrayLike | None,
    groups: Iterable[Hashable] | None,
    alternative: Alternative,
    alpha: float,
    repeats: int,
) -> _Setting:
    x = sizes(params_b)
    choice("alternative", alternative, ALTERNATIVES)
    alpha = fraction("alpha", alpha)
    times = count("repeats", repeats)
    if times < 100:
        raise DomainError(f"repeats must be at least 100, got {times}; a share of fewer says little of a power")
    labels, codes = (None, np.zeros(len(x), dtype=np.int64)) if groups is None else group_codes(groups, len(x))
    if labels is None:
        require_three_sizes(x)
    else:
        informative_groups(x, codes)
    v = None if variances is None else positive("variances", variances, unit="squared fractions")
    if v is not None:
        same_length("params_b", len(x), "variances", len(v))
        if np.any(v > 1):
            raise DomainError(f"variances cannot exceed 1, got {v.max():g}; divide squared percent by 10,000")
    return _Setting(
        sizes=x,
        sds=_sds(len(x), residual_sd, tau_pp, v),
        residual_sd=residual_sd,
        tau_pp=tau_pp,
        variances=None if v is None else tuple(v.tolist()),
        labels=labels,
        codes=codes,
        alternative=alternative,
        alpha=alpha,
        repeats=times,
        p_floor=smallest_attainable_p(x, groups=labels, alternative=alternative),
    )


def _sds(
    n: int, residual_sd: float | None, tau_pp: float | None, variances: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.float64]:
    if residual_sd is not None:
        given = [name for name, value in (("tau_pp", tau_pp), ("variances", variances)) if value is not None]
        if given:
            raise DomainError(f"residual_sd already holds all noise; do not pass {' and '.join(given)} beside it")
        sd = positive_number("residual_sd", residual_sd)
        if sd > 1:
            raise DomainError(f"residual_sd must be a fraction in (0, 1], got {sd:g}; divide percentage points by 100")
        return np.full(n, sd)
    if tau_pp is None or variances is None:
        missing = [name for name, value in (("tau_pp", tau_pp), ("variances", variances)) if value is None]
        raise DomainError(f"the noise needs residual_sd, or tau_pp and variances; {' and '.join(missing)} is missing")
    return np.sqrt(between_variance(tau_pp) + variances)


def _thresholds_of(setting: _Setting, rng: np.random.Generator | int | None) -> Thresholds:
    return thresholds(
        np.log10(setting.sizes),
        None if setting.labels is None else setting.codes,
        setting.sds,
        setting.alternative,
        setting.alpha,
        setting.repeats,
        np.random.default_rng(seeded(rng)),
        p_floor=setting.p_floor,
    )


def _power_at(slope: float, setting: _Setting, found: Thresholds) -> PermutationSlopePower:
    rejected = int(np.count_nonzero(found.rejected(slope / 100)))
    smoothed = (rejected + 0.5) / (setting.repeats + 1)
    within = wilson_interval(rejected, setting.repeats)
    return PermutationSlopePower(
        power=rejected / setting.repeats,
        monte_carlo_error=math.sqrt(smoothed * (1 - smoothed) / setting.repeats),
        interval=(within.low, within.high),
        p_floor=setting.p_floor,
        method=found.method,
        arrangements=found.arrangements,
        slope_pp_per_decade=slope,
        slope_pp_per_doubling=slope * LOG10_OF_2,
        n_models=len(setting.sizes),
        sds=tuple(setting.sds.tolist()),
        residual_sd=setting.residual_sd,
        tau_pp=setting.tau_pp,
        variances=setting.variances,
        alpha=setting.alpha,
        alternative=setting.alternative,
        repeats=setting.repeats,
        params_b=tuple(setting.sizes.tolist()),
        groups=setting.labels,
    )
