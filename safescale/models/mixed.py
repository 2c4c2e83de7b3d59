"""A mixed logit of a rate on log10 size: random intercepts of models and prompts, crossed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.models.cells import SizedCells, sized_cells
from safescale.models.result import LogitSizeSlope, logit_size_slope
from safescale.stats._domain import fraction

__all__ = ["mixed_logit_size_slope"]

_Floats = npt.NDArray[np.float64]

LOWEST_LOG_SD, HIGHEST_LOG_SD = -5.0, 2.5
"""Bounds of the log of a spread (log odds): below exp(-5) = 0.007 it is reported as 0."""


def mixed_logit_size_slope(
    params_b: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    models: Iterable[Hashable],
    prompts: Iterable[Hashable],
    *,
    level: float = 0.95,
) -> LogitSizeSlope:
    """
    Slope of the log odds on log10 size with crossed random intercepts of models and prompts.

    ``logit p_ij = a + b log10(size_i) + u_i + v_j``, ``u ~ N(0, s_model^2)``, ``v ~ N(0, s_prompt^2)``. The two spreads maximise
    Laplace's approximation of the likelihood with a, b, u and v integrated out (so that few models do not shrink ``s_model``);
    a and b and their error are those at that maximum, referred to Student's t with ``m - 2`` degrees of freedom for m models.

    Parameters
    ----------
    params_b : array_like of float, shape (cells,)
        Size of the model of each cell. Unit: billions of parameters.
    successes, trials : array_like of int, shape (cells,)
        Counts of each (model, prompt). Unit: traces.
    models, prompts : iterable of hashable, shape (cells,)
        The model and the prompt of each cell; at least 4 models of at least 3 sizes, at least 2 prompts.
    level : float, default 0.95
        Nominal coverage. Unit: probability.

    Returns
    -------
    LogitSizeSlope
        Shape: scalar. Units: log odds per decade (given model and prompt), percentage points per decade.

    Raises
    ------
    InsufficientData
        With fewer than 3 sizes, 4 models or 2 prompts, or without any success or any failure.
    DomainError
        If an input is out of range, or the log odds run off to infinity.

    Notes
    -----
    The mixed logits of statsmodels are not used. On simulated data of 10 models and 30 prompts its posterior mode
    (``fit_map``) put the spread of the models at 0 in 14 of 15 draws where it is 0.4, because the joint density of spread and
    intercepts has no bound there; its variational fit gave the slope a standard deviation of .073 where the spread of the models
    alone asks for .12. See docs/decisions/0005.

    With few models and few answers the test is very conservative. Simulated without an effect of size (30-40 prompts, one trace
    of each prompt and model, true spreads of .5-.6) it rejected at .05 in 0 of 202 data sets of 4 models, 2 of 239 of 5 and 2 of
    115 of 8. The spread of the models came out as exactly 0 in 19-32 % of these fits: a ``model_sd_logit`` of 0 is no sign that
    models do not differ, and a p above .05 none that size does not matter. For the primary test see
    `safescale.stats.meta_regression_slope`.

    References
    ----------
    .. [1] N. E. Breslow, D. G. Clayton (1993), J. Amer. Statist. Assoc. 88, 9-25, equation 4 and section 2.4.
    .. [2] D. Bates, M. Machler, B. Bolker, S. Walker (2015), J. Statist. Software 67(1).
    """
    level = fraction("level", level)
    cells = sized_cells(params_b, successes, trials, models, prompts)
    if cells.n_prompts < 2:
        raise InsufficientData("a spread of prompts needs at least 2 prompts, got 1; use gee_size_slope")
    problem = _Penalised.of(cells)
    sd = _best_spreads(problem)
    coefficients, curvature = problem.mode(sd)
    slope = float(coefficients[1])
    error = float(np.sqrt(np.linalg.inv(curvature)[1, 1]))
    rate = scipy.special.expit(problem.design @ coefficients)
    traces = np.bincount(cells.model_code, weights=cells.trials)
    by_model = np.bincount(cells.model_code, weights=cells.trials * rate * (1 - rate)) / traces
    return logit_size_slope(
        cells,
        slope=slope,
        error=error,
        mean_slope=float(by_model.mean()),
        dof=cells.n_models - 2,
        level=level,
        method="mixed_logit_laplace",
        model_sd=_reported(sd[0]),
        prompt_sd=_reported(sd[1]),
    )


def _reported(sd: float) -> float:
    return 0.0 if sd <= 1.01 * np.exp(LOWEST_LOG_SD) else float(sd)


@attrs.frozen(eq=False)
class _Penalised:
    """The design ``[1, x, U, V]`` over cells with their counts; the penalty of u and v is ``1 / s^2``."""

    design: _Floats
    successes: _Floats
    trials: _Floats
    n_models: int
    n_prompts: int

    @classmethod
    def of(cls, cells: SizedCells) -> _Penalised:
        design = np.zeros((len(cells.trials), 2 + cells.n_models + cells.n_prompts))
        at = np.arange(len(cells.trials))
        design[:, 0], design[:, 1] = 1.0, cells.centred_log_size
        design[at, 2 + cells.model_code] = 1.0
        design[at, 2 + cells.n_models + cells.prompt_code] = 1.0
        k, n = cells.successes.astype(np.float64), cells.trials.astype(np.float64)
        return cls(design, k, n, cells.n_models, cells.n_prompts)

    def penalty(self, sd: _Floats) -> _Floats:
        """Diagonal of the precision of all coefficients: 0 for a and b."""
        return np.concatenate([np.zeros(2), np.repeat(1 / np.square(sd), [self.n_models, self.n_prompts])])

    def log_posterior(self, coefficients: _Floats, penalty: _Floats) -> float:
        """Log likelihood (without binomial coefficients) less half the penalty."""
        eta = self.design @ coefficients
        fit = self.successes @ eta - self.trials @ np.logaddexp(0.0, eta)
        return float(fit - penalty @ np.square(coefficients) / 2)

    def mode(self, sd: _Floats) -> tuple[_Floats, _Floats]:
        """Coefficients at the mode given the spreads, and the curvature there: Newton's method with halved steps."""
        penalty = self.penalty(sd)
        coefficients = np.zeros(self.design.shape[1])
        value = self.log_posterior(coefficients, penalty)
        for _ in range(100):
            rate = scipy.special.expit(self.design @ coefficients)
            gradient = self.design.T @ (self.successes - self.trials * rate) - penalty * coefficients
            curvature = (self.design.T * (self.trials * rate * (1 - rate))) @ self.design + np.diag(penalty)
            step = _solved(curvature, gradient)
            shrink = 1.0
            while (new := self.log_posterior(coefficients + shrink * step, penalty)) < value - 1e-12 and shrink > 1e-6:
                shrink /= 2
            coefficients, gain, value = coefficients + shrink * step, new - value, new
            if gain < 1e-10 and float(gradient @ step) < 1e-8:
                return coefficients, curvature
        raise DomainError(
            "the log odds run off to infinity: some sizes hold only successes or only failures; use meta_regression_slope"
        )


