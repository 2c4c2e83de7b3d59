"""The interval in which the rate of one more model is expected to lie."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import fraction, real
from safescale.stats._random_effects import mixture_quantiles, slope_mixture, weighted_line
from safescale.stats.meta_regression import MetaRegressionSlope
from safescale.stats.slope import LogScalingSlope

__all__ = ["RatePrediction", "prediction_interval"]


@attrs.frozen(kw_only=True)
class RatePrediction:
    """
    The rate of one new model of a given size, with its two-sided prediction interval.

    Attributes
    ----------
    estimate : float
        The line at that size (fraction, not confined to [0, 1]).
    low, high : float
        Ends of the interval as the normal line gives them (fractions, not confined to [0, 1]).
    low_clipped, high_clipped : float
        The same, confined to [0, 1], where a rate must lie.
    leaves_unit_interval : bool
        Whether estimate, low or high lies outside [0, 1]: the straight line is a poor guide there.
    extrapolates : bool
        Whether the size lies outside the sizes of the fit.
    of : {"observed_rate", "true_rate"}
        What is predicted: a rate measured as those of the fit were, or the rate behind it.
    params_b : float
        The size that was given, billions of parameters.
    level : float
        Nominal coverage.
    slope : LogScalingSlope or MetaRegressionSlope
        The fit; it carries its inputs.
    generalises_to : {"new_models"}
        One further model drawn like these.
    """

    estimate: float
    low: float
    high: float
    low_clipped: float
    high_clipped: float
    leaves_unit_interval: bool
    extrapolates: bool
    of: Literal["observed_rate", "true_rate"]
    params_b: float
    level: float
    slope: LogScalingSlope | MetaRegressionSlope
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def prediction_interval(slope: LogScalingSlope | MetaRegressionSlope, params_b: float, *, level: float = 0.95) -> RatePrediction:
    """
    Prediction interval for the rate of one new model of a given size.

    With x0 = log10 size. From `log_scaling_slope`: ``a + b x0 +- t(n - 2) s sqrt(1 + 1/n + (x0 - xbar)^2 / Sxx)``, for the
    rate that would be measured. From `meta_regression_slope`: for the true rate, ``a + b x0 +- t(n - 2) sqrt(tau^2 +
    q Var(a + b x0))`` with the q of the fit (Knapp-Hartung; guarded: ``max(1, q)``), or quantiles of the normal of variance
    ``tau^2 + Var(a + b x0 | tau)`` with tau integrated out (reference prior).

    Parameters
    ----------
    slope : LogScalingSlope or MetaRegressionSlope
        An unweighted least-squares slope, or a random-effects one.
    params_b : float
        Size of the new model, positive. Unit: billions of parameters.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    RatePrediction
        Shape: scalar. Unit: fraction. The ends are not confined to [0, 1]; the clipped ones are, and a flag says when
        they differ.

    Raises
    ------
    InsufficientData
        If the fit has no scatter to predict with.
    DomainError
        If the size is not positive, or the slope is weighted (the new model's weight is unknown), or of differences.

    References
    ----------
    .. [1] N. R. Draper, H. Smith (1998), Applied Regression Analysis, 3rd ed., section 3.1.
    .. [2] J. P. T. Higgins, S. G. Thompson, D. J. Spiegelhalter (2009), J. R. Statist. Soc. A 172, 137-159, section 3.2.

    Examples
    --------
    >>> from safescale.stats import log_scaling_slope, prediction_interval
    >>> fit = log_scaling_slope([0.8, 1.9, 4.2, 9.0, 27.0], [0.61, 0.55, 0.48, 0.49, 0.38])
    >>> one = prediction_interval(fit, 70)
    >>> f"{one.estimate:.2f} [{one.low:.2f}, {one.high:.2f}]", one.extrapolates
    ('0.33 [0.22, 0.45]', True)
    """
    size, level = real("params_b", params_b), fraction("level", level)
    if size <= 0:
        raise DomainError(f"params_b must be positive (billions of parameters), got {size:g}; give the new model's size")
    if not isinstance(slope, LogScalingSlope | MetaRegressionSlope):
        raise DomainError(f"slope must come from log_scaling_slope or meta_regression_slope, got {type(slope).__name__}")
    if isinstance(slope, LogScalingSlope) and slope.quantity != "rate":
        raise DomainError("slope is of differences, and a rate is predicted here; read the line of differences itself")
    if isinstance(slope, LogScalingSlope):
        estimate, low, high = _of_line(slope, np.log10(size), level)
    elif slope.method == "reference_prior":
        estimate, low, high = _integrated(slope, np.log10(size), level)
    else:
        estimate, low, high = _knapp_hartung(slope, np.log10(size), level)
    return RatePrediction(
        estimate=estimate,
        low=low,
        high=high,
        low_clipped=min(max(low, 0.0), 1.0),
        high_clipped=min(max(high, 0.0), 1.0),
        leaves_unit_interval=low < 0.0 or high > 1.0,
        extrapolates=not min(slope.params_b) <= size <= max(slope.params_b),
        of="observed_rate" if isinstance(slope, LogScalingSlope) else "true_rate",
        params_b=size,
        level=level,
        slope=slope,
    )


def _of_line(slope: LogScalingSlope, x0: float, level: float) -> tuple[float, float, float]:
    if slope.weights is not None:
        raise DomainError(
            "slope is weighted, and the weight of the new model is unknown; fit without weights or by meta_regression_slope"
        )
    if slope.standard_error_pp_per_decade is None:
        raise InsufficientData(f"{slope.undefined_because}, nor to predict with; add models that scatter")
    x = np.log10(slope.params_b)
    about = x - x.mean()
    sxx = float(about @ about)
    s = slope.standard_error_pp_per_decade / 100 * np.sqrt(sxx)
    b = slope.slope_pp_per_decade / 100
    estimate = float(np.mean(slope.rates) + b * (x0 - x.mean()))
    t = -float(scipy.special.stdtrit(slope.residual_dof, (1.0 - level) / 2.0))
    half = t * float(s * np.sqrt(1 + 1 / slope.n + (x0 - x.mean()) ** 2 / sxx))
    return estimate, estimate - half, estimate + half


def _integrated(slope: MetaRegressionSlope, x0: float, level: float) -> tuple[float, float, float]:
    x, y, v = np.log10(slope.params_b), np.array(slope.successes) / np.array(slope.trials), np.array(slope.variances)
    mixture = slope_mixture(x, y, v)
    line, distance = mixture.line, x0 - mixture.line.centre
    centres = line.height + line.slope * distance
    sds = np.sqrt(mixture.tau2 + 1 / line.weight + distance**2 / line.information)
    tail = (1.0 - level) / 2.0
    low, middle, high = mixture_quantiles(centres, sds, mixture.mass, np.array([tail, 0.5, 1.0 - tail])).tolist()
    return middle, low, high


def _knapp_hartung(slope: MetaRegressionSlope, x0: float, level: float) -> tuple[float, float, float]:
    if slope.undefined_because is not None:
        raise InsufficientData(f"{slope.undefined_because} (and predict)")
    x, y, v = np.log10(slope.params_b), np.array(slope.successes) / np.array(slope.trials), np.array(slope.variances)
    tau2 = (slope.tau_pp / 100) ** 2
    line = weighted_line(x, y, v, np.asarray(tau2))
    q = float(line.q) / slope.residual_dof
    inflation = max(1.0, q) if slope.method == "knapp_hartung_guarded" else q
    distance = x0 - float(line.centre)
    variance = inflation * (1 / float(line.weight) + distance**2 / float(line.information))
    estimate = float(line.height + line.slope * distance)
    half = -float(scipy.special.stdtrit(slope.residual_dof, (1.0 - level) / 2.0)) * float(np.sqrt(tau2 + variance))
    return estimate, estimate - half, estimate + half
