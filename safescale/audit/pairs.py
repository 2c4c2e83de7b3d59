"""Two graders on the same traces."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import attrs
import numpy as np

from safescale.audit.corpus_facts import AuditFacts, Integers

__all__ = ["MIN_PAIRED", "GraderPair", "grader_pairs"]

MIN_PAIRED: Final = 50
"""Fewer common traces say little about agreement."""


@attrs.frozen(kw_only=True, eq=False)
class GraderPair:
    """
    Traces with a counted verdict of both graders on the same target.

    ``trace`` (traces,) is the row of the trace, ``first_row`` and ``second_row`` the graded rows, ``first_verdict`` and
    ``second_verdict`` codes of verdicts.
    """

    first: str
    second: str
    target: str
    trace: Integers
    first_row: Integers
    second_row: Integers
    first_verdict: Integers
    second_verdict: Integers


def grader_pairs(facts: AuditFacts) -> tuple[GraderPair, ...]:
    """Every pair of graders with ``MIN_PAIRED`` or more common traces on one target."""
    rows, at = facts.rows, facts.counted
    found = []
    for target_code, target in enumerate(rows.target.values.to_pylist()):
        of_target = at[rows.target.codes[at] == target_code]
        by_grader = {int(code): of_target[rows.grader.codes[of_target] == code] for code in np.unique(rows.grader.codes[of_target])}
        for one, other in combinations(by_grader, 2):
            left, right = by_grader[one], by_grader[other]
            trace, i, j = np.intersect1d(
                facts.trace_of_row[left], facts.trace_of_row[right], assume_unique=True, return_indices=True
            )
            if trace.size < MIN_PAIRED:
                continue
            found.append(
                GraderPair(
                    first=rows.grader.values[one].as_py(),
                    second=rows.grader.values[other].as_py(),
                    target=target,
                    trace=trace,
                    first_row=left[i],
                    second_row=right[j],
                    first_verdict=rows.verdict[left[i]],
                    second_verdict=rows.verdict[right[j]],
                )
            )
    return tuple(found)
