"""A change with size that is one between sources, generations or providers only: it is not claimed, and the words say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.inverse_scaling.results import Options, Robustness, ScalingVerdict
from safescale.analyses.inverse_scaling.within_source import WithinSource, slope_and_interval, within_slope
from safescale.analyses.observations import Observation, Series, parts_by_class, pooled
from safescale.analyses.series import GROUPS, Grouping, within_series
from safescale.analyses.units import ModelUnit
from safescale.analyses.words import p_clause, signed
from safescale.cells import AggregateCell, Cell, Cells

__all__ = ["DIRECTED", "against_groups", "against_sources", "repeated", "sources_of", "within_sources_of"]

DIRECTED: Final = (ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS)

Sources = Mapping[str, Sequence[Cell | AggregateCell]]


def against_groups(estimate: Estimate, grouping: Grouping, options: Options, cells: Cells) -> Estimate:
    """The estimate; a directed verdict that models compared within their groups contradict is taken back, with the reason."""
    if estimate.verdict not in DIRECTED or estimate.series.grouping is not None:
        return estimate
    if len({getattr(o.unit, grouping) for o in estimate.fitted} - {None}) < 2:
        return estimate
    (within,) = estimate_family([within_series(estimate.series, grouping)], options, cells)
    if within.verdict not in DIRECTED or within.verdict is estimate.verdict or within.slope is None:
        return estimate
    slope = f"{signed(within.slope.slope.slope_pp_per_decade)} pp per decade, {p_clause(within.slope.p_value)}"
    return _taken_back(estimate, f"only across {GROUPS[grouping]}; within them {slope}, {within.verdict.value}")


def against_sources(estimate: Estimate, found: WithinSource | None) -> Estimate:
    """The estimate; a directed verdict whose slope within sources has the other sign is taken back, with the reason."""
    if estimate.verdict not in DIRECTED or found is None or not found.signs_differ:
        return estimate
    return _taken_back(
        estimate,
        f"only across sources, which differ in level and in the sizes of their models; within them {slope_and_interval(found)}",
    )


def _taken_back(estimate: Estimate, where: str) -> Estimate:
    return attrs.evolve(estimate, verdict=ScalingVerdict.UNDECIDED, only_across=f"{estimate.verdict.value} {where}")


def repeated(robustness: Sequence[Robustness], before: Estimate, after: Estimate) -> tuple[Robustness, ...]:
    """The repetitions beside a verdict that was taken back: those that agreed with it are no claim of their own."""
    if after.verdict is before.verdict:
        return tuple(robustness)
    return tuple(attrs.evolve(r, verdict=after.verdict) if r.verdict is before.verdict else r for r in robustness)


def sources_of(members: Sequence[Cell | AggregateCell]) -> dict[str, list[Cell | AggregateCell]]:
    """Cells of each source."""
    found: dict[str, list[Cell | AggregateCell]] = {}
    for cell in members:
        found.setdefault(cell.source or "", []).append(cell)
    return found


def within_sources_of(
    estimate: Estimate, sources: Sources, units: Mapping[str, ModelUnit], options: Options
) -> WithinSource | None:
    """The slope of these models and attack classes within sources; None where one source holds them."""
    if len(sources) < 2 or estimate.slope is None:
        return None
    alone: list[tuple[Series, Sequence[Observation], str]] = []
    models = {o.unit.model for o in estimate.fitted}
    for name, members in sorted(sources.items()):
        wanted = [c for c in members if c.attack_class in estimate.series.attack_classes and units[c.model_id].model in models]
        by_class = parts_by_class(wanted, units, options.tier)
        found = pooled(by_class, list(by_class))
        if estimate.series.pooling == "classes":
            found = tuple(o for o in found if len(o.parts) == len(by_class))
        series = attrs.evolve(estimate.series, observations=found)
        groups: dict[str, list[Observation]] = {}
        for observation in series.fitted(options.min_cell):
            lineage = "" if series.grouping is None else f" / {getattr(observation.unit, series.grouping)}"
            groups.setdefault(f"{name}{lineage}", []).append(observation)
        alone += [(series, kept, group) for group, kept in groups.items()]
    return within_slope(alone, estimate.slope, options.level)[0]
