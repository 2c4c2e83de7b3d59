"""Both questions put to one series of models: does provider matter, does size?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from safescale.analyses.inverse_scaling.across import against_groups, against_sources, within_sources_of
from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.inverse_scaling.within_source import WithinSource
from safescale.analyses.observations import Observation, Series
from safescale.analyses.safety_roi.providers import ProviderOf
from safescale.analyses.safety_roi.results import ProviderShare, RoiOptions
from safescale.analyses.safety_roi.share import provider_share
from safescale.analyses.safety_roi.size_line import scaling_options
from safescale.analyses.units import ModelUnit
from safescale.cells import AggregateCell, Cell, Cells

__all__ = ["Evaluated", "SourceMix", "evaluate", "share_of"]


@attrs.frozen(kw_only=True)
class SourceMix:
    """The cells of each source, and the unit of each model: a slope may be one between sources."""

    sources: Mapping[str, Sequence[Cell | AggregateCell]]
    units: Mapping[str, ModelUnit]


@attrs.frozen(kw_only=True)
class Evaluated:
    """One series with both answers; ``mix`` is what its slope was held against, None where one source holds all rows."""

    series: Series
    fitted: tuple[Observation, ...]
    share: ProviderShare
    estimate: Estimate
    mix: SourceMix | None = None
    within_sources: WithinSource | None = None


def evaluate(
    series: Series,
    provider_of: ProviderOf,
    options: RoiOptions,
    cells: Cells,
    *,
    mix: SourceMix | None = None,
    otherwise: WithinSource | None = None,
) -> Evaluated:
    """
    Share of provider and slope on size; a slope that is contradicted within sources or within providers is not claimed.

    ``otherwise`` is the slope within sources to hold it against where this series has none of its own.
    """
    fitted = series.fitted(options.min_cell)
    chosen = scaling_options(options)
    (estimate,) = estimate_family([series], chosen, cells)
    estimate = against_groups(estimate, "developer", chosen, cells)
    within = None if mix is None else within_sources_of(estimate, mix.sources, mix.units, chosen) or otherwise
    return Evaluated(
        series=series,
        fitted=fitted,
        share=share_of(series, fitted, provider_of, options),
        estimate=against_sources(estimate, within),
        mix=mix,
        within_sources=within,
    )


def share_of(series: Series, observations: Sequence[Observation], provider_of: ProviderOf, options: RoiOptions) -> ProviderShare:
    """Share of provider over these models, those without a provider left out."""
    named = [
        (rate, provider, o) for o in observations if (provider := provider_of(o.unit)) and (rate := series.rate(o)) is not None
    ]
    counts = [(o.successes, o.trials) for _, _, o in named]
    one_proportion = series.pooling == "rows" or len(series.attack_classes) == 1
    known = [(k, n) for k, n in counts if k is not None and n]
    return provider_share(
        [rate for rate, _, _ in named],
        [provider for _, provider, _ in named],
        options,
        # a mean over classes is no one proportion, so counting noise is not binomial
        counts=known if one_proportion and len(known) == len(named) else None,
    )
