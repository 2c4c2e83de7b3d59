"""Which size to add, and how far the sizes at hand would have to reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from safescale.analyses.plan.answer import EXACT_UP_TO
from safescale.analyses.plan.noise import noise, smallest_slope
from safescale.analyses.plan.results import EvenModels, SizeGain, WiderSizes
from safescale.analyses.plan.wanted import Assumptions
from safescale.errors import InsufficientData
from safescale.stats import detectable_slope_of_standard_error, plan_models, smallest_attainable_p, spread_decades

__all__ = ["CANDIDATES_B", "LARGEST_B", "evenly_spread", "exact_can_reject", "size_gains", "sizes_to_reach", "wider_sizes"]

CANDIDATES_B = (0.5, 1.0, 2.0, 4.0, 8.0, 14.0, 32.0, 70.0, 120.0, 235.0, 400.0)
"""Sizes that open models come in."""

LARGEST_B = 2_000.0
"""Beyond every model with a published size, in billions of parameters."""

MOST_ADDED = 40
MIDDLING_TAU_PP = 5.0


def exact_can_reject(asked: Assumptions, sizes_b: Sequence[float]) -> bool:
    """Whether models of these sizes can reach the level: few are tested by exact permutation, which cannot give every p."""
    return len(sizes_b) > EXACT_UP_TO or asked.tests * smallest_attainable_p(sizes_b) <= asked.alpha


def size_gains(asked: Assumptions, now_pp: float | None) -> tuple[SizeGain, ...]:
    """
    The smallest slope found with one more model of each candidate size, best first; without sizes at which none can be found.

    All models have the same noise, so the order is the same at every tau; where tau is not known the slopes are those at 5 pp.
    """
    present = asked.design.sizes_b
    if asked.design.kind == "standard_error" or not asked.design.at_hand:
        return ()
    rows = []
    for size in CANDIDATES_B:
        sizes = (*present, size)
        found = _found(asked, sizes)
        if found is not None:
            known = asked.tau_pp is not None and now_pp is not None
            rows.append(
                SizeGain(
                    size_b=size,
                    slope_pp_per_decade=found,
                    gain_pp_per_decade=now_pp - found if known and now_pp is not None else None,
                    decades=spread_decades(sizes),
                    smallest_p=smallest_attainable_p(sizes),
                )
            )
    return tuple(sorted(rows, key=lambda row: (row.slope_pp_per_decade, row.size_b)))


def sizes_to_reach(asked: Assumptions) -> tuple[float, ...] | None:
    """Sizes to add, each where it spreads log size most, until the effect is found; empty where it is already."""
    present = asked.design.sizes_b
    if asked.design.kind == "standard_error" or not asked.design.at_hand:
        return None
    added: list[float] = []
    while len(added) <= MOST_ADDED:
        sizes = (*present, *added)
        found = _found(asked, sizes)
        if found is not None and found <= asked.effect_pp_per_decade and asked.tests * smallest_attainable_p(sizes) <= asked.alpha:
            return tuple(added)
        centre = float(np.mean(np.log10(sizes)))
        added.append(max(CANDIDATES_B, key=lambda size: abs(math.log10(size) - centre)))
    return None


def wider_sizes(asked: Assumptions) -> WiderSizes | None:
    """How many decades as many models, evenly spread, must span to find the effect; None where tau is not known."""
    design = asked.design
    if design.kind == "standard_error" or asked.tau_pp is None or design.min_b is None or design.n_models < 3:
        return None
    n = design.n_models
    unit = smallest_slope(asked, np.geomspace(1, 10, n).tolist(), asked.tau_pp).slope_pp_per_decade
    # the smallest slope found falls as one over the decades
    decades = unit / asked.effect_pp_per_decade
    to_b = design.min_b * 10 ** min(decades, 300.0)
    why_not = None
    if decades * asked.effect_pp_per_decade > 100:
        why_not = "so steep a line over so many decades leaves 0 to 100 %"
    elif to_b > LARGEST_B:
        why_not = f"no model with a published size lies beyond {LARGEST_B:,.0f}B"
    return WiderSizes(n_models=n, decades=decades, from_b=design.min_b, to_b=to_b, possible=why_not is None, why_not=why_not)


def evenly_spread(asked: Assumptions) -> EvenModels | None:
    """Models over all sizes that models come in; None where tau is not known, or that is the design already."""
    design = asked.design
    if asked.tau_pp is None or not design.at_hand or design.min_b is None or design.max_b is None:
        return None
    low, high = min(CANDIDATES_B[0], design.min_b), max(CANDIDATES_B[-1], design.max_b)
    if design.kind == "even" and (low, high) == (design.min_b, design.max_b):
        return None
    plan = plan_models(
        asked.effect_pp_per_decade,
        even_decades=math.log10(high / low),
        power=asked.power,
        alpha=asked.alpha_per_test,
        **noise(asked, asked.tau_pp),
    )
    return EvenModels(n_models=plan.n_models, min_b=low, max_b=high)


def _found(asked: Assumptions, sizes: tuple[float, ...]) -> float | None:
    tau = MIDDLING_TAU_PP if asked.tau_pp is None else asked.tau_pp
    if not exact_can_reject(asked, sizes):
        return None
    try:
        return smallest_slope(asked, sizes, tau).slope_pp_per_decade
    except InsufficientData:
        return None


def found_of_error(standard_error_pp_per_decade: float, n_models: int, *, power: float, alpha: float) -> float:
    """The smallest slope that a fit with this standard error would have found."""
    return detectable_slope_of_standard_error(standard_error_pp_per_decade, n_models, power=power, alpha=alpha).slope_pp_per_decade
