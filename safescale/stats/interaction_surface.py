"""Model size against attack compute: a logit surface over both, and the rate at which one offsets the other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._beta_binomial import binomial_fit
from safescale.stats._domain import fraction, group_codes, positive, same_length, sizes, successes_of_trials_arrays
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

__all__ = ["ExchangeRate", "InteractionSurface", "SurfaceEffect", "interaction_surface"]

_STEEPEST = 25.0  # log odds per decade: beyond it the fit is on its way to infinity


@attrs.frozen(kw_only=True)
class InteractionSurface:
    """
    ``logit(rate) = a + b s + c k + d s k`` over log10 size s and log10 attack compute k, both about the reference point.

    Attributes
    ----------
    rate_at_reference : float
        Fitted rate at the reference point (fraction).
    size, compute, interaction : SurfaceEffect
        The coefficients b, c and d. b is the slope on size at the reference compute, c that on compute at the reference size.
    exchange : ExchangeRate
        How many decades of size offset one of compute there.
    outweighs : Outweighs
        Which of the two decades moves the log odds further there: ``|c| - |b|``.
    reference_params_b, reference_compute : float
        The reference point: geometric means over the models and over the cells.
    dof : int
        Number of models less 2.
    n_models, n_cells : int
        Models and cells.
    level : float
        Nominal coverage.
    params_b, compute_levels : tuple of float
        The inputs that were given.
    successes, trials : tuple of int
        The counts that were given.
    models : tuple
        The model of each cell.
    generalises_to : {"new_models"}
        Models are the units.
    """

    rate_at_reference: float
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
    params_b: tuple[float, ...]
    compute_levels: tuple[float, ...]
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    models: tuple[Hashable, ...]
    generalises_to: Literal["new_models"] = "new_models"


def interaction_surface(
    params_b: npt.ArrayLike,
    compute: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    models: Iterable[Hashable],
    *,
    level: float = 0.95,
) -> InteractionSurface:
    """
    Logit surface of a rate over model size and attack compute, with the rate of exchange between the two.

    ``logit(mu_ij) = a + b s_i + c k_j + d s_i k_j`` by maximum likelihood; covariance ``M^-1 (sum u_i u_i') M^-1`` over models i
    with ``u_i = (I - A_i M^-1)^-1 X_i'(y_i - n_i mu_i)``, ``A_i = X_i' W_i X_i``, ``M = sum A_i`` (Mancl and DeRouen); Student's t
    with ``m - 2`` degrees of freedom for m models. The exchange rate ``r = -c / b`` has the interval of Fieller: all r for
    which ``|c + r b| <= t sqrt(Var(c) + 2 r Cov(b, c) + r^2 Var(b))``.

    Parameters
    ----------
    params_b : array_like of float, shape (cells,)
        Size of the model of each cell, at least 3 distinct. Unit: billions of parameters.
    compute : array_like of float, shape (cells,)
        Attack compute of each cell, at least 3 distinct levels. Any unit of its own, above 0: a baseline without attack has no
        logarithm and is compared apart.
    successes, trials : array_like of int, shape (cells,)
        Counts of each (model, compute). Unit: traces.
    models : iterable of hashable, shape (cells,)
        The model of each cell, at least 4.
    level : float, default 0.95
        Nominal coverage. Unit: probability.

    Returns
    -------
    InteractionSurface
        Shape: scalar. Units: log odds per decade; decades of size per decade of compute.

    Raises
    ------
    InsufficientData
        With fewer than 4 models, 3 sizes or 3 levels of compute, or where one model alone carries a coefficient.
    DomainError
        If an input is out of range, a model has two sizes, or the likelihood has no maximum.

    Notes
    -----
    *Units of compute.* Training FLOPs are about proportional to tokens times size: on a log scale ``k' = k + s``. Without
    interaction the same surface then reads ``(b - c) s + c k'``: the slope on compute stays, that on size shifts by it, and with
    them ``outweighs`` and ``exchange``. "At equal tokens" and "at equal FLOPs" are two questions; say which was asked. With an
    interaction the two surfaces are not quite the same (``s k' = s k + s^2``).

    *A decade of each* is the scale on which they are compared, whatever spans the grid has.

    References
    ----------
    .. [1] L. A. Mancl, T. A. DeRouen (2001), Biometrics 57, 126-134, section 3.
    .. [2] E. C. Fieller (1954), J. Roy. Statist. Soc. B 16, 175-185.

    Examples
    --------
    Ten times the attack compute is offset by one and a half decades of size:

    >>> from safescale.stats import interaction_surface
    >>> size = [1, 1, 1, 3, 3, 3, 8, 8, 8, 30, 30, 30, 70, 70, 70]
    >>> compute = [1, 10, 100] * 5
    >>> wins = [100, 152, 199, 91, 134, 185, 76, 128, 171, 57, 109, 150, 52, 94, 143]
    >>> fit = interaction_surface(size, compute, wins, [250] * 15, size)
    >>> round(fit.exchange.decades, 1), [round(end, 1) for end in fit.exchange.interval]
    (1.5, [1.3, 1.8])
    """
    size, effort = sizes(params_b), positive("compute", compute, unit="units of attack compute")
    k, n = (a.astype(np.float64) for a in successes_of_trials_arrays(successes, trials))
    same_length("params_b", len(size), "compute", len(effort))
    same_length("params_b", len(size), "successes", len(k))
    labels, code = group_codes(models, len(size), name="models", unit="row")
    level = fraction("level", level)
    of_model = sizes_of_models(size, labels, code)
    require_spread(of_model, effort)
    middle = float(np.log10(of_model).mean()), float(np.log10(effort).mean())
    s, c = np.log10(size) - middle[0], np.log10(effort) - middle[1]
    design = np.column_stack([np.ones(len(s)), s, c, s * c])
    require_full_rank(design)
    coefficients = binomial_fit(design, np.zeros(len(k)), k, n)
    if np.abs(coefficients).max() > _STEEPEST:
        raise DomainError(
            "the likelihood has no maximum: successes and failures are separated over size and compute; "
            "add levels at which both occur"
        )
    mu = scipy.special.expit(design @ coefficients)
    covariance = clustered_covariance(design, n * mu * (1 - mu), k - n * mu, labels, code)
    dof = len(of_model) - 2
    t = -float(scipy.special.stdtrit(dof, (1 - level) / 2))
    effects = [surface_effect(float(coefficients[at]), float(covariance[at, at]), t, dof) for at in (1, 2, 3)]
    return InteractionSurface(
        rate_at_reference=float(scipy.special.expit(coefficients[0])),
        size=effects[0],
        compute=effects[1],
        interaction=effects[2],
        exchange=exchange_rate(coefficients[1:3], covariance[1:3, 1:3], t),
        outweighs=which_outweighs(float(coefficients[1]), float(coefficients[2]), covariance[1:3, 1:3], dof=dof, level=level),
        reference_params_b=10 ** middle[0],
        reference_compute=10 ** middle[1],
        dof=dof,
        n_models=len(of_model),
        n_cells=len(k),
        level=level,
        params_b=tuple(size.tolist()),
        compute_levels=tuple(effort.tolist()),
        successes=tuple(k.astype(np.int64).tolist()),
        trials=tuple(n.astype(np.int64).tolist()),
        models=labels,
    )
