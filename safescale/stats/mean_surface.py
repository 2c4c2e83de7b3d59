"""Model size against attack compute for a mean (a distance, an entropy): the least-squares counterpart of `interaction_surface`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._domain import (
    AS_A_WHOLE,
    FloatVector,
    fraction,
    frozen,
    group_codes,
    positive,
    same_length,
    sizes,
    squarable,
    vector,
)
from safescale.stats._surface import (
    ExchangeRate,
    SurfaceEffect,
    clustered_covariance,
    exchange_rate,
    require_full_rank,
    require_spread,
    sizes_of_models,
    surface_effect,
)
from safescale.stats.outweighs import Outweighs, which_outweighs

__all__ = ["MeanSurface", "mean_surface"]


@attrs.frozen(kw_only=True)
class MeanSurface:
    """
    ``mean = a + b s + c k + d s k`` over log10 size s and log10 attack compute k, both about the reference point.

    Attributes
    ----------
    mean_at_reference : float
        Fitted mean at the reference point, in units of the values.
    size, compute, interaction : SurfaceEffect
        The coefficients b, c and d: units of the values per decade, and per decade squared.
    exchange : ExchangeRate
        How many decades of size offset one of compute there.
    outweighs : Outweighs
        Which of the two decades moves the mean further there: ``|c| - |b|``.
    reference_params_b, reference_compute : float
        The reference point: geometric means over the models and over the cells.
    dof : int
        Number of models less 2.
    n_models, n_cells : int
        Models and cells.
    level : float
        Nominal coverage.
    params_b, compute_levels, values, weights : ndarray of float, shape (cells,)
        The inputs that were given; weights of 1 where none were.
    models : tuple
        The model of each cell.
    generalises_to : {"new_models"}
        Models are the units.
    """

    mean_at_reference: float
    size: SurfaceEffect
    compute: SurfaceEffect
    interaction: SurfaceEffect
    exchange: ExchangeRate
    outweighs: Outweighs
    reference_params_b: float
    reference_compute: float
    dof: int
    n_models: int
    n_cells: int
    level: float
    params_b: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    compute_levels: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    values: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    weights: FloatVector = attrs.field(eq=AS_A_WHOLE, repr=False)
    models: tuple[Hashable, ...] = attrs.field(repr=False)
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def mean_surface(
    params_b: npt.ArrayLike,
    compute: npt.ArrayLike,
    values: npt.ArrayLike,
    models: Iterable[Hashable],
    *,
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> MeanSurface:
    """
    Linear surface of a mean over model size and attack compute, with the rate of exchange between the two.

    ``y_ij = a + b s_i + c k_j + d s_i k_j`` by (weighted) least squares; covariance ``M^-1 (sum u_i u_i') M^-1`` over models i with
    ``u_i = (I - A_i M^-1)^-1 X_i' W_i e_i``, ``A_i = X_i' W_i X_i``, ``M = sum A_i`` (CR3, the jackknife over models); Student's t
    with ``m - 2`` degrees of freedom for m models. Exchange rate and ``outweighs`` as in `interaction_surface`.

    Parameters
    ----------
    params_b : array_like of float, shape (cells,)
        Size of the model of each cell, at least 3 distinct. Unit: billions of parameters.
    compute : array_like of float, shape (cells,)
        Attack compute of each cell, at least 3 distinct levels, above 0: a baseline without attack has no logarithm.
    values : array_like of float, shape (cells,)
        Mean of each (model, compute): 1 - cosine, nats. A rate is better fitted by `interaction_surface` on its counts.
    models : iterable of hashable, shape (cells,)
        The model of each cell, at least 4.
    weights : array_like of float, shape (cells,), optional
        What each cell counts, above 0 (prompts behind it); only their ratios matter. Left out: all alike.
    level : float, default 0.95
        Nominal coverage. Unit: probability.

    Returns
    -------
    MeanSurface
        Shape: scalar. Units: of the values per decade; decades of size per decade of compute.

    Raises
    ------
    InsufficientData
        With fewer than 4 models, 3 sizes or 3 levels of compute, where one model alone carries a coefficient, or nothing scatters.
    DomainError
        If an input is out of range or a model has two sizes.

    Notes
    -----
    Units of compute: with FLOPs in place of tokens the slope on compute stays and that on size shifts by it, see
    `interaction_surface`.

    References
    ----------
    .. [1] R. M. Bell, D. F. McCaffrey (2002), Survey Methodology 28, 169-181 (the jackknife over clusters).
    .. [2] E. C. Fieller (1954), J. Roy. Statist. Soc. B 16, 175-185.

    Examples
    --------
    Each decade of compute adds .10 to the drift, each decade of size takes .05:

    >>> from safescale.stats import mean_surface
    >>> size = [1, 1, 1, 10, 10, 10, 100, 100, 100, 3, 3, 3, 30, 30, 30]
    >>> compute = [1, 10, 100] * 5
    >>> drift = [0.21, 0.30, 0.41, 0.15, 0.26, 0.34, 0.10, 0.19, 0.31, 0.17, 0.28, 0.37, 0.13, 0.22, 0.33]
    >>> fit = mean_surface(size, compute, drift, size)
    >>> f"{fit.size.estimate:.3f}, {fit.compute.estimate:.3f} per decade; {fit.exchange.decades:.1f} decades offset one"
    '-0.052, 0.100 per decade; 1.9 decades offset one'
    >>> f"{fit.outweighs.difference:.3f} [{fit.outweighs.interval[0]:.3f}, {fit.outweighs.interval[1]:.3f}]"
    '0.048 [0.034, 0.062]'
    """
    size, effort = sizes(params_b), positive("compute", compute, unit="units of attack compute")
    y = squarable("values", vector("values", values))
    same_length("params_b", len(size), "compute", len(effort))
    same_length("params_b", len(size), "values", len(y))
    labels, code = group_codes(models, len(size), name="models", unit="row")
    w = np.ones(len(y)) if weights is None else squarable("weights", positive("weights", weights, unit="what a cell counts"))
    same_length("params_b", len(size), "weights", len(w))
    level = fraction("level", level)
    of_model = sizes_of_models(size, labels, code)
    require_spread(of_model, effort)
    middle = float(np.log10(of_model).mean()), float(np.log10(effort).mean())
    s, c = np.log10(size) - middle[0], np.log10(effort) - middle[1]
    design = np.column_stack([np.ones(len(s)), s, c, s * c])
    require_full_rank(design)
    share = w / w.sum()
    root = np.sqrt(share)
    coefficients = np.linalg.lstsq(design * root[:, np.newaxis], y * root, rcond=None)[0]
    e = y - design @ coefficients
    # rounding scatters too: what is left below it is none
    e[np.abs(e) <= 1e-12 * float(np.abs(y).max())] = 0.0
    covariance = clustered_covariance(design, share, share * e, labels, code)
    dof = len(of_model) - 2
    t = -float(scipy.special.stdtrit(dof, (1 - level) / 2))
    effects = [
        surface_effect(float(coefficients[at]), float(covariance[at, at]), t, dof, what="the values", more="levels")
        for at in (1, 2, 3)
    ]
    return MeanSurface(
        mean_at_reference=float(coefficients[0]),
        size=effects[0],
        compute=effects[1],
        interaction=effects[2],
        exchange=exchange_rate(coefficients[1:3], covariance[1:3, 1:3], t),
        outweighs=which_outweighs(float(coefficients[1]), float(coefficients[2]), covariance[1:3, 1:3], dof=dof, level=level),
        reference_params_b=10 ** middle[0],
        reference_compute=10 ** middle[1],
        dof=dof,
        n_models=len(of_model),
        n_cells=len(y),
        level=level,
        params_b=frozen(size),
        compute_levels=frozen(effort),
        values=frozen(y),
        weights=frozen(w),
        models=labels,
    )
