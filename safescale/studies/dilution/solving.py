"""How often the puzzle alone is solved, and how that goes with delta: an association over models and within them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from safescale.analyses.words import percent
from safescale.errors import DomainError
from safescale.pressure.puzzles import Puzzle, guess_rate
from safescale.stats import spearman_test
from safescale.studies.dilution.between_models import MIN_PROMPTS
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.over_units import mean_over_units
from safescale.studies.dilution.paired import counts_over_samples, paired_prompts
from safescale.studies.dilution.results import ModelDelta, Solving

__all__ = ["MIN_ON_EACH_SIDE", "guessing_words", "solving_of"]

MIN_ON_EACH_SIDE: Final = 10
"""Prompts whose puzzle was solved, and whose was not, that a model needs to be in the comparison within models."""

MIN_MODELS: Final = 3

MAX_EXACT: Final = 12


def solving_of(outcomes: Outcomes, deltas: Sequence[ModelDelta], *, level: float) -> Solving | None:
    """
    Shares solved by model; Spearman's rho of share and delta over models; and, within models, mean delta on prompts whose puzzle
    was solved (at least half of the times it was asked alone) minus on the others, over models as units.

    Returns
    -------
    Solving or None
        None where the puzzle alone was not asked, or neither puzzle nor baseline.
    """
    puzzle, baseline = outcomes.condition("puzzle"), outcomes.condition("baseline")
    if outcomes.condition("alone") is None or puzzle is None or baseline is None:
        return None
    by_model = {delta.model.model_id: delta for delta in deltas}
    rates, pairs, within = [], [], []
    for at, model in enumerate(outcomes.models):
        solved, asked = counts_over_samples(outcomes.solved[at])
        rates.append((model.model_id, int(solved.sum()), int(asked.sum())))
        if asked.sum() == 0 or model.model_id not in by_model:
            continue
        if by_model[model.model_id].prompts >= MIN_PROMPTS:
            pairs.append((float(solved.sum() / asked.sum()), by_model[model.model_id].delta))
        paired = paired_prompts(outcomes, at, puzzle, baseline)
        known = asked[paired.at] > 0
        by_prompt = paired.differences[known]
        mostly = 2 * solved[paired.at][known] >= asked[paired.at][known]
        if min(mostly.sum(), (~mostly).sum()) >= MIN_ON_EACH_SIDE:
            within.append(float(by_prompt[mostly].mean() - by_prompt[~mostly].mean()))
    why_not = None
    rho, p = None, None
    if len(pairs) < MIN_MODELS:
        why_not = f"{len(pairs)} models with both a share solved and a delta, of {MIN_MODELS} that a rank correlation needs"
    else:
        try:
            x, y = np.array(pairs).T
            # the exact p of tied ranks takes seconds from some 15 models on
            found = spearman_test(x, y, method="auto" if len(pairs) <= MAX_EXACT else "monte_carlo")
            rho, p = found.rho, found.p_value
        except DomainError:
            why_not = "all models solve alike, or all deltas are the same, so there is nothing to correlate"
    over = mean_over_units(within, level=level)
    return Solving(
        rates=tuple(rates),
        between_rho=rho,
        between_p=p,
        within_pp=None if over is None else 100 * over.mean,
        within_low_pp=None if over is None or over.low is None else 100 * over.low,
        within_high_pp=None if over is None or over.high is None else 100 * over.high,
        why_not=why_not,
    )


def guessing_words(outcomes: Outcomes, puzzle: Callable[[str], Puzzle]) -> str:
    """What guessing would solve of the puzzles that were asked alone, and how many answers settle on nothing."""
    rate = float(np.mean([guess_rate(puzzle(prompt.prompt_id).kind) for prompt in outcomes.prompts]))
    open_ = int(np.sum(outcomes.solved < 0))
    return (
        f"the best constant answer to each kind of puzzle solves {percent(rate)}: a share near that or below is no sign of "
        f"solving; {open_:,} of {outcomes.solved.size:,} puzzles alone have no answer that settles on anything and are in no share"
    )
