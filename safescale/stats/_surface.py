"""What surfaces over model size and attack compute share, whatever is fitted: covariance over models, effects, rate of exchange."""

from __future__ import annotations

from collections.abc import Hashable

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import FloatVector

MIN_MODELS = 4
_MOST_ALONE = 1 - 1e-9


@attrs.frozen(kw_only=True)
class SurfaceEffect:
    """
    One coefficient of the surface at its reference point.

    Attributes
    ----------
    estimate : float
        Log odds per decade (of size, or of compute), or per decade squared (interaction).
    standard_error : float
        Robust to any dependence within a model.
    interval : tuple of (float, float)
        Two-sided, Student's t.
    p_value : float
        Two-sided test of 0.
    """

    estimate: float
    standard_error: float
    interval: tuple[float, float]
    p_value: float


@attrs.frozen(kw_only=True)
class ExchangeRate:
    """
    Decades of model size that offset one decade of attack compute, at the reference point of the surface.

    Attributes
    ----------
    decades : float or None
        ``- b_compute / b_size``. Positive: a larger model resists what more compute gains. None where the slope on size is 0.
    interval : tuple of (float, float) or None
        Fieller's interval. None where it has no two ends.
    undefined_because : str or None
        Why there is no interval: the slope on size cannot be told from 0, so no rate of exchange is excluded on that side.
    """

    decades: float | None
    interval: tuple[float, float] | None
    undefined_because: str | None


def sizes_of_models(size: FloatVector, labels: tuple[Hashable, ...], code: npt.NDArray[np.int64]) -> FloatVector:
    of_model = np.zeros(int(code.max()) + 1)
    of_model[code] = size
    if np.any(of_model[code] != size):
        at = int(np.argmax(of_model[code] != size))
        raise DomainError(f"model {labels[at]!r} has two sizes, {size[at]:g} and {of_model[code[at]]:g}; settle which is right")
    return of_model


def require_spread(of_model: FloatVector, effort: FloatVector) -> None:
    if len(of_model) < MIN_MODELS:
        raise InsufficientData(f"a surface over size needs at least {MIN_MODELS} models, got {len(of_model)}; add models")
    for what, values in (("sizes", of_model), ("levels of attack compute", effort)):
        if (distinct := len(np.unique(values))) < 3:
            raise InsufficientData(f"a slope needs at least 3 distinct {what}, got {distinct}; two make a difference only")


def require_full_rank(design: FloatVector) -> None:
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise InsufficientData(
            "size and attack compute move together in these cells, so their effects cannot be told apart; "
            "run the same levels of compute on models of different sizes"
        )


def clustered_covariance(
    design: FloatVector,
    weight: FloatVector,
    residual: FloatVector,
    labels: tuple[Hashable, ...],
    code: npt.NDArray[np.int64],
) -> FloatVector:
    """Mancl and DeRouen's, of a fit with these working weights and weighted residuals; models are the clusters."""
    inverse = np.linalg.inv((design.T * weight) @ design)
    middle = np.zeros_like(inverse)
    for group in range(int(code.max()) + 1):
        mine = code == group
        leverage = (design[mine].T * weight[mine]) @ design[mine] @ inverse
        if np.linalg.eigvals(leverage).real.max() >= _MOST_ALONE:
            name = labels[int(np.argmax(mine))]
            raise InsufficientData(
                f"model {name!r} alone carries one of the coefficients, so nothing replicates it; add models like it"
            )
        u = np.linalg.solve(np.eye(len(inverse)) - leverage, design[mine].T @ residual[mine])
        middle += np.outer(u, u)
    return np.asarray(inverse @ middle @ inverse, dtype=np.float64)


def surface_effect(
    estimate: float, variance: float, t: float, dof: int, *, what: str = "the counts", more: str = "traces"
) -> SurfaceEffect:
    if not variance > 0:
        raise InsufficientData(f"{what} lie on the fitted surface, which leaves no scatter to judge it by; add models or {more}")
    se = float(np.sqrt(variance))
    p_value = max(2 * float(scipy.special.stdtr(dof, -abs(estimate / se))), float(np.finfo(np.float64).tiny))
    return SurfaceEffect(estimate=estimate, standard_error=se, interval=(estimate - t * se, estimate + t * se), p_value=p_value)


def exchange_rate(slopes: FloatVector, covariance: FloatVector, t: float) -> ExchangeRate:
    """Fieller: ``(c + r b)^2 <= t^2 (v_cc + 2 r v_bc + r^2 v_bb)``, a quadratic in r."""
    b, c = (float(slope) for slope in slopes)
    lead = b * b - t * t * float(covariance[0, 0])
    half = b * c - t * t * float(covariance[0, 1])
    last = c * c - t * t * float(covariance[1, 1])
    decades = None if b == 0 else -c / b
    if lead <= 0:
        why = "the slope on size cannot be told from 0 at this level, so no bound on the rate of exchange follows"
        return ExchangeRate(decades=decades, interval=None, undefined_because=why)
    root = float(np.sqrt(max(0.0, half * half - lead * last)))
    ends = sorted(((-half - root) / lead, (-half + root) / lead))
    return ExchangeRate(decades=decades, interval=(ends[0], ends[1]), undefined_because=None)
