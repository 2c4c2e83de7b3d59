"""The whole audit: order, counts, a rule that fails, and what is made of it."""

from __future__ import annotations

import json
import math

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.planted import Rows, a_clipped_text, a_guessed_size, a_size_that_the_name_contradicts, clean
from safescale.audit import RULES, Severity, audit_corpus
from safescale.audit.chance import log_coincidence
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Hit
from safescale.cells import Selection
from safescale.report.audit_report import audit_github, audit_json, audit_text
from safescale.report.audit_section import audit_section
from safescale.report.github import annotation


def faulty() -> Rows:
    rows = clean()
    a_clipped_text(rows)
    rows.model("simulve/ulve-9b")["size_source"] = "estimated"
    a_size_that_the_name_contradicts(rows)
    return rows


def test_the_heaviest_stands_first_and_counts_add_up() -> None:
    result = audit_corpus(faulty().corpus())
    assert [f.code for f in result.findings] == ["SS205", "SS204", "SS502"]
    assert dict(result.counts) == {Severity.ERROR: 1, Severity.WARNING: 1, Severity.INFO: 1}
    assert [f.code for f in result.at_or_above(Severity.WARNING)] == ["SS205", "SS204"]


def test_a_rule_that_fails_is_said_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(facts: AuditFacts) -> list[Hit]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setitem(RULES, "SS101", attrs.evolve(RULES["SS101"], check=broken))
    result = audit_corpus(faulty().corpus())
    assert [f.code for f in result.findings] == ["SS205", "SS204", "SS502"]
    [failed] = [rule for rule in result.not_run if rule.failed]
    assert (failed.code, failed.reason) == ("SS101", "ZeroDivisionError: a bug")
    assert "SS101 FAILED, report this: ZeroDivisionError: a bug" in audit_text(result)
    assert "::error title=safescale audit::SS101 failed" in audit_github(result)
    assert any("SS101 did not run" in words for words in audit_section(result, [], "no row").warnings)


def test_a_model_excluded_by_the_user_that_lies_beyond_all_others_is_seen() -> None:
    rows = clean()
    mine = {t["trace_id"] for t in rows.of("simtesk/tesk-8b")}
    for grade in rows.grades:
        if grade["trace_id"] in mine:
            grade["verdict"] = grade["raw_label"] = "COMPLIANCE" if grade["source_row"] % 30 else "REFUSAL"
    excluded = audit_corpus(rows.corpus(), selection=Selection(exclude_models=("simtesk/tesk-8b",)), rules=["SS402"])
    assert {f.subject for f in excluded.findings} == {"simtesk/tesk-8b"}
    assert all("model excluded" in f.found for f in excluded.findings)
    assert audit_corpus(rows.corpus(), rules=["SS402"]).findings == ()


def test_json_holds_everything() -> None:
    result = audit_corpus(faulty().corpus())
    told = json.loads(audit_json(result, version="1", command="safescale audit c"))
    assert [f["code"] for f in told["findings"]] == ["SS205", "SS204", "SS502"]
    assert told["findings"][2]["evidence"]["places"] == [["f.jsonl", 0]]
    assert told["counts"] == {"error": 1, "warning": 1, "info": 1}
    assert told["fingerprint"].startswith("ss1-")


def test_github_annotations_stand_at_the_row() -> None:
    lines = audit_github(audit_corpus(faulty().corpus())).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert lines[2].startswith("::notice file=f.jsonl,line=1,title=SS502 notes-of-files::")


def test_nothing_in_the_data_begins_a_workflow_command() -> None:
    line = annotation("error", "one\n::set-output name=x::y 100%", title="a,b:c\n::d", file="f,line=9.jsonl", line=3)
    assert line == "::error file=f%2Cline=9.jsonl,line=3,title=a%2Cb%3Ac %3A%3Ad::one%0A::set-output name=x::y 100%25"


def test_text_names_reason_advice_rows_and_subject() -> None:
    rows = clean()
    a_guessed_size(rows)
    text = audit_text(audit_corpus(rows.corpus()))
    assert "WARNING SS204 size-guessed: Guessed sizes" in text
    assert "waive as subject: sizes guessed" in text
    assert RULES["SS204"].why.split(";")[0] in " ".join(text.split())


def test_the_section_of_a_report_has_counts_the_heaviest_and_a_table() -> None:
    section = audit_section(audit_corpus(faulty().corpus()), ["c.db"], "8 rows")
    assert section.paragraphs[0].startswith("1 error, 1 warning and 1 note from 31 rules")
    assert [words.split(",")[0] for words in section.warnings] == ["error SS205", "warning SS204"]
    [table] = section.tables
    assert [row[0] for row in table.rows] == ["SS205", "SS204", "SS502"]
    assert section.commands == ("safescale audit c.db",)
    clean_section = audit_section(audit_corpus(clean().corpus()), [], "8 rows")
    assert (clean_section.tables, clean_section.warnings) == ((), ())
    assert "Nothing suspicious was found" in clean_section.paragraphs[0]


@settings(max_examples=30)
@given(st.integers(1, 7), st.data())
def test_luck_sums_to_one_over_all_sets(n: int, data: st.DataObject) -> None:
    """Definition: over every set of m rows the probabilities add up to 1."""
    m = data.draw(st.integers(0, n))
    odds = np.array(data.draw(st.lists(st.floats(0.01, 50.0), min_size=n, max_size=n)))
    total = 0.0
    for bits in range(2**n):
        chosen = np.array([bool(bits >> i & 1) for i in range(n)])
        if chosen.sum() == m:
            total += math.exp(log_coincidence(chosen, odds))
    assert total == pytest.approx(1.0, rel=1e-6) if 0 < m < n else total == pytest.approx(1.0)


def test_luck_of_many_rows_agrees_with_the_count_of_sets() -> None:
    """Second opinion: with equal odds it is one over the binomial coefficient, beyond where it is summed term by term, too."""
    for n, m in ((40, 3), (200, 80), (1000, 400)):
        unusual = np.arange(n) < m
        exact = -(math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1))
        assert log_coincidence(unusual, np.full(n, 0.3)) == pytest.approx(exact, abs=0.02)
