"""Quantities in words, and the cells that a sentence speaks of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from scipy.special import expit, logit

from safescale.analyses.words import percent, signed, size_words
from safescale.studies.robustness.defence_effects import over_models
from safescale.studies.robustness.design import ComputeUnit, RobustnessDesign
from safescale.studies.robustness.results import CellMetrics, Estimate, Surface

__all__ = [
    "amount_words",
    "cells_at",
    "compute_words",
    "decade_words",
    "interval_words",
    "is_lexical",
    "mean_over_models",
    "reference_words",
    "strongest",
    "unit_words",
]

Value = Callable[[CellMetrics], float | None]


def unit_words(unit: ComputeUnit) -> str:
    """What compute is counted in."""
    return "training tokens" if unit == "tokens" else "FLOPs"


def amount_words(compute: float, unit: ComputeUnit) -> str:
    """``8,000 tokens``, ``2.1e+15 FLOPs``."""
    return (
        f"{compute:,.0f} tokens"
        if unit == "tokens" and compute < 1e9
        else f"{compute:.3g} {'tokens' if unit == 'tokens' else 'FLOPs'}"
    )


def interval_words(interval: tuple[float, float] | None, scale: float = 1.0, *, digits: int | None = None) -> str:
    """`` [-1.00, +2.00]``; percentages (scale 100) without signs; nothing where there is none."""
    if interval is None:
        return ""
    low, high = (scale * end for end in interval)
    if scale == 1.0:
        places = 2 if digits is None else digits
        return f" [{signed(low, places)}, {signed(high, places)}]"
    places = 1 if digits is None else digits
    return f" [{low:.{places}f}, {high:.{places}f}]"


def is_lexical(embedder: str) -> bool:
    """Whether vectors are of words and not of meaning: by the option's name, or by what the embedder says that it measures."""
    return "ngram" in embedder.replace("-", "") or "lexical" in embedder


def reference_words(surface: Surface) -> str:
    """The reference point."""
    if surface.reference_params_b is None or surface.reference_compute is None:
        return "the reference point"
    size = size_words(float(f"{surface.reference_params_b:.3g}"))
    return f"a model of {size} and {amount_words(surface.reference_compute, surface.unit)} of attack"


def decade_words(surface: Surface, which: Literal["size", "compute"]) -> str:
    """``ten times the attack compute lowers RRR from 82.1 % to 17.2 % (-3.00 [-3.40, -2.60] log odds per decade)``."""
    effect = surface.size if which == "size" else surface.compute
    name = "ten times the model size" if which == "size" else "ten times the attack compute"
    if effect.estimate is None or surface.at_reference is None:
        return f"what {name} does is not known"
    middle = float(logit(surface.at_reference))
    start, end = (float(expit(middle + side * effect.estimate / 2)) for side in (-1, 1))
    shown = effect.interval is not None and not effect.interval[0] <= 0 <= effect.interval[1]
    verb = ("raises" if effect.estimate > 0 else "lowers") if shown else "does not demonstrably move"
    moved = f"RRR from {percent(start)} to {percent(end)}" if shown else f"RRR ({percent(start)} to {percent(end)})"
    return f"{name} {verb} {moved} ({signed(effect.estimate, 2)}{interval_words(effect.interval)} log odds per decade)"


def cells_at(cells: Sequence[CellMetrics], design: RobustnessDesign, *, defence: str = "none") -> list[CellMetrics]:
    """Cells of fine-tuning at the main data size under a kind of defence."""
    return [
        found
        for found in cells
        if found.attack.kind == "finetune"
        and found.attack.examples == design.finetune.main_examples
        and found.defence.kind == defence
    ]


def strongest(cells: Sequence[CellMetrics], design: RobustnessDesign) -> list[CellMetrics]:
    """Those of the most steps."""
    mine = cells_at(cells, design)
    most = max((found.attack.steps or 0 for found in mine), default=0)
    return [found for found in mine if found.attack.steps == most]


def compute_words(cells: Sequence[CellMetrics]) -> str:
    """``100 steps of fine-tuning on 64 pairs``."""
    attack = cells[0].attack
    return f"{attack.steps} steps of fine-tuning on {attack.examples} pairs"


def mean_over_models(
    cells: Sequence[CellMetrics], value: Value, level: float, *, least: float = 0.0, most: float = 1.0
) -> Estimate:
    """Mean over models (attack seeds of one averaged first), models as units, of a quantity between ``least`` and ``most``."""
    held: dict[int, list[float]] = {}
    for found in cells:
        this = value(found)
        if this is not None:
            held.setdefault(found.cell.model, []).append(this)
    return over_models([math.fsum(mine) / len(mine) for _, mine in sorted(held.items())], level, least=least, most=most)[0]
