"""One id whose rows are all rows of another, which has more."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import p_words, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.overlap import MIN_SHARED_ROWS, SharedRows, shared_rows
from safescale.audit.rule import Rule
from safescale.audit.rules.identical_verdicts import weight_of

__all__ = ["RULE"]


def _check(facts: AuditFacts) -> Iterator[Hit]:
    held: dict[tuple[str, str], list[SharedRows]] = {}
    for pair in facts.once(shared_rows):
        if not pair.identical:
            held.setdefault((pair.model_id, pair.other_id), []).append(pair)
    for (small, large), found in sorted(held.items()):
        best = min(found, key=lambda pair: (pair.chance, -pair.rows))
        grader, target, condition = best.setting
        yield Hit(
            subject=f"{small} < {large}",
            found=f"all {plural(best.rows, 'row')} of {small} stand among the {best.other_rows:,} of {large}, verdict by verdict "
            f"(grader {grader}, target {target}, condition {condition}; {best.minority:,} of them not the most frequent verdict; "
            f"probability of that by luck {p_words(best.chance)})",
            evidence=facts.grade_evidence(best.at, ids=(small, large)),
            severity=weight_of(best.chance),
        )


RULE = Rule(
    code="SS102",
    name="superset-rows",
    severity=Severity.ERROR,
    title="The rows of one model id are all among another's",
    why="A partial export under another name looks like a second model, and agrees with the first by construction.",
    todo="Leave the smaller id out by its exact id (--exclude-model), or show that its responses are its own and waive.",
    threshold=f"Every evaluable row (prompt and verdict) of an id with {MIN_SHARED_ROWS} rows or more, not all alike, stands "
    "under another id that has more rows, same grader, target and condition. Weighed by luck as SS101.",
    check=_check,
)
