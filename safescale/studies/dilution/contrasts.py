"""One condition against another, in every model and over models; and the controls that tell a puzzle from mere length and place."""

from __future__ import annotations

from typing import Final

import attrs

from safescale.studies.dilution.between_models import MIN_PROMPTS, size_slope
from safescale.studies.dilution.deltas import deltas_of
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.families import holm_of
from safescale.studies.dilution.outcomes import Outcomes, Role
from safescale.studies.dilution.over_units import mean_over_units
from safescale.studies.dilution.results import Contrast

__all__ = ["CONTROL_CONTRASTS", "contrast_of", "control_contrasts"]

CONTROL_CONTRASTS: Final[tuple[tuple[Role, Role], ...]] = (
    ("puzzle", "neutral"),
    ("puzzle", "appended"),
    ("neutral", "baseline"),
    ("appended", "baseline"),
)
"""Treated minus control. One family: Holm is taken over them."""


def contrast_of(outcomes: Outcomes, design: DilutionDesign, treated: int, control: int) -> Contrast:
    """
    Deltas of all models between two conditions (positions), their mean over models, and their slope on size.

    Mean and slope are of models with `MIN_PROMPTS` pairs or more: a model of a handful would count in them like any other.
    """
    level = 1 - design.alpha
    deltas = deltas_of(outcomes, treated, control, level=level)
    mean = mean_over_units([delta.delta for delta in deltas if delta.prompts >= MIN_PROMPTS], level=level)
    first, second = outcomes.conditions[treated], outcomes.conditions[control]
    return Contrast(
        name=f"{first.name} - {second.name}",
        treated=first,
        control=second,
        deltas=deltas,
        mean=None if mean is None else mean.mean,
        low=None if mean is None or mean.low is None else max(-1.0, mean.low),
        high=None if mean is None or mean.high is None else min(1.0, mean.high),
        p_value=None if mean is None else mean.p_value,
        adjusted_p=None,
        slope=size_slope(deltas, design).slope,
    )


def control_contrasts(outcomes: Outcomes, design: DilutionDesign) -> tuple[Contrast, ...]:
    """Every control contrast whose two conditions were asked; means and slopes each a Holm family of their own."""
    found = []
    for treated, control in CONTROL_CONTRASTS:
        first, second = outcomes.condition(treated), outcomes.condition(control)
        if first is not None and second is not None:
            found.append(contrast_of(outcomes, design, first, second))
    means = holm_of([contrast.p_value for contrast in found], alpha=design.alpha)
    slopes = holm_of([None if c.slope is None else c.slope.permutation_p for c in found], alpha=design.alpha)
    return tuple(
        attrs.evolve(contrast, adjusted_p=mean, slope_adjusted_p=slope)
        for contrast, mean, slope in zip(found, means, slopes, strict=True)
    )
