"""No sentence is fixed: when the data flip, the words flip."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.made import RISING, made_facts
from safescale.analyses import ScalingVerdict
from safescale.cells import Reason, Selection
from safescale.report.chapter_text import chapter_markdown, chapter_text
from safescale.report.compose import compose
from safescale.report.document import Document, Section, every_section
from safescale.report.facts import Facts
from safescale.report.findings import findings
from safescale.report.markdown import document_markdown
from safescale.report.scaling_section import scaling_chapter

FLAT = (0.3, 0.3, 0.325, 0.3, 0.3, 0.325)
FALLING = tuple(reversed(RISING))


def _document(facts: Facts, folder: Path) -> Document:
    return compose(facts, folder)


def _section(document: Document, id: str) -> Section:
    [found] = [section for _, section in every_section(document.sections) if section.id == id]
    return found


@pytest.mark.parametrize(
    ("rates", "verdict", "sign"),
    [(RISING, ScalingVerdict.COMPLY_MORE, "+"), (FALLING, ScalingVerdict.COMPLY_LESS, "-"), (FLAT, ScalingVerdict.FLAT, "")],
)
def test_the_answer_follows_the_rates(rates: tuple[float, ...], verdict: ScalingVerdict, sign: str) -> None:
    facts = made_facts({"zarvonic": rates})
    [finding] = findings(facts.scaling)
    assert finding.verdict == verdict.value
    assert verdict.value in finding.answer
    assert all(other.value not in finding.answer for other in ScalingVerdict if other is not verdict)
    assert f"{sign}" in finding.answer.split(" pp per decade")[0]
    assert finding.testability.startswith(
        "240 of 240 evaluable rows (100.0 %) are in the attack classes of the claim; testable: 6 models"
    )


@pytest.mark.parametrize("rates", [RISING, FALLING, FLAT])
def test_every_form_gives_the_same_answer(rates: tuple[float, ...], tmp_path: Path) -> None:
    facts = made_facts({"zarvonic": rates})
    document = _document(facts, tmp_path)
    told = {"version": "0", "fingerprint": "f", "command": "c", "simulated": False}
    chapter = scaling_chapter(facts.scaling, "c")
    plain = chapter_text(chapter, **told)
    assert document.findings[0].answer in plain
    assert plain.index("testability:") < plain.index("answer:")
    for markdown in (document_markdown(document), chapter_markdown(chapter, **told)):
        assert document.findings[0].verdict in markdown.replace("\\", "").lower()


def test_two_sizes_are_a_difference_and_never_a_slope(tmp_path: Path) -> None:
    document = _document(made_facts({"zarvonic": (0.2, 0.6)}, sizes=(1.0, 10.0)), tmp_path)
    tables = {table.caption: table for table in _section(document, "s1").tables}
    assert "Slopes over model size" not in tables
    [row] = [r for r in tables["Two sizes: differences"].rows if r[1] == "attack class"]
    assert row[2] == "10B minus 1B"
    assert row[4] == "+40.0"
    assert document.findings[0].verdict == ScalingVerdict.CANNOT_TEST.value
    assert "Holm" not in _section(document, "methods").paragraphs[0]
    assert "without a p-value" in _section(document, "methods").paragraphs[0]


def test_methods_name_only_what_was_done(tmp_path: Path) -> None:
    exact = _section(_document(made_facts(), tmp_path), "methods").paragraphs[0]
    assert "exact permutation" in exact
    assert "Student" not in exact
    assert "without a p-value" not in exact
    sizes = (*(float(2**i) for i in range(12)),)
    many = made_facts({"zarvonic": [0.1 + 0.04 * i for i in range(12)]}, sizes=sizes)
    methods = _section(_document(many, tmp_path), "methods").paragraphs[0]
    assert "Student's t with models as units" in methods


def test_a_corpus_without_sizes_says_what_would_do(tmp_path: Path) -> None:
    document = _document(made_facts(sizes=[None] * 6), tmp_path)
    assert document.findings[0].verdict == ScalingVerdict.CANNOT_TEST.value
    assert "6 models of unknown size cannot take part; a size that the data declare would do." in document.findings[0].testability
    assert _section(document, "s1").figures == ()
    assert any("size unknown" in warning for warning in _section(document, "s1").warnings)


def test_a_corpus_without_grades_says_what_would_do(tmp_path: Path) -> None:
    document = _document(made_facts({}, sizes=(), unlabelled=3), tmp_path)
    [finding] = document.findings
    assert finding.verdict == ScalingVerdict.CANNOT_TEST.value
    assert finding.testability.startswith("Not testable: 3 traces, 0 graded rows")
    assert "Needed: verdicts of a grader of harm" in finding.testability
    assert any("3 traces nobody graded" in warning for warning in _section(document, "warnings").warnings)


def test_small_cells_are_shown_faint_and_said(tmp_path: Path) -> None:
    document = _document(made_facts(rows=10), tmp_path)
    section = _section(document, "s1")
    assert any("too few evaluable rows" in warning for warning in section.warnings)
    assert "faint: not fitted" in section.figures[0].svg
    assert "fewer than 20" in section.figures[0].caption


def test_exclusions_name_the_switch(tmp_path: Path) -> None:
    facts = made_facts(tampering=["none"] * 5 + ["abliterated"], selection=Selection(exclude_models=("frimble-0",)))
    [table] = _section(_document(facts, tmp_path), "exclusions-section").tables
    by_reason = {row[0]: row for row in table.rows}
    assert by_reason[Reason.TAMPERED_MODEL.value][1::2] == ("40", "--tampered")
    assert by_reason[Reason.MODEL_EXCLUDED.value][1::2] == ("40", "--exclude-model")


def test_copies_under_two_ids_are_a_warning(tmp_path: Path) -> None:
    same = _document(made_facts({"zarvonic": (0.2, 0.2, 0.3, 0.4, 0.5, 0.6)}, shift=0), tmp_path)
    assert any("frimble-0 and frimble-1 have the same verdict on all 40 prompts" in w for w in _section(same, "warnings").warnings)
    different = _document(made_facts(), tmp_path)
    assert [section.id for section in different.sections if section.id == "warnings"] == []


def test_graders_that_disagree_are_said_to(tmp_path: Path) -> None:
    facts = made_facts(grader_ids=("judge", "other"))
    band = findings(facts.scaling)[-1]
    assert (band.question, band.verdict) == ("Do the graders lead to the same answer?", "yes")
    assert "2 graders lead to the same answer" in band.answer


def test_many_settings_get_a_summary_that_counts_verdicts(tmp_path: Path) -> None:
    document = _document(made_facts(grader_ids=("judge", "other", "third")), tmp_path)
    assert document.summary is not None
    assert document.summary.startswith("3 combinations of grader, target and condition")
    assert f"{ScalingVerdict.COMPLY_MORE.value}: 3." in document.summary
    assert _document(made_facts(), tmp_path).summary is None


def test_many_findings_are_in_full_only_where_something_could_be_tested(tmp_path: Path) -> None:
    document = _document(made_facts(sizes=[None] * 6, grader_ids=[f"judge {i}" for i in range(7)]), tmp_path)
    assert len(document.findings) == 8
    assert document.in_full == ()
    assert document.in_short == document.findings
    markdown = document_markdown(document)
    assert f"- 7 settings: {ScalingVerdict.CANNOT_TEST.value}\n" in markdown
    few = _document(made_facts(sizes=[None] * 6, grader_ids=["one", "two", "three", "four"]), tmp_path)
    assert (
        document_markdown(few).count(f"**{ScalingVerdict.CANNOT_TEST.value[0].upper()}{ScalingVerdict.CANNOT_TEST.value[1:]}.**")
        == 4
    )


def test_of_many_settings_those_that_cannot_be_tested_are_rows_of_one_table(tmp_path: Path) -> None:
    facts = made_facts(sizes=[None] * 6, grader_ids=[f"judge {i}" for i in range(9)])
    [section] = [s for s in _document(facts, tmp_path).sections if s.id == "inverse-scaling"]
    [only] = section.sections
    [table] = only.tables
    assert only.title == "Settings that cannot be tested"
    assert len(table.rows) == 9
    assert all(ScalingVerdict.CANNOT_TEST.value in row[1] for row in table.rows)
    able = _document(made_facts(grader_ids=[f"judge {i}" for i in range(9)]), tmp_path)
    assert [len(s.sections) for s in able.sections if s.id == "inverse-scaling"] == [9]
