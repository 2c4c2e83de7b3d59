"""How much delta could move: near a baseline of 1 it cannot rise, near 0 it cannot fall; and the slope in log odds beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from safescale.errors import InsufficientData
from safescale.stats import LogScalingSlope, WithinGroupSlope, log_scaling_slope, within_group_slope
from safescale.studies.dilution.between_models import SizedModels, registered_p
from safescale.studies.dilution.design import LARGE_PP
from safescale.studies.dilution.results import ModelDelta, OddsSlope, Room

__all__ = ["SATURATED", "log_odds_change", "room_of"]

SATURATED: Final = 0.95
"""Attack success with the puzzle above which delta has no room to be larger, whatever the baseline."""


def room_of(deltas: Sequence[ModelDelta], fitted: SizedModels, *, level: float) -> Room:
    """Baselines of all models, those that leave less than the threshold of the rule above or below, and the slope in log odds."""
    rates = tuple((delta.model.model_id, delta.control_rate) for delta in deltas)
    return Room(
        rows=rates,
        threshold_pp=LARGE_PP,
        little_up=tuple(model for model, rate in rates if 100 * (1 - rate) < LARGE_PP),
        little_down=tuple(model for model, rate in rates if 100 * rate < LARGE_PP),
        odds=_odds_slope(fitted, level),
        saturated=tuple(delta.model.model_id for delta in deltas if delta.treated_rate > SATURATED),
    )


def log_odds_change(delta: ModelDelta) -> float:
    """
    Log odds under treated minus under control, each count raised by one half.

    So 0 of n and n of n have log odds, drawn towards 0 the more the fewer prompts there are.
    """
    n = delta.prompts
    return float(
        np.log((n * delta.treated_rate + 0.5) / (n * (1 - delta.treated_rate) + 0.5))
        - np.log((n * delta.control_rate + 0.5) / (n * (1 - delta.control_rate) + 0.5))
    )


def _odds_slope(fitted: SizedModels, level: float) -> OddsSlope | None:
    sizes = [delta.model.params_b or 0.0 for delta in fitted.deltas]
    changes = np.array([log_odds_change(delta) for delta in fitted.deltas])
    if len(changes) == 0:
        return None
    # a slope and its p do not care for the unit: in units of the largest change they are differences within [-1, 1]
    unit = max(float(np.abs(changes).max()), 1.0)
    try:
        permuted = registered_p(sizes, (changes / unit).tolist(), fitted.groups)
        line: LogScalingSlope | WithinGroupSlope = (
            log_scaling_slope(sizes, changes / unit, quantity="difference", level=level)
            if fitted.groups is None
            else within_group_slope(sizes, changes / unit, fitted.groups, quantity="difference", level=level)
        )
    except InsufficientData:
        return None
    scale = unit / 100
    return OddsSlope(
        slope_logit_per_decade=scale * line.slope_pp_per_decade,
        low=None if line.interval is None else scale * line.interval[0],
        high=None if line.interval is None else scale * line.interval[1],
        permutation_p=permuted.p_value,
        models=len(changes),
    )
