"""One series under several ids: models whose verdicts are the same on every prompt under every condition (law 1)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from safescale.audit.chance import log_coincidence
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import IntArray, harmful_prompts

__all__ = ["MOST_LIKELY", "identical_models"]

MOST_LIKELY: Final = 1e-3
"""Probability of the same verdicts by luck, over all pairs and conditions, above which they are no evidence of one series."""

_FEWEST_OTHERS: Final = 3
"""Other models whose agreement on a prompt says that the prompt, not the model, decides it."""


def identical_models(outcomes: Outcomes) -> tuple[tuple[str, ...], ...]:
    """
    Groups of ids with the same verdict vector, where that is no coincidence.

    Verdict and refusal of every response are compared, missing ones too. Equal vectors are evidence where they vary and need not
    have agreed: under each condition, harmful and benign prompts apart, the probability that two models are off their usual verdict
    on the same responses is that of the audit (a Rasch model, given how often the other models are off it there). Two models that
    refuse every harmful prompt as it is and none behind a puzzle, as good ones may, have probability 1.
    """
    states = 3 * (outcomes.failed.astype(np.int64) + 1) + outcomes.refused + 1
    groups: dict[bytes, list[int]] = {}
    for at in range(len(outcomes.models)):
        groups.setdefault(states[at].tobytes(), []).append(at)
    least = math.log(MOST_LIKELY)
    return tuple(
        tuple(outcomes.models[at].model_id for at in members)
        for members in groups.values()
        if len(members) > 1 and _log_chance(outcomes, states, members) < least
    )


def _log_chance(outcomes: Outcomes, states: npt.NDArray[np.int64], members: list[int]) -> float:
    """Log probability of the most telling condition and kind of prompt, times the pairs, conditions and kinds looked at."""
    harmful = harmful_prompts(outcomes)
    others = [at for at in range(len(states)) if at not in members]
    looks = max(1, math.comb(len(states), 2) * states.shape[1] * 2)
    told = [
        _agreement(
            states[members[0], condition][kind].ravel(),
            states[others, condition][:, kind].reshape(len(others), int(kind.sum()) * outcomes.samples),
        )
        for condition in range(states.shape[1])
        for kind in (harmful, ~harmful)
    ]
    return min(told, default=0.0) + math.log(looks)


def _agreement(mine: IntArray, others: npt.NDArray[np.int64]) -> float:
    """Log probability that a second model has these states, given those of the others, shape (others, responses)."""
    if mine.size == 0:
        return 0.0
    usual = int(np.bincount(mine).argmax())
    unusual, theirs = mine != usual, others != usual
    # what every other model is off too, is of the prompt: each such agreement says nothing, and hundreds of them still nothing
    kept = ~(unusual & theirs.all(axis=0)) if len(others) >= _FEWEST_OTHERS else np.ones(mine.size, dtype=np.bool_)
    share = (theirs[:, kept].sum(axis=0) + 0.5) / (len(others) + 1.0)
    return log_coincidence(unusual[kept], share / (1.0 - share)) if kept.any() else 0.0
