"""The two effects within each lineage by itself, and their means with lineages as units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.errors import DomainError, InsufficientData
from safescale.stats import surface_over_replicates
from safescale.studies.robustness.design import COMPUTE_UNITS, ComputeUnit, RobustnessDesign
from safescale.studies.robustness.grid import GridPart, compute_of, metric_of, parts_of
from safescale.studies.robustness.results import CellMetrics, LineageEffects, Metric
from safescale.studies.robustness.surfaces import METRICS, SCALES, counts_of, effect_of, more_of, no_effect, usable_of

__all__ = ["lineages_of", "lineages_of_part"]

FEWEST_LINEAGES: Final = 2


def lineages_of(cells: Sequence[CellMetrics], design: RobustnessDesign) -> tuple[LineageEffects, ...]:
    """For the main data size, each defence that is tried at every level, each metric, both units."""
    return tuple(
        lineages_of_part(part, metric, unit, level=1 - design.alpha)
        for part in parts_of(cells, design)
        if part.examples == design.finetune.main_examples
        for metric in METRICS
        for unit in COMPUTE_UNITS
    )


def lineages_of_part(part: GridPart, metric: Metric, unit: ComputeUnit, *, level: float) -> LineageEffects:
    """
    Of one part of the grid, one metric, one unit.

    A lineage whose refusals are all parted from the others by size and compute has no fit of its own, and is listed so.
    """
    cells = usable_of(part, metric, unit)
    size, compute = [found.model.params_b or 0.0 for found in cells], [compute_of(found, unit) or 0.0 for found in cells]
    lineages = [found.model.lineage for found in cells]
    try:
        if len(set(lineages)) < FEWEST_LINEAGES:
            raise InsufficientData("there is one lineage only, and nothing replicates it" if lineages else "there are no cells")
        if metric == "rrr":
            kept, asked = counts_of(cells)
            fit = surface_over_replicates(size, compute, kept, lineages, trials=asked, level=level)
        else:
            values = [metric_of(found, metric).value or 0.0 for found in cells]
            fit = surface_over_replicates(size, compute, values, lineages, level=level)
    except DomainError as error:
        none = no_effect(str(error))
        return LineageEffects(
            metric=metric,
            unit=unit,
            scale=SCALES[metric],
            rows=tuple((lineage, None, None) for lineage in dict.fromkeys(lineages)),
            size=none,
            compute=none,
            outweighs=none,
            defence=part.defence,
            examples=part.examples,
        )
    none = no_effect(fit.undefined_because or "the lineages show no scatter")
    return LineageEffects(
        metric=metric,
        unit=unit,
        scale=SCALES[metric],
        rows=tuple((str(row.replicate), row.size, row.compute) for row in fit.replicates),
        size=none if fit.size is None else effect_of(fit.size),
        compute=none if fit.compute is None else effect_of(fit.compute),
        outweighs=none if fit.outweighs is None else more_of(fit.outweighs),
        defence=part.defence,
        examples=part.examples,
    )
