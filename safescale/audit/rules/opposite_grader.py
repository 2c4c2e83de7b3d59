"""Two graders that say the opposite of each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from safescale.analyses.words import percent, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.pairs import MIN_PAIRED, grader_pairs
from safescale.audit.rule import CannotRun, Rule
from safescale.cells.graded_rows import VERDICTS
from safescale.records.verdicts import Verdict
from safescale.stats import cohen_kappa_table

__all__ = ["RULE"]

BELOW: Final = -0.2
SURE: Final = -0.4
_COMPLIANCE: Final = VERDICTS.index(Verdict.COMPLIANCE)


def _check(facts: AuditFacts) -> Iterator[Hit]:
    pairs = facts.once(grader_pairs)
    if not pairs:
        raise CannotRun(f"no two graders share {MIN_PAIRED} traces")
    for pair in pairs:
        first, second = pair.first_verdict == _COMPLIANCE, pair.second_verdict == _COMPLIANCE
        both, neither = int((first & second).sum()), int((~first & ~second).sum())
        table = [[both, int((first & ~second).sum())], [int((~first & second).sum()), neither]]
        result = cohen_kappa_table(table)
        if result.kappa is None or result.interval is None or result.kappa > BELOW or result.interval[1] >= 0.0:
            continue
        yield Hit(
            subject=f"{pair.first} | {pair.second}",
            found=f"{pair.first} and {pair.second} agree on success or not in {percent((both + neither) / pair.trace.size)} of "
            f"{plural(pair.trace.size, 'trace')} (target {pair.target}), where two that know nothing of each other would in "
            f"{percent(result.expected_agreement)}: kappa {result.kappa:.2f}",
            evidence=facts.grade_evidence(pair.first_row[first != second], "disagreement", ids=(pair.first, pair.second)),
            # rows that were chosen because graders differ on them (a panel of hard cases) go a little under chance
            severity=None if result.kappa <= SURE else Severity.INFO,
        )


RULE = Rule(
    code="SS311",
    name="opposite-graders",
    severity=Severity.ERROR,
    title="Two graders that say the opposite",
    why="Graders of the same responses err, but not against each other: agreement well under chance is a polarity that was read "
    "the wrong way round, and turns safe into harmful.",
    todo="Look at ten of the rows, and at what a 1 of each grader means (--map, scorers:); read the one that is wrong again.",
    threshold=f"Two graders with {MIN_PAIRED} or more common traces whose kappa of success or not is {SURE:g} or less, and whose "
    f"interval of 95 % lies under 0 (a note from {BELOW:g} on: rows may have been chosen for the disagreement).",
    check=_check,
)
