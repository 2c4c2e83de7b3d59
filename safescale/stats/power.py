"""Power of the t test of a slope on log size, and what exact tests of few models can reach at all."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import choice, count, fraction, sizes
from safescale.stats._inference import LOG10_OF_2
from safescale.stats._noncentral import t_power
from safescale.stats._slope_noise import models, noise_of_models, positive_number, true_slope
from safescale.stats.fisher import ALTERNATIVES, Alternative
from safescale.stats.sizes import smallest_attainable_p

__all__ = ["SlopePower", "SpearmanPowerFloor", "slope_power", "spearman_power_floor"]


@attrs.frozen(kw_only=True)
class SlopePower:
    """
    The chance that a t test over models finds a slope.

    Attributes
    ----------
    power : float
        Probability of rejection.
    noncentrality : float
        True slope over its standard error.
    standard_error_pp_per_decade : float
        Of the fitted slope.
    binomial_share : float or None
        Share of the noise that more prompts would remove; None where only ``residual_sd`` was given.
    n_models, residual_dof : int
        Number of models, and ``n - 2``.
    slope_pp_per_decade, slope_pp_per_doubling : float
        The true slope, percentage points per factor of 10 and of 2 in size.
    size_sd_decades : float
        Standard deviation (divisor n) of log10 size over the models.
    residual_sd : float
        Standard deviation of a model's rate about the line (fraction).
    tau_pp, trials, base_rate : float, int, float or None
        The parts of ``residual_sd``, where they were given.
    design_effect : float
        Factor on the binomial variance.
    alpha : float
        Level of the test.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    generalises_to : {"new_models"}
        Models are the units.
    """

    power: float
    noncentrality: float
    standard_error_pp_per_decade: float
    binomial_share: float | None
    n_models: int
    residual_dof: int
    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    size_sd_decades: float
    residual_sd: float
    tau_pp: float | None
    trials: int | None
    base_rate: float | None
    design_effect: float
    alpha: float
    alternative: Alternative
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class SpearmanPowerFloor:
    """
    Whether an exact rank test of these sizes can reject, however large the effect.

    Attributes
    ----------
    p_floor : float
        The smallest p that any rates over these sizes can give: ``2/n!`` for n untied sizes, two-sided.
    attainable : bool
        ``tests * p_floor <= alpha``. Where False, the power is exactly 0.
    models_needed : int
        The smallest number of models of distinct sizes that can reject.
    n_models : int
        Number of models.
    tests : int
        Number of tests between which alpha is divided.
    alpha : float
        Level of the family of tests.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    params_b : tuple of float
        The sizes that were given.
    generalises_to : {"new_models"}
        Models are the units.
    """

    p_floor: float
    attainable: bool
    models_needed: int
    n_models: int
    tests: int
    alpha: float
    alternative: Alternative
    params_b: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def slope_power(
    n_models: int,
    *,
    slope_pp_per_decade: float,
    size_sd_decades: float,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    trials: int | None = None,
    base_rate: float | None = None,
    design_effect: float = 1.0,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> SlopePower:
    """
    Power of the t test of a least-squares slope on log10 size, models as units.

    ``SE = s / (sd_x sqrt(n))`` with ``s^2 = tau^2 + design_effect p (1 - p) / trials``. The statistic is non-central t
    with ``n - 2`` degrees of freedom and noncentrality ``slope / SE``; the power is its mass beyond the critical value.

    Parameters
    ----------
    n_models : int
        Number of models n, at least 3.
    slope_pp_per_decade : float
        The true slope, of either sign; 0 gives alpha. Unit: percentage points per decade.
    size_sd_decades : float
        Standard deviation (divisor n) of log10 size over the models. Unit: decades.
    residual_sd : float, optional
        Standard deviation of a model's rate about the line, everything included. Unit: fraction.
    tau_pp : float, optional
        Instead, with trials and base_rate: spread between models of one size. Unit: percentage points.
    trials : int, optional
        Traces per model.
    base_rate : float, optional
        Rate at which the binomial noise is taken. Unit: fraction.
    design_effect : float, default 1.0
        Factor on the binomial variance for traces that share a prompt: ``1 + (traces per prompt - 1) icc``.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" looks for a rise with size.

    Returns
    -------
    SlopePower
        Shape: scalar. Unit: probability.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 models.
    DomainError
        If a value is out of range, or the noise is given in both ways or in neither.

    Notes
    -----
    Exact for normal scatter of equal variance; rates near 0 or 1 and a handful of trials are neither. The upper tail is
    integrated over the scale, which has no NaN (SciPy's ``nct.cdf`` has them on 13 % of a plain grid).

    References
    ----------
    .. [1] J. Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., chapter 9.
    .. [2] N. L. Johnson, S. Kotz, N. Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 31.

    Examples
    --------
    Four models over a decade, 10 pp between models, 500 prompts each: a slope of 10 pp per decade is found rarely.

    >>> from safescale.stats import slope_power
    >>> found = slope_power(4, slope_pp_per_decade=10, size_sd_decades=0.39, tau_pp=10, trials=500, base_rate=0.4)
    >>> round(found.power, 2), round(found.binomial_share, 2)
    (0.08, 0.05)
    """
    n = models(n_models)
    slope = true_slope(slope_pp_per_decade)
    spread = positive_number("size_sd_decades", size_sd_decades)
    noise = noise_of_models(residual_sd, tau_pp, trials, base_rate, design_effect)
    alpha = fraction("alpha", alpha)
    choice("alternative", alternative, ALTERNATIVES)
    sd = math.sqrt(noise.variance)
    se = 100 * sd / (spread * math.sqrt(n))
    return SlopePower(
        power=t_power(slope / se, n - 2, alpha, alternative),
        noncentrality=slope / se,
        standard_error_pp_per_decade=se,
        binomial_share=noise.binomial_share,
        n_models=n,
        residual_dof=n - 2,
        slope_pp_per_decade=slope,
        slope_pp_per_doubling=slope * LOG10_OF_2,
        size_sd_decades=spread,
        residual_sd=sd,
        tau_pp=tau_pp,
        trials=trials,
        base_rate=base_rate,
        design_effect=float(design_effect),
        alpha=alpha,
        alternative=alternative,
    )


def spearman_power_floor(
    params_b: npt.ArrayLike, *, tests: int = 1, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> SpearmanPowerFloor:
    """
    The smallest p that an exact rank test can reach with these sizes, and the models that it would take to reject.

    ``prod(a_k!) / n!`` in one tail with a_k models at the k-th size, doubled for two: ``2/n!`` without ties. Divided
    between m tests (the first step of Holm), the floor must reach ``alpha / m``.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least one. Unit: billions of parameters.
    tests : int, default 1
        Number of tests in the family, at least 1.
    alpha : float, default 0.05
        Level of the family, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Direction of the test.

    Returns
    -------
    SpearmanPowerFloor
        Shape: scalar. Unit: probability.

    Raises
    ------
    InsufficientData
        If there is no model.
    DomainError
        If a size is not positive, or a value is out of range.

    References
    ----------
    .. [1] M. G. Kendall, J. D. Gibbons (1990), Rank Correlation Methods, 5th ed., chapter 4.

    Examples
    --------
    Four models cannot reach .05 with any effect; five can, but not in a family of four tests:

    >>> from safescale.stats import spearman_power_floor
    >>> floor = spearman_power_floor([0.8, 1.9, 4.2, 9.0])
    >>> round(floor.p_floor, 4), floor.attainable, floor.models_needed
    (0.0833, False, 5)
    >>> spearman_power_floor([0.8, 1.9, 4.2, 9.0], tests=4).models_needed
    6
    """
    x = sizes(params_b)
    alpha = fraction("alpha", alpha)
    choice("alternative", alternative, ALTERNATIVES)
    m = count("tests", tests)
    if m == 0:
        raise DomainError("tests must be at least 1, got 0")
    p_floor = smallest_attainable_p(x, alternative=alternative)
    tails = 2 if alternative == "two-sided" else 1
    needed = 2
    while m * tails / math.factorial(needed) > alpha:
        needed += 1
    return SpearmanPowerFloor(
        p_floor=p_floor,
        attainable=m * p_floor <= alpha,
        models_needed=needed,
        n_models=len(x),
        tests=m,
        alpha=alpha,
        alternative=alternative,
        params_b=tuple(x.tolist()),
    )
