"""Two ids with the same verdict on every prompt."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import p_words, plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit, Severity
from safescale.audit.overlap import MIN_SHARED_ROWS, SharedRows, shared_rows
from safescale.audit.rule import Rule
from safescale.audit.words import named

__all__ = ["RULE", "weight_of"]


def weight_of(chance: float) -> Severity:
    """What luck does less than once in a thousand corpora is an error, less than once in twenty a warning."""
    return Severity.ERROR if chance < 1e-3 else Severity.WARNING if chance < 0.05 else Severity.INFO


def _check(facts: AuditFacts) -> Iterator[Hit]:
    groups: dict[frozenset[str], list[SharedRows]] = {}
    by_setting: dict[tuple[tuple[str, str, str], str], set[str]] = {}
    pairs = [pair for pair in facts.once(shared_rows) if pair.identical]
    for pair in pairs:
        by_setting.setdefault((pair.setting, pair.model_id), {pair.model_id}).add(pair.other_id)
    for pair in pairs:
        groups.setdefault(frozenset(by_setting[pair.setting, pair.model_id]), []).append(pair)
    for members, found in groups.items():
        ids = sorted(members)
        settings = sorted({pair.setting for pair in found})
        best = min(found, key=lambda pair: (pair.chance, -pair.rows))
        grader, target, condition = best.setting
        words = (
            f"{named(ids)} have the same verdict on all {plural(best.rows, 'row')} (grader {grader}, target {target}, condition "
            f"{condition}; {best.minority:,} of them not the most frequent verdict; probability of that by luck "
            f"{p_words(best.chance)})"
        )
        if len(settings) > 1:
            words += f"; likewise under {plural(len(settings) - 1, 'other setting')} of grader, target and condition"
        tampered = [name for name in ids if facts.is_tampered(name)]
        if tampered and len(tampered) < len(ids):
            others = [name for name in ids if name not in tampered]
            words += f"; safety training was removed from {named(tampered)}, and {named(others)} pass for untouched"
        if len({facts.models[name]["canonical_id"] for name in ids if name in facts.models}) == 1:
            words += "; the registry takes them for one model"
        yield Hit(
            subject=" | ".join(ids),
            found=words,
            evidence=facts.grade_evidence(best.at, ids=ids),
            severity=weight_of(best.chance),
        )


RULE = Rule(
    code="SS101",
    name="identical-verdicts",
    severity=Severity.ERROR,
    title="Two model ids with identical verdicts",
    why="One series under two names counts twice, and a copy of a tampered model passes for an untouched one.",
    todo="Find out which id the rows belong to, and leave the other out by its exact id (--exclude-model); if both are right, "
    "show it with the responses and waive.",
    threshold="The evaluable verdicts under one grader, target and condition are the same on every prompt, are not all alike, "
    f"and are {MIN_SHARED_ROWS} or more. Error where luck would do it less than once in 1,000 corpora, warning below one in 20, "
    "else info.",
    check=_check,
)
