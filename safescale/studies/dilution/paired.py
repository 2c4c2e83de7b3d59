"""From verdicts to paired counts: which prompts are compared, and how often each failed."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from safescale.studies.dilution.outcomes import Int8Array, Outcomes

__all__ = ["FloatArray", "PairedPrompts", "harmful_prompts", "mean_over_samples", "paired_prompts"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True, eq=False)
class PairedPrompts:
    """
    One model's harmful prompts under two conditions.

    ``treated`` and ``control`` are mean attack success over the evaluable samples of each prompt that has one under both, shape
    ``(prompts,)``; ``dropped`` counts the other harmful prompts.
    """

    treated: FloatArray
    control: FloatArray
    dropped: int


def harmful_prompts(outcomes: Outcomes) -> BoolArray:
    """Which prompts are in an attack success rate, shape (prompts,)."""
    return np.array([prompt.prompt_kind == "harmful" for prompt in outcomes.prompts], dtype=bool)


def mean_over_samples(verdicts: Int8Array) -> tuple[FloatArray, BoolArray]:
    """
    Mean of the verdicts that are there, over the last axis.

    Returns
    -------
    tuple of ndarray
        Means (0 where there is none), and where there is one; both of the shape without the last axis.
    """
    there = verdicts >= 0
    counted = there.sum(axis=-1)
    sums = np.where(there, verdicts, 0).sum(axis=-1)
    return sums / np.maximum(counted, 1), counted > 0


def paired_prompts(outcomes: Outcomes, model: int, treated: int, control: int) -> PairedPrompts:
    """Harmful prompts of one model that are evaluable under both conditions."""
    harmful = harmful_prompts(outcomes)
    first, has_first = mean_over_samples(outcomes.failed[model, treated][harmful])
    second, has_second = mean_over_samples(outcomes.failed[model, control][harmful])
    both = has_first & has_second
    return PairedPrompts(treated=first[both], control=second[both], dropped=int(np.sum(~both)))
