"""Which cells a fit over attack compute rests on: fine-tuning under one defence, of one data size, in one unit of compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from safescale.studies.robustness.design import ComputeUnit, RobustnessDesign
from safescale.studies.robustness.results import CellMetrics, Estimate, Metric

__all__ = ["FEWEST_ROWS", "GridPart", "compute_of", "metric_of", "parts_of", "sized"]

FEWEST_ROWS = 20
"""Cells with fewer responses behind a metric are shown and not fitted."""

FITTED_DEFENCES = ("none", "tamper_resistance")
"""Defences that are tried against every level of compute; the others are compared at single levels."""


@attrs.frozen(kw_only=True)
class GridPart:
    """Cells of fine-tuning, under the defence of that name, at one data size."""

    defence: str
    examples: int
    cells: tuple[CellMetrics, ...]


def parts_of(cells: Sequence[CellMetrics], design: RobustnessDesign) -> Iterator[GridPart]:
    """Undefended first, and within a defence the main data size first; a part without cells is left out, but for the main one."""
    trained = [found for found in cells if found.attack.kind == "finetune"]
    main = design.finetune.main_examples
    names = {found.defence.name: found.defence.kind for found in trained}
    for defence in sorted(names, key=lambda name: FITTED_DEFENCES.index(kind) if (kind := names[name]) in FITTED_DEFENCES else 9):
        if names[defence] not in FITTED_DEFENCES:
            continue
        of_defence = [found for found in trained if found.defence.name == defence]
        sizes = {found.attack.examples or 0 for found in of_defence} | ({main} if names[defence] == "none" else set())
        for examples in sorted(sizes, key=lambda n: (n != main, -n)):
            part = tuple(found for found in of_defence if found.attack.examples == examples)
            yield GridPart(defence=defence, examples=examples, cells=part)
    if "none" not in names.values():
        yield GridPart(defence="none", examples=main, cells=())


def compute_of(found: CellMetrics, unit: ComputeUnit) -> float | None:
    """Attack compute of a cell; None where it is not known, or 0, which has no logarithm."""
    value = found.cell.tokens if unit == "tokens" else found.cell.flops
    return float(value) if value is not None and value > 0 else None


def metric_of(found: CellMetrics, metric: Metric) -> Estimate:
    """The estimate that a metric's fit rests on."""
    if metric == "rrr":
        return found.retention.rrr
    if metric == "rd":
        return Estimate(value=None, why="there is no embedder") if found.drift is None else found.drift.rd
    return Estimate(value=None, why="no grader has probabilities") if found.entropy is None else found.entropy.ce


def sized(cells: Sequence[CellMetrics], *, guesses: bool = True) -> tuple[CellMetrics, ...]:
    """Cells of models whose size is known, or (with ``guesses`` false) known and not estimated."""
    return tuple(found for found in cells if found.model.params_b is not None and (guesses or not found.model.size_estimated))
