"""Models of which far more rows fall out of the denominator than of the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import p_clause, percent, plural
from safescale.audit.corpus_facts import EVERYTHING, AuditFacts, verdict_code
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.cells.coding import group_rows
from safescale.cells.fates import COUNTED, REASONS
from safescale.cells.selection import VERDICT_REASONS
from safescale.records.verdicts import Verdict
from safescale.stats import fisher_exact_test, holm

__all__ = ["RULE"]

MIN_ROWS: Final = 50
MORE_BY: Final = 0.20
ALPHA: Final = 0.001


def _check(facts: AuditFacts) -> Iterator[Hit]:
    fate = facts.fates(EVERYTHING)
    dropped = np.isin(fate, [REASONS.index(reason) for reason in VERDICT_REASONS.values()])
    dropped &= facts.rows.verdict != verdict_code(Verdict.UNGRADED)
    at = np.flatnonzero(dropped | (fate == COUNTED))
    if not at.size:
        return
    groups = group_rows([facts.rows.grader.codes[at], facts.traces.model_id.codes[facts.trace_of_row[at]]])
    rows = np.bincount(groups.of_row)
    out = np.bincount(groups.of_row, weights=dropped[at]).astype(np.int64)
    tested = []
    for grader in np.unique(groups.codes[0]).tolist():
        mine = np.flatnonzero(groups.codes[0] == grader)
        all_rows, all_out = int(rows[mine].sum()), int(out[mine].sum())
        for i in mine.tolist():
            n, k = int(rows[i]), int(out[i])
            others, others_out = all_rows - n, all_out - k
            if n < MIN_ROWS or others < MIN_ROWS or k / n - others_out / others < MORE_BY:
                continue
            tested.append((i, n, k, others, others_out, fisher_exact_test(k, n, others_out, others).p_value))
    if not tested:
        return
    # the test was open to every model, not only to those that stand out
    family = [test[-1] for test in tested] + [1.0] * (groups.count - len(tested))
    for (i, n, k, others, others_out, _), adjusted in zip(tested, holm(family).adjusted, strict=False):
        if adjusted >= ALPHA:
            continue
        grader, model = (int(code) for code in groups.codes[:, i])
        name, by = facts.traces.model_id.values[model].as_py(), facts.rows.grader.values[grader].as_py()
        mine = at[(groups.of_row == i) & dropped[at]]
        yield Hit(
            subject=f"{name} / {by}",
            found=f"of {name}, {k:,} of {plural(n, 'row')} ({percent(k / n)}) are not evaluable to {by}, of the other models "
            f"{percent(others_out / others)} ({p_clause(adjusted)} after Holm)",
            evidence=facts.grade_evidence(mine, ids=(name, by)),
        )


RULE = Rule(
    code="SS305",
    name="denominator-by-model",
    severity=Severity.WARNING,
    title="A model whose rows fall out of the denominator",
    why="Its rate is over what was left; if what fell out is not like the rest, the comparison with other models is of different "
    "things.",
    todo="Read the rows that fell out. Give the rate with them as failures and as successes, too (bounds), or grade them again.",
    threshold=f"{MORE_BY:.0%} more of a model's graded rows ({MIN_ROWS} or more) are BENIGN_QUERY, NOT_GRADEABLE or ERROR than of "
    f"the other models of the same grader, Fisher's exact test, Holm over models and graders at {ALPHA:g}.",
    check=_check,
)
