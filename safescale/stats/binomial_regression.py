"""Binomial and quasi-binomial regression of a rate on log10 model size."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats._beta_binomial import binomial_fit
from safescale.stats._domain import (
    FloatVector,
    choice,
    fraction,
    same_length,
    sizes,
    successes_of_trials_arrays,
)
from safescale.stats._inference import LOG10_OF_2, require_three_sizes
from safescale.stats._logit import average_marginal_effect, refuse_separation

__all__ = ["BinomialDispersion", "BinomialRegression", "binomial_regression"]

BinomialDispersion: TypeAlias = Literal["binomial", "quasi"]
_TINY = float(np.finfo(np.float64).tiny)


@attrs.frozen(kw_only=True)
class BinomialRegression:
    """
    A logit line of a rate on log10 model size, with binomial or quasi-binomial variance.

    Attributes
    ----------
    slope_logit_per_decade : float
        Log odds ratio per factor of 10 in size.
    slope_logit_per_doubling : float
        Log odds ratio per factor of 2 in size.
    intercept_logit_at_1b : float
        Log odds at one billion parameters.
    standard_error_logit_per_decade : float or None
        None where the dispersion that scales it is 0 (see ``undefined_because``).
    interval_logit_per_decade : tuple of (float, float) or None
        Two-sided Wald interval at ``level``.
    statistic : float or None
        Slope over standard error: normal (binomial), or Student's t of ``residual_dof`` (quasi).
    p_value : float or None
        Two-sided p of slope 0.
    average_marginal_effect_pp_per_decade : float
        Mean over the models of the slope of the fitted rate, percentage points per decade.
    average_marginal_effect_interval : tuple of (float, float) or None
        Its delta-method interval at ``level``, percentage points per decade.
    deviance, pearson : float
        Residual deviance and Pearson's X2.
    pearson_dispersion : float
        ``X2 / residual_dof``: 1 where the models scatter as their trials alone would make them.
    n, residual_dof : int
        Number of models, and ``n - 2``.
    level : float
        Nominal coverage of the intervals.
    dispersion : {"binomial", "quasi"}
        Which variance the inference uses.
    undefined_because : str or None
        Why standard error, intervals and p are None.
    caveat : str
        What the p-value does not cover.
    params_b : tuple of float
        The sizes that were given.
    successes, trials : tuple of int
        The counts that were given.
    generalises_to : {"these_models", "new_models"}
        Binomial: further traces of these models. Quasi: further models, under the caveat.
    """

    slope_logit_per_decade: float
    slope_logit_per_doubling: float
    intercept_logit_at_1b: float
    standard_error_logit_per_decade: float | None
    interval_logit_per_decade: tuple[float, float] | None
    statistic: float | None
    p_value: float | None
    average_marginal_effect_pp_per_decade: float
    average_marginal_effect_interval: tuple[float, float] | None
    deviance: float
    pearson: float
    pearson_dispersion: float
    n: int
    residual_dof: int
    level: float
    dispersion: BinomialDispersion
    undefined_because: str | None
    caveat: str
    params_b: tuple[float, ...]
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    generalises_to: Literal["these_models", "new_models"]


def binomial_regression(
    params_b: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    *,
    dispersion: BinomialDispersion = "binomial",
    level: float = 0.95,
) -> BinomialRegression:
    """
    Logit regression of counts on log10 model size by iteratively reweighted least squares.

    ``logit(mu_i) = a + b log10(size_i)``, ``Var(k_i) = phi n_i mu_i (1 - mu_i)``, ``Cov(a, b) = phi (X'WX)^-1`` with
    ``w_i = n_i mu_i (1 - mu_i)``. Binomial: phi = 1 and the normal distribution. Quasi-binomial: phi = Pearson's
    ``X2 / (n - 2)`` and Student's t with ``n - 2`` degrees of freedom.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    successes, trials : array_like of int, shape (models,)
        Counts per model, ``0 <= successes <= trials``, ``trials >= 1``. Unit: traces.
    dispersion : {"binomial", "quasi"}, default "binomial"
        Whether the scatter of models beyond their trials enters.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    BinomialRegression
        Shape: scalar. Units: log odds per decade; percentage points per decade.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes, no success or no failure, or successes and failures are separated by
        size (the slope is then infinite).
    DomainError
        If a size is not positive, a count is out of range, or lengths differ.

    Notes
    -----
    The binomial p asks whether these models' rates differ along size; with thousands of traces they always do. It is no
    evidence on size. Use `meta_regression_slope` for that.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder (1989), Generalized Linear Models, 2nd ed., sections 2.5 and 4.5.

    Examples
    --------
    One set of counts, two questions:

    >>> from safescale.stats import binomial_regression
    >>> counts = [0.8, 1.9, 4.2, 9.0], [486, 615, 789, 1095], [487, 649, 1008, 2019]
    >>> for dispersion in ("binomial", "quasi"):
    ...     fit = binomial_regression(*counts, dispersion=dispersion)
    ...     print(f"{fit.statistic:.1f}, p {fit.p_value:.1g}, {fit.generalises_to}")
    -21.8, p 1e-105, these_models
    -9.8, p 0.01, new_models
    """
    size = sizes(params_b)
    k, n = (a.astype(np.float64) for a in successes_of_trials_arrays(successes, trials))
    same_length("params_b", len(size), "successes", len(k))
    choice("dispersion", dispersion, ("binomial", "quasi"))
    level = fraction("level", level)
    require_three_sizes(size)
    x = np.log10(size)
    refuse_separation(x, k, n)
    # about the mean of x the two coefficients are nearly uncorrelated; moved back below
    design = np.column_stack([np.ones(len(x)), x - x.mean()])
    coefficients = binomial_fit(design, np.zeros(len(x)), k, n)
    mu, nu = (scipy.special.expit(sign * (design @ coefficients)) for sign in (1, -1))
    dof = len(x) - 2
    pearson = float(np.sum((k - n * mu) ** 2 / (n * mu * nu)))
    phi = pearson / dof if dispersion == "quasi" else 1.0
    covariance = phi * np.linalg.inv(design.T * (n * mu * nu) @ design)
    undefined = phi <= 1e-20
    tail = (1.0 - level) / 2.0
    quantile = -float(scipy.special.stdtrit(dof, tail) if dispersion == "quasi" else scipy.special.ndtri(tail))
    slope, se = float(coefficients[1]), float(np.sqrt(covariance[1, 1]))
    effect, effect_se = average_marginal_effect(coefficients, covariance, design)
    z = None if undefined else slope / se
    return BinomialRegression(
        slope_logit_per_decade=slope,
        slope_logit_per_doubling=slope * LOG10_OF_2,
        intercept_logit_at_1b=float(coefficients[0] - slope * x.mean()),
        standard_error_logit_per_decade=None if undefined else se,
        interval_logit_per_decade=None if undefined else (slope - quantile * se, slope + quantile * se),
        statistic=z,
        p_value=None if z is None else _two_sided(z, dof, dispersion),
        average_marginal_effect_pp_per_decade=100 * effect,
        average_marginal_effect_interval=(
            None if undefined else (100 * (effect - quantile * effect_se), 100 * (effect + quantile * effect_se))
        ),
        deviance=_deviance(k, n, mu, nu),
        pearson=pearson,
        pearson_dispersion=pearson / dof,
        n=len(x),
        residual_dof=dof,
        level=level,
        dispersion=dispersion,
        undefined_because="the rates lie on the fitted line, so the dispersion is 0 and scales nothing" if undefined else None,
        caveat=_CAVEATS[dispersion],
        params_b=tuple(size.tolist()),
        successes=tuple(k.astype(np.int64).tolist()),
        trials=tuple(n.astype(np.int64).tolist()),
        generalises_to="new_models" if dispersion == "quasi" else "these_models",
    )


_CAVEATS: dict[BinomialDispersion, str] = {
    "binomial": "speaks of further traces of these models only: spread between models is taken to be nil",
    "quasi": "takes the spread between models to shrink with their trials, as binomial noise does; a true spread does not",
}


def _two_sided(z: float, dof: int, dispersion: BinomialDispersion) -> float:
    tail = scipy.special.stdtr(dof, -abs(z)) if dispersion == "quasi" else scipy.special.ndtr(-abs(z))
    return max(2 * float(tail), _TINY)


def _deviance(k: FloatVector, n: FloatVector, mu: FloatVector, nu: FloatVector) -> float:
    terms = scipy.special.xlogy(k, k / (n * mu)) + scipy.special.xlogy(n - k, (n - k) / (n * nu))
    return max(0.0, 2 * float(np.sum(terms)))
