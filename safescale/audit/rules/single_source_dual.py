"""Two graders whose verdicts were written from one source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts, Integers
from safescale.audit.finding import Hit, Severity
from safescale.audit.pairs import MIN_PAIRED, GraderPair, grader_pairs
from safescale.audit.rule import CannotRun, Rule
from safescale.audit.words import named
from safescale.cells.coding import group_rows
from safescale.cells.graded_rows import VERDICTS

__all__ = ["RULE"]

MIN_MINORITY: Final = 10
SURE_ROWS: Final = 200
SURE_MINORITY: Final = 30


def _check(facts: AuditFacts) -> Iterator[Hit]:
    pairs = facts.once(grader_pairs)
    if not pairs:
        raise CannotRun(f"no two graders share {MIN_PAIRED} traces")
    for pair in pairs:
        places: list[str] = []
        alike: list[Integers] = []
        # a source at a time: honest pairs elsewhere must not hide it
        groups = group_rows([facts.traces.source.codes[pair.trace], facts.trace_file.codes[pair.trace]])
        for number in range(groups.count):
            mine = np.flatnonzero(groups.of_row == number)
            if _one_source(pair, mine):
                source, file = groups.codes[:, number].tolist()
                places.append(f"{facts.traces.source.values[source].as_py()} ({facts.trace_file.values[file].as_py()})")
                alike.append(mine)
        if not alike:
            continue
        rows = np.concatenate(alike)
        minority = _minority(pair, rows)
        sure = rows.size >= SURE_ROWS and minority >= SURE_MINORITY
        yield Hit(
            subject=f"{pair.first} | {pair.second}",
            found=f"{pair.first} and {pair.second} agree on every one of {plural(rows.size, 'trace')} of {named(places)} "
            f"({minority:,} of them not the most frequent verdict); {pair.trace.size - rows.size:,} traces of other files have "
            "both, too",
            evidence=facts.grade_evidence(pair.first_row[rows], ids=(pair.first, pair.second)),
            severity=Severity.ERROR if sure else None,
        )


def _one_source(pair: GraderPair, rows: Integers) -> bool:
    same = pair.first_verdict[rows] == pair.second_verdict[rows]
    return rows.size >= MIN_PAIRED and bool(same.all()) and _minority(pair, rows) >= MIN_MINORITY


def _minority(pair: GraderPair, rows: Integers) -> int:
    return int(rows.size - np.bincount(pair.first_verdict[rows], minlength=len(VERDICTS)).max())


RULE = Rule(
    code="SS302",
    name="single-source-dual",
    severity=Severity.WARNING,
    title="Two graders that are one",
    why="Two verdicts written from one source agree perfectly and prove nothing: a published kappa of .83 to .95 fell to .13 "
    "without such rows.",
    todo="Find out where the second verdict came from; count one of the two, and take these rows out of every agreement figure.",
    threshold=f"In one file, two graders give the same verdict on every one of {MIN_PAIRED} or more common traces, {MIN_MINORITY} "
    f"or more of them not the most frequent verdict (error from {SURE_ROWS} and {SURE_MINORITY}).",
    check=_check,
)
