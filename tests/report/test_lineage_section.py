"""The chapter of the safety gap: from the numbers, and flipped when they flip."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from analyses.test_lineage import BASE, NARROWING, asked, condition_corpus, made, pairs_corpus
from cells.fake_corpus import fake_corpus
from safescale.report.chapter import Chapter
from safescale.report.chapter_text import chapter_markdown
from safescale.report.document import Figure, Table, every_section
from safescale.report.figures.sink import FigureSink
from safescale.report.lineage_section import lineage_chapter


def chapter_of(tampered: tuple[float, ...], folder: Path | None = None) -> Chapter:
    sink = None if folder is None else FigureSink(folder, watermark=None)
    return lineage_chapter(asked(made(BASE, tampered)), "safescale analyze lineage c.db", sink)


def tables_of(chapter: Chapter) -> dict[str, Table]:
    return {table.id: table for _, section in every_section((chapter.section,)) for table in section.tables}


def figures_of(chapter: Chapter) -> list[Figure]:
    return [figure for _, section in every_section((chapter.section,)) for figure in section.figures]


def test_the_finding_flips_with_the_data() -> None:
    (down,), (up,) = chapter_of(NARROWING).findings, chapter_of(NARROWING[::-1]).findings
    assert [finding.verdict.split("; ")[1] for finding in (down, up)] == ["the gap shrinks with size", "the gap grows with size"]
    assert down.verdict.startswith("tampered models comply more in 6 of 6 pairs")
    assert down.testable
    words = chapter_markdown(chapter_of(NARROWING), version="0", fingerprint="f", command="c", simulated=False)
    assert "the gap grows with size" not in words


def test_tables_hold_the_gaps_and_name_their_source() -> None:
    tables = tables_of(chapter_of(NARROWING))
    first = tables["lineage-1-pairs"].rows[0]
    assert first[5:8] == ("10.0 % (10 of 100)", "90.0 % (90 of 100)", "+80.0")
    assert first[9] == "<.001"
    assert "paired on 100 prompts" in first[10]
    assert tables["lineage-1-series"].rows[0][8].endswith("; the gap shrinks with size")
    assert all("safescale analyze lineage c.db" in table.source for table in tables.values())


def test_the_figure_says_the_counts_in_words(tmp_path: Path) -> None:
    (figure,) = figures_of(chapter_of(NARROWING, tmp_path))
    assert "at 1B, 10 of 100 to 90 of 100" in figure.alt
    assert "Within a lineage the curves are joined" in figure.caption
    ET.fromstring((tmp_path / "safety-gap-1.svg").read_text())


def test_conditions_have_a_panel_each_and_no_joined_curve(tmp_path: Path) -> None:
    corpus = condition_corpus({"plain": BASE, "cut": NARROWING, "other": NARROWING[::-1]})
    result = asked(corpus, baseline_condition="plain", tampered_conditions=["cut", "other"])
    chapter = lineage_chapter(result, "c", FigureSink(tmp_path, watermark=None))
    (figure,) = figures_of(chapter)
    assert "curves are joined" not in figure.caption
    assert "cut minus plain" in figure.alt
    assert "other minus plain" in figure.alt
    assert len(chapter.findings) == 2
    assert "itself under plain" in " ".join(chapter.section.methods)


@pytest.mark.parametrize("name", ["$x^2$", "a<b>&\"'c", "plim" * 40])
def test_any_name_can_be_drawn(name: str, tmp_path: Path) -> None:
    corpus = fake_corpus(*pairs_corpus({2.0: 0.1}, {2.0: 0.9}, lineage=name))
    lineage_chapter(asked(corpus), "c", FigureSink(tmp_path, watermark="SIMULATED"))
    ET.fromstring((tmp_path / "safety-gap-1.svg").read_text())


def test_models_without_a_partner_are_a_finding_and_a_table() -> None:
    chapter = lineage_chapter(asked(fake_corpus(*pairs_corpus({}, {7.0: 0.9}))), "c")
    (finding,) = chapter.findings
    assert not finding.testable
    assert "no untampered model of lineage frimble1 is graded here" in finding.answer
    assert tables_of(chapter)["lineage-1-unpaired"].rows[0][4] == "no untampered model of lineage frimble1 is graded here"


def test_nothing_is_one_finding() -> None:
    chapter = lineage_chapter(asked(fake_corpus()), "c")
    (finding,) = chapter.findings
    assert not finding.testable
    assert chapter.section.paragraphs == (finding.answer,)
    assert chapter.section.methods == ()
