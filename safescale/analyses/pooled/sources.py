"""Between and within sources: one intercept per source, and how much the slopes of sources differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from safescale.analyses.inverse_scaling.estimate import Estimate
from safescale.analyses.inverse_scaling.results import SeriesResult
from safescale.analyses.inverse_scaling.testability import sizes_of
from safescale.analyses.pooled.results import Heterogeneity, WithinSource
from safescale.analyses.words import plural
from safescale.errors import DomainError
from safescale.stats import cluster_robust_ols, partial_pooling, within_group_slope

__all__ = ["LEAST_MODELS", "heterogeneity", "within_sources"]

LEAST_MODELS: Final = 5
"""With fewer models (2 degrees of freedom or less) the standard error of a slope is itself hardly known."""

LEAST_SOURCES: Final = 3


def within_sources(
    alone: Sequence[Estimate], together: SeriesResult | None, level: float
) -> tuple[WithinSource | None, str | None]:
    """The slope with one intercept per source, models as clusters; or why there is none."""
    sizes: list[float] = []
    rates: list[float] = []
    groups: list[str] = []
    models: list[str] = []
    for estimate in alone:
        for size, observation in zip(sizes_of(estimate.series, estimate.fitted), estimate.fitted, strict=True):
            rate = estimate.series.rate(observation)
            if rate is not None:
                sizes.append(size)
                rates.append(rate)
                groups.append(estimate.series.name)
                models.append(observation.unit.model)
    if len(set(groups)) < 2:
        return None, f"{plural(len(set(groups)), 'source')} with a model that can be fitted: within is not apart from between"
    try:
        fit = within_group_slope(sizes, rates, groups, level=level)
    except DomainError as error:
        return None, str(error)
    interval, p_value, few = _clustered(fit.params_b, rates, groups, models, level)
    line = None if together is None or together.slope is None else together.slope.slope
    differ = line is not None and line.slope_pp_per_decade * fit.slope_pp_per_decade < 0
    apart = differ and line is not None and _excludes_zero(line.interval) and _excludes_zero(interval)
    return (
        WithinSource(
            fit=fit,
            interval=interval,
            p_value=p_value,
            few_models=few,
            points=len(rates),
            models=len(set(models)),
            sources=len(set(groups)),
            signs_differ=differ,
            shown_apart=apart,
        ),
        None,
    )


def heterogeneity(alone: Sequence[Estimate], level: float) -> tuple[Heterogeneity | None, str | None]:
    """Spread of the slopes of sources beyond their own noise; or why it cannot be told."""
    slopes = [(e.series.name, len(e.fitted), e.slope.slope) for e in alone if e.slope is not None]
    usable = [
        (name, line.slope_pp_per_decade, line.standard_error_pp_per_decade)
        for name, models, line in slopes
        if models >= LEAST_MODELS and line.standard_error_pp_per_decade
    ]
    if len(usable) < LEAST_SOURCES:
        have = plural(len(usable), "source")
        return None, (
            f"{have} with a slope over at least {LEAST_MODELS} models; how much slopes differ between sources needs {LEAST_SOURCES}"
        )
    names = tuple(name for name, _, _ in usable)
    try:
        found = partial_pooling(
            [slope for _, slope, _ in usable],
            [error**2 for _, _, error in usable if error is not None],
            groups=names,
            models=[models for name, models, _ in slopes if name in names],
            prior="uniform_tau",
            level=level,
            generalises_to="new_models",
        )
    except DomainError as error:
        return None, str(error)
    left = tuple(name for name, _, _ in slopes if name not in names)
    return Heterogeneity(pooling=found, sources=names, left_out=left, least_models=LEAST_MODELS), None


def _clustered(
    sizes: Sequence[float], rates: Sequence[float], groups: Sequence[str], models: Sequence[str], level: float
) -> tuple[tuple[float, float] | None, float | None, bool]:
    """Interval (pp per decade) and p of the slope with models as clusters: one model in several sources is one unit."""
    names = sorted(set(groups))
    dummies = np.array([[group == name for name in names] for group in groups], dtype=np.float64)
    design = np.column_stack([dummies, np.log10(np.asarray(sizes))])
    try:
        fit = cluster_robust_ols(design, rates, models, level=level)
    except DomainError:
        return None, None, True
    low, high = (float(100 * end) for end in fit.intervals[-1])
    return (low, high), float(fit.p_values[-1]), bool(fit.robust.dof[-1] < 4)


def _excludes_zero(interval: tuple[float, float] | None) -> bool:
    return interval is not None and (interval[0] > 0 or interval[1] < 0)
