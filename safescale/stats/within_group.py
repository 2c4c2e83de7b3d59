"""One slope on log10 size within groups (lineages): every group has its own level, all share the slope."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector, IntVector, SlopeQuantity, fraction, group_codes, sizes_and_quantities
from safescale.stats._inference import LOG10_OF_2, ROUNDING, no_scatter, require_three_sizes, student_inference
from safescale.stats.ols import ols, share_explained

__all__ = ["WithinGroupSlope", "within_group_slope"]


@attrs.frozen(kw_only=True)
class WithinGroupSlope:
    """
    A least-squares slope of a rate on log10 model size with one intercept per group.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Percentage points per factor of 10 and of 2 in size.
    standard_error_pp_per_decade : float or None
        None where no scatter is left (see ``undefined_because``).
    interval : tuple of (float, float) or None
        Two-sided interval at ``level``, in percentage points per decade.
    r_squared : float or None
        Share of the within-group sum of squares; None where rates do not vary within groups.
    p_value : float or None
        Two-sided Student t test of slope 0.
    n, n_groups, n_informative, residual_dof : int
        Models; groups; groups with at least two distinct sizes, which alone move the slope; ``n - n_groups - 1``.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why standard error, interval and p (and R squared) are None.
    params_b, rates : tuple of float
        The inputs that were given.
    groups : tuple
        The group of each model.
    quantity : {"rate", "difference"}
        What ``rates`` holds: rates, or a difference of two rates of each model.
    generalises_to : {"new_models"}
        Models are the units; the interval speaks of further models of groups like these.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    standard_error_pp_per_decade: float | None
    interval: tuple[float, float] | None
    r_squared: float | None
    p_value: float | None
    n: int
    n_groups: int
    n_informative: int
    residual_dof: int
    level: float
    undefined_because: str | None
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    groups: tuple[Hashable, ...]
    quantity: SlopeQuantity = "rate"
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def within_group_slope(
    params_b: npt.ArrayLike,
    rates: npt.ArrayLike,
    groups: Iterable[Hashable],
    *,
    quantity: SlopeQuantity = "rate",
    level: float = 0.95,
) -> WithinGroupSlope:
    """
    Pooled slope of a rate on log10 model size within groups, with each model one point.

    ``rate_i = a_group(i) + b log10(size_i) + e_i``: differences between groups, however large, do not enter b.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct in the groups that have two or more. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates, or differences of two rates (see ``quantity``). Unit: fraction in [0, 1], or in [-1, 1].
    groups : iterable of hashable, shape (models,)
        Group (lineage) of each model.
    quantity : {"rate", "difference"}, default "rate"
        "difference": each model's value is one of two rates minus the other, and may be negative.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    WithinGroupSlope
        Shape: scalar. Units: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If no group has two distinct sizes, or those that have hold fewer than 3 distinct sizes together.
    DomainError
        If a size is not positive, a value out of its range, or lengths differ.

    References
    ----------
    .. [1] Y. Mundlak (1978), Econometrica 46, 69-85 (the within estimator).

    Examples
    --------
    Two lineages at very different levels, both rising:

    >>> from safescale.stats import within_group_slope
    >>> fit = within_group_slope([1, 10, 100, 1, 10, 100], [0.1, 0.2, 0.3, 0.7, 0.9, 0.9], list("aaabbb"))
    >>> round(fit.slope_pp_per_decade, 6), fit.residual_dof
    (10.0, 3)
    """
    x, y = sizes_and_quantities(params_b, rates, quantity)
    labels, codes = group_codes(groups, len(x))
    level = fraction("level", level)
    informative = informative_groups(x, codes)
    n_groups = int(codes.max()) + 1
    indicators = (codes[:, np.newaxis] == np.arange(n_groups)).astype(np.float64)
    fit = ols(np.column_stack([indicators, np.log10(x)]), y)
    deviations = y - (indicators.T @ y / indicators.sum(axis=0))[codes]
    equal = bool(np.abs(deviations).max() <= ROUNDING)
    slope = 0.0 if equal else float(fit.coefficients[-1])
    reason = no_scatter(fit.residual_sd, 1.0, n=len(x), equal=equal)
    se = None if reason else float(fit.standard_errors[-1])
    interval, p_value = student_inference(slope, se, fit.residual_dof, level)
    return WithinGroupSlope(
        slope_pp_per_decade=100 * slope,
        slope_pp_per_doubling=100 * slope * LOG10_OF_2,
        standard_error_pp_per_decade=None if se is None else 100 * se,
        interval=interval,
        r_squared=None if equal else share_explained(float(fit.residuals @ fit.residuals), deviations, centred=False),
        p_value=p_value,
        n=len(x),
        n_groups=n_groups,
        n_informative=len(informative),
        residual_dof=fit.residual_dof,
        level=level,
        undefined_because=reason,
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
        groups=labels,
        quantity=quantity,
    )


def informative_groups(x: FloatVector, codes: IntVector) -> list[int]:
    """The groups with two or more distinct sizes; refused where they cannot carry a slope."""
    informative = [int(code) for code in np.unique(codes) if len(np.unique(x[codes == code])) > 1]
    # three distinct sizes in groups of two or more leave at least one degree of freedom, so none is checked for
    if not informative:
        raise InsufficientData(
            f"none of the {len(np.unique(codes))} groups has two distinct sizes, so nothing varies within groups; "
            "group more coarsely or fit log_scaling_slope across groups"
        )
    require_three_sizes(x[np.isin(codes, informative)])
    return informative
