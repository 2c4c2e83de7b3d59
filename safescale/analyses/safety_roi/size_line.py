"""The rate over log size: what was found, what may be claimed, and what this design could have found."""

from __future__ import annotations

import math

import numpy as np

from safescale.analyses.inverse_scaling import Options
from safescale.analyses.inverse_scaling.estimate import Estimate
from safescale.analyses.inverse_scaling.sentences import verdict_words
from safescale.analyses.safety_roi.results import BandPoint, NeededModels, RoiOptions, SizeLine
from safescale.errors import DomainError
from safescale.stats import (
    LogScalingSlope,
    MinimumDetectableSlope,
    detectable_slope_of_standard_error,
    plan_models,
    prediction_interval,
)

__all__ = ["DOUBLINGS_PER_DECADE", "scaling_options", "size_line"]

DOUBLINGS_PER_DECADE = math.log2(10)

BAND_POINTS = 25


def scaling_options(options: RoiOptions) -> Options:
    """The options of the question of inverse scaling, which judges every slope."""
    return Options(
        tier=options.tier,
        min_cell=options.min_cell,
        alpha=options.alpha,
        margin_pp=options.margin_pp,
        min_decades=options.min_decades,
        level=options.level,
    )


def size_line(estimate: Estimate, options: RoiOptions) -> SizeLine:
    """The line of one series of models, from the estimate that the question of inverse scaling makes of it."""
    slope = None if estimate.slope is None else estimate.slope.slope
    line = slope if isinstance(slope, LogScalingSlope) else None
    detectable: MinimumDetectableSlope | None = None
    needed: tuple[NeededModels, ...] = ()
    band: tuple[BandPoint, ...] = ()
    if line is not None and line.standard_error_pp_per_decade:
        detectable, needed, band = _detectable(line, options), _needed(line, options), _band(line, options)
    return SizeLine(
        slope=line,
        unavailable=None if line is not None else _unavailable(estimate),
        standard_error_pp_per_doubling=None if line is None else _per_doubling(line.standard_error_pp_per_decade),
        interval_pp_per_doubling=None
        if line is None or line.interval is None
        else (line.interval[0] / DOUBLINGS_PER_DECADE, line.interval[1] / DOUBLINGS_PER_DECADE),
        correlation=None
        if line is None or line.r_squared is None
        else math.copysign(math.sqrt(line.r_squared), line.slope_pp_per_decade),
        test=estimate.slope,
        verdict=estimate.verdict,
        only_across=estimate.only_across,
        words=verdict_words(estimate, scaling_options(options)),
        equivalence=estimate.equivalence,
        difference=estimate.difference,
        detectable=detectable,
        needed=needed,
        band=band,
    )


def _per_doubling(per_decade: float | None) -> float | None:
    return None if per_decade is None else per_decade / DOUBLINGS_PER_DECADE


def _unavailable(estimate: Estimate) -> str:
    if estimate.slope_unavailable is not None:
        return estimate.slope_unavailable
    return "; ".join((*estimate.testability.reasons, *estimate.testability.needs)) or "no slope"


def _detectable(line: LogScalingSlope, options: RoiOptions) -> MinimumDetectableSlope | None:
    assert line.standard_error_pp_per_decade is not None
    return detectable_slope_of_standard_error(line.standard_error_pp_per_decade, line.n, power=options.power, alpha=options.alpha)


def _band(line: LogScalingSlope, options: RoiOptions) -> tuple[BandPoint, ...]:
    sizes = np.geomspace(min(line.params_b), max(line.params_b), BAND_POINTS).tolist()
    found = [prediction_interval(line, size, level=options.level) for size in sizes]
    return tuple(BandPoint(params_b=p.params_b, line=p.estimate, low=p.low_clipped, high=p.high_clipped) for p in found)


def _needed(line: LogScalingSlope, options: RoiOptions) -> tuple[NeededModels, ...]:
    assert line.standard_error_pp_per_decade is not None
    # SE = s / (sd sqrt(n)): the scatter behind the standard error, at the spread of these sizes
    spread = float(np.log10(line.params_b).std())
    scatter = line.standard_error_pp_per_decade / 100 * spread * math.sqrt(line.n)
    found = []
    for slope in options.planned_pp_per_doubling:
        try:
            plan = plan_models(
                slope * DOUBLINGS_PER_DECADE,
                size_sd_decades=spread,
                residual_sd=scatter,
                power=options.power,
                alpha=options.alpha,
            )
        except DomainError:
            continue
        found.append(
            NeededModels(slope_pp_per_doubling=slope, n_models=plan.n_models, unreachable_because=plan.unreachable_because)
        )
    return tuple(found)
