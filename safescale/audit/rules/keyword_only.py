"""Verdicts that only a keyword rule gave."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from safescale.analyses.words import percent, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    keyword = facts.rows.grader_kind.is_in(["keyword"])
    graded = facts.evaluable
    by_keyword = np.zeros(facts.traces.count, dtype=bool)
    by_others = np.zeros(facts.traces.count, dtype=bool)
    by_keyword[facts.trace_of_row[keyword & graded]] = True
    by_others[facts.trace_of_row[~keyword]] = True
    alone = np.flatnonzero(by_keyword & ~by_others)
    if not alone.size:
        return
    models = sorted(facts.traces.model_id.values[i].as_py() for i in np.unique(facts.traces.model_id.codes[alone]).tolist())
    total = int((by_keyword | by_others).sum())
    graders = sorted(facts.rows.grader.values[i].as_py() for i in np.unique(facts.rows.grader.codes[keyword]).tolist())
    yield Hit(
        subject=" | ".join(graders),
        found=f"{plural(alone.size, 'trace')} of {total:,} with a grade ({percent(alone.size / total)}) have a keyword verdict "
        f"and no other ({named(graders)}), in {plural(len(models), 'model')}: {named(models)}",
        evidence=facts.trace_evidence(alone, ids=models),
    )


RULE = Rule(
    code="SS301",
    name="keyword-only",
    severity=Severity.WARNING,
    title="Keyword verdicts that pass for graded ones",
    why="A keyword rule sees refusal phrases, not harm: its agreement with graders of harm is near chance (published kappa .10 "
    "to .27).",
    todo="Have these traces graded, or leave them out; they are left out by default. Filling gaps of a grader with a keyword "
    "rule (COALESCE) mixes two instruments.",
    threshold="A trace whose only evaluable verdict is of a grader of kind keyword.",
    check=_check,
)
