"""The smallest slope on log size that a design of models would find."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import choice, counts, fraction, same_length
from safescale.stats._inference import LOG10_OF_2
from safescale.stats._noncentral import noncentrality_with_power
from safescale.stats._slope_noise import (
    between_variance,
    deviations,
    models,
    noise_of_models,
    positive_number,
    target_power,
)
from safescale.stats.fisher import ALTERNATIVES, Alternative

__all__ = ["MinimumDetectableSlope", "detectable_slope_of_standard_error", "minimum_detectable_slope"]


@attrs.frozen(kw_only=True)
class MinimumDetectableSlope:
    """
    The smallest true slope that a t test over models finds with the given power.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Percentage points per factor of 10 and of 2 in size; the magnitude, whatever the direction.
    possible : bool or None
        False where so steep a line would move a rate by more than 100 pp between the smallest and the largest model:
        no slope at all can be found with this power. None where the sizes were not given.
    noncentrality : float
        The slope over its standard error.
    standard_error_pp_per_decade : float
        Of the fitted slope.
    n_models, residual_dof : int
        Number of models, and ``n - 2``.
    residual_sd : float or None
        Root mean variance of the rates about the line (fraction); None where only the standard error was given.
    binomial_share : float or None
        Share of that variance which more prompts would remove; None where the parts were not given.
    tau_pp, base_rate : float or None
        The parts that were given: spread between models (percentage points) and rate (fraction).
    trials : tuple of int or None
        Traces of each model, where given.
    design_effect : float
        Factor on the binomial variance.
    power, alpha : float
        Chance to find the slope, and level of the test.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    params_b : tuple of float or None
        The sizes, where given.
    generalises_to : {"new_models"}
        Models are the units.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    possible: bool | None
    noncentrality: float
    standard_error_pp_per_decade: float
    n_models: int
    residual_dof: int
    residual_sd: float | None
    binomial_share: float | None
    tau_pp: float | None
    base_rate: float | None
    trials: tuple[int, ...] | None
    design_effect: float
    power: float
    alpha: float
    alternative: Alternative
    params_b: tuple[float, ...] | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def minimum_detectable_slope(
    params_b: npt.ArrayLike,
    *,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    trials: npt.ArrayLike | None = None,
    base_rate: float | None = None,
    design_effect: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> MinimumDetectableSlope:
    """
    Smallest slope on log10 size that a t test over these models finds with the given power.

    With x = log10 size about its mean and v_i the variance of model i about the line, ``SE^2 = sum x_i^2 v_i / (sum
    x_i^2)^2``, ``v_i = tau^2 + design_effect p (1 - p) / n_i``. The answer is ``delta SE``, delta the noncentrality at
    which t with ``n - 2`` degrees of freedom has the power.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 models at 2 distinct sizes. Unit: billions of parameters.
    residual_sd : float, optional
        Standard deviation of a model's rate about the line, everything included. Unit: fraction.
    tau_pp : float, optional
        Instead, with trials and base_rate: spread between models of one size. Unit: percentage points.
    trials : int or array_like of int, shape (models,), optional
        Traces per model.
    base_rate : float, optional
        Rate at which the binomial noise is taken. Unit: fraction.
    design_effect : float, default 1.0
        Factor on the binomial variance for traces that share a prompt: ``1 + (traces per prompt - 1) icc``.
    power : float, default 0.8
        Above alpha, below 1. Unit: probability.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        A one-sided test finds smaller slopes, in its own direction only.

    Returns
    -------
    MinimumDetectableSlope
        Shape: scalar. Unit: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 models or one size.
    DomainError
        If a value is out of range, or the noise is given in both ways or in neither.

    Notes
    -----
    Exact for normal scatter of equal variance; with unequal trials the standard error is right and the degrees of
    freedom are approximate. Prompts that all models share move all rates together and leave the slope alone, so the
    design effect overstates their part: the answer is then an upper bound.

    References
    ----------
    .. [1] W. D. Dupont, W. D. Plummer (1998), Controlled Clinical Trials 19, 589-601 (linear regression).

    Examples
    --------
    The four abliterated models of report A, had they differed by 10 pp among themselves:

    >>> from safescale.stats import minimum_detectable_slope
    >>> mds = minimum_detectable_slope([0.8, 1.9, 4.2, 9.0], tau_pp=10, trials=[487, 649, 1008, 2019], base_rate=0.8)
    >>> f"{mds.slope_pp_per_decade:.0f} pp per decade, {mds.slope_pp_per_doubling:.0f} per doubling, possible: {mds.possible}"
    '73 pp per decade, 22 per doubling, possible: True'
    """
    x = deviations(params_b)
    per_model = _trials_of_models(trials, len(x))
    first = None if per_model is None else per_model[0]
    noise = noise_of_models(residual_sd, tau_pp, first, base_rate, design_effect)
    v = np.full(len(x), noise.variance)
    binomial_share = noise.binomial_share
    if per_model is not None and noise.binomial is not None and tau_pp is not None:
        binomial = noise.binomial * per_model[0] / np.array(per_model)
        v = between_variance(tau_pp) + binomial
        binomial_share = float(binomial.sum() / v.sum())
    se = math.sqrt(float(x**2 @ v)) / float(x @ x)
    delta = _delta(len(x), power, alpha, alternative)
    return MinimumDetectableSlope(
        slope_pp_per_decade=100 * delta * se,
        slope_pp_per_doubling=100 * delta * se * LOG10_OF_2,
        possible=bool(delta * se * np.ptp(x) <= 1.0),
        noncentrality=delta,
        standard_error_pp_per_decade=100 * se,
        n_models=len(x),
        residual_dof=len(x) - 2,
        residual_sd=math.sqrt(float(v.mean())),
        binomial_share=binomial_share,
        tau_pp=tau_pp,
        base_rate=base_rate,
        trials=None if per_model is None else tuple(int(n) for n in per_model),
        design_effect=float(design_effect),
        power=power,
        alpha=alpha,
        alternative=alternative,
        params_b=tuple(np.asarray(params_b, dtype=np.float64).tolist()),
    )


def detectable_slope_of_standard_error(
    standard_error_pp_per_decade: float,
    n_models: int,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> MinimumDetectableSlope:
    """
    Smallest slope that a fit with this standard error would have found: what a published "no effect" can mean.

    ``delta SE``, delta the noncentrality at which t with ``n - 2`` degrees of freedom has the power.

    Parameters
    ----------
    standard_error_pp_per_decade : float
        Of the fitted slope. Unit: percentage points per decade (per doubling times ``1 / log10(2)``).
    n_models : int
        Number of models in the fit, at least 3.
    power : float, default 0.8
        Above alpha, below 1. Unit: probability.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Direction of the test.

    Returns
    -------
    MinimumDetectableSlope
        Shape: scalar. Unit: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 models.
    DomainError
        If a value is out of range.

    Notes
    -----
    The standard error must come from the fit over models. It is itself an estimate, so with few models the answer is
    uncertain. Power at the observed slope says no more than its p-value; this does not use the slope.

    References
    ----------
    .. [1] J. M. Hoenig, D. M. Heisey (2001), Amer. Statist. 55, 19-24.

    Examples
    --------
    Report B: slope -0.6 pp per doubling, standard error 1.28, 21 models.

    >>> import math
    >>> from safescale.stats import detectable_slope_of_standard_error
    >>> mds = detectable_slope_of_standard_error(1.28 / math.log10(2), 21)
    >>> f"{mds.slope_pp_per_doubling:.1f} pp per doubling"
    '3.8 pp per doubling'
    """
    se = positive_number("standard_error_pp_per_decade", standard_error_pp_per_decade)
    n = models(n_models)
    delta = _delta(n, power, alpha, alternative)
    return MinimumDetectableSlope(
        slope_pp_per_decade=delta * se,
        slope_pp_per_doubling=delta * se * LOG10_OF_2,
        possible=None,
        noncentrality=delta,
        standard_error_pp_per_decade=se,
        n_models=n,
        residual_dof=n - 2,
        residual_sd=None,
        binomial_share=None,
        tau_pp=None,
        base_rate=None,
        trials=None,
        design_effect=1.0,
        power=power,
        alpha=alpha,
        alternative=alternative,
        params_b=None,
    )


def _delta(n: int, power: float, alpha: float, alternative: Alternative) -> float:
    choice("alternative", alternative, ALTERNATIVES)
    alpha = fraction("alpha", alpha)
    return noncentrality_with_power(target_power(power, alpha), n - 2, alpha, alternative)


def _trials_of_models(trials: npt.ArrayLike | None, n_models: int) -> tuple[int, ...] | None:
    if trials is None:
        return None
    if np.ndim(trials) == 0:
        # checked with the rest of the noise
        return (trials,) * n_models  # type: ignore[return-value]
    per_model = counts("trials", trials)
    same_length("params_b", n_models, "trials", len(per_model))
    if np.any(per_model == 0):
        raise DomainError(
            f"trials must be at least 1 per model, got 0 at position {int(np.argmin(per_model))}; leave the model out"
        )
    return tuple(per_model.tolist())
