"""The slope of a rate on log10 model size, models as units."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.stats._domain import SlopeQuantity, fraction, positive, same_length, sizes_and_quantities, squarable
from safescale.stats._inference import LOG10_OF_2, ROUNDING, no_scatter, require_three_sizes, student_inference
from safescale.stats.ols import ols, share_explained

__all__ = ["LogScalingSlope", "SlopeQuantity", "log_scaling_slope"]


@attrs.frozen(kw_only=True)
class LogScalingSlope:
    """
    A least-squares slope of a rate on log10 model size.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Percentage points per factor of 10 and of 2 in size, from one fit.
    standard_error_pp_per_decade : float or None
        None where no scatter is left (see ``undefined_because``).
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``, in percentage points per decade.
    r_squared : float or None
        None where all rates are equal.
    p_value : float or None
        Two-sided Student t test of slope 0.
    rate_at_1b : float
        The fitted line at one billion parameters (fraction, not confined to [0, 1]); of differences, the line's difference.
    n, residual_dof : int
        Number of models, and ``n - 2``.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why standard error, interval and p (and R squared) are None.
    params_b, rates, weights : tuple of float
        The inputs that were given; ``weights`` may be None.
    quantity : {"rate", "difference"}
        What ``rates`` holds: rates, or a difference of two rates of each model.
    generalises_to : {"new_models"}
        Models are the units; the interval speaks of further models drawn like these.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    standard_error_pp_per_decade: float | None
    interval: tuple[float, float] | None
    r_squared: float | None
    p_value: float | None
    rate_at_1b: float
    n: int
    residual_dof: int
    level: float
    undefined_because: str | None
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    weights: tuple[float, ...] | None
    quantity: SlopeQuantity = "rate"
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def log_scaling_slope(
    params_b: npt.ArrayLike,
    rates: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    quantity: SlopeQuantity = "rate",
    level: float = 0.95,
) -> LogScalingSlope:
    """
    Least-squares slope of a rate on log10 model size, with each model one point.

    ``rate_i = a + b log10(size_i) + e_i``. One fit gives ``100 b`` pp per decade and ``100 b log10(2)`` pp per
    doubling. Interval and p refer ``b / SE(b)`` to Student's t with ``n - 2`` degrees of freedom.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates, or differences of two rates (see ``quantity``). Unit: fraction in [0, 1], or in [-1, 1].
    weights : array_like of float, shape (models,), optional
        Positive precision weights (variance ~ 1/weight). They move the line, not the degrees of freedom. Default:
        equal.
    quantity : {"rate", "difference"}, default "rate"
        "difference": each model's value is one of two rates minus the other, and may be negative.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    LogScalingSlope
        Shape: scalar. Units: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes; two sizes make a difference (`raw_difference_per_decade`).
    DomainError
        If a size is not positive, a value out of its range, or lengths differ.

    Notes
    -----
    The interval speaks of further models on these prompts. Where all models answer the same prompts, the slope over other prompts
    is less certain: with 40 prompts of intraclass correlation .5 a 95 % interval held it .50 to .95 of the time
    (``docs/explanation/calibration.md``). One point per model is fair to models of about as many traces: where traces grew
    67-fold with size, the .05 test rejected .08 of the time, at worst .14, under no slope; use `meta_regression_slope`.

    Equal rates give slope 0, and points on a line give their slope; but with no scatter left there is no standard
    error, and a certainty of zero width is not claimed: standard error, interval and p are None, and
    ``undefined_because`` says so.

    References
    ----------
    .. [1] N. R. Draper, H. Smith (1998), Applied Regression Analysis, 3rd ed., chapter 1.

    Examples
    --------
    >>> from safescale.stats import log_scaling_slope
    >>> fit = log_scaling_slope([0.8, 2, 4, 9], [1103 / 1882, 615 / 649, 821 / 1040, 1540 / 2683])
    >>> f"{fit.slope_pp_per_decade:+.1f} pp/decade, p = {fit.p_value:.2f}"
    '-3.9 pp/decade, p = 0.90'
    """
    x, y = sizes_and_quantities(params_b, rates, quantity)
    level = fraction("level", level)
    w = np.ones(len(x)) if weights is None else positive("weights", weights, unit="relative precision")
    same_length("params_b", len(x), "weights", len(w))
    squarable("weights", w, divisor=True)
    require_three_sizes(x)
    root = np.sqrt(w)
    fit = ols(np.column_stack([root, root * np.log10(x)]), root * y)
    about_mean = root * (y - np.average(y, weights=w))
    equal = bool(np.ptp(y) <= ROUNDING)
    slope = 0.0 if equal else float(fit.coefficients[1])
    reason = no_scatter(fit.residual_sd, float(root.max()), n=len(x), equal=equal)
    se = None if reason else float(fit.standard_errors[1])
    interval, p_value = student_inference(slope, se, fit.residual_dof, level)
    return LogScalingSlope(
        slope_pp_per_decade=100 * slope,
        slope_pp_per_doubling=100 * slope * LOG10_OF_2,
        standard_error_pp_per_decade=None if se is None else 100 * se,
        interval=interval,
        r_squared=None if equal else share_explained(float(fit.residuals @ fit.residuals), about_mean, centred=False),
        p_value=p_value,
        rate_at_1b=float(y[0]) if equal else float(fit.coefficients[0]),
        n=len(x),
        residual_dof=fit.residual_dof,
        level=level,
        undefined_because=reason,
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
        weights=None if weights is None else tuple(w.tolist()),
        quantity=quantity,
    )
