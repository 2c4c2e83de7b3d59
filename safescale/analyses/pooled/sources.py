"""Between and within sources: one intercept per source, and how much the slopes of sources differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.inverse_scaling.estimate import Estimate
from safescale.analyses.inverse_scaling.results import SeriesResult
from safescale.analyses.inverse_scaling.within_source import WithinSource, within_slope
from safescale.analyses.pooled.results import Heterogeneity
from safescale.analyses.words import plural
from safescale.errors import DomainError
from safescale.stats import partial_pooling

__all__ = ["LEAST_MODELS", "heterogeneity", "within_sources"]

LEAST_MODELS: Final = 5
"""With fewer models (2 degrees of freedom or less) the standard error of a slope is itself hardly known."""

LEAST_SOURCES: Final = 3


def within_sources(
    alone: Sequence[Estimate], together: SeriesResult | None, level: float
) -> tuple[WithinSource | None, str | None]:
    """The slope with one intercept per source, models as clusters; or why there is none."""
    test = None if together is None else together.slope
    return within_slope([(e.series, e.fitted, e.series.name) for e in alone], test, level)


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
