"""Both questions put to one series of models: does provider matter, does size?"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from safescale.analyses.inverse_scaling.across import against_groups
from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.observations import Observation, Series
from safescale.analyses.safety_roi.providers import ProviderOf
from safescale.analyses.safety_roi.results import ProviderShare, RoiOptions
from safescale.analyses.safety_roi.share import provider_share
from safescale.analyses.safety_roi.size_line import scaling_options
from safescale.cells import Cells

__all__ = ["Evaluated", "evaluate", "share_of"]


@attrs.frozen(kw_only=True)
class Evaluated:
    """One series with both answers."""

    series: Series
    fitted: tuple[Observation, ...]
    share: ProviderShare
    estimate: Estimate


def evaluate(series: Series, provider_of: ProviderOf, options: RoiOptions, cells: Cells) -> Evaluated:
    """Share of provider and slope on size over the fitted models; a slope that is contradicted within providers is not claimed."""
    fitted = series.fitted(options.min_cell)
    chosen = scaling_options(options)
    (estimate,) = estimate_family([series], chosen, cells)
    estimate = against_groups(estimate, "developer", chosen, cells)
    return Evaluated(series=series, fitted=fitted, share=share_of(series, fitted, provider_of, options), estimate=estimate)


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
