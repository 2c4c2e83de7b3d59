"""Verdicts that the declared outcome map of their grader does not know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import SHOWN_EVIDENCE, Evidence, Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.cells.graded_rows import VERDICTS
from safescale.records.fates import RejectCode
from safescale.records.outcomes import OUTCOME_MAPS, OutcomeMap
from safescale.records.verdicts import EVALUABLE

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    yield from _rejected(facts)
    declared: dict[str, set[str]] = {}
    for row in facts.corpus.read("graders", ["grader_id", "outcome_map"]).to_pylist():
        declared.setdefault(row["grader_id"], set()).add(row["outcome_map"])
    for code, grader in enumerate(facts.rows.grader.values.to_pylist()):
        maps = declared.get(facts.rows.grader_names[grader][0], set())
        if len(maps) != 1 or not (known := OUTCOME_MAPS.get(next(iter(maps)))):
            continue  # a map of the user's own cannot be read again; two maps are another rule's
        mine = np.flatnonzero(facts.rows.grader.codes == code)
        yield from _unknown_verdicts(facts, grader, known, mine)
        yield from _other_verdicts(facts, grader, known, mine)


def _rejected(facts: AuditFacts) -> Iterator[Hit]:
    """Labels that were not taken at all."""
    table = facts.corpus.read("rejects", ["source_file", "source_row", "code", "got"])
    found = table.filter(pc.equal(table["code"], RejectCode.UNKNOWN_VERDICT.value))
    if found.num_rows:
        first = found.slice(0, SHOWN_EVIDENCE)
        labels = sorted(found["got"].unique().to_pylist())
        yield Hit(
            subject="rejected labels",
            found=f"{plural(found.num_rows, 'row')} were rejected for a label that no map knows: {named(labels)}",
            evidence=Evidence(
                places=tuple(zip(first["source_file"].to_pylist(), first["source_row"].to_pylist(), strict=True)),
                ids=tuple(labels[:SHOWN_EVIDENCE]),
                total=found.num_rows,
                unit="row",
            ),
        )


def _unknown_verdicts(
    facts: AuditFacts, grader: str, known: OutcomeMap, mine: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Iterator[Hit]:
    """Evaluable verdicts that no label of the map stands for."""
    for verdict in sorted(EVALUABLE - set(known.labels.values())):
        rows = mine[facts.rows.verdict[mine] == VERDICTS.index(verdict)]
        if rows.size:
            yield Hit(
                subject=f"{grader}: {verdict}",
                found=f"{plural(rows.size, 'row')} of {grader} hold {verdict}, for which its outcome map {known.name!r} has no "
                "label",
                evidence=facts.grade_evidence(rows, ids=(grader,)),
            )


def _other_verdicts(
    facts: AuditFacts, grader: str, known: OutcomeMap, mine: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Iterator[Hit]:
    """Rows whose raw label stands for another evaluable verdict in the map."""
    if facts.rows.raw_label is None or not mine.size:
        return
    labels = facts.rows.raw_label.take(pa.array(mine)).dictionary_encode()
    codes, names = labels.indices.to_numpy(), labels.dictionary.to_pylist()
    for code, label in enumerate(names):
        means = known.verdict(label)
        if means is None or means not in EVALUABLE:
            continue
        of_label = mine[codes == code]
        stored = facts.rows.verdict[of_label]
        wrong = of_label[(stored != VERDICTS.index(means)) & np.isin(stored, [VERDICTS.index(v) for v in EVALUABLE])]
        if wrong.size:
            held = sorted({VERDICTS[i].value for i in np.unique(facts.rows.verdict[wrong]).tolist()})
            yield Hit(
                subject=f"{grader}: label {label}",
                found=f"{plural(wrong.size, 'row')} of {grader} are labelled {label!r}, which is {means} in the map "
                f"{known.name!r}, and hold {named(held)}",
                evidence=facts.grade_evidence(wrong, ids=(grader,)),
            )


RULE = Rule(
    code="SS303",
    name="outside-outcome-map",
    severity=Severity.ERROR,
    title="Verdicts outside the declared outcome map",
    why="A label that the map does not know has no meaning in a rate; one that was read the other way round turns safe into "
    "unsafe.",
    todo="Declare the map that the grader used (--outcome-map, or labels in the column map) and ingest again.",
    threshold="A row rejected as UNKNOWN_VERDICT; an evaluable verdict that the declared map has no label for; a raw label that "
    "means another evaluable verdict in the declared map. Maps of your own cannot be checked.",
    check=_check,
)
