"""Graders that agree under one condition and not under another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.stats import chi2_contingency

from safescale.analyses.words import p_clause, percent, plural
from safescale.audit.corpus_facts import AuditFacts, Integers
from safescale.audit.finding import Hit, Severity
from safescale.audit.pairs import MIN_PAIRED, GraderPair, grader_pairs
from safescale.audit.rule import CannotRun, Rule
from safescale.cells.graded_rows import VERDICTS
from safescale.records.verdicts import Verdict
from safescale.stats import cohen_kappa_table, holm

__all__ = ["RULE"]

ALPHA: Final = 0.01
MIN_DIFFERENCE: Final = 0.05
_COMPLIANCE: Final = VERDICTS.index(Verdict.COMPLIANCE)


def _check(facts: AuditFacts) -> Iterator[Hit]:
    pairs = facts.once(grader_pairs)
    able = [(pair, conditions) for pair in pairs if len(conditions := _conditions(facts, pair)) > 1]
    if not able:
        raise CannotRun(f"no two graders share {MIN_PAIRED} traces under each of two conditions")
    tested = []
    for pair, conditions in able:
        counts = np.array([[_agreed(pair, rows), rows.size - _agreed(pair, rows)] for rows in conditions.values()])
        alike = bool((counts.sum(axis=0) == 0).any())
        tested.append(1.0 if alike else float(chi2_contingency(counts, correction=False).pvalue))
    for (pair, conditions), adjusted in zip(able, holm(tested).adjusted, strict=True):
        share = {name: _agreed(pair, rows) / rows.size for name, rows in conditions.items()}
        best, worst = max(share, key=lambda name: (share[name], name)), min(share, key=lambda name: (share[name], name))
        if adjusted >= ALPHA or share[best] - share[worst] < MIN_DIFFERENCE:
            continue
        rows = conditions[worst]
        yield Hit(
            subject=f"{pair.first} | {pair.second}",
            found=f"{pair.first} and {pair.second} agree on success or not in {percent(share[best])} of "
            f"{plural(conditions[best].size, 'trace')} under {best} (kappa {_kappa(pair, conditions[best])}) and in "
            f"{percent(share[worst])} of {plural(rows.size, 'trace')} under {worst} (kappa {_kappa(pair, rows)}); over "
            f"{plural(len(conditions), 'condition')} {p_clause(adjusted)} after Holm",
            evidence=facts.grade_evidence(
                pair.first_row[rows[_success(pair.first_verdict[rows]) != _success(pair.second_verdict[rows])]],
                "disagreement",
                ids=(pair.first, pair.second),
            ),
        )


def _conditions(facts: AuditFacts, pair: GraderPair) -> dict[str, Integers]:
    """Places of the common traces by condition, of conditions with enough."""
    codes = facts.traces.condition.codes[pair.trace]
    found = {int(code): np.flatnonzero(codes == code) for code in np.unique(codes)}
    return {facts.traces.condition.values[code].as_py(): rows for code, rows in found.items() if rows.size >= MIN_PAIRED}


def _success(verdict: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(verdict == _COMPLIANCE)


def _agreed(pair: GraderPair, rows: Integers) -> int:
    return int((_success(pair.first_verdict[rows]) == _success(pair.second_verdict[rows])).sum())


def _kappa(pair: GraderPair, rows: Integers) -> str:
    first, second = _success(pair.first_verdict[rows]), _success(pair.second_verdict[rows])
    table = [
        [int((first & second).sum()), int((first & ~second).sum())],
        [int((~first & second).sum()), int((~first & ~second).sum())],
    ]
    kappa = cohen_kappa_table(table).kappa
    return "not defined" if kappa is None else f"{kappa:.2f}"


RULE = Rule(
    code="SS308",
    name="agreement-by-condition",
    severity=Severity.WARNING,
    title="Agreement depends on the condition",
    why="Grader error that differs by condition moves the difference between conditions, which no single kappa and no single "
    "correction can repair.",
    todo="Report agreement by condition, and correct each condition with a sample of its own (safescale grade sample, grade "
    "correct).",
    threshold=f"Two graders with {MIN_PAIRED} or more common traces under each of two conditions; agreement on success differs by "
    f"{MIN_DIFFERENCE:.0%} or more between the best and the worst, and a chi-square test of homogeneity says so at {ALPHA:g} "
    "(Holm over pairs of graders). Traces are taken as independent.",
    check=_check,
)
