"""What scatters models about a line on log size: spread between models, and the binomial noise of their rates."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import LARGEST, SMALLEST, FloatVector, count, fraction, real, sizes

SPREADS = ("params_b", "size_sd_decades", "even_decades")


@attrs.frozen(kw_only=True)
class SlopeNoise:
    """Variance of one model's rate about the line (fraction squared), whole or as its two parts."""

    variance: float
    between: float | None
    binomial: float | None

    @property
    def binomial_share(self) -> float | None:
        """Share of the variance that more prompts would remove; None where only the whole was given."""
        return None if self.binomial is None else self.binomial / self.variance


def noise_of_models(
    residual_sd: float | None, tau_pp: float | None, trials: int | None, base_rate: float | None, design_effect: float
) -> SlopeNoise:
    """Refuse all but one of the two ways to say it: ``residual_sd``, or ``tau_pp``, ``trials`` and ``base_rate``."""
    deff = positive_number("design_effect", design_effect)
    parts = {"tau_pp": tau_pp, "trials": trials, "base_rate": base_rate}
    if residual_sd is not None:
        given = [name for name, value in parts.items() if value is not None]
        if given or deff != 1.0:
            raise DomainError(f"residual_sd already holds all noise; do not pass {', '.join(given) or 'design_effect'} beside it")
        sd = positive_number("residual_sd", residual_sd)
        if sd > 1:
            raise DomainError(f"residual_sd must be a fraction in (0, 1], got {sd:g}; divide percentage points by 100")
        return SlopeNoise(variance=sd**2, between=None, binomial=None)
    missing = [name for name, value in parts.items() if value is None]
    if tau_pp is None or trials is None or base_rate is None:
        raise DomainError(f"the noise needs residual_sd, or tau_pp, trials and base_rate; {', '.join(missing)} is missing")
    between = between_variance(tau_pp)
    binomial = binomial_variance(base_rate, trials, deff)
    if not between + binomial >= SMALLEST:
        raise DomainError(f"tau_pp, trials and base_rate leave a variance of {between + binomial:g}, too small to use")
    return SlopeNoise(variance=between + binomial, between=between, binomial=binomial)


def between_variance(tau_pp: float) -> float:
    """Tau squared as a fraction squared; ``tau_pp`` in percentage points, 0 allowed."""
    tau = real("tau_pp", tau_pp)
    if not 0.0 <= tau <= 50.0:
        raise DomainError(f"tau_pp must lie in [0, 50] percentage points, the largest spread that rates can have, got {tau:g}")
    return (tau / 100) ** 2


def binomial_variance(base_rate: float, trials: int, design_effect: float) -> float:
    """``design_effect p (1 - p) / n``."""
    p = fraction("base_rate", base_rate)
    n = count("trials", trials)
    if n == 0:
        raise DomainError("trials must be at least 1 per model, got 0")
    return design_effect * p * (1 - p) / n


def positive_number(name: str, value: object) -> float:
    """Refuse zero and below, and what has no square in float64."""
    number = real(name, value)
    if number <= 0:
        raise DomainError(f"{name} must be positive, got {number:g}")
    if not SMALLEST <= number < LARGEST:
        raise DomainError(
            f"{name} must lie between 1e-60 and 1e60, so that its square is a number, got {number:g}; change the unit"
        )
    return number


def effect(slope_pp_per_decade: object) -> float:
    """A slope to be found, as a fraction per decade: either direction, but not none."""
    slope = true_slope(slope_pp_per_decade)
    if slope == 0:
        raise DomainError("slope_pp_per_decade must not be 0; no number of models shows that there is no slope (test equivalence)")
    return slope / 100


def true_slope(slope_pp_per_decade: object) -> float:
    """A slope in percentage points per decade, 0 included."""
    slope = real("slope_pp_per_decade", slope_pp_per_decade)
    if abs(slope) >= LARGEST:
        raise DomainError(f"slope_pp_per_decade must stay below 1e60, got {slope:g}; check the unit")
    return slope


def models(n_models: object) -> int:
    """Three or more models leave a degree of freedom."""
    n = count("n_models", n_models)
    if n < 3:
        raise InsufficientData(f"a slope with its scatter needs at least 3 models, got {n}; add models")
    return n


def deviations(params_b: npt.ArrayLike) -> FloatVector:
    """log10 sizes about their mean, of at least 3 models at 2 distinct sizes."""
    x = np.log10(sizes(params_b))
    models(len(x))
    if np.ptp(x) == 0:
        raise InsufficientData(f"all {len(x)} models have the same size, which leaves no slope; add models of other sizes")
    return np.asarray(x - x.mean())


def size_spread(
    params_b: npt.ArrayLike | None, size_sd_decades: float | None, even_decades: float | None = None
) -> Callable[[int], float]:
    """
    Standard deviation (divisor n) of log10 size of n models; exactly one of the three says it.

    A design's or a given one stays what it is. Evenly over R decades it is ``R sqrt((n + 1) / (12 (n - 1)))``.
    """
    given = [name for name, value in zip(SPREADS, (params_b, size_sd_decades, even_decades), strict=True) if value is not None]
    if len(given) != 1:
        raise DomainError(
            f"give either params_b, whose spread is kept, or size_sd_decades, or even_decades; got {', '.join(given) or 'none'}"
        )
    if even_decades is not None:
        decades = positive_number("even_decades", even_decades)
        return lambda n: decades * math.sqrt((n + 1) / (12 * (n - 1)))
    if params_b is not None:
        spread = math.sqrt(float(np.mean(deviations(params_b) ** 2)))
    else:
        spread = positive_number("size_sd_decades", size_sd_decades)
    return lambda _: spread


def target_power(power: object, alpha: float) -> float:
    """A power that is not reached by guessing."""
    wanted = fraction("power", power)
    if wanted <= alpha:
        raise DomainError(f"power must exceed alpha, got {wanted:g} and {alpha:g}; a test of no effect has power alpha already")
    return wanted
