"""Power of the equivalence test of a slope, and the models that it takes to show that a slope is flat."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, fraction, frozen
from safescale.stats._inference import LOG10_OF_2
from safescale.stats._noncentral import mean_over_scale, t_critical, turns
from safescale.stats._plan_search import MAX_MODELS, around, smallest
from safescale.stats._slope_noise import models, noise_of_models, positive_number, size_spread, target_power, true_slope

__all__ = ["EquivalencePlan", "SlopeEquivalencePower", "plan_equivalence", "slope_equivalence_power"]


@attrs.frozen(kw_only=True)
class SlopeEquivalencePower:
    """
    The chance that two one-sided tests show a slope to be flat.

    Attributes
    ----------
    power : float
        Probability that the equivalence test claims flatness.
    standard_error_pp_per_decade : float
        True standard error of the fitted slope.
    margin_pp_per_decade : float
        Largest slope that counts as flat.
    slope_pp_per_decade : float
        The true slope.
    n_models, residual_dof : int
        Number of models, and ``n - 2``.
    size_sd_decades : float
        Standard deviation (divisor n) of log10 size over the models.
    residual_sd : float
        Standard deviation of a model's rate about the line (fraction).
    binomial_share : float or None
        Share of that variance that more prompts would remove; None where only ``residual_sd`` was given.
    tau_pp, trials, base_rate : float, int, float or None
        The parts of ``residual_sd``, where they were given.
    design_effect : float
        Factor on the binomial variance.
    alpha : float
        Level of each of the two one-sided tests, and of the whole.
    generalises_to : {"new_models"}
        Models are the units.
    """

    power: float
    standard_error_pp_per_decade: float
    margin_pp_per_decade: float
    slope_pp_per_decade: float
    n_models: int
    residual_dof: int
    size_sd_decades: float
    residual_sd: float
    binomial_share: float | None
    tau_pp: float | None
    trials: int | None
    base_rate: float | None
    design_effect: float
    alpha: float
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class EquivalencePlan:
    """
    The number of models at which an equivalence test shows a slope to be flat with a given power.

    Attributes
    ----------
    n_models : int or None
        The smallest number with at least the power; None where ``unreachable_because`` says why.
    power_reached : float or None
        Its power.
    unreachable_because : str or None
        Why no number of models up to 100,000 is enough.
    curve_models : ndarray of int, shape (points,)
        Numbers of models around the answer, from a third of it to three times it.
    curve_power : ndarray of float, shape (points,)
        Their power.
    margin_pp_per_decade, margin_pp_per_doubling : float
        Largest slope that counts as flat.
    slope_pp_per_decade : float
        The true slope, inside the margin.
    size_sd_decades : float
        Standard deviation of log10 size: the same for every number of models, or that of ``n_models`` spread evenly.
    even_decades : float or None
        Decades over which the models are spread evenly, where that was given.
    residual_sd : float
        Standard deviation of a model's rate about the line (fraction).
    binomial_share : float or None
        Share of that variance that more prompts would remove; None where only ``residual_sd`` was given.
    tau_pp, trials, base_rate : float, int, float or None
        The parts of ``residual_sd``, where they were given.
    design_effect : float
        Factor on the binomial variance.
    power, alpha : float
        Power wanted, and level of each of the two one-sided tests.
    generalises_to : {"new_models"}
        Models are the units.
    """

    n_models: int | None
    power_reached: float | None
    unreachable_because: str | None
    curve_models: IntVector = attrs.field(eq=AS_A_WHOLE)
    curve_power: FloatVector = attrs.field(eq=AS_A_WHOLE)
    margin_pp_per_decade: float
    margin_pp_per_doubling: float
    slope_pp_per_decade: float
    size_sd_decades: float
    even_decades: float | None
    residual_sd: float
    binomial_share: float | None
    tau_pp: float | None
    trials: int | None
    base_rate: float | None
    design_effect: float
    power: float
    alpha: float
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def slope_equivalence_power(
    n_models: int,
    *,
    margin_pp_per_decade: float,
    size_sd_decades: float,
    slope_pp_per_decade: float = 0.0,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    trials: int | None = None,
    base_rate: float | None = None,
    design_effect: float = 1.0,
    alpha: float = 0.05,
) -> SlopeEquivalencePower:
    """
    Power of the two one-sided tests (TOST) that a slope on log10 size lies within a margin of zero.

    With the true slope theta, its standard error ``sigma = s / (sd_x sqrt(n))``, margin m, t the ``1 - alpha`` quantile of
    Student's t with ``n - 2`` degrees of freedom and ``S^2 = chi^2_(n-2) / (n - 2)``, both tests reject where ``-m + t sigma S <
    b < m - t sigma S``, so the power is ::

        E max(0, Phi((m - theta) / sigma - t S) - Phi(-(m + theta) / sigma + t S))

    which is Owen's pair of Q functions [1]_ [2]_, integrated over S.

    Parameters
    ----------
    n_models : int
        Number of models n, at least 3.
    margin_pp_per_decade : float
        Largest slope that still counts as flat, positive. Unit: percentage points per decade.
    size_sd_decades : float
        Standard deviation (divisor n) of log10 size over the models. Unit: decades.
    slope_pp_per_decade : float, default 0.0
        The true slope; at the margin the power is at most alpha. Unit: percentage points per decade.
    residual_sd : float, optional
        Standard deviation of a model's rate about the line, everything included. Unit: fraction.
    tau_pp : float, optional
        Instead, with trials and base_rate: spread between models of one size. Unit: percentage points.
    trials : int, optional
        Traces per model.
    base_rate : float, optional
        Rate at which the binomial noise is taken. Unit: fraction.
    design_effect : float, default 1.0
        Factor on the binomial variance for traces that share a prompt.
    alpha : float, default 0.05
        Level of each one-sided test, and so of the whole; strictly between 0 and 0.5. Unit: probability.

    Returns
    -------
    SlopeEquivalencePower
        Shape: scalar. Unit: probability.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 models.
    DomainError
        If a value is out of range, or the noise is given in both ways or in neither.

    Notes
    -----
    Exact for normal scatter of equal variance, as `slope_power` is. The chance speaks of `slope_equivalence_test` of a
    `log_scaling_slope`.

    References
    ----------
    .. [1] D. B. Owen (1965), Biometrika 52, 437-446.
    .. [2] K. F. Phillips (1990), J. Pharmacokinet. Biopharm. 18, 137-144.

    Examples
    --------
    Eight models over two decades that differ by 5 pp: a flat slope is hardly ever shown to be flat.

    >>> from safescale.stats import slope_equivalence_power
    >>> flat = slope_equivalence_power(8, margin_pp_per_decade=5, size_sd_decades=0.65, tau_pp=5, trials=500, base_rate=0.4)
    >>> round(flat.power, 2)
    0.1
    """
    n = models(n_models)
    margin = _margin(margin_pp_per_decade)
    slope = true_slope(slope_pp_per_decade)
    spread = positive_number("size_sd_decades", size_sd_decades)
    noise = noise_of_models(residual_sd, tau_pp, trials, base_rate, design_effect)
    level = _level(alpha)
    sd = math.sqrt(noise.variance)
    se = 100 * sd / (spread * math.sqrt(n))
    return SlopeEquivalencePower(
        power=_power(margin / se, slope / se, n - 2, level),
        standard_error_pp_per_decade=se,
        margin_pp_per_decade=margin,
        slope_pp_per_decade=slope,
        n_models=n,
        residual_dof=n - 2,
        size_sd_decades=spread,
        residual_sd=sd,
        binomial_share=noise.binomial_share,
        tau_pp=tau_pp,
        trials=trials,
        base_rate=base_rate,
        design_effect=float(design_effect),
        alpha=level,
    )


def plan_equivalence(
    margin_pp_per_decade: float,
    *,
    params_b: npt.ArrayLike | None = None,
    size_sd_decades: float | None = None,
    even_decades: float | None = None,
    slope_pp_per_decade: float = 0.0,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    trials: int | None = None,
    base_rate: float | None = None,
    design_effect: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> EquivalencePlan:
    """
    Smallest number of models that shows a flat slope to be flat with the given power.

    The smallest n with ``slope_equivalence_power(n, ...).power >= power``. How the sizes of n models are spread is said as in
    `plan_models`.

    Parameters
    ----------
    margin_pp_per_decade : float
        Largest slope that still counts as flat, positive. Unit: percentage points per decade.
    params_b : array_like of float, shape (models,), optional
        Sizes whose spread the plan keeps, at least 3. Unit: billions of parameters.
    size_sd_decades : float, optional
        Instead: standard deviation (divisor n) of log10 size. Unit: decades.
    even_decades : float, optional
        Instead: log10 of the largest over the smallest size, the models evenly between them. Unit: decades.
    slope_pp_per_decade : float, default 0.0
        The true slope, strictly inside the margin. Unit: percentage points per decade.
    residual_sd : float, optional
        Standard deviation of a model's rate about the line, everything included. Unit: fraction.
    tau_pp : float, optional
        Instead, with trials and base_rate: spread between models of one size. Unit: percentage points.
    trials : int, optional
        Traces per model.
    base_rate : float, optional
        Rate at which the binomial noise is taken. Unit: fraction.
    design_effect : float, default 1.0
        Factor on the binomial variance for traces that share a prompt.
    power : float, default 0.8
        Above alpha, below 1. Unit: probability.
    alpha : float, default 0.05
        Level of each one-sided test, strictly between 0 and 0.5. Unit: probability.

    Returns
    -------
    EquivalencePlan
        Shape: scalar, and two curves. Unit: models.

    Raises
    ------
    InsufficientData
        If ``params_b`` has fewer than 3 models or one size.
    DomainError
        If a value is out of range, something is given twice or not at all, or the true slope is not inside the margin.

    References
    ----------
    .. [1] E. Diletti, D. Hauschke, V. W. Steinijans (1991), Int. J. Clin. Pharmacol. Ther. Toxicol. 29, 1-8.

    Examples
    --------
    What a margin of 5 pp per decade asks for, with models that differ by 5 pp and by 10 pp, evenly over two decades:

    >>> from safescale.stats import plan_equivalence
    >>> [plan_equivalence(5, even_decades=2, tau_pp=tau, trials=500, base_rate=0.4).n_models for tau in (5, 10)]
    [31, 108]
    """
    margin = _margin(margin_pp_per_decade)
    slope = true_slope(slope_pp_per_decade)
    if abs(slope) >= margin:
        raise DomainError(
            f"a slope of {slope:+g} pp per decade is not inside a margin of {margin:g}, so no number of models shows it flat; "
            "widen the margin or plan for a flatter slope"
        )
    spread = size_spread(params_b, size_sd_decades, even_decades)
    noise = noise_of_models(residual_sd, tau_pp, trials, base_rate, design_effect)
    level = _level(alpha)
    wanted = target_power(power, level)
    sd = math.sqrt(noise.variance)

    def power_at(n: int) -> float:
        se = 100 * sd / (spread(n) * math.sqrt(n))
        return _power(margin / se, slope / se, n - 2, level)

    n = smallest(lambda m: power_at(m) >= wanted, lowest=3, highest=MAX_MODELS)
    curve = around(n, lowest=3, highest=MAX_MODELS)
    return EquivalencePlan(
        n_models=n,
        power_reached=None if n is None else power_at(n),
        unreachable_because=None
        if n is not None
        else (
            f"{MAX_MODELS:,} models show it with power {power_at(MAX_MODELS):.2f} only; widen the sizes (standard deviation "
            f"{spread(MAX_MODELS):.2g} decades) or the margin"
        ),
        curve_models=frozen(curve),
        curve_power=frozen(np.array([power_at(int(m)) for m in curve])),
        margin_pp_per_decade=margin,
        margin_pp_per_doubling=margin * LOG10_OF_2,
        slope_pp_per_decade=slope,
        size_sd_decades=spread(MAX_MODELS if n is None else n),
        even_decades=even_decades,
        residual_sd=sd,
        binomial_share=noise.binomial_share,
        tau_pp=tau_pp,
        trials=trials,
        base_rate=base_rate,
        design_effect=float(design_effect),
        power=wanted,
        alpha=level,
    )


def _margin(margin_pp_per_decade: float) -> float:
    return positive_number("margin_pp_per_decade", margin_pp_per_decade)


def _level(alpha: float) -> float:
    level = fraction("alpha", alpha)
    if level >= 0.5:
        raise DomainError(f"alpha must be below 0.5 for an equivalence test, got {level:g}; use 0.05 or less")
    return level


def _power(margin: float, slope: float, dof: int, alpha: float) -> float:
    """Margin and true slope in units of the true standard error."""
    t = t_critical(dof, alpha, "greater")
    upper, lower = margin - slope, -(margin + slope)

    def both(s: FloatVector) -> FloatVector:
        inside = scipy.special.ndtr(upper - t * s) - scipy.special.ndtr(lower + t * s)
        return np.asarray(np.where(s < margin / t, inside, 0.0))

    found = mean_over_scale(both, dof, (*turns(upper, t), *turns(-lower, t), margin / t))
    return min(1.0, max(0.0, found))
