"""Cells with too few evaluable rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from safescale.analyses.words import percent, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named

__all__ = ["MIN_CELL", "RULE"]

MIN_CELL: Final = 20


def _check(facts: AuditFacts) -> Iterator[Hit]:
    cells = list(facts.cells)
    for grader in sorted({cell.grader for cell in cells if cell.evaluable < MIN_CELL}):
        mine = [cell for cell in cells if cell.grader == grader and cell.evaluable < MIN_CELL]
        of_grader = sum(cell.grader == grader for cell in cells)
        models = sorted({cell.model_id for cell in mine})
        least = min(mine, key=lambda cell: (cell.evaluable, cell.index))
        yield Hit(
            subject=grader,
            found=f"{len(mine):,} of {plural(of_grader, 'cell')} of grader {grader} ({percent(len(mine) / of_grader)}) hold fewer "
            f"than {MIN_CELL} evaluable rows, the least {least.evaluable} ({least.model_id}, {least.attack_class}, "
            f"{least.condition}); {plural(len(models), 'model')}: {named(models)}",
            evidence=facts.id_evidence([f"{c.attack_class} / {c.model_id} / {c.condition}" for c in mine], "cell"),
        )


RULE = Rule(
    code="SS208",
    name="small-cells",
    severity=Severity.WARNING,
    title=f"Cells under {MIN_CELL} evaluable rows",
    why="Their rates are shown and not fitted: 0 of 10 is consistent with anything up to 28 %.",
    todo="Collect more rows of these models and classes (safescale plan says how many), or pool classes on purpose and say so.",
    threshold=f"A cell (attack class, model, condition, grader, target) with 1 to {MIN_CELL - 1} evaluable rows under the "
    "selection in use.",
    check=_check,
)
