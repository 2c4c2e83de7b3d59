"""The rule of report 353: delta at the largest size minus delta at the smallest, against 20 pp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from safescale.stats import difference_of_differences, tango_interval
from safescale.studies.dilution.design import LARGE_PP
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.over_units import mean_over_units
from safescale.studies.dilution.paired import FloatArray, paired_prompts
from safescale.studies.dilution.results import LargestAgainstSmallest, ModelDelta

__all__ = ["largest_against_smallest"]


def largest_against_smallest(
    outcomes: Outcomes, fitted: Sequence[ModelDelta], treated: int, control: int, *, level: float
) -> tuple[LargestAgainstSmallest | None, str | None]:
    """
    Mean delta over the models of the largest size minus that over those of the smallest, prompts as units: these models only.

    Parameters
    ----------
    fitted : sequence of ModelDelta
        The deltas whose models stand in the slope.
    treated, control : int
        Positions of puzzle and baseline among the conditions.

    Returns
    -------
    tuple
        The result and None, or None and why there is none. Prompts are those that every model at the two sizes answered under both
        conditions, so that the two ends differ by model alone.
    """
    sizes = sorted({delta.model.params_b for delta in fitted if delta.model.params_b is not None})
    if len(sizes) < 2:
        return None, f"{len(sizes)} known size, and the rule compares two" if sizes else "no model of known size has a delta"
    smallest, largest = sizes[0], sizes[-1]
    ids = {delta.model.model_id for delta in fitted}
    ends = {
        size: [at for at, m in enumerate(outcomes.models) if m.params_b == size and m.model_id in ids]
        for size in (smallest, largest)
    }
    by_prompt = {size: np.vstack([_differences(outcomes, at, treated, control) for at in models]) for size, models in ends.items()}
    complete = np.isfinite(np.vstack(list(by_prompt.values()))).all(axis=0)
    if complete.sum() < 2:
        return None, "no 2 prompts were answered by all models of the smallest and the largest size under both conditions"
    values = by_prompt[largest][:, complete].mean(axis=0) - by_prompt[smallest][:, complete].mean(axis=0)
    over = mean_over_units(values, level=level)
    if over is None:
        raise AssertionError("there are prompts")
    low, high = over.low, over.high
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
        ),
        None,
    )


def _differences(outcomes: Outcomes, model: int, treated: int, control: int) -> FloatArray:
    """Treated minus control rate of each prompt; NaN where the pair is missing, and nowhere outside this file."""
    paired = paired_prompts(outcomes, model, treated, control)
    found = np.full(len(outcomes.prompts), np.nan)
    found[paired.at] = paired.differences
    return found
