"""Lineages whose sizes were graded by different graders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows

__all__ = ["RULE"]

MIN_ROWS: Final = 20


def _check(facts: AuditFacts) -> Iterator[Hit]:
    at = facts.counted
    kept = facts.trace_of_row[at]
    groups = group_rows(
        [
            facts.traces.model_id.codes[kept],
            facts.rows.target.codes[at],
            facts.traces.condition.codes[kept],
            facts.rows.grader.codes[at],
        ]
    )
    rows = np.bincount(groups.of_row, minlength=groups.count)
    graders: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for (model, target, condition, grader), n in zip(groups.codes.T.tolist(), rows.tolist(), strict=True):
        label = facts.rows.grader.values[grader].as_py()
        if n >= MIN_ROWS and facts.grader_kinds[label] != {"keyword"}:
            setting = (facts.rows.target.values[target].as_py(), facts.traces.condition.values[condition].as_py())
            of_model = graders.setdefault(setting, {}).setdefault(facts.traces.model_id.values[model].as_py(), {})
            of_model[label] = n
    first = {
        (int(m), int(g)): int(at[i])
        for m, g, i in zip(groups.codes[0], groups.codes[3], np.unique(groups.of_row, return_index=True)[1], strict=True)
    }
    for (target, condition), by_model in sorted(graders.items()):
        for lineage, ids in facts.lineages.items():
            here = [name for name in ids if name in by_model and not facts.is_tampered(name)]
            sizes = {facts.models[name]["params_total_b"] for name in here} - {None}
            if len(sizes) < 2 or set.intersection(*(set(by_model[name]) for name in here)):
                continue
            by_grader: dict[str, list[str]] = {}
            for name in here:
                for grader in by_model[name]:
                    by_grader.setdefault(grader, []).append(name)
            parts = [f"{grader} graded {named(names)}" for grader, names in sorted(by_grader.items())]
            models, labels = facts.traces.model_id.values.to_pylist(), facts.rows.grader.values.to_pylist()
            places = [first[models.index(names[0]), labels.index(grader)] for grader, names in sorted(by_grader.items())]
            yield Hit(
                subject=f"{lineage} / {target} / {condition}",
                found=f"no grader judged all {plural(len(here), 'model')} of lineage {lineage} (target {target}, condition "
                f"{condition}): {'; '.join(parts)}",
                evidence=facts.grade_evidence(places, ids=here),
            )


RULE = Rule(
    code="SS307",
    name="grader-changes",
    severity=Severity.WARNING,
    title="The grader changes along a lineage",
    why="Two graders of the same responses differ by tens of points; a line through sizes of which each had its own grader shows "
    "graders.",
    todo="Have all sizes graded by one grader with one rubric, or read each grader's part by itself.",
    threshold=f"A lineage of two sizes or more in which no grader (with rubric version, keyword rules aside) has {MIN_ROWS} or "
    "more counted rows of every model, within one target and condition.",
    check=_check,
)
