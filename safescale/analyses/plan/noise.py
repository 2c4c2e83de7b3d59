"""How the planning functions of ``safescale.stats`` are told of the scatter of models about a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from safescale.analyses.plan.wanted import Assumptions
from safescale.stats import MinimumDetectableSlope, minimum_detectable_slope

__all__ = ["USUAL_TAUS_PP", "noise", "residual_sd", "smallest_slope", "taus_to_show"]

USUAL_TAUS_PP = (0.0, 2.0, 5.0, 10.0, 15.0)
"""Shown always: nobody knows tau before looking, and it decides."""


def taus_to_show(asked: Assumptions) -> tuple[float | None, ...]:
    """Usual spreads, the one that is known, and its cautious value; of a published standard error only its own scatter."""
    if asked.design.kind == "standard_error":
        return (None,)
    known = [tau for tau in (asked.tau_pp, asked.tau_cautious_pp) if tau is not None]
    # without sampling noise beside it, tau 0 would leave no scatter at all
    return tuple(sorted({*(tau for tau in USUAL_TAUS_PP if tau > 0 or asked.prompts is not None), *known}))


def noise(asked: Assumptions, tau_pp: float | None) -> dict[str, Any]:
    """Arguments of the planning functions at one tau."""
    if tau_pp is None or asked.prompts is None:
        return {"residual_sd": residual_sd(asked, tau_pp)}
    return {"tau_pp": tau_pp, "trials": asked.trials, "base_rate": asked.base_rate, "design_effect": asked.design_effect}


def residual_sd(asked: Assumptions, tau_pp: float | None, *, endless_prompts: bool = False) -> float:
    """Standard deviation of a model's rate about the line (fraction)."""
    if tau_pp is None:
        error = asked.design.standard_error_pp_per_decade
        assert error is not None
        # SE = s / (sd_x sqrt n), in units where the spread of sizes is one
        return error / 100 * math.sqrt(asked.design.n_models)
    return math.sqrt((tau_pp / 100) ** 2 + (0.0 if endless_prompts else asked.sampling_variance))


def smallest_slope(
    asked: Assumptions, sizes_b: Sequence[float], tau_pp: float | None, *, endless_prompts: bool = False
) -> MinimumDetectableSlope:
    """The smallest slope that models of these sizes find with the power and level that are asked for."""
    scatter = {"residual_sd": residual_sd(asked, tau_pp, endless_prompts=True)} if endless_prompts else noise(asked, tau_pp)
    return minimum_detectable_slope(sizes_b, power=asked.power, alpha=asked.alpha_per_test, **scatter)
