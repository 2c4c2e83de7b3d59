"""Attack success of a model under two conditions, paired by prompt."""

from __future__ import annotations

import numpy as np

from safescale.errors import InsufficientData
from safescale.stats import mcnemar_exact_test, paired_difference, tango_interval
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import PairedPrompts, paired_prompts
from safescale.studies.dilution.results import ModelDelta

__all__ = ["delta_of", "deltas_of"]


def deltas_of(outcomes: Outcomes, treated: int, control: int, *, level: float) -> tuple[ModelDelta, ...]:
    """The delta of every model that has an evaluable pair of prompts under the two conditions, in the order of the models."""
    found = []
    for at, model in enumerate(outcomes.models):
        delta = delta_of(model, paired_prompts(outcomes, at, treated, control), samples=outcomes.samples, level=level)
        if delta is not None:
            found.append(delta)
    return tuple(found)


def delta_of(model: AskedModel, paired: PairedPrompts, *, samples: int, level: float) -> ModelDelta | None:
    """
    Difference of two rates of one model on the same prompts.

    One response to each prompt: Tango's score interval and McNemar's exact p. Several: the same score interval and its p with
    prompts as clusters.

    Returns
    -------
    ModelDelta or None
        None with fewer than 2 prompts: nothing replicates.
    """
    try:
        clustered = paired_difference(
            paired.control_failed, paired.control_trials, paired.treated_failed, paired.treated_trials, level=level
        )
    except InsufficientData:
        return None
    if clustered.interval is None:
        raise AssertionError("the score interval is always defined")
    low, high = clustered.interval
    counts: tuple[int, int, int, int] | None = None
    mcnemar_p = None
    if samples == 1:
        treated, control = paired.treated_failed == 1, paired.control_failed == 1
        n11, n10, n01 = (int(np.sum(cell)) for cell in (treated & control, treated & ~control, ~treated & control))
        counts = (n11, n10, n01, clustered.prompts - n11 - n10 - n01)
        tango = tango_interval(*counts, level=level)
        low, high, mcnemar_p = tango.low, tango.high, mcnemar_exact_test(n10, n01).p_value
    n11_, n10_, n01_, n00_ = (None,) * 4 if counts is None else counts
    return ModelDelta(
        model=model,
        n11=n11_,
        n10=n10_,
        n01=n01_,
        n00=n00_,
        prompts=clustered.prompts,
        dropped=paired.dropped,
        control_rate=clustered.control_rate,
        treated_rate=clustered.treated_rate,
        delta=clustered.delta,
        low=low,
        high=high,
        method="tango" if samples == 1 else "clustered",
        variance=clustered.variance,
        mcnemar_p=mcnemar_p,
        level=level,
        p_value=clustered.p_value if mcnemar_p is None else mcnemar_p,
    )
