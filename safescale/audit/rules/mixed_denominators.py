"""Rates whose denominators are not one and the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from safescale.analyses.words import and_list, plural
from safescale.audit.corpus_facts import AuditFacts, verdict_code
from safescale.audit.finding import Hit, Severity
from safescale.audit.rule import Rule
from safescale.audit.words import named
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    maps: dict[str, set[str]] = {}
    for row in facts.corpus.read("graders", ["grader_id", "outcome_map"]).to_pylist():
        maps.setdefault(row["grader_id"], set()).add(row["outcome_map"])
    for grader_id, names in sorted(maps.items()):
        if len(names) > 1:
            yield Hit(
                subject=grader_id,
                found=f"grader {grader_id} is declared with {len(names)} outcome maps: {and_list(sorted(names))}",
                evidence=facts.id_evidence([grader_id, *sorted(names)], "outcome map"),
            )
    negative = {verdict: facts.rows.verdict == verdict_code(verdict) for verdict in (Verdict.NOT_HARMFUL, Verdict.REFUSAL)}
    for code, grader in enumerate(facts.rows.grader.values.to_pylist()):
        mine = facts.rows.grader.codes == code
        both = {verdict: np.flatnonzero(mine & flag) for verdict, flag in negative.items()}
        # a map of the user's own may tell the two apart on purpose
        declared = maps.get(facts.rows.grader_names[grader][0], set()) <= {"flip"}
        if declared and all(rows.size for rows in both.values()):
            fewer = min(both.values(), key=lambda rows: rows.size)
            yield Hit(
                subject=f"{grader}: negatives",
                found=f"the negatives of {grader} are {Verdict.NOT_HARMFUL} in {both[Verdict.NOT_HARMFUL].size:,} rows and "
                f"{Verdict.REFUSAL} in {both[Verdict.REFUSAL].size:,}: two label sets under one grader",
                evidence=facts.grade_evidence(fewer, ids=(grader,)),
                severity=Severity.WARNING,
            )
    yield from _between_graders(facts, maps)


def _between_graders(facts: AuditFacts, maps: dict[str, set[str]]) -> Iterator[Hit]:
    """Graders of one target whose maps have other evaluable verdicts: their rates are no band."""
    denominators: dict[str, list[str]] = {}
    used = {facts.rows.grader_names[name][0] for name in facts.rows.grader.values.to_pylist()}
    for grader_id in sorted(used):
        for name in maps.get(grader_id, set()):
            if name in OUTCOME_MAPS and "keyword" not in facts.grader_kinds.get(grader_id, frozenset()):
                denominators.setdefault(OUTCOME_MAPS[name].denominator, []).append(grader_id)
    if len(denominators) > 1:
        parts = [f"{named(graders)} ({words})" for words, graders in sorted(denominators.items())]
        graders = sorted({grader for found in denominators.values() for grader in found})
        yield Hit(
            subject=" | ".join(graders),
            found=f"{plural(len(graders), 'grader')} divide by different things: {'; '.join(parts)}",
            evidence=facts.id_evidence(graders, "grader"),
            severity=Severity.INFO,
        )


RULE = Rule(
    code="SS304",
    name="mixed-denominators",
    severity=Severity.ERROR,
    title="Mixed denominators",
    why="Rates with different denominators are different quantities; added up or put side by side they differ for no other reason.",
    todo="Declare one outcome map for each grader; give a second label set a grader id of its own.",
    threshold="One grader declared with two outcome maps, or with both NOT_HARMFUL and REFUSAL as its negatives. Several graders "
    "whose maps have other evaluable verdicts are a note: counts are kept apart by grader.",
    check=_check,
)
