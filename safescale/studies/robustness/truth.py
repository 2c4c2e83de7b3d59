"""How often the verdict is right about planted studies, and how often the interval of the exchange rate holds the truth."""

from __future__ import annotations

import attrs
import numpy as np

from safescale.studies.robustness.cell_metrics import cell_metrics
from safescale.studies.robustness.design import FinetuneGrid, RobustnessDesign
from safescale.studies.robustness.grid import parts_of
from safescale.studies.robustness.half_compute import half_of_part
from safescale.studies.robustness.lineages import lineages_of_part
from safescale.studies.robustness.planted import PlantedRobustness, planted_robustness
from safescale.studies.robustness.results import RobustnessVerdict
from safescale.studies.robustness.surfaces import surface_of
from safescale.studies.robustness.verdict import verdict_of

__all__ = ["PlantedVerdicts", "planted_verdicts"]


@attrs.frozen(kw_only=True)
class PlantedVerdicts:
    """
    What came of repeated studies of one truth.

    Attributes
    ----------
    repeats : int
        Studies.
    compute, size : int
        In how many compute (size) was said to outweigh the other.
    exchange_intervals, exchange_covered : int
        In how many the exchange rate had an interval, and in how many of these it held the planted rate; 0 without an effect of
        size, which leaves no rate.
    size_effects, compute_effects : tuple of float
        Estimates of those with a fit, log odds per decade.
    planted : PlantedRobustness
        The truth.
    """

    repeats: int
    compute: int
    size: int
    exchange_intervals: int
    exchange_covered: int
    size_effects: tuple[float, ...]
    compute_effects: tuple[float, ...]
    planted: PlantedRobustness


def planted_verdicts(planted: PlantedRobustness, repeats: int, rng: np.random.Generator) -> PlantedVerdicts:
    """
    Verdicts on repeated studies of one truth, by the whole rule of one grader (lineages, sizes left out, half-compute).

    Parameters
    ----------
    planted : PlantedRobustness
        The truth.
    repeats : int
        How many studies.
    rng : Generator
        Where chance comes from.
    """
    design = RobustnessDesign(
        finetune=FinetuneGrid(examples=planted.examples, steps=planted.steps, seeds=planted.attack_seeds), steering=None
    )
    level, unit = 1 - design.alpha, design.compute_unit
    rate = -planted.compute / planted.size if planted.size else None
    verdicts, effects, held = [], [], []
    for _ in range(repeats):
        outcomes = attrs.evolve(planted_robustness(planted, rng), embedder=None, entropy_grader=None)
        cells = cell_metrics(outcomes, level=level)
        part = next(iter(parts_of(cells, design)))
        surface = surface_of(part, "rrr", unit, level=level)
        said = verdict_of(
            design,
            cells,
            [surface],
            [lineages_of_part(part, "rrr", unit, level=level)],
            # the verdict turns to it only where there is nothing to fit
            [half_of_part(part, unit, level=level)] if surface.separated else [],
        )
        verdicts.append(said.verdict)
        if surface.size.estimate is not None and surface.compute.estimate is not None:
            effects.append((surface.size.estimate, surface.compute.estimate))
        if rate is not None and surface.exchange.interval is not None:
            held.append(surface.exchange.interval[0] <= rate <= surface.exchange.interval[1])
    return PlantedVerdicts(
        repeats=repeats,
        compute=verdicts.count(RobustnessVerdict.COMPUTE),
        size=verdicts.count(RobustnessVerdict.SIZE),
        exchange_intervals=len(held),
        exchange_covered=sum(held),
        size_effects=tuple(b for b, _ in effects),
        compute_effects=tuple(c for _, c in effects),
        planted=planted,
    )
