"""The rule of report 353: delta at the largest size minus delta at the smallest, against 20 pp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from safescale.stats import difference_of_differences, tango_interval
from safescale.studies.dilution.between_models import SizedModels
from safescale.studies.dilution.design import LARGE_PP
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.over_units import mean_over_units
from safescale.studies.dilution.paired import BoolArray, FloatArray, paired_prompts
from safescale.studies.dilution.results import LargestAgainstSmallest

__all__ = ["largest_against_smallest"]


def largest_against_smallest(
    outcomes: Outcomes, fitted: SizedModels, treated: int, control: int, *, level: float
) -> tuple[LargestAgainstSmallest | None, str | None]:
    """
    Mean delta over the models of the largest size minus that over those of the smallest, prompts as units: these models only.

    Where the slope is within lineages, so is the difference: of the lineages that have both sizes. Otherwise a seed that is lost at
    one end would leave its level at the other and pass for a change with size. Where no lineage has both, all models are compared.

    Parameters
    ----------
    fitted : SizedModels
        The deltas whose models stand in the slope, and their lineages.
    treated, control : int
        Positions of puzzle and baseline among the conditions.

    Returns
    -------
    tuple
        The result and None, or None and why there is none. Prompts are those that every model at the two sizes answered under both
        conditions, so that the two ends differ by model alone.
    """
    sizes = sorted({delta.model.params_b for delta in fitted.deltas if delta.model.params_b is not None})
    if len(sizes) < 2:
        return None, f"{len(sizes)} known size, and the rule compares two" if sizes else "no model of known size has a delta"
    smallest, largest = sizes[0], sizes[-1]
    ids = {delta.model.model_id for delta in fitted.deltas}
    ends = {
        size: [at for at, m in enumerate(outcomes.models) if m.params_b == size and m.model_id in ids]
        for size in (smallest, largest)
    }
    both = [] if fitted.groups is None else sorted(set.intersection(*(_lineages(outcomes, models) for models in ends.values())))
    if both:
        ends = {size: [at for at in models if outcomes.models[at].lineage in both] for size, models in ends.items()}
    by_prompt = {size: np.vstack([_differences(outcomes, at, treated, control) for at in models]) for size, models in ends.items()}
    complete: BoolArray = np.asarray(np.isfinite(np.vstack(list(by_prompt.values()))).all(axis=0))
    if complete.sum() < 2:
        return None, "no 2 prompts were answered by all models of the smallest and the largest size under both conditions"
    values = by_prompt[largest][:, complete].mean(axis=0) - by_prompt[smallest][:, complete].mean(axis=0)
    over = mean_over_units(values, level=level)
    if over is None:
        raise AssertionError("there are prompts")
    low, high = over.low, over.high
    seeds = mean_over_units(_by_lineage(outcomes, by_prompt, ends, (smallest, largest), both, complete), level=level)
    if low is None or high is None:
        # prompts that all move alike are no certainty: the interval is that of as many pairs without a difference
        nothing = tango_interval(0, 0, 0, len(values), level=level)
        width = difference_of_differences(nothing, nothing)
        low, high = over.mean + width.low, over.mean + width.high
    return (
        LargestAgainstSmallest(
            smallest_b=smallest,
            largest_b=largest,
            difference_pp=100 * over.mean,
            low_pp=100 * low,
            high_pp=100 * high,
            threshold_pp=LARGE_PP,
            large=True if 100 * low > LARGE_PP else False if 100 * high <= LARGE_PP else None,
            prompts=len(values),
            models_smallest=len(ends[smallest]),
            models_largest=len(ends[largest]),
            lineages=len(both) or None,
            over_lineages_low_pp=None if seeds is None or seeds.low is None else 100 * seeds.low,
            over_lineages_high_pp=None if seeds is None or seeds.high is None else 100 * seeds.high,
        ),
        None,
    )


def _lineages(outcomes: Outcomes, models: Sequence[int]) -> set[str]:
    return {outcomes.models[at].lineage for at in models}


def _by_lineage(
    outcomes: Outcomes,
    by_prompt: Mapping[float, FloatArray],
    ends: Mapping[float, Sequence[int]],
    sizes: tuple[float, float],
    lineages: Sequence[str],
    complete: BoolArray,
) -> list[float]:
    """The difference within each lineage, over the same prompts."""

    def mean(size: float, lineage: str) -> float:
        own = [row for row, at in enumerate(ends[size]) if outcomes.models[at].lineage == lineage]
        return float(by_prompt[size][own][:, complete].mean())

    return [mean(sizes[1], lineage) - mean(sizes[0], lineage) for lineage in lineages]


def _differences(outcomes: Outcomes, model: int, treated: int, control: int) -> FloatArray:
    """Treated minus control rate of each prompt; NaN where the pair is missing, and nowhere outside this file."""
    paired = paired_prompts(outcomes, model, treated, control)
    found = np.full(len(outcomes.prompts), np.nan)
    found[paired.at] = paired.differences
    return found
