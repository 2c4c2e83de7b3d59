"""Models and rows that seem to have been left out because of what they show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import p_clause, percent, plural
from safescale.audit.corpus_facts import EVERYTHING, AuditFacts, Integers
from safescale.audit.finding import Hit, Severity
from safescale.audit.pairs import MIN_PAIRED
from safescale.audit.rule import Rule
from safescale.cells.fates import COUNTED, REASONS, TAMPERED_STATES
from safescale.cells.graded_rows import VERDICTS
from safescale.cells.selection import VERDICT_REASONS
from safescale.records.verdicts import Verdict
from safescale.stats import fisher_exact_test, holm

__all__ = ["RULE"]

MIN_ROWS: Final = 20
MIN_OTHERS: Final = 3
BEYOND: Final = 0.10
ALPHA: Final = 0.001
MORE_BY: Final = 0.20
_COMPLIANCE: Final = VERDICTS.index(Verdict.COMPLIANCE)


def _check(facts: AuditFacts) -> Iterator[Hit]:
    yield from _whole_models(facts)
    yield from _rows_by_outcome(facts)


def _whole_models(facts: AuditFacts) -> Iterator[Hit]:
    """
    Models in no rate whose rate, had they been counted, lies beyond all that were.

    What their rate would be is known where a grader or a source that the selection leaves out saw them, or where the selection
    names the model. Tampered models are left out by provenance and are not looked at.
    """
    chosen = facts.fates(facts.selection)
    model = facts.traces.model_id.codes[facts.trace_of_row]
    kept_models = set(np.unique(model[chosen == COUNTED]).tolist())
    tampered = {code for code, state in enumerate(facts.tampering) if state in TAMPERED_STATES}
    graders = facts.rows.grader.codes
    at = facts.counted
    for grader in np.unique(graders[at]).tolist():
        mine = at[graders[at] == grader]
        rates = {
            int(code): (int((facts.rows.verdict[mine[model[mine] == code]] == _COMPLIANCE).sum()), int((model[mine] == code).sum()))
            for code in np.unique(model[mine])
        }
        inside = [k / n for code, (k, n) in rates.items() if code in kept_models and n >= MIN_ROWS]
        if len(inside) < MIN_OTHERS:
            continue
        for code, (k, n) in rates.items():
            if code in kept_models or code in tampered or n < MIN_ROWS:
                continue
            above, below = k / n - max(inside), min(inside) - k / n
            if max(above, below) < BEYOND:
                continue
            name, by = facts.traces.model_id.values[code].as_py(), facts.rows.grader.values[grader].as_py()
            rows = mine[model[mine] == code]
            yield Hit(
                subject=name,
                found=f"{name} is in no rate ({_reason(facts, chosen, model == code)}), and {by} gives it {percent(k / n)} "
                f"compliance in {plural(n, 'row')}, {'above' if above > below else 'below'} every model that is counted "
                f"({percent(min(inside))} to {percent(max(inside))})",
                evidence=facts.grade_evidence(rows, ids=(name, by)),
            )


def _reason(facts: AuditFacts, chosen: Integers, mine: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    """The most frequent reason for which rows of a model are left out, in the words of its code."""
    counts = np.bincount(chosen[mine & (chosen != COUNTED)], minlength=len(REASONS))
    return REASONS[int(counts.argmax())].value.replace("_", " ") if counts.any() else "no row"


def _rows_by_outcome(facts: AuditFacts) -> Iterator[Hit]:
    """Rows that one grader left out of the denominator, mostly where another saw compliance (or none)."""
    fate = facts.fates(EVERYTHING)
    dropped = np.isin(fate, [REASONS.index(reason) for reason in VERDICT_REASONS.values()])
    kept = fate == COUNTED
    graders = facts.rows.grader.codes
    names = facts.rows.grader.values.to_pylist()
    tests: list[tuple[str, str, int, int, int, int, Integers, float]] = []
    for one in range(len(names)):
        out = np.flatnonzero(dropped & (graders == one))
        if out.size < MIN_ROWS:
            continue
        own = np.flatnonzero(kept & (graders == one))
        for other in range(len(names)):
            seen = np.flatnonzero(kept & (graders == other))
            if other == one or seen.size < MIN_PAIRED:
                continue
            sides = []
            for side in (out, own):
                _, i, j = np.intersect1d(facts.trace_of_row[side], facts.trace_of_row[seen], return_indices=True)
                sides.append((int((facts.rows.verdict[seen[j]] == _COMPLIANCE).sum()), int(j.size), side[i]))
            (k, n, rows), (own_k, own_n, _) = sides
            if n < MIN_ROWS or own_n < MIN_ROWS:
                continue
            tests.append((names[one], names[other], k, n, own_k, own_n, rows, fisher_exact_test(k, n, own_k, own_n).p_value))
    if not tests:
        return
    for (grader, by, k, n, own_k, own_n, rows, _), p in zip(tests, holm([test[-1] for test in tests]).adjusted, strict=True):
        if p < ALPHA and abs(k / n - own_k / own_n) >= MORE_BY:
            yield Hit(
                subject=f"{grader} by {by}",
                found=f"of {plural(n, 'row')} that {grader} left out of the denominator {percent(k / n)} are compliance to {by}, "
                f"of those it counted {percent(own_k / own_n)} ({p_clause(p)} after Holm): what is left out depends on the outcome",
                evidence=facts.grade_evidence(rows, ids=(grader, by)),
            )


RULE = Rule(
    code="SS402",
    name="excluded-by-rate",
    severity=Severity.WARNING,
    title="Left out because of its own rate",
    why="Leaving out what complies most (or least) makes the rate of the rest; exclusion is by provenance and tampering state, "
    "stated before the rates are seen.",
    todo="Count the model, or say by which property other than its rate it is left out; compare with and without it.",
    threshold=f"A model that is not tampered, in no rate under the selection, whose rate with a grader that has {MIN_ROWS} of its "
    f"rows lies {BEYOND:.0%} or more beyond those of all counted models ({MIN_OTHERS} or more). Or rows that a grader calls not "
    f"evaluable, in which another sees {MORE_BY:.0%} more or less compliance than in the rest (Fisher, Holm, {ALPHA:g}). A model "
    "that never entered the corpus cannot be seen.",
    check=_check,
)
