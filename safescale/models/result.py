"""Result type of the models of this room, and how it is made from a slope with its error."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np
import scipy

from safescale.models.cells import SizedCells

__all__ = ["LogitSizeSlope", "LogitSlopeMethod", "logit_size_slope"]

LogitSlopeMethod: TypeAlias = Literal["gee_exchangeable_bias_reduced", "gee_exchangeable_robust", "mixed_logit_laplace"]


@attrs.frozen(kw_only=True)
class LogitSizeSlope:
    """
    A slope of the log odds of a rate on log10 model size, from rows clustered by model.

    Attributes
    ----------
    slope_logit_per_decade : float
        Change of the log odds per factor of 10 in size.
    standard_error : float
        Of that slope.
    interval : tuple of (float, float)
        Two-sided interval of the slope at ``level``, Student's t with ``dof``.
    p_value : float
        Two-sided test of slope 0 by the same t.
    average_marginal_pp_per_decade : float
        ``100 mean(p (1 - p)) b`` over the models: the slope in percentage points per decade, averaged over their rates.
    average_marginal_interval : tuple of (float, float)
        The interval of the slope times the same mean; the error of the mean itself is left out.
    dof : int
        Number of models less 2: models are the units, however many rows.
    model_sd_logit, prompt_sd_logit : float or None
        Spread of the random intercepts of models and prompts (standard deviations of log odds); None for a marginal model. With few
        models 0 is a usual estimate of a spread that is there, see `mixed_logit_size_slope`.
    within_model_correlation : float or None
        Correlation of two rows of one model beyond its size (GEE); None for a mixed model.
    n_models, n_prompts, n_rows : int
        How many of each; ``n_prompts`` is 0 where prompts were not given.
    level : float
        Nominal coverage.
    method : {"gee_exchangeable_bias_reduced", "gee_exchangeable_robust", "mixed_logit_laplace"}
        How the slope and its error were made.
    params_b, successes, trials, models, prompts : tuples
        The inputs that were given, cell by cell; ``prompts`` may be None.
    generalises_to : {"new_models"}
        Models are the units.
    """

    slope_logit_per_decade: float
    standard_error: float
    interval: tuple[float, float]
    p_value: float
    average_marginal_pp_per_decade: float
    average_marginal_interval: tuple[float, float]
    dof: int
    model_sd_logit: float | None
    prompt_sd_logit: float | None
    within_model_correlation: float | None
    n_models: int
    n_prompts: int
    n_rows: int
    level: float
    method: LogitSlopeMethod
    params_b: tuple[float, ...]
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    models: tuple[object, ...]
    prompts: tuple[object, ...] | None
    generalises_to: Literal["new_models"] = "new_models"


def logit_size_slope(
    cells: SizedCells,
    *,
    slope: float,
    error: float,
    mean_slope: float,
    dof: int,
    level: float,
    method: LogitSlopeMethod,
    within: float | None = None,
    model_sd: float | None = None,
    prompt_sd: float | None = None,
) -> LogitSizeSlope:
    """A slope with its error, as the result: interval and p by Student's t."""
    t = -float(scipy.special.stdtrit(dof, (1 - level) / 2))
    low, high = slope - t * error, slope + t * error
    p_value = max(float(2 * scipy.special.stdtr(dof, -abs(slope / error))), float(np.finfo(np.float64).tiny))
    return LogitSizeSlope(
        slope_logit_per_decade=slope,
        standard_error=error,
        interval=(low, high),
        p_value=p_value,
        average_marginal_pp_per_decade=100 * mean_slope * slope,
        average_marginal_interval=(100 * mean_slope * low, 100 * mean_slope * high),
        dof=dof,
        model_sd_logit=model_sd,
        prompt_sd_logit=prompt_sd,
        within_model_correlation=within,
        n_models=cells.n_models,
        n_prompts=cells.n_prompts,
        n_rows=int(cells.trials.sum()),
        level=level,
        method=method,
        params_b=tuple(cells.params_b.tolist()),
        successes=tuple(cells.successes.tolist()),
        trials=tuple(cells.trials.tolist()),
        models=cells.models,
        prompts=cells.prompts,
    )
