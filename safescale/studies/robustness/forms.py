"""Is RRR or its log straight on log size, and on log compute? By how well left-out sizes and levels are foretold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import attrs

from safescale.analyses.words import p_clause, plural, size_words
from safescale.errors import DomainError
from safescale.stats import holm, scaling_form_comparison
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.grid import FEWEST_ROWS, compute_of, parts_of, sized
from safescale.studies.robustness.results import CellMetrics, FormAnswer
from safescale.studies.robustness.surfaces import counts_of

__all__ = ["forms_of"]

FEWEST_POINTS: Final = 4


def forms_of(cells: Sequence[CellMetrics], design: RobustnessDesign) -> tuple[FormAnswer, ...]:
    """
    Over sizes at each level of compute, and over compute for each size (all its lineages), undefended, main data size.

    Only where RRR varies: with everything or nothing refused every line foretells the same. Compute is in the unit of the design;
    levels are those of the grid, each at the geometric mean of its cells.
    """
    part = next(iter(parts_of(cells, design)))
    usable = [
        found for found in sized(part.cells) if compute_of(found, design.compute_unit) and found.retention.rrr.n >= FEWEST_ROWS
    ]
    over_size, over_compute = [], []
    for steps in sorted({found.attack.steps or 0 for found in usable}):
        mine = [found for found in usable if found.attack.steps == steps]
        over_size.append(_form("size", mine[0].attack.name, [found.model.params_b or 0.0 for found in mine], mine, design))
    for size in sorted({found.model.params_b or 0.0 for found in usable}):
        mine = [found for found in usable if found.model.params_b == size]
        over_compute.append(_form("compute", size_words(size), _levels(mine, design), mine, design))
    return tuple(found for axis in (over_size, over_compute) for found in _corrected([one for one in axis if one], design.alpha))


def _levels(cells: Sequence[CellMetrics], design: RobustnessDesign) -> list[float]:
    """Compute of each cell's level: seeds differ a little in tokens, and a level that is left out is left out whole."""
    logs: dict[int, list[float]] = {}
    for found in cells:
        logs.setdefault(found.attack.steps or 0, []).append(math.log10(compute_of(found, design.compute_unit) or 1.0))
    return [10 ** (math.fsum(logs[found.attack.steps or 0]) / len(logs[found.attack.steps or 0])) for found in cells]


def _form(
    over: Literal["size", "compute"], at: str, axis: Sequence[float], cells: Sequence[CellMetrics], design: RobustnessDesign
) -> FormAnswer | None:
    kept, asked = counts_of(cells)
    if sum(kept) in (0, sum(asked)):
        return None
    levels, what = len(set(axis)), "size" if over == "size" else "level"
    if levels < FEWEST_POINTS:
        reason = f"leaving one {what} out of a line needs at least {FEWEST_POINTS} {what}s, got {levels}"
        return FormAnswer(over=over, at=at, verdict="cannot_tell", reason=reason, difference=None, p_value=None)
    try:
        found = scaling_form_comparison(axis, kept, asked, alpha=design.alpha)
    except DomainError as error:
        return FormAnswer(over=over, at=at, verdict="cannot_tell", reason=str(error), difference=None, p_value=None)
    reason = found.reason
    if over == "compute":
        reason = reason.replace("log size", "log compute").replace("distinct sizes", "levels").replace("sizes", "levels")
    return FormAnswer(over=over, at=at, verdict=found.verdict, reason=reason, difference=found.difference, p_value=found.p_value)


def _corrected(answers: Sequence[FormAnswer], alpha: float) -> list[FormAnswer]:
    """Verdicts that do not hold over all answers of their axis (Holm) are taken back."""
    tested = [found for found in answers if found.p_value is not None]
    if not tested:
        return list(answers)
    adjusted = dict(zip(map(id, tested), holm([found.p_value or 0.0 for found in tested], alpha=alpha).adjusted, strict=True))
    kept = []
    for found in answers:
        p = adjusted.get(id(found))
        if found.verdict != "cannot_tell" and p is not None and p > alpha:
            many = f"{found.reason}; over {plural(len(tested), 'such answer')} that does not hold (Holm, {p_clause(p)})"
            found = attrs.evolve(found, verdict="cannot_tell", reason=many)
        kept.append(found)
    return kept
