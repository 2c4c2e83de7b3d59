"""Condition times log10 size on items: does the difference between two conditions change with size, for these models?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Literal, NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import (
    AS_A_WHOLE,
    FloatVector,
    IntVector,
    count_table,
    fraction,
    frozen,
    group_codes,
    same_length,
    sizes,
)
from safescale.stats._inference import LOG10_OF_2, ROUNDING, require_three_sizes, student_inference
from safescale.stats.cluster_robust import cluster_robust_ols

__all__ = ["ItemInteractionMethod", "ItemInteractionSlope", "item_interaction_slope"]

ItemInteractionMethod: TypeAlias = Literal["mean_of_prompts", "CR2"]


@attrs.frozen(kw_only=True)
class ItemInteractionSlope:
    """
    The slope on log10 size of a difference between two conditions, over the prompts of these models.

    Attributes
    ----------
    slope_pp_per_decade, slope_pp_per_doubling : float
        Percentage points of the difference per factor of 10 and of 2 in size.
    standard_error_pp_per_decade : float or None
        With prompts as clusters; None where their slopes do not scatter.
    interval : tuple of (float, float) or None
        Two-sided t interval at ``level``, in percentage points per decade.
    p_value : float or None
        Two-sided t test of no interaction.
    residual_dof : float
        ``prompts - 1``, or Satterthwaite's for CR2.
    prompts, prompts_left_out : int
        Prompts that carry a slope; prompts with pairs of fewer than two distinct sizes, which carry none.
    models, pairs : int
        Models, and pairs of one model and one prompt with both conditions, of the prompts that carry a slope.
    level : float
        Nominal coverage of ``interval``.
    method : {"mean_of_prompts", "CR2"}
        Closed form where every prompt has every model, else the cluster-robust fit.
    undefined_because : str or None
        Why standard error, interval and p are None.
    params_b : tuple of float
        The sizes that were given.
    control_successes, control_trials, treated_successes, treated_trials : ndarray of int, shape (models, prompts)
        The counts that were given.
    groups : tuple or None
        The group of each model, where the slope is within groups.
    generalises_to : {"these_models"}
        The prompts replicate, the models do not: a model that is odd for its size tilts this slope and widens nothing.
    """

    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    standard_error_pp_per_decade: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    residual_dof: float
    prompts: int
    prompts_left_out: int
    models: int
    pairs: int
    level: float
    method: ItemInteractionMethod
    undefined_because: str | None
    params_b: tuple[float, ...]
    control_successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    control_trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    treated_successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    treated_trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    groups: tuple[Hashable, ...] | None = None
    generalises_to: Literal["these_models"] = "these_models"


def item_interaction_slope(
    params_b: npt.ArrayLike,
    control_successes: npt.ArrayLike,
    control_trials: npt.ArrayLike,
    treated_successes: npt.ArrayLike,
    treated_trials: npt.ArrayLike,
    *,
    groups: Iterable[Hashable] | None = None,
    level: float = 0.95,
) -> ItemInteractionSlope:
    """
    Interaction of condition and log10 size on items, on the scale of differences, with prompts as clusters.

    ``d_ij`` is treated rate minus control rate of model i on prompt j, x = log10 size. Where every prompt has every model, the
    slope of prompt j is ``b_j = sum_i x_i d_ij / sum x_i^2`` (x about its mean), and the interaction ``mean(b) +- t(J - 1) sd(b)
    / sqrt(J)`` over the J prompts. Where pairs are missing, x and d are taken about their means in each prompt and d is regressed
    on x with the covariance CR2 over prompts and Satterthwaite's degrees of freedom: ``b = sum_j S_j b_j / sum_j S_j`` with
    ``S_j`` the sum of squares of x in prompt j. A prompt that only large models have answered then lifts no slope. The first is
    the second on complete data.

    Within groups (lineages), means are those of a group in a prompt: what the models of a group share then tilts no slope, and a
    group that is missing at one end of the sizes leaves nothing at the other.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    control_successes, control_trials : array_like of int, shape (models, prompts)
        Counts under the control; 0 trials: the pair is missing. Unit: traces.
    treated_successes, treated_trials : array_like of int, shape (models, prompts)
        Counts under the treatment. Unit: traces.
    groups : iterable of hashable, shape (models,), optional
        Group (lineage) of each model.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    ItemInteractionSlope
        Shape: scalar. Units: percentage points per decade and per doubling.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes, or too few prompts with pairs at two sizes (of one group): 2 of complete data,
        else 3.
    DomainError
        If a size is not positive, a count out of range, or shapes differ.

    Notes
    -----
    It speaks of these models on further prompts, and its p is no evidence on size: where six models of no slope differ by 5 pp (10
    pp) among themselves, it rejects "no slope" at .05 in .27 (.51) of data sets of 400 prompts and .58 (.79) of 2,000. Evidence on
    size is `size_slope_test` of each model's difference.

    References
    ----------
    .. [1] H. A. Feldman (1988), J. Appl. Physiol. 64, 1721-1732 (a slope per subject, then their mean).
    .. [2] J. E. Pustejovsky, E. Tipton (2018), J. Bus. Econ. Statist. 36, 672-683 (CR2; effects of clusters taken out).

    Examples
    --------
    Three models on four prompts, each asked once under each condition:

    >>> import numpy as np
    >>> from safescale.stats import item_interaction_slope
    >>> once, control = np.ones((3, 4), dtype=int), [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    >>> found = item_interaction_slope([1, 10, 100], control, once, [[0, 0, 0, 0], [0, 1, 1, 0], [1, 1, 1, 0]], once)
    >>> f"{found.slope_pp_per_decade:.1f} pp/decade, p = {found.p_value:.2f}", found.generalises_to
    ('50.0 pp/decade, p = 0.09', 'these_models')
    """
    size = sizes(params_b)
    control, n_control = _table("control", control_successes, control_trials)
    treated, n_treated = _table("treated", treated_successes, treated_trials)
    if control.shape != treated.shape:
        raise DomainError(f"control and treated counts must have the same shape, got {control.shape} and {treated.shape}")
    same_length("params_b", len(size), "control_trials", len(control))
    level = fraction("level", level)
    require_three_sizes(size)
    paired = (n_control > 0) & (n_treated > 0)
    d = (treated * n_control - control * n_treated) / np.where(paired, n_control * n_treated, 1)
    labels, codes = (None, np.zeros(len(size), dtype=np.int64)) if groups is None else group_codes(groups, len(size))
    blocks = [codes == code for code in range(int(codes.max()) + 1)]
    kept = np.array([any(len(np.unique(size[pairs & block])) > 1 for block in blocks) for pairs in paired.T])
    paired, d = paired[:, kept], d[:, kept]
    least = 2 if paired.all() else 3
    if paired.shape[1] < least:
        raise InsufficientData(
            f"{paired.shape[1]} of {len(kept)} prompts have pairs at two sizes or more, and the spread over prompts needs {least}; "
            "add prompts, or complete those with missing pairs"
        )
    require_three_sizes(size[paired.any(axis=1)])
    x = np.log10(size)
    fit = _mean_of_prompts(x, d, blocks) if paired.all() else _absorbed(x, d, paired, blocks, level)
    interval, p_value = student_inference(fit.slope, fit.se, fit.dof, level)
    reason = None if fit.se is not None else f"the {paired.shape[1]} prompts do not scatter, which leaves nothing to judge by"
    return ItemInteractionSlope(
        slope_pp_per_decade=100 * fit.slope,
        slope_pp_per_doubling=100 * fit.slope * LOG10_OF_2,
        standard_error_pp_per_decade=None if fit.se is None else 100 * fit.se,
        interval=interval,
        p_value=p_value,
        residual_dof=fit.dof,
        prompts=int(paired.shape[1]),
        prompts_left_out=int(np.count_nonzero(~kept)),
        models=len(size),
        pairs=int(np.count_nonzero(paired)),
        level=level,
        method="mean_of_prompts" if paired.all() else "CR2",
        undefined_because=reason,
        params_b=tuple(size.tolist()),
        control_successes=frozen(control),
        control_trials=frozen(n_control),
        treated_successes=frozen(treated),
        treated_trials=frozen(n_treated),
        groups=labels,
    )


_Mask: TypeAlias = npt.NDArray[np.bool_]


class _Fit(NamedTuple):
    slope: float
    se: float | None
    dof: float


def _table(name: str, successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[IntVector, IntVector]:
    k = count_table(f"{name}_successes", successes, shape="models by prompts")
    n = count_table(f"{name}_trials", trials, shape="models by prompts")
    if k.shape != n.shape:
        raise DomainError(f"{name}_successes and {name}_trials must have the same shape, got {k.shape} and {n.shape}")
    if np.any(k > n):
        at = tuple(int(index) for index in np.argwhere(k > n)[0])
        raise DomainError(
            f"{name}_successes must not exceed {name}_trials, got {k[at]} of {n[at]} at model {at[0]}, prompt {at[1]}"
        )
    return k, n


def _mean_of_prompts(x: FloatVector, d: FloatVector, blocks: list[_Mask]) -> _Fit:
    about = x.copy()
    for block in blocks:
        about[block] -= x[block].mean()
    slopes = about @ d / float(about @ about)
    sd = 0.0 if np.ptp(slopes) <= ROUNDING else float(slopes.std(ddof=1))
    prompts = len(slopes)
    return _Fit(float(slopes.mean()), None if sd == 0 else sd / math.sqrt(prompts), prompts - 1)


def _absorbed(x: FloatVector, d: FloatVector, paired: _Mask, blocks: list[_Mask], level: float) -> _Fit:
    """Least squares with an intercept per prompt and group, taken out of both columns; CR2 is the same with or without."""
    about, apart = np.zeros(paired.shape), np.zeros(paired.shape)
    for block in blocks:
        there, wide = paired[block], np.broadcast_to(x[block][:, np.newaxis], paired[block].shape)
        seen = np.maximum(there.sum(axis=0), 1)
        about[block] = np.where(there, wide - (there * wide).sum(axis=0) / seen, 0.0)
        apart[block] = np.where(there, d[block] - (there * d[block]).sum(axis=0) / seen, 0.0)
    squares = (about * about).sum(axis=0)
    slopes = (about * apart).sum(axis=0) / squares
    slope = float(squares @ slopes) / float(squares.sum())
    if np.abs(slopes - slope).max() <= ROUNDING:
        return _Fit(slope, None, len(slopes) - 1)
    prompts = np.broadcast_to(np.arange(paired.shape[1]), paired.shape)[paired]
    fit = cluster_robust_ols(about[paired][:, np.newaxis], apart[paired], prompts.tolist(), level=level)
    return _Fit(slope, float(fit.standard_errors[0]), float(fit.robust.dof[0]))
