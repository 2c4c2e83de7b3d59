"""Whether the neutral control is as long as the puzzle, in the tokens that each model's engine counted."""

from __future__ import annotations

import numpy as np

from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.results import LengthMatch

__all__ = ["length_match"]


def length_match(outcomes: Outcomes) -> LengthMatch | None:
    """
    Tokens of the prompt with neutral prose minus tokens with the puzzle, by model, over prompts counted under both.

    Returns
    -------
    LengthMatch or None
        Mean and largest absolute difference of each model (tokens), and the models of which no length is known; None where one
        of the two conditions was not asked.
    """
    puzzle, neutral = outcomes.condition("puzzle"), outcomes.condition("neutral")
    if puzzle is None or neutral is None:
        return None
    rows, unknown = [], []
    for at, model in enumerate(outcomes.models):
        first, second = outcomes.prompt_tokens[at, neutral], outcomes.prompt_tokens[at, puzzle]
        both = (first >= 0) & (second >= 0)
        if not both.any():
            unknown.append(model.model_id)
            continue
        difference = first[both].astype(np.int64) - second[both]
        rows.append((model.model_id, float(difference.mean()), int(np.abs(difference).max())))
    return LengthMatch(rows=tuple(rows), unknown=tuple(unknown))
