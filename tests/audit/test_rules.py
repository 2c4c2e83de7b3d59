"""Every rule: a clean corpus says nothing, one planted fault is found with its rows, and nothing that is not planted is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audit.planted import PLANTS, Rows, clean, sha
from safescale.audit import RULES, AuditResult, Finding, audit_corpus
from safescale.audit.finding import SHOWN_EVIDENCE
from safescale.cells import Selection

TOGETHER = {
    "a_partial_run_beside_the_whole": {"SS105", "SS103"},
    "a_verdict_that_the_map_has_not": {"SS303", "SS304"},
    "a_grader_that_calls_attacks_benign": {"SS309", "SS305", "SS208"},
    "a_model_left_ungraded_that_a_keyword_rule_sees_comply": {"SS402", "SS301"},
}
"""Where a fault shows in more than one rule: any other rule that speaks is a false alarm."""


def audited(rows: Rows, **options: Selection) -> AuditResult:
    result = audit_corpus(rows.corpus(), **options)
    assert [rule for rule in result.not_run if rule.failed] == []
    return result


def found(result: AuditResult, code: str, subject: str) -> Finding:
    [finding] = [f for f in result.findings if (f.code, f.subject) == (code, subject)]
    return finding


def test_a_clean_corpus_gives_nothing() -> None:
    """Two models that refuse everything are in it."""
    result = audited(clean())
    assert result.findings == ()
    assert set(result.rules_run) == set(RULES)


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_is_found_with_its_rows(fault: str) -> None:
    code, plant = PLANTS[fault]
    rows = clean()
    expected = plant(rows)
    result = audited(rows)
    finding = found(result, code, expected.subject)
    assert finding.severity.value == expected.severity
    assert expected.words in finding.found
    if expected.total >= 0:
        assert finding.evidence.total == expected.total
    assert finding.evidence.total >= len(finding.evidence.places)
    if expected.rows is not None:
        assert list(finding.evidence.places) == expected.rows[:SHOWN_EVIDENCE]
    assert finding.evidence.ids[: len(expected.ids)] == expected.ids
    assert {f.code for f in result.findings} <= TOGETHER.get(fault, {code})


def test_every_rule_has_a_planted_fault() -> None:
    assert {code for code, _ in PLANTS.values()} == set(RULES)


def test_codes_and_names_are_unique_and_stable() -> None:
    assert len({rule.name for rule in RULES.values()}) == len(RULES)
    assert list(RULES) == sorted(RULES)
    assert all(rule.code == code and code.startswith("SS") and len(code) == 5 for code, rule in RULES.items())
    assert all(
        rule.title and rule.why.endswith(".") and rule.todo.endswith(".") and rule.threshold.endswith(".")
        for rule in RULES.values()
    )


def test_every_rule_has_a_place_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "audit.md").read_text(encoding="utf-8")
    for rule in RULES.values():
        assert f"## {rule.code} {rule.name}\n" in page
        assert rule.why in page


def test_the_refusals_of_a_binary_grader_are_no_copies() -> None:
    """NOT_HARMFUL is all that it can say of a model's one text of refusal; an answer that is repeated is told as before."""
    rows = clean()
    mine = {t["trace_id"]: t for t in rows.of("simtesk/tesk-8b")}
    for grade in rows.grades:
        grade["verdict"] = grade["raw_label"] = "COMPLIANCE" if grade["verdict"] == "COMPLIANCE" else "NOT_HARMFUL"
        if grade["verdict"] == "NOT_HARMFUL" and grade["grader_id"] == "judge" and grade["trace_id"] in mine:
            mine[grade["trace_id"]]["response_sha256"] = sha("the text of every refusal")
    refused = {g["trace_id"] for g in rows.grades if g["verdict"] == "NOT_HARMFUL"}
    rows.grades = [g for g in rows.grades if g["grader_id"] == "judge"]
    assert [f.code for f in audited(rows).findings if f.code in {"SS103", "SS104"}] == []
    for trace_id, trace in mine.items():
        if trace_id not in refused:
            trace["response_sha256"] = sha("one answer")
    assert "SS103" in {f.code for f in audited(rows).findings}


@pytest.mark.parametrize(("turned", "severity"), [(1.0, "error"), (0.62, "info"), (0.5, None)])
def test_graders_a_little_under_chance_are_a_note_and_at_chance_nothing(turned: float, severity: str | None) -> None:
    """82 rows of a public panel, chosen because judges differ, have a kappa of -.23 with people: no polarity is wrong there."""
    rows = clean()
    first = {g["trace_id"]: g["verdict"] for g in rows.grades if g["grader_id"] == "judge"}
    draws = np.random.default_rng(11)
    for grade in rows.grades:
        if grade["grader_id"] == "second":
            same = "COMPLIANCE" if first[grade["trace_id"]] == "COMPLIANCE" else "REFUSAL"
            other = "REFUSAL" if same == "COMPLIANCE" else "COMPLIANCE"
            grade["verdict"] = grade["raw_label"] = other if draws.random() < turned else same
    assert [f.severity.value for f in audited(rows).findings if f.code == "SS311"] == ([severity] if severity else [])
