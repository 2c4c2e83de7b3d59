"""How often each model refuses under each condition: harmful prompts (does it refuse at all?) and benign ones (does it overdo "
"it?).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from safescale.stats import wilson_interval
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.results import RefusalRate

__all__ = ["ASKED_KINDS", "refusal_rates"]

ASKED_KINDS: Final = ("harmful", "benign")


def refusal_rates(outcomes: Outcomes, *, level: float) -> tuple[RefusalRate, ...]:
    """
    Refusals over readable responses, by model, condition and kind of prompt, with Wilson's interval.

    Rows of a prompt's samples are counted as they are, so with several samples the interval is for these prompts alone. The
    condition without a prompt (the puzzle alone) has nothing to refuse and is left out.
    """
    kinds = np.array([prompt.prompt_kind for prompt in outcomes.prompts])
    found = []
    for m, model in enumerate(outcomes.models):
        for c, condition in enumerate(outcomes.conditions):
            if condition.role == "alone":
                continue
            for kind in ASKED_KINDS:
                asked = outcomes.refused[m, c][kinds == kind]
                if asked.size == 0:
                    continue
                refused, trials = int(np.sum(asked == 1)), int(np.sum(asked >= 0))
                interval = wilson_interval(refused, trials, level=level) if trials else None
                found.append(
                    RefusalRate(
                        model=model,
                        condition=condition,
                        prompt_kind=kind,
                        refused=refused,
                        trials=trials,
                        rate=None if interval is None else interval.estimate,
                        low=None if interval is None else interval.low,
                        high=None if interval is None else interval.high,
                        level=level,
                    )
                )
    return tuple(found)
