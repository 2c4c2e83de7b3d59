"""Size against attack compute within each replicate of a lineage (training seed), and the means: the replicate is the unit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import InsufficientData
from safescale.stats._beta_binomial import binomial_fit
from safescale.stats._domain import (
    FloatVector,
    fraction,
    group_codes,
    positive,
    same_length,
    sizes,
    squarable,
    successes_of_trials_arrays,
    vector,
)
from safescale.stats._surface import SurfaceEffect, require_full_rank
from safescale.stats.outweighs import Outweighs, which_outweighs

__all__ = ["ReplicateSurface", "SurfaceOverReplicates", "surface_over_replicates"]

_STEEPEST = 25.0  # log odds per decade: beyond it the fit is on its way to infinity
_ROUNDING = 1e-12


@attrs.frozen(kw_only=True)
class ReplicateSurface:
    """
    The surface of one replicate: point estimates only, as within it nothing is independent.

    Attributes
    ----------
    replicate : hashable
        Its label.
    size, compute, interaction : float or None
        Slopes per decade at the common reference point, and per decade squared; None where the replicate has no fit.
    cells : int
        Its (model, compute) cells.
    why : str or None
        Why it has no fit.
    """

    replicate: Hashable
    size: float | None
    compute: float | None
    interaction: float | None
    cells: int
    why: str | None = None


@attrs.frozen(kw_only=True)
class SurfaceOverReplicates:
    """
    Means over replicates of the effects within each.

    Attributes
    ----------
    size, compute, interaction : SurfaceEffect or None
        Unweighted means with Student's t over replicates; None where they show no scatter.
    outweighs : Outweighs or None
        ``|mean compute| - |mean size|`` from the covariance of the two over replicates.
    undefined_because : str or None
        Why any of these is None.
    replicates : tuple of ReplicateSurface
        Every replicate, in order of first appearance, those without a fit too.
    n_replicates, dof : int
        Replicates with a fit, and these less one.
    reference_params_b, reference_compute : float
        The reference point of all: geometric means over all cells.
    scale : {"log_odds", "values"}
        Unit of the effects.
    level : float
        Nominal coverage.
    params_b, compute_levels, values : tuple of float
        The inputs that were given.
    trials : tuple of int or None
        Trials, where ``values`` are counts.
    labels : tuple
        The replicate of each cell.
    generalises_to : {"new_models"}
        Replicates are the units; it speaks of further replicates of this lineage at these sizes.
    """

    size: SurfaceEffect | None
    compute: SurfaceEffect | None
    interaction: SurfaceEffect | None
    outweighs: Outweighs | None
    undefined_because: str | None
    replicates: tuple[ReplicateSurface, ...]
    n_replicates: int
    dof: int
    reference_params_b: float
    reference_compute: float
    scale: Literal["log_odds", "values"]
    level: float
    params_b: tuple[float, ...] = attrs.field(repr=False)
    compute_levels: tuple[float, ...] = attrs.field(repr=False)
    values: tuple[float, ...] = attrs.field(repr=False)
    trials: tuple[int, ...] | None = attrs.field(repr=False)
    labels: tuple[Hashable, ...] = attrs.field(repr=False)
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def surface_over_replicates(
    params_b: npt.ArrayLike,
    compute: npt.ArrayLike,
    values: npt.ArrayLike,
    replicates: Iterable[Hashable],
    *,
    trials: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> SurfaceOverReplicates:
    """
    Mean over replicates of the effects of size and attack compute within each, with t intervals over replicates.

    Within replicate r ``a + b s + c k + d s k`` is fitted to its cells, by least squares, or by binomial maximum likelihood on the
    log odds where ``trials`` are given, with log10 size s and log10 compute k about one reference point for all. Then
    ``mean(b) -+ t(R - 1) sd(b) / sqrt(R)`` over the R replicates with a fit, likewise c and d; `which_outweighs` on the means.

    Parameters
    ----------
    params_b : array_like of float, shape (cells,)
        Size of the model of each cell, at least 3 distinct. Unit: billions of parameters.
    compute : array_like of float, shape (cells,)
        Attack compute of each cell, at least 3 distinct levels, above 0.
    values : array_like of float, shape (cells,)
        Mean of each cell; with ``trials``, its successes (whole numbers).
    replicates : iterable of hashable, shape (cells,)
        Replicate (training seed, lineage) of each cell.
    trials : array_like of int, shape (cells,), optional
        Trials of each cell. Unit: traces.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    SurfaceOverReplicates
        Shape: scalar. Units: log odds, or units of the values, per decade.

    Raises
    ------
    InsufficientData
        If fewer than two replicates have a fit, or there are fewer than 3 distinct sizes or levels.
    DomainError
        If an input is out of range or lengths differ.

    Notes
    -----
    What all cells of a replicate share leaves its effects alone, and whatever tilts a whole replicate is in the spread: no model
    of the scatter within one is needed. A replicate whose successes and failures are separated over size and compute has effects
    without bound; it is listed without a fit, and the means then speak of the others only, which are the less steep ones.

    References
    ----------
    .. [1] H. A. Feldman (1988), J. Appl. Physiol. 64, 1721-1732 (a slope per subject, then their mean).

    Examples
    --------
    >>> from safescale.stats import surface_over_replicates
    >>> size, compute = [1, 1, 1, 10, 10, 10, 100, 100, 100] * 3, [1, 10, 100] * 9
    >>> drift = [
    ...     *(0.20, 0.31, 0.40, 0.16, 0.25, 0.36, 0.10, 0.20, 0.29),
    ...     *(0.25, 0.33, 0.45, 0.22, 0.30, 0.40, 0.13, 0.26, 0.33),
    ...     *(0.18, 0.30, 0.44, 0.12, 0.24, 0.35, 0.09, 0.21, 0.31),
    ... ]
    >>> found = surface_over_replicates(size, compute, drift, [seed for seed in "abc" for _ in range(9)])
    >>> more, (low, high) = found.outweighs.difference, found.outweighs.interval
    >>> f"{found.size.estimate:.3f}, {found.compute.estimate:.3f}; outweighs by {more:.3f} [{low:.3f}, {high:.3f}]"
    '-0.052, 0.104; outweighs by 0.052 [0.021, 0.083]'
    """
    size, effort = sizes(params_b), positive("compute", compute, unit="units of attack compute")
    n: FloatVector | None = None
    if trials is None:
        y = squarable("values", vector("values", values))
    else:
        y, n = (a.astype(np.float64) for a in successes_of_trials_arrays(values, trials))
    same_length("params_b", len(size), "compute", len(effort))
    same_length("params_b", len(size), "values", len(y))
    labels, codes = group_codes(replicates, len(size), name="replicates", unit="cell")
    level = fraction("level", level)
    for what, held in (("sizes", size), ("levels of attack compute", effort)):
        if (distinct := len(np.unique(held))) < 3:
            raise InsufficientData(f"a slope needs at least 3 distinct {what}, got {distinct}; two make a difference only")
    middle = float(np.log10(size).mean()), float(np.log10(effort).mean())
    s, k = np.log10(size) - middle[0], np.log10(effort) - middle[1]
    design = np.column_stack([np.ones(len(s)), s, k, s * k])
    names = tuple(dict.fromkeys(labels))
    rows = tuple(
        _one(name, design[mine], y[mine], None if n is None else n[mine])
        for code, name in enumerate(names)
        if (mine := codes == code).any()
    )
    fits = np.array([[row.size, row.compute, row.interaction] for row in rows if row.why is None], dtype=np.float64)
    count = len(fits)
    if count < 2:
        lacking = "; ".join(f"{row.replicate!r}: {row.why}" for row in rows if row.why is not None)
        raise InsufficientData(
            f"a mean over replicates needs at least 2 with a fit, got {count} of {len(rows)}"
            + (f" ({lacking})" if lacking else "")
            + "; train another replicate, or use interaction_surface or mean_surface with models as units"
        )
    means, covariance = fits.mean(axis=0), np.cov(fits.T) / count
    effects = [_effect(float(means[at]), float(covariance[at, at]), float(np.abs(fits).max()), count - 1, level) for at in range(3)]
    reason = None if all(effects) else f"the effects of the {count} replicates are equal, which shows no scatter to judge them by"
    outweighs = None
    if effects[0] is not None and effects[1] is not None:
        two = covariance[:2, :2]
        if min(two.sum(), two[0, 0] + two[1, 1] - 2 * two[0, 1]) > (_ROUNDING * float(np.abs(fits).max())) ** 2:
            outweighs = which_outweighs(float(means[0]), float(means[1]), two, dof=count - 1, level=level)
        else:
            reason = f"sum or difference of the two effects is equal in all {count} replicates, which shows no scatter"
    return SurfaceOverReplicates(
        size=effects[0],
        compute=effects[1],
        interaction=effects[2],
        outweighs=outweighs,
        undefined_because=reason,
        replicates=rows,
        n_replicates=count,
        dof=count - 1,
        reference_params_b=10 ** middle[0],
        reference_compute=10 ** middle[1],
        scale="values" if n is None else "log_odds",
        level=level,
        params_b=tuple(size.tolist()),
        compute_levels=tuple(effort.tolist()),
        values=tuple(y.tolist()),
        trials=None if n is None else tuple(n.astype(np.int64).tolist()),
        labels=labels,
    )


def _one(name: Hashable, design: FloatVector, y: FloatVector, n: FloatVector | None) -> ReplicateSurface:
    def without(why: str) -> ReplicateSurface:
        return ReplicateSurface(replicate=name, size=None, compute=None, interaction=None, cells=len(y), why=why)

    try:
        require_full_rank(design)
    except InsufficientData:
        return without("its cells do not tell size, compute and interaction apart")
    if n is None:
        found = np.linalg.lstsq(design, y, rcond=None)[0]
    else:
        if y.sum() in (0.0, n.sum()):
            return without(f"{'no success' if y.sum() == 0 else 'no failure'} in {int(n.sum())} traces: it has no log odds")
        found = binomial_fit(design, np.zeros(len(y)), y, n)
        if np.abs(found).max() > _STEEPEST:
            return without("its successes and failures are separated over size and compute: the likelihood has no maximum")
    _, b, c, d = found.tolist()
    return ReplicateSurface(replicate=name, size=b, compute=c, interaction=d, cells=len(y))


def _effect(mean: float, variance: float, largest: float, dof: int, level: float) -> SurfaceEffect | None:
    if variance <= (_ROUNDING * largest) ** 2:
        return None
    se = math.sqrt(variance)
    half = -float(scipy.special.stdtrit(dof, (1.0 - level) / 2.0)) * se
    p_value = max(2 * float(scipy.special.stdtr(dof, -abs(mean / se))), float(np.finfo(np.float64).tiny))
    return SurfaceEffect(estimate=mean, standard_error=se, interval=(mean - half, mean + half), p_value=p_value)