def _solved(curvature: _Floats, gradient: _Floats) -> _Floats:
    try:
        factor = scipy.linalg.cho_factor(curvature)
    except np.linalg.LinAlgError:
        raise DomainError("the log odds run off to infinity: all rates are 0 or 1; use meta_regression_slope") from None
    return np.asarray(scipy.linalg.cho_solve(factor, gradient), dtype=np.float64)


def _best_spreads(problem: _Penalised) -> _Floats:
    """Standard deviations of u and v at the maximum of Laplace's approximation."""

    def loss(log_sd: _Floats) -> float:
        sd = np.exp(log_sd)
        coefficients, curvature = problem.mode(sd)
        log_determinant = 2 * np.log(np.diag(np.linalg.cholesky(curvature))).sum()
        log_prior = -(problem.n_models * log_sd[0] + problem.n_prompts * log_sd[1])
        return -(problem.log_posterior(coefficients, problem.penalty(sd)) + float(log_prior) - float(log_determinant) / 2)

    bounds = [(LOWEST_LOG_SD, HIGHEST_LOG_SD)] * 2
    starts = [np.log([0.5, 0.8]), np.array([-3.0, 0.0]), np.array([0.0, -3.0])]
    best = min((scipy.optimize.minimize(loss, s, method="L-BFGS-B", bounds=bounds) for s in starts), key=lambda found: found.fun)
    return np.asarray(np.exp(best.x), dtype=np.float64)
