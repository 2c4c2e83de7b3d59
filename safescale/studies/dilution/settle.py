"""What would settle the question: models at which sizes, seeds, or prompts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from safescale.analyses.words import capital, p_words, plural
from safescale.errors import InsufficientData
from safescale.stats import permutation_detectable_slope, plan_equivalence, plan_models, smallest_attainable_p
from safescale.studies.dilution.between_models import SizedModels
from safescale.studies.dilution.design import LARGE_PP, MIN_DECADES, MIN_SIZES, DilutionDesign
from safescale.studies.dilution.power import DilutionAssumptions, affordable_repeats
from safescale.studies.dilution.results import BetweenModels
from safescale.studies.dilution.verdict import Doubt, DoubtKind

__all__ = ["TO_SETTLE", "settle_words"]

TO_SETTLE: Final = "To settle it: "

REPEATS: Final = 400
MOST_MODELS: Final = 1_000


def settle_words(doubts: Sequence[Doubt], size: BetweenModels | None, fitted: SizedModels, design: DilutionDesign) -> str:
    """
    What would settle it, doubt by doubt; what the answer speaks of, where there is none.

    Parameters
    ----------
    doubts : sequence of Doubt
        Of the verdict.
    size : BetweenModels or None
        The slope of the primary grader.
    fitted : SizedModels
        The deltas in it.
    """
    if not doubts:
        return (
            "The registered analysis has decided, for models like these and prompts like these; other lineages, other puzzles and "
            "other prompts need their own experiment."
        )
    kinds = {doubt.kind for doubt in doubts}
    if size is None:
        return (
            f"{TO_SETTLE}first a slope to test, which takes models of known size, {MIN_SIZES} sizes or more over "
            f"{MIN_DECADES:g} decade or more, each with answers that can be judged under both conditions."
        )
    parts = [sentence(size, design) for kind, sentence in _ONE_BY_ONE.items() if kind in kinds]
    if kinds & {"undecided", "out_of_reach"} and not kinds & {"unreadable", "saturated"}:
        parts += [_reach(size, fitted, design), _models(size, fitted, design), _flat(size, fitted, design), _prompts(size)]
    return TO_SETTLE + " ".join(capital(part) if at else part for at, part in enumerate(part for part in parts if part))


def _least_sizes(design: DilutionDesign) -> int:
    """Different sizes, one model each, whose smallest p reaches the level."""
    sizes = 3
    while smallest_attainable_p([float(at) for at in range(1, sizes + 1)]) > design.alpha:
        sizes += 1
    return sizes


def _floor(size: BetweenModels, design: DilutionDesign) -> str:
    return (
        f"{_least_sizes(design)} different sizes can reach {design.alpha:g}, where these {plural(size.models, 'model')} reach "
        f"{p_words(size.permutation_floor)}; so can several lineages (training seeds) at the same sizes, compared within them."
    )


def _odd_sizes(size: BetweenModels, design: DilutionDesign) -> str:
    needed = max(_least_sizes(design), len(size.sizes_b) + 1)
    return f"more sizes, not more seeds: {needed} sizes or more, so that one odd size among them can be seen to be odd."


_ONE_BY_ONE: Final[dict[DoubtKind, Callable[[BetweenModels, DilutionDesign], str]]] = {
    "graders": lambda size, design: (
        "people label a sample of the responses on which the graders disagree, and the grader that agrees with them is kept."
    ),
    "exploratory": lambda size, design: "the next experiment is registered before it is run, not exploratory.",
    "few_sizes": lambda size, design: (
        f"{MIN_SIZES} sizes or more over {MIN_DECADES:g} decade or more, each with answers that can be judged."
    ),
    "estimated": lambda size, design: "published sizes in place of the estimated ones, or other models whose size is published.",
    "odd_sizes": _odd_sizes,
    "never_raised": lambda size, design: "models and prompts with which the puzzle raises attack success at all.",
    "no_room": lambda size, design: (
        f"prompts that are refused more often at the sizes where the baseline leaves less than {LARGE_PP:g} pp, so that delta can "
        "move there."
    ),
    "unreadable": lambda size, design: (
        "answers that can be judged under both conditions (more tokens to answer in, models that keep the thread, a grader that "
        "reads them); more models do not make up for them."
    ),
    "saturated": lambda size, design: (
        "a puzzle that leaves attack success lower (shorter, say), or prompts that are refused more firmly, so that delta can move."
    ),
    "out_of_reach": _floor,
}


def _noise(fitted: SizedModels) -> list[float]:
    return [delta.variance for delta in fitted.deltas]


def _sizes(fitted: SizedModels) -> list[float]:
    return [delta.model.params_b for delta in fitted.deltas if delta.model.params_b is not None]


def _reach(size: BetweenModels, fitted: SizedModels, design: DilutionDesign) -> str:
    if size.permutation_floor > design.alpha or size.tau_pp is None:
        return ""
    sizes = _sizes(fitted)
    try:
        found = permutation_detectable_slope(
            sizes,
            tau_pp=size.tau_pp,
            variances=_noise(fitted),
            groups=fitted.groups,
            alpha=design.alpha,
            repeats=affordable_repeats(sizes, fitted.groups, most=REPEATS),
        )
    except InsufficientData:
        return ""
    return (
        f"at these {plural(size.models, 'model')} (tau {size.tau_pp:.1f} pp{_tau_interval(size)}) the smallest slope found 8 times "
        f"in 10 is {found.slope_pp_per_decade:.1f} pp per decade."
    )


def _tau_interval(size: BetweenModels) -> str:
    return "" if size.tau_low is None or size.tau_high is None else f", interval {size.tau_low:.1f} to {size.tau_high:.1f}"


def _residual_sd(size: BetweenModels, fitted: SizedModels, tau_pp: float) -> float:
    """At most 1: no rates scatter by more, whatever the upper end of an interval of tau says with few models."""
    return min(1.0, math.sqrt((tau_pp / 100) ** 2 + float(np.mean(_noise(fitted)))))


def _models(size: BetweenModels, fitted: SizedModels, design: DilutionDesign) -> str:
    """Models for the slope that plans ask for, at the tau that was found and at the upper end of its interval."""
    effect = DilutionAssumptions().effect_pp_per_decade
    taus = [size.tau_pp] if size.tau_pp is not None else [5.0, 10.0]
    if size.tau_pp is not None and size.tau_high is not None and size.tau_high > size.tau_pp:
        taus.append(size.tau_high)
    decades = math.log10(size.sizes_b[-1] / size.sizes_b[0])
    least = 3 if size.within_lineages else _least_sizes(design)
    counts = []
    for tau in taus:
        plan = plan_models(effect, even_decades=decades, residual_sd=_residual_sd(size, fitted, tau), alpha=design.alpha)
        number = None if plan.n_models is None else max(plan.n_models, least)
        if number is not None and number <= size.models and size.permutation_floor <= design.alpha:
            counts.append(f"no more than these {size.models} if tau is {tau:.1f} pp")
        elif number is None or number > MOST_MODELS:
            counts.append(f"more than {MOST_MODELS:,} models if tau is {tau:.1f} pp")
        else:
            counts.append(f"{plural(number, 'model')} if tau is {tau:.1f} pp")
    seeds = " (or more training seeds of them)" if size.within_lineages else ""
    return f"A slope of {effect:g} pp per decade takes {' and '.join(counts)}, spread evenly over these sizes{seeds}."


def _flat(size: BetweenModels, fitted: SizedModels, design: DilutionDesign) -> str:
    if size.tau_pp is None:
        return ""
    decades = math.log10(size.sizes_b[-1] / size.sizes_b[0])
    plan = plan_equivalence(
        design.margin_pp, even_decades=decades, residual_sd=_residual_sd(size, fitted, size.tau_pp), alpha=design.alpha
    )
    number = plan.n_models
    told = f"more than {MOST_MODELS:,} models" if number is None or number > MOST_MODELS else plural(number, "model")
    return f"To show it flat within {design.margin_pp:g} pp per decade takes {told}."


def _prompts(size: BetweenModels) -> str:
    """Whether prompts or models are short, from the two parts of the noise."""
    if size.tau_pp is None or size.sampling_sd_pp is None:
        return ""
    noise, tau = size.sampling_sd_pp, size.tau_pp
    help_ = "More prompts do not help and more models do" if tau > noise else "More prompts help"
    return f"{help_}: of the noise of a delta {noise:.1f} pp is of the prompts, {tau:.1f} pp between models."
