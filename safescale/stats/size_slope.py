"""The test of a slope on size that this project stands by: exact with few models, Student's t with more."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._domain import SlopeQuantity, choice, unit_labels
from safescale.stats._tails import seeded
from safescale.stats.fisher import ALTERNATIVES, Alternative
from safescale.stats.sizes import smallest_attainable_p
from safescale.stats.slope import LogScalingSlope, log_scaling_slope
from safescale.stats.slope_permutation import permutation_slope_test
from safescale.stats.within_group import WithinGroupSlope, within_group_slope

__all__ = ["SizeSlopeMethod", "SizeSlopeTest", "size_slope_test"]

SizeSlopeMethod: TypeAlias = Literal["exact_permutation", "monte_carlo_permutation", "ols_t"]

MAX_EXACT_MODELS = 8


@attrs.frozen(kw_only=True)
class SizeSlopeTest:
    """
    A test that a rate does not change with log10 model size, models as units.

    Attributes
    ----------
    p_value : float
        In (0, 1], never below ``p_floor``.
    p_floor : float
        The smallest p that any arrangement of these rates over these sizes can reach.
    method : {"exact_permutation", "monte_carlo_permutation", "ols_t"}
        How p was computed.
    alternative : {"two-sided", "greater", "less"}
        "greater": larger models comply more.
    n : int
        Number of models.
    slope : LogScalingSlope or WithinGroupSlope
        The fitted slope with its interval; it carries the inputs and their ``quantity``.
    generalises_to : {"new_models"}
        Models are the units.
    """

    p_value: float
    p_floor: float
    method: SizeSlopeMethod
    alternative: Alternative
    n: int
    slope: LogScalingSlope | WithinGroupSlope
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def size_slope_test(
    params_b: npt.ArrayLike,
    rates: npt.ArrayLike,
    *,
    groups: Iterable[Hashable] | None = None,
    alternative: Alternative = "two-sided",
    quantity: SlopeQuantity = "rate",
    level: float = 0.95,
    rng: np.random.Generator | int | None = None,
) -> SizeSlopeTest:
    """
    Test of a slope on log10 model size: exact permutation up to 8 models, Student's t beyond.

    Without groups: `permutation_slope_test` for at most 8 models, else the t test of `log_scaling_slope`. With
    groups: permutation within groups (exact where affordable, else Monte Carlo), beside the slope of
    `within_group_slope`. Where no scatter is left for a t test, the permutation test stands in.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates, or differences of two rates (see ``quantity``). Unit: fraction in [0, 1], or in [-1, 1].
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater": larger models comply more.
    quantity : {"rate", "difference"}, default "rate"
        "difference": each model's value is one of two rates minus the other, and may be negative.
    level : float, default 0.95
        Nominal coverage of the slope's interval. Unit: probability.
    rng : numpy Generator or int, optional
        Source or seed of random arrangements; None is the fixed seed 20260630.

    Returns
    -------
    SizeSlopeTest
        Shape: scalar. ``p_floor <= p_value <= 1``, unit: probability.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes, or no group holds two.
    DomainError
        If an input is out of range.

    References
    ----------
    .. [1] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 225-232.

    Examples
    --------
    >>> from safescale.stats import size_slope_test
    >>> test = size_slope_test([0.8, 2, 4, 9], [0.586, 0.948, 0.789, 0.574])
    >>> test.method, round(test.p_value, 2), round(test.p_floor, 3)
    ('exact_permutation', 0.92, 0.083)
    """
    choice("alternative", alternative, ALTERNATIVES)
    rng = seeded(rng)
    labels = None if groups is None else unit_labels("groups", groups, unit="model")
    slope = (
        log_scaling_slope(params_b, rates, quantity=quantity, level=level)
        if labels is None
        else within_group_slope(params_b, rates, labels, quantity=quantity, level=level)
    )
    if labels is None and slope.n > MAX_EXACT_MODELS and slope.standard_error_pp_per_decade is not None:
        p_floor = smallest_attainable_p(params_b, alternative=alternative)
        t = slope.slope_pp_per_decade / slope.standard_error_pp_per_decade
        return SizeSlopeTest(
            p_value=max(_student_tail(t, slope.residual_dof, alternative), p_floor),
            p_floor=p_floor,
            method="ols_t",
            alternative=alternative,
            n=slope.n,
            slope=slope,
        )
    permuted = permutation_slope_test(params_b, rates, groups=labels, alternative=alternative, rng=rng, quantity=quantity)
    return SizeSlopeTest(
        p_value=permuted.p_value,
        p_floor=permuted.p_floor,
        method=permuted.method,
        alternative=alternative,
        n=slope.n,
        slope=slope,
    )


def _student_tail(t: float, dof: int, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return float(2 * scipy.special.stdtr(dof, -abs(t)))
    return float(scipy.special.stdtr(dof, -t if alternative == "greater" else t))
