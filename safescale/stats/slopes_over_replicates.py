"""The mean slope on log10 size over replicates of a whole lineage (training seeds): the replicate is the unit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector, SlopeQuantity, fraction, group_codes, sizes_and_quantities
from safescale.stats._inference import LOG10_OF_2, ROUNDING, student_inference
from safescale.stats.within_group import informative_groups

__all__ = ["SlopesOverReplicates", "slopes_over_replicates"]


@attrs.frozen(kw_only=True)
class SlopesOverReplicates:
    """
    The mean over replicates of the slope within each.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Unweighted mean of ``slopes_pp_per_decade``, and the same per factor of 2 in size.
    standard_error_pp_per_decade : float or None
        ``sd(slopes) / sqrt(n_replicates)``; None where all slopes are equal.
    interval : tuple of (float, float) or None
        Two-sided t interval of the mean at ``level``, in percentage points per decade.
    p_value : float or None
        Two-sided Student t test of mean slope 0.
    replicates : tuple
        The replicates that have a slope, in order of first appearance.
    slopes_pp_per_decade : tuple of float
        Their least-squares slopes.
    left_out : tuple
        Replicates of a single size, which have none.
    n, n_replicates, residual_dof : int
        Models given; replicates with a slope; ``n_replicates - 1``.
    level : float
        Nominal coverage of ``interval``.
    undefined_because : str or None
        Why standard error, interval and p are None.
    params_b, rates : tuple of float
        The inputs that were given.
    labels : tuple
        The replicate of each model.
    quantity : {"rate", "difference"}
        What ``rates`` holds: rates, or a difference of two rates of each model.
    generalises_to : {"new_models"}
        Replicates are the units; the interval speaks of further replicates of this lineage at these sizes.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    standard_error_pp_per_decade: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    replicates: tuple[Hashable, ...]
    slopes_pp_per_decade: tuple[float, ...]
    left_out: tuple[Hashable, ...]
    n: int
    n_replicates: int
    residual_dof: int
    level: float
    undefined_because: str | None
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    labels: tuple[Hashable, ...]
    quantity: SlopeQuantity = "rate"
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def slopes_over_replicates(
    params_b: npt.ArrayLike,
    rates: npt.ArrayLike,
    replicates: Iterable[Hashable],
    *,
    quantity: SlopeQuantity = "rate",
    level: float = 0.95,
) -> SlopesOverReplicates:
    """
    Mean over replicates of the slope on log10 size within each, with a t interval over replicates.

    Within replicate r the least-squares slope ``b_r = sum x_i y_i / sum x_i^2``, x = log10 size about its mean there; then
    ``mean(b) +- t(R - 1) sd(b) / sqrt(R)`` over the R replicates. A slope of one replicate needs no interval of its own, so two
    sizes in it are enough; three distinct ones are needed in all.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct in the replicates that have two or more. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates, or differences of two rates (see ``quantity``). Unit: fraction in [0, 1], or in [-1, 1].
    replicates : iterable of hashable, shape (models,)
        Replicate (training seed, lineage) of each model.
    quantity : {"rate", "difference"}, default "rate"
        "difference": each model's value is one of two rates minus the other, and may be negative.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    SlopesOverReplicates
        Shape: scalar. Units: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If fewer than two replicates have two distinct sizes, or they hold fewer than 3 distinct sizes together.
    DomainError
        If a size is not positive, a value out of its range, or lengths differ.

    Notes
    -----
    Whatever all models of a replicate share leaves its slope alone, and whatever tilts a whole replicate is in the spread of the
    slopes: the interval needs no model of the scatter within a replicate. With few replicates it is wide (t is 12.7 for two,
    4.3 for three), and it says nothing of lineages of another kind.

    References
    ----------
    .. [1] H. A. Feldman (1988), J. Appl. Physiol. 64, 1721-1732 (a slope per subject, then their mean).

    Examples
    --------
    >>> from safescale.stats import slopes_over_replicates
    >>> found = slopes_over_replicates([1, 10, 100] * 3, [0.1, 0.2, 0.3, 0.1, 0.3, 0.4, 0.2, 0.2, 0.3], list("aaabbbccc"))
    >>> low, high = found.interval
    >>> f"{found.slope_pp_per_decade:.0f} [{low:.0f}, {high:.0f}] pp/decade over {found.n_replicates} replicates"
    '10 [-2, 22] pp/decade over 3 replicates'
    """
    x, y = sizes_and_quantities(params_b, rates, quantity)
    labels, codes = group_codes(replicates, len(x), name="replicates")
    level = fraction("level", level)
    informative = informative_groups(x, codes)
    names = tuple(dict.fromkeys(labels))
    if len(informative) < 2:
        raise InsufficientData(
            f"a mean over replicates needs at least 2 with two distinct sizes, got 1 ({names[informative[0]]!r}) of {len(names)}; "
            "train another replicate, or report its slope by log_scaling_slope"
        )
    slopes = np.array([_slope(np.log10(x[codes == code]), y[codes == code]) for code in informative])
    count, mean, sd = len(slopes), float(slopes.mean()), float(slopes.std(ddof=1))
    reason = None
    if sd <= ROUNDING:
        reason = f"the slopes of the {count} replicates are equal, which leaves no scatter to judge their mean by"
    se = None if reason else sd / math.sqrt(count)
    interval, p_value = student_inference(mean, se, count - 1, level)
    return SlopesOverReplicates(
        slope_pp_per_decade=100 * mean,
        slope_pp_per_doubling=100 * mean * LOG10_OF_2,
        standard_error_pp_per_decade=None if se is None else 100 * se,
        interval=interval,
        p_value=p_value,
        replicates=tuple(names[code] for code in informative),
        slopes_pp_per_decade=tuple((100 * slopes).tolist()),
        left_out=tuple(name for code, name in enumerate(names) if code not in set(informative)),
        n=len(x),
        n_replicates=count,
        residual_dof=count - 1,
        level=level,
        undefined_because=reason,
        params_b=tuple(x.tolist()),
        rates=tuple(y.tolist()),
        labels=labels,
        quantity=quantity,
    )


def _slope(x: FloatVector, y: FloatVector) -> float:
    about = x - x.mean()
    return 0.0 if np.ptp(y) <= ROUNDING else float(about @ (y - y.mean())) / float(about @ about)
