"""One grader that judged a trace more than once: a partial grading beside a full one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import EVERYTHING, AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.cells.fates import REASONS
from safescale.cells.selection import Reason

__all__ = ["RULE"]

_WORDS = {
    Reason.CONTRADICTION: "the same grader and rubric gave different evaluable verdicts on one trace: none of them counts",
    Reason.REPEATED_GRADE: "repeat the same grader's same verdict on the same trace: counted once",
    Reason.SUPERSEDED: "failed, and the same grader has an evaluable verdict on the same trace: the evaluable one counts",
}


def _check(facts: AuditFacts) -> Iterator[Hit]:
    fate = facts.fates(EVERYTHING)
    for reason, words in _WORDS.items():
        hit = fate == REASONS.index(reason)
        for code in np.unique(facts.rows.grader.codes[hit]).tolist():
            rows = np.flatnonzero(hit & (facts.rows.grader.codes == code))
            grader = facts.rows.grader.values[code].as_py()
            same = np.flatnonzero((facts.rows.grader.codes == code) & np.isin(facts.trace_of_row, facts.trace_of_row[rows]))
            files = [facts.grade_file.values[i].as_py() for i in np.unique(facts.grade_file.codes[same]).tolist()]
            yield Hit(
                subject=f"{grader}: {reason.value}",
                found=f"{plural(rows.size, 'grade')} of {grader} "
                f"{'' if reason is not Reason.CONTRADICTION else 'contradict: '}{words} ({plural(len(files), 'file')}: "
                f"{named(files)})",
                evidence=facts.grade_evidence(rows, "grade", ids=(grader,)),
                severity=Severity.WARNING if reason is Reason.CONTRADICTION else None,
            )


RULE = Rule(
    code="SS106",
    name="regraded-traces",
    severity=Severity.INFO,
    title="A grader judged the same trace more than once",
    why="Partial gradings lie beside later full ones; added up they count traces twice, and where they contradict, the grader is "
    "not stable.",
    todo="Keep the full grading. Of contradictions look at the rows: another rubric or version is another grader and needs its "
    "own id.",
    threshold="One grade. Contradictions are warnings; repeats and superseded failures, which counting settles, are notes.",
    check=_check,
)
