"""One series under several ids: models whose verdicts are the same on every prompt under every condition (law 1)."""

from __future__ import annotations

from typing import Final

import numpy as np

from safescale.studies.dilution.outcomes import Outcomes

__all__ = ["MIN_MINORITY", "identical_models"]

MIN_MINORITY: Final = 5
"""With fewer verdicts off the most frequent one, two models may agree by chance."""


def identical_models(outcomes: Outcomes) -> tuple[tuple[str, ...], ...]:
    """
    Groups of ids with the same verdict vector, among vectors that say enough to be no coincidence.

    Verdict and refusal of every response are compared, missing ones too.
    """
    groups: dict[bytes, list[str]] = {}
    for at, model in enumerate(outcomes.models):
        failed, refused = outcomes.failed[at], outcomes.refused[at]
        states = (3 * (failed.astype(np.int64) + 1) + refused + 1)[(failed >= 0) | (refused >= 0)]
        if states.size == 0 or states.size - np.bincount(states).max() < MIN_MINORITY:
            continue
        groups.setdefault(failed.tobytes() + refused.tobytes(), []).append(model.model_id)
    return tuple(tuple(ids) for ids in groups.values() if len(ids) > 1)
