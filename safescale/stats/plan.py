"""How many models a slope on log size needs."""

from __future__ import annotations

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.stats._domain import AS_A_WHOLE, FloatVector, IntVector, frozen
from safescale.stats._inference import LOG10_OF_2
from safescale.stats._noncentral import t_power
from safescale.stats._plan_search import MAX_MODELS, around, asked, smallest
from safescale.stats._slope_noise import effect, noise_of_models, size_spread
from safescale.stats.fisher import Alternative

__all__ = ["ModelsPlan", "plan_models"]


@attrs.frozen(kw_only=True)
class ModelsPlan:
    """
    The number of models at which a t test of a slope on log size reaches a power.

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
    slope_pp_per_decade, slope_pp_per_doubling : float
        The slope to be found.
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
        Power wanted, and level of the test.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    generalises_to : {"new_models"}
        Models are the units.
    """

    n_models: int | None
    power_reached: float | None
    unreachable_because: str | None
    curve_models: IntVector = attrs.field(eq=AS_A_WHOLE)
    curve_power: FloatVector = attrs.field(eq=AS_A_WHOLE)
    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    size_sd_decades: float
    residual_sd: float
    binomial_share: float | None
    tau_pp: float | None
    trials: int | None
    base_rate: float | None
    design_effect: float
    power: float
    alpha: float
    alternative: Alternative
    even_decades: float | None = None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def plan_models(
    slope_pp_per_decade: float,
    *,
    params_b: npt.ArrayLike | None = None,
    size_sd_decades: float | None = None,
    even_decades: float | None = None,
    residual_sd: float | None = None,
    tau_pp: float | None = None,
    trials: int | None = None,
    base_rate: float | None = None,
    design_effect: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> ModelsPlan:
    """
    Smallest number of models that finds a slope on log10 size with the given power.

    The smallest n with ``slope_power(n, ...).power >= power``: noncentrality ``slope sd_x sqrt(n) / s``, ``n - 2``
    degrees of freedom. The spread of sizes stays what it is, so the further models are spread like the first; or models stand
    evenly between two sizes, ``sd_x = R sqrt((n + 1) / (12 (n - 1)))`` for R decades between them.

    Parameters
    ----------
    slope_pp_per_decade : float
        The slope to be found, not 0. Unit: percentage points per decade.
    params_b : array_like of float, shape (models,), optional
        Sizes whose spread the plan keeps, at least 3. Unit: billions of parameters.
    size_sd_decades : float, optional
        Instead: standard deviation (divisor n) of log10 size. Unit: decades.
    even_decades : float, optional
        Instead: log10 of the largest over the smallest size, the models evenly between them. Unit: decades.
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
    power : float, default 0.8
        Above alpha, below 1. Unit: probability.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 1. Unit: probability.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        A one-sided test must look in the direction of the slope.

    Returns
    -------
    ModelsPlan
        Shape: scalar, and two curves. Unit: models.

    Raises
    ------
    InsufficientData
        If ``params_b`` has fewer than 3 models or one size.
    DomainError
        If a value is out of range, something is given twice or not at all, or the test looks the other way.

    References
    ----------
    .. [1] W. D. Dupont, W. D. Plummer (1998), Controlled Clinical Trials 19, 589-601 (linear regression).

    Examples
    --------
    Report B: 21 models gave a standard error of 1.28 pp per doubling. Its "2-3 pp needs about 60 models" is 70 and 33:

    >>> import math
    >>> from safescale.stats import plan_models
    >>> per_decade = 1 / math.log10(2)
    >>> sd = 0.0128 * per_decade * math.sqrt(21)
    >>> [plan_models(pp * per_decade, size_sd_decades=1, residual_sd=sd).n_models for pp in (2, 3)]
    [70, 33]
    """
    slope = effect(slope_pp_per_decade)
    spread = size_spread(params_b, size_sd_decades, even_decades)
    noise = noise_of_models(residual_sd, tau_pp, trials, base_rate, design_effect)
    alpha, wanted = asked(slope, power, alpha, alternative)
    sd = math.sqrt(noise.variance)

    def power_at(n: int) -> float:
        return t_power(slope * spread(n) * math.sqrt(n) / sd, n - 2, alpha, alternative)

    n = smallest(lambda m: power_at(m) >= wanted, lowest=3, highest=MAX_MODELS)
    curve = around(n, lowest=3, highest=MAX_MODELS)
    return ModelsPlan(
        n_models=n,
        power_reached=None if n is None else power_at(n),
        unreachable_because=None
        if n is not None
        else (
            f"{MAX_MODELS:,} models have power {power_at(MAX_MODELS):.2f} only; widen the sizes (their standard deviation is "
            f"{spread(MAX_MODELS):.2g} decades) or look for a steeper slope"
        ),
        curve_models=frozen(curve),
        curve_power=frozen(np.array([power_at(int(m)) for m in curve])),
        slope_pp_per_decade=100 * slope,
        slope_pp_per_doubling=100 * slope * LOG10_OF_2,
        size_sd_decades=spread(MAX_MODELS if n is None else n),
        residual_sd=sd,
        binomial_share=noise.binomial_share,
        tau_pp=tau_pp,
        trials=trials,
        base_rate=base_rate,
        design_effect=float(design_effect),
        power=wanted,
        alpha=alpha,
        alternative=alternative,
        even_decades=even_decades,
    )
