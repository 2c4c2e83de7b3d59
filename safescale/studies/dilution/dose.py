"""Delta against the length of the puzzle: in each model, over models, and the slope on size at each length."""

from __future__ import annotations

import numpy as np

from safescale.errors import InsufficientData
from safescale.stats import item_interaction_slope
from safescale.studies.dilution.between_models import MIN_PROMPTS, size_slope
from safescale.studies.dilution.deltas import deltas_of
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.families import holm_of
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.over_units import mean_over_units
from safescale.studies.dilution.paired import counts_over_samples, fitted_prompts, harmful_prompts
from safescale.studies.dilution.results import BetweenModels, DoseOfModel, DoseResponse, ModelDelta

__all__ = ["dose_response"]


def dose_response(outcomes: Outcomes, design: DilutionDesign) -> tuple[DoseResponse | None, str | None]:
    """
    Delta (puzzle of a length minus no puzzle) at every length that was asked.

    Within a model the slope is per line, over prompts as clusters; over models it is the mean of those slopes with models as units,
    of models with `MIN_PROMPTS` pairs or more at each of their lengths.
    At each length there is a slope on size, Holm over lengths.

    Returns
    -------
    tuple
        The dose response and None, or None and why there is none: a slope per line needs three lengths.
    """
    baseline = outcomes.condition("baseline")
    by_lines = {c.lines: at for at, c in enumerate(outcomes.conditions) if c.role == "puzzle" and c.lines is not None}
    lines = tuple(sorted(by_lines))
    if baseline is None or len(lines) < 2:
        return None, f"{len(lines)} length of the puzzle beside the baseline, and a dose response needs two"
    level = 1 - design.alpha
    deltas = {dose: deltas_of(outcomes, by_lines[dose], baseline, level=level) for dose in lines}
    models = []
    for at, model in enumerate(outcomes.models):
        own: dict[int, ModelDelta] = {
            dose: delta for dose in lines for delta in deltas[dose] if delta.model.model_id == model.model_id
        }
        if own:
            slope, low, high = _per_line(outcomes, at, [by_lines[dose] for dose in own], baseline, tuple(own), level)
            models.append(
                DoseOfModel(model=model, lines=tuple(own), deltas=tuple(own.values()), slope_pp_per_line=slope, low=low, high=high)
            )
    over = mean_over_units(
        [
            m.slope_pp_per_line
            for m in models
            if m.slope_pp_per_line is not None and min(delta.prompts for delta in m.deltas) >= MIN_PROMPTS
        ],
        level=level,
    )
    slopes: list[tuple[int, BetweenModels]] = []
    for dose in lines:
        found = size_slope(deltas[dose], design).slope
        if found is not None:
            slopes.append((dose, found))
    adjusted = holm_of([slope.permutation_p for _, slope in slopes], alpha=design.alpha)
    return (
        DoseResponse(
            lines=lines,
            models=tuple(models),
            mean_slope_pp_per_line=None if over is None else over.mean,
            low=None if over is None else over.low,
            high=None if over is None else over.high,
            p_value=None if over is None else over.p_value,
            size_slopes=tuple(slopes),
            size_slopes_adjusted_p=tuple(p for p in adjusted if p is not None),
        ),
        None,
    )


def _per_line(
    outcomes: Outcomes, model: int, puzzles: list[int], baseline: int, lines: tuple[int, ...], level: float
) -> tuple[float | None, float | None, float | None]:
    """Slope of one model's delta per line with its interval, prompts as clusters."""
    harmful = harmful_prompts(outcomes)
    treated, n_treated = counts_over_samples(outcomes.failed[model, puzzles][:, harmful])
    control, n_control = counts_over_samples(outcomes.failed[model, [baseline] * len(puzzles)][:, harmful])
    kept = fitted_prompts(n_control, n_treated)
    try:
        # a slope on the logarithm of 10 to the number of lines is one per line
        found = item_interaction_slope(
            np.power(10.0, lines), control[:, kept], n_control[:, kept], treated[:, kept], n_treated[:, kept], level=level
        )
    except InsufficientData:
        return None, None, None
    if found.interval is None:
        return found.slope_pp_per_decade, None, None
    return found.slope_pp_per_decade, *found.interval
