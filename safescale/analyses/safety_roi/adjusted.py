"""Rates of models freed from which prompts each was given."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from safescale.analyses.observations import Observation, Part, Series
from safescale.analyses.prompts import counts_by_prompt
from safescale.analyses.variants import Variant
from safescale.analyses.words import plural
from safescale.cells import Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import two_way_effects

__all__ = ["prompt_adjusted"]


def prompt_adjusted(series: Series, fitted: Sequence[Observation], *, tier: Tier, cells: Cells) -> Variant:
    """
    The fitted models with rates adjusted for their prompts.

    Every pair of model and prompt (a prompt within an attack class) is one value, its rate. An additive least-squares fit of
    model and prompt gives each model its effect at equal prompts; that effect is added to the mean of all values. The level is
    moved, the same for all models, where a rate would leave [0, 1]: only differences between models are used.
    """
    if any(not part.cells for o in fitted for part in o.parts):
        return Variant(series=None, reason="adjusting for prompts needs rows, and some rates are published without")
    if len(fitted) < 2:
        return Variant(series=None, reason=f"{plural(len(fitted), 'model')}: nothing to compare by prompt")
    found: list[dict[tuple[str, int], float]] = []
    for observation in fitted:
        by_prompt: dict[tuple[str, int], float] = {}
        for part in observation.parts:
            codes, successes, trials = counts_by_prompt(part, tier, cells)
            keys = ((part.attack_class, code) for code in codes.tolist())
            by_prompt |= dict(zip(keys, (successes / trials).tolist(), strict=True))
        found.append(by_prompt)
    prompts = {key: i for i, key in enumerate(sorted(set().union(*found)))}
    values, present = np.zeros((len(fitted), len(prompts))), np.zeros((len(fitted), len(prompts)), dtype=bool)
    for row, by_prompt in enumerate(found):
        at = [prompts[key] for key in by_prompt]
        values[row, at], present[row, at] = list(by_prompt.values()), True
    try:
        effects = two_way_effects(values, present)
    except DomainError as error:
        return Variant(series=None, reason=str(error))
    rates = effects.mean + effects.row_effects
    if float(np.ptp(rates)) > 1:
        return Variant(series=None, reason="adjusted rates span more than 100 pp, so an additive fit does not describe them")
    rates = np.clip(rates + max(0.0, -float(rates.min())) - max(0.0, float(rates.max()) - 1), 0.0, 1.0)
    kept = tuple(_adjusted(o, rate) for o, rate in zip(fitted, rates.tolist(), strict=True))
    reason = f"additive fit of model and prompt over {effects.columns_used:,} prompts that two models or more answered"
    if effects.balanced:
        reason += "; every model answered all of them, so only their weight changes"
    return Variant(series=attrs.evolve(series, observations=kept, pooling="rows"), reason=reason)


def _adjusted(observation: Observation, rate: float) -> Observation:
    part = Part(
        unit=observation.unit,
        attack_class="all prompts",
        rate=rate,
        successes=None,
        trials=observation.trials,
        counts_implied=False,
        cells=(),
    )
    return Observation(unit=observation.unit, parts=(part,))
