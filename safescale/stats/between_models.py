"""Spread between models of one size: what scatters rates about the line beyond sampling noise."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import fraction, same_length, sizes_and_rates, vector
from safescale.stats._inference import require_three_sizes
from safescale.stats._random_effects import q_profile, reml_tau2

__all__ = ["SpreadBetweenModels", "spread_between_models"]


@attrs.frozen(kw_only=True)
class SpreadBetweenModels:
    """
    The standard deviation tau of true rates about a line on log10 size.

    Attributes
    ----------
    tau_pp : float
        REML estimate, in percentage points; 0 on the boundary.
    interval_pp : tuple of (float, float) or None
        Q-profile interval of tau at ``level``, in percentage points.
    cautious_pp : float or None
        Upper one-sided limit of tau at ``assurance``: a plan made with it is large enough in that share of pilot studies.
    undefined_because : str or None
        Why there is no interval.
    residual_sd_pp : float
        Standard deviation of the observed rates about the unweighted line, sampling noise included; in percentage points.
    sampling_sd_pp : float
        Root mean sampling variance, in percentage points.
    n, residual_dof : int
        Number of models, and ``n - 2``.
    level, assurance : float
        Coverage of ``interval_pp``, and of ``cautious_pp``.
    params_b, rates, variances : tuple of float
        The inputs that were given.
    generalises_to : {"new_models"}
        Models are the units.
    """

    tau_pp: float
    interval_pp: tuple[float, float] | None
    cautious_pp: float | None
    undefined_because: str | None
    residual_sd_pp: float
    sampling_sd_pp: float
    n: int
    residual_dof: int
    level: float
    assurance: float
    params_b: tuple[float, ...]
    rates: tuple[float, ...]
    variances: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def spread_between_models(
    params_b: npt.ArrayLike, rates: npt.ArrayLike, variances: npt.ArrayLike, *, level: float = 0.95, assurance: float = 0.8
) -> SpreadBetweenModels:
    """
    Spread tau between models of one size, from rates of known sampling variance.

    ``rate_i = a + b log10(size_i) + u_i + e_i`` with ``Var(e_i) = v_i`` given and ``Var(u_i) = tau^2``: REML, and the tau whose
    generalised Q is no surprise under chi squared with ``n - 2`` degrees of freedom (Q-profile). It is the tau of
    `meta_regression_slope` for rates that are no single proportion: means over attack classes, published rates.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    variances : array_like of float, shape (models,)
        Sampling variance of each rate, all positive; or all 0 where it is not known, and tau then holds the sampling noise too.
        Unit: squared fractions.
    level : float, default 0.95
        Nominal coverage of the interval, strictly between 0 and 1. Unit: probability.
    assurance : float, default 0.8
        Chance that the cautious value is no smaller than tau, above 0.5. Unit: probability.

    Returns
    -------
    SpreadBetweenModels
        Shape: scalar. Unit: percentage points.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes.
    DomainError
        If an input is out of range, lengths differ, or some variances are 0 and others not.

    Notes
    -----
    With few models tau is nearly unknown: over 4 models the upper end of the interval is six times a residual standard deviation.
    A plan made with the estimate has its power in about half of all pilots; Browne's remedy is the upper limit at ``assurance``.

    References
    ----------
    .. [1] W. Viechtbauer (2007), Statist. Med. 26, 37-52 (Q-profile).
    .. [2] R. H. Browne (1995), Statist. Med. 14, 1933-1940 (planning from a pilot).

    Examples
    --------
    >>> from safescale.stats import spread_between_models
    >>> found = spread_between_models([1, 3, 10, 30, 100], [0.30, 0.42, 0.28, 0.39, 0.35], [0.0004] * 5)
    >>> f"{found.tau_pp:.1f} pp, {found.interval_pp[0]:.1f} to {found.interval_pp[1]:.1f}; plan with {found.cautious_pp:.1f}"
    '6.4 pp, 3.2 to 24.9; plan with 11.4'
    """
    size, y = sizes_and_rates(params_b, rates)
    level, sure = fraction("level", level), fraction("assurance", assurance)
    if sure <= 0.5:
        raise DomainError(f"assurance must be above 0.5, got {sure:g}; a plan is to hold more often than not")
    v = vector("variances", variances)
    same_length("params_b", len(size), "variances", len(v))
    if np.any(v < 0) or np.any(v > 0.25):
        raise DomainError("variances of rates must lie in [0, 0.25]; divide squared percent by 10,000")
    if np.any(v == 0) and np.any(v > 0):
        raise DomainError("give every rate its variance, or all of them 0; a rate without noise beside others rules the line")
    require_three_sizes(size)
    x = np.log10(size)
    residual = _residual_variance(x, y)
    known = bool(v[0] > 0)
    if known:
        base = y - y[0]
        tau2 = float(reml_tau2(x, base, v))
        interval, upper = q_profile(x, base, v, level), q_profile(x, base, v, 2 * sure - 1)
    else:
        tau2 = residual
        interval, upper = _chi_square(residual, len(x) - 2, level), _chi_square(residual, len(x) - 2, 2 * sure - 1)
    return SpreadBetweenModels(
        tau_pp=_pp(tau2),
        interval_pp=None if interval is None else (_pp(interval[0]), _pp(interval[1])),
        cautious_pp=None if upper is None else _pp(upper[1]),
        undefined_because=None
        if interval is not None and upper is not None
        else "the rates scatter less about the line than their sampling noise, so no spread between models fits",
        residual_sd_pp=_pp(residual),
        sampling_sd_pp=_pp(float(v.mean())),
        n=len(x),
        residual_dof=len(x) - 2,
        level=level,
        assurance=sure,
        params_b=tuple(size.tolist()),
        rates=tuple(y.tolist()),
        variances=tuple(v.tolist()),
    )


def _residual_variance(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    about = x - x.mean()
    residuals = y - y.mean() - float(about @ y / (about @ about)) * about
    return float(residuals @ residuals / (len(x) - 2))


def _chi_square(variance: float, dof: int, level: float) -> tuple[float, float] | None:
    """Interval of a variance; None where the rates lie on the line."""
    if variance <= 1e-24:
        return None
    tail = (1.0 - level) / 2.0
    return dof * variance / float(scipy.special.chdtri(dof, tail)), dof * variance / float(scipy.special.chdtri(dof, 1.0 - tail))


def _pp(variance: float) -> float:
    return 100 * float(np.sqrt(variance))
