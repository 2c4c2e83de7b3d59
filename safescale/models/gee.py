"""A marginal logit of a rate on log10 size, rows clustered by model: generalised estimating equations."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.models.cells import SizedCells, require_statsmodels, sized_cells
from safescale.models.result import LogitSizeSlope, LogitSlopeMethod, logit_size_slope
from safescale.stats._domain import fraction

__all__ = ["gee_size_slope"]

MAX_BIAS_REDUCED = 600_000
"""Sum of squared rows per model up to which the bias-reduced covariance is computed: it inverts a matrix of that size per model."""


def gee_size_slope(
    params_b: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    models: Iterable[Hashable],
    *,
    level: float = 0.95,
) -> LogitSizeSlope:
    """
    Slope of the log odds on log10 size by GEE with exchangeable rows within each model.

    ``logit E[y_ij] = a + b log10(size_i)``, working correlation ``rho`` between any two rows of a model. The error of ``b`` is
    the bias-reduced sandwich of Mancl and DeRouen where the models are small enough, else the robust sandwich times
    ``m / (m - 2)``; either is referred to Student's t with ``m - 2`` degrees of freedom for m models.

    Parameters
    ----------
    params_b : array_like of float, shape (cells,)
        Size of the model of each cell. Unit: billions of parameters.
    successes, trials : array_like of int, shape (cells,)
        Counts of each cell (a model, or a model on one prompt). Unit: traces.
    models : iterable of hashable, shape (cells,)
        The model of each cell; at least 4 models of at least 3 sizes.
    level : float, default 0.95
        Nominal coverage. Unit: probability.

    Returns
    -------
    LogitSizeSlope
        Shape: scalar. Units: log odds per decade, percentage points per decade.

    Raises
    ------
    MissingBackend
        Without statsmodels (extra ``models``).
    InsufficientData
        With fewer than 3 sizes or 4 models, or without any success or any failure.
    DomainError
        If an input is out of range, or the fit does not converge (rates of 0 and 1 that separate the sizes).

    References
    ----------
    .. [1] K.-Y. Liang, S. L. Zeger (1986), Biometrika 73, 13-22.
    .. [2] L. A. Mancl, T. A. DeRouen (2001), Biometrics 57, 126-134.
    """
    require_statsmodels()
    level = fraction("level", level)
    cells = sized_cells(params_b, successes, trials, models, None)
    y, cell = cells.rows()
    order = np.argsort(cells.model_code[cell], kind="stable")
    y, group = y[order], cells.model_code[cell][order]
    design = np.column_stack([np.ones(len(y)), cells.centred_log_size[cell][order]])
    small = int(np.sum(np.bincount(group).astype(np.int64) ** 2)) <= MAX_BIAS_REDUCED
    fit = _fit(y, design, group, "bias_reduced" if small else "robust")
    error = float(fit.bse[1]) * (1.0 if small else float(np.sqrt(cells.n_models / (cells.n_models - 2))))
    method: LogitSlopeMethod = "gee_exchangeable_bias_reduced" if small else "gee_exchangeable_robust"
    return _result(cells, fit, error, level, method)


def _fit(y: npt.NDArray[np.float64], design: npt.NDArray[np.float64], group: npt.NDArray[np.int64], covariance: str) -> Any:
    import statsmodels.api as sm

    model = sm.GEE(y, design, groups=group, family=sm.families.Binomial(), cov_struct=sm.cov_struct.Exchangeable())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is checked below
        fit = model.fit(cov_type=covariance, maxiter=200)
    if not (fit.converged and np.all(np.isfinite(fit.params)) and np.all(np.isfinite(fit.bse)) and abs(fit.params[1]) < 50):
        raise DomainError(
            "the GEE did not converge: some sizes have only successes or only failures; use "
            "meta_regression_slope, which needs no log odds"
        )
    return fit


def _result(cells: SizedCells, fit: Any, error: float, level: float, method: LogitSlopeMethod) -> LogitSizeSlope:
    log_size = np.zeros(cells.n_models)
    log_size[cells.model_code] = cells.centred_log_size
    rates = scipy.special.expit(float(fit.params[0]) + float(fit.params[1]) * log_size)
    dof = cells.n_models - 2
    return logit_size_slope(
        cells,
        slope=float(fit.params[1]),
        error=error,
        mean_slope=float(np.mean(rates * (1 - rates))),
        dof=dof,
        level=level,
        method=method,
        within=float(fit.cov_struct.dep_params),
    )
