"""Before anything is generated: what slope the registered test would find at these models, and what it would miss."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from safescale.analyses.words import and_list, p_words, plural, size_words
from safescale.errors import DomainError, InsufficientData
from safescale.stats import (
    distinct_sizes,
    permutation_detectable_slope,
    permutation_slope_power,
    smallest_attainable_p,
    spread_decades,
)
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.between_models import MIN_PROMPTS, compared_within
from safescale.studies.dilution.design import MIN_DECADES, MIN_SIZES, DilutionDesign

__all__ = ["DilutionAssumptions", "DilutionPlan", "PowerAtSpread", "affordable_repeats", "plan_dilution"]

REPEATS: Final = 4_000

LEAST_REPEATS: Final = 400

SUMS: Final = 20_000_000
"""Repeats times arrangements that a plan may take: some seconds."""

MOST_ARRANGEMENTS: Final = 400_000
"""Of more, random ones are taken."""


@attrs.frozen(kw_only=True)
class DilutionAssumptions:
    """
    What a plan takes for granted.

    Parameters
    ----------
    baseline_rate : float, default 0.35
        Attack success of the baseline (fraction): more than it leaves, no delta can be.
    discordance : float, default 0.25
        Share of prompts that differ between puzzle and baseline (fraction): the sampling variance of a delta is about this over the
        number of prompts.
    tau_pp : tuple of float, default (0, 5, 10)
        Spreads between models of one size (percentage points); nobody knows it beforehand.
    effect_pp_per_decade : float, default 15
        Slope whose power is asked for.
    power : float, default 0.8
        Of the smallest slope that is named.
    """

    baseline_rate: float = 0.35
    discordance: float = 0.25
    tau_pp: tuple[float, ...] = (0.0, 5.0, 10.0)
    effect_pp_per_decade: float = 15.0
    power: float = 0.8

    def __attrs_post_init__(self) -> None:
        if not 0 < self.baseline_rate < 1 or not 0 < self.discordance <= 1:
            raise DomainError(
                f"baseline_rate must lie in (0, 1), discordance in (0, 1], got {self.baseline_rate!r} and {self.discordance!r}"
            )
        if not self.tau_pp or min(self.tau_pp) < 0:
            raise DomainError(f"tau_pp must be one spread or more, none negative, got {self.tau_pp!r}")
        if self.effect_pp_per_decade == 0:
            raise DomainError("effect_pp_per_decade must not be 0: no slope is found with the level of the test")
        if not 0.5 <= self.power < 1:
            raise DomainError(f"power must lie in [0.5, 1), got {self.power!r}")


@attrs.frozen(kw_only=True)
class PowerAtSpread:
    """
    Power of the registered test at one spread between models.

    ``power`` is for ``effect_pp_per_decade``, with ``monte_carlo_error`` its standard error of simulation;
    ``smallest_pp_per_decade`` is the slope found with the power asked for, None where no slope is found at these sizes.
    """

    tau_pp: float
    power: float
    smallest_pp_per_decade: float | None
    sampling_sd_pp: float
    monte_carlo_error: float = 0.0


@attrs.frozen(kw_only=True)
class DilutionPlan:
    """
    What the registered test can find.

    Attributes
    ----------
    design, assumptions
        What was asked.
    models, prompts : int
        Models that stand in the slope, and harmful prompts.
    sizes_b : tuple of float
        Distinct sizes (1e9 parameters).
    decades : float
        Largest over smallest, log10.
    lineages : int or None
        Lineages within which sizes are compared; None where they are compared over all models.
    p_floor : float or None
        Smallest p that these sizes can reach; None where there is no slope to test.
    rows : tuple of PowerAtSpread
        One for each spread.
    why_not : str or None
        Why there is no power.
    words : str
        The plan in words.
    """

    design: DilutionDesign
    assumptions: DilutionAssumptions
    models: int
    prompts: int
    sizes_b: tuple[float, ...]
    decades: float
    lineages: int | None
    p_floor: float | None
    rows: tuple[PowerAtSpread, ...]
    why_not: str | None
    words: str


def plan_dilution(
    design: DilutionDesign,
    models: Sequence[AskedModel],
    n_prompts: int,
    *,
    assumptions: DilutionAssumptions | None = None,
    repeats: int | None = None,
) -> DilutionPlan:
    """
    Power of the registered test, by simulation, at each spread between models.

    Parameters
    ----------
    design : DilutionDesign
        Level of the test.
    models : sequence of AskedModel
        The models; those without a size stand in no slope.
    n_prompts : int
        Harmful prompts.
    assumptions : DilutionAssumptions, optional
        Baseline, discordance, spreads and slope.
    repeats : int, optional
        Simulated experiments; by default 4,000, and fewer where the models have many arrangements (500 of 8 models).

    Returns
    -------
    DilutionPlan
        Where the sizes or the prompts allow no test, with the reason and no power.

    Raises
    ------
    DomainError
        If ``n_prompts`` is below 1.
    """
    asked = DilutionAssumptions() if assumptions is None else assumptions
    if n_prompts < 1:
        raise DomainError(f"n_prompts must be at least 1, got {n_prompts}")
    members, groups = compared_within([model for model in models if model.params_b is not None])
    sizes = [model.params_b or 0.0 for model in members]
    # one response per prompt: further samples of it remove some of the noise, and this plan does not count on that
    variance = asked.discordance / n_prompts
    times = affordable_repeats(sizes, groups, most=REPEATS) if repeats is None else repeats
    rows: list[PowerAtSpread] = []
    p_floor: float | None = None
    why_not = None
    try:
        for tau in asked.tau_pp:
            rows.append(_at(tau, sizes, variance, groups, design, asked, times))
        p_floor = smallest_attainable_p(sizes, groups=groups)
    except InsufficientData as error:
        why_not = str(error)
    if why_not is None and n_prompts < MIN_PROMPTS:
        why_not, rows = f"a model stands in it with {MIN_PROMPTS} harmful prompts at least, got {n_prompts}; add prompts", []
    plan = DilutionPlan(
        design=design,
        assumptions=asked,
        models=len(sizes),
        prompts=n_prompts,
        sizes_b=distinct_sizes(sizes),
        decades=spread_decades(sizes) if sizes else 0.0,
        lineages=None if groups is None else len(set(groups)),
        p_floor=p_floor,
        rows=tuple(rows),
        why_not=why_not,
        words="",
    )
    return attrs.evolve(plan, words=_words(plan))


def _at(
    tau: float,
    sizes: Sequence[float],
    variance: float,
    groups: Sequence[str] | None,
    design: DilutionDesign,
    asked: DilutionAssumptions,
    repeats: int,
) -> PowerAtSpread:
    variances = [variance] * len(sizes)
    found = permutation_slope_power(
        sizes, asked.effect_pp_per_decade, tau_pp=tau, variances=variances, groups=groups, alpha=design.alpha, repeats=repeats
    )
    try:
        smallest: float | None = permutation_detectable_slope(
            sizes, power=asked.power, tau_pp=tau, variances=variances, groups=groups, alpha=design.alpha, repeats=repeats
        ).slope_pp_per_decade
    except InsufficientData:
        smallest = None
    return PowerAtSpread(
        tau_pp=tau,
        power=found.power,
        smallest_pp_per_decade=smallest,
        sampling_sd_pp=100 * float(np.sqrt(variance)),
        monte_carlo_error=found.monte_carlo_error,
    )


def affordable_repeats(sizes: Sequence[float], groups: Sequence[str] | None, *, most: int) -> int:
    """Simulated experiments that take some seconds, from the arrangements of the models."""
    blocks = [len(sizes)] if groups is None else list(collections.Counter(groups).values())
    arrangements = math.prod(math.factorial(block) for block in blocks)
    return most if arrangements > MOST_ARRANGEMENTS else max(LEAST_REPEATS, min(most, SUMS // max(1, arrangements)))


def _words(plan: DilutionPlan) -> str:
    counted = f"{plural(plan.models, 'model')} of known size"
    if plan.why_not is not None or plan.p_floor is None:
        return f"No slope on size can be tested with {counted}: {plan.why_not}."
    span = f"{plural(len(plan.sizes_b), 'size')} from {size_words(plan.sizes_b[0])} to {size_words(plan.sizes_b[-1])}"
    span += f" ({plan.decades:.1f} decades)" + (
        "" if plan.lineages is None else f", compared within {plural(plan.lineages, 'lineage')}"
    )
    lead = f"{counted}, {span}, {plural(plan.prompts, 'harmful prompt')}."
    alpha = plan.design.alpha
    floor = f"The smallest p that a permutation of these models can reach is {p_words(plan.p_floor)}"
    if plan.p_floor > alpha:
        return f"{lead} {floor}, above {alpha:g}: whatever the data, the registered test cannot decide. {_needs(plan)}"
    asked, sentences = plan.assumptions, [lead, f"{floor}."]
    effect = f"a slope of {asked.effect_pp_per_decade:+g} pp per decade"
    each = [f"{100 * row.power:.0f} % at a spread between models (tau) of {row.tau_pp:g} pp" for row in plan.rows]
    sentences.append(f"The chance to find {effect} is {and_list(each)}.")
    smallest = [
        f"{row.smallest_pp_per_decade:.1f} at {row.tau_pp:g} pp" for row in plan.rows if row.smallest_pp_per_decade is not None
    ]
    if smallest:
        sentences.append(f"The smallest slope found {10 * asked.power:g} times in 10 is, in pp per decade, {and_list(smallest)}.")
    noise = plan.rows[0].sampling_sd_pp
    drowned = [row.tau_pp for row in plan.rows if row.tau_pp > noise]
    if drowned:
        sentences.append(
            f"The sampling error of a model's delta is {noise:.1f} pp: where models of one size differ by more, more prompts do "
            "not help, and more models do."
        )
    if plan.lineages is not None and plan.models > len(plan.sizes_b):
        sentences.append(
            f"{plural(plan.models, 'model')} share {plural(len(plan.sizes_b), 'size')}: the verdict asks the same test with sizes "
            "as units too, so that what is odd about one size in every lineage is not taken for an effect of size, and a claim is "
            "rarer than these figures."
        )
    sentences.append(_room(plan))
    return " ".join(sentence for sentence in sentences if sentence)


def _needs(plan: DilutionPlan) -> str:
    sizes = 3
    while smallest_attainable_p([float(size) for size in range(1, sizes + 1)]) > plan.design.alpha:
        sizes += 1
    more = f"It needs {sizes} sizes of one lineage, or several lineages (training seeds) at these sizes"
    return f"{more}; the design asks for {MIN_SIZES} sizes over {MIN_DECADES:g} decade at least."


def _room(plan: DilutionPlan) -> str:
    """Where the slope that is asked for does not fit between the baseline and 1."""
    asked = plan.assumptions
    most = 100 * (1 - asked.baseline_rate) if asked.effect_pp_per_decade > 0 else 100 * asked.baseline_rate
    needed = abs(asked.effect_pp_per_decade) * plan.decades
    if needed <= most:
        return ""
    return (
        f"That slope would move delta by {needed:.0f} pp over these sizes, and a baseline of {100 * asked.baseline_rate:.0f} % "
        f"leaves {most:.0f} pp: rates bend near their ends, so the chance is smaller than said."
    )
