"""Two one-sided tests: the only way to claim that a slope is flat."""

from __future__ import annotations

from typing import Literal, Protocol

import attrs
import numpy as np
import scipy

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import fraction, real
from safescale.stats._random_effects import mixture_quantiles, mixture_tails, slope_mixture
from safescale.stats.effect_meta_regression import EffectMetaRegression
from safescale.stats.meta_regression import MetaRegressionSlope

__all__ = ["SlopeEquivalenceTest", "SlopeEstimate", "slope_equivalence_test"]

_TINY = 2.0**-1022


class SlopeEstimate(Protocol):
    """Any slope with a standard error: `LogScalingSlope`, `MetaRegressionSlope`, or a published pair of numbers."""

    @property
    def slope_pp_per_decade(self) -> float:
        """Percentage points per decade."""

    @property
    def standard_error_pp_per_decade(self) -> float | None:
        """Percentage points per decade; None where there is none."""

    @property
    def residual_dof(self) -> float:
        """Degrees of freedom of the standard error."""

    @property
    def generalises_to(self) -> Literal["these_models", "new_models"]:
        """What the standard error speaks of."""


@attrs.frozen(kw_only=True)
class SlopeEquivalenceTest:
    """
    A test that a slope lies within a margin of zero.

    Attributes
    ----------
    equivalent : bool
        Whether flatness within the margin may be claimed: ``p_value <= alpha``.
    p_value : float
        The larger of the two one-sided p-values.
    p_below, p_above : float
        p of "the slope is at or below minus the margin", and of "at or above the margin".
    interval : tuple of (float, float)
        Two-sided interval at ``1 - 2 alpha``, pp per decade; equivalent exactly when it lies inside the margins.
    margin_pp_per_decade, alpha : float
        The margin and the level that were given.
    slope_pp_per_decade, standard_error_pp_per_decade : float
        The slope that was tested.
    residual_dof : float
        Degrees of freedom of its standard error.
    generalises_to : {"these_models", "new_models"}
        As of the slope.
    """

    equivalent: bool
    p_value: float
    p_below: float
    p_above: float
    interval: tuple[float, float]
    margin_pp_per_decade: float
    alpha: float
    slope_pp_per_decade: float
    standard_error_pp_per_decade: float
    residual_dof: float
    generalises_to: Literal["these_models", "new_models"]


def slope_equivalence_test(slope: SlopeEstimate, *, margin_pp_per_decade: float = 5.0, alpha: float = 0.05) -> SlopeEquivalenceTest:
    """
    Two one-sided tests (TOST) that a slope lies strictly within a margin of zero.

    ``p = max(P(T >= (b + m) / SE), P(T <= (b - m) / SE))`` with T Student's t of the slope's degrees of freedom. A
    `meta_regression_slope` or `effect_meta_regression` by the reference prior is no Student's t: there p is ``max(P(b <= -m),
    P(b >= m))`` under its own distribution, with tau integrated out, and the interval is its own at ``1 - 2 alpha``. No p
    depends on the ``level`` that the slope was printed at.

    Parameters
    ----------
    slope : LogScalingSlope, WithinGroupSlope, MetaRegressionSlope or alike
        A slope with its standard error and degrees of freedom.
    margin_pp_per_decade : float, default 5.0
        Largest slope that still counts as flat, positive. Unit: percentage points per decade.
    alpha : float, default 0.05
        Level of the test, strictly between 0 and 0.5. Unit: probability.

    Returns
    -------
    SlopeEquivalenceTest
        Shape: scalar. p-values in (0, 1].

    Raises
    ------
    InsufficientData
        If the slope has no standard error: no scatter is no evidence of flatness.
    DomainError
        If margin or alpha is outside its range.

    References
    ----------
    .. [1] D. J. Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680.

    Examples
    --------
    A slope that is not significant is not thereby flat:

    >>> from safescale.stats import log_scaling_slope, slope_equivalence_test
    >>> fit = log_scaling_slope([1, 3, 10, 30, 100], [0.30, 0.42, 0.28, 0.39, 0.35])
    >>> test = slope_equivalence_test(fit)
    >>> f"slope p {fit.p_value:.2f}, flat p {test.p_value:.2f}", test.equivalent
    ('slope p 0.78, flat p 0.22', False)
    """
    m, alpha = real("margin_pp_per_decade", margin_pp_per_decade), fraction("alpha", alpha)
    if m <= 0:
        raise DomainError(f"margin_pp_per_decade must be positive, got {m:g}; state the largest slope that counts as flat")
    if alpha >= 0.5:
        raise DomainError(f"alpha must be below 0.5 for an equivalence test, got {alpha:g}; use 0.05 or less")
    if not hasattr(slope, "standard_error_pp_per_decade"):
        raise DomainError(
            f"slope must be a slope with its standard error, got {type(slope).__name__}; fit it with log_scaling_slope"
        )
    b, se, dof = slope.slope_pp_per_decade, slope.standard_error_pp_per_decade, slope.residual_dof
    if se is None or se <= 0:
        raise InsufficientData("the slope has no standard error, so flatness cannot be tested; add models that scatter")
    if isinstance(slope, MetaRegressionSlope | EffectMetaRegression) and slope.method == "reference_prior":
        p_below, p_above, interval = _of_mixture(slope, m, alpha)
    else:
        p_below, p_above = float(scipy.special.stdtr(dof, -(b + m) / se)), float(scipy.special.stdtr(dof, (b - m) / se))
        half = -float(scipy.special.stdtrit(dof, alpha)) * se
        interval = (b - half, b + half)
    p_below, p_above = max(_TINY, p_below), max(_TINY, p_above)
    return SlopeEquivalenceTest(
        equivalent=max(p_below, p_above) <= alpha,
        p_value=max(p_below, p_above),
        p_below=p_below,
        p_above=p_above,
        interval=interval,
        margin_pp_per_decade=m,
        alpha=alpha,
        slope_pp_per_decade=b,
        standard_error_pp_per_decade=se,
        residual_dof=dof,
        generalises_to=slope.generalises_to,
    )


def _of_mixture(
    slope: MetaRegressionSlope | EffectMetaRegression, m: float, alpha: float
) -> tuple[float, float, tuple[float, float]]:
    """Both tails beyond the margins and the interval, of the distribution that the slope itself is read from."""
    if isinstance(slope, MetaRegressionSlope):
        y = np.array(slope.successes) / np.array(slope.trials)
    else:
        y = np.array(slope.effects)
    mixture = slope_mixture(np.log10(slope.params_b), y - y[0], np.array(slope.variances))
    slopes, sds = 100 * mixture.line.slope, 100 / np.sqrt(mixture.line.information)
    p_below, _ = mixture_tails(slopes, sds, mixture.mass, np.asarray(-m))
    _, p_above = mixture_tails(slopes, sds, mixture.mass, np.asarray(m))
    low, high = mixture_quantiles(slopes, sds, mixture.mass, np.array([alpha, 1.0 - alpha])).tolist()
    return float(p_below), float(p_above), (low, high)
