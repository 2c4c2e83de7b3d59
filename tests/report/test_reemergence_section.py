"""The chapter of re-emergence: from the numbers, and flipped when they flip."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from analyses.tampered import OBLITERATUS, asked, tampered_corpus
from cells.fake_corpus import fake_corpus, graded
from safescale.report.chapter import Chapter
from safescale.report.chapter_text import chapter_json, chapter_markdown, chapter_text
from safescale.report.document import Table, every_section
from safescale.report.figures.sink import FigureSink
from safescale.report.reemergence_section import QUESTION, reemergence_chapter

SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
REFUSALS = (2, 10, 21, 29, 41, 52)
UP = {size: (100 - k, 0, k) for size, k in zip(SIZES, REFUSALS, strict=True)}
DOWN = {size: (100 - k, 0, k) for size, k in zip(SIZES, REFUSALS[::-1], strict=True)}


def chapter_of(counts: dict[float, tuple[int, int, int]], folder: Path | None = None) -> Chapter:
    sink = None if folder is None else FigureSink(folder, watermark=None)
    return reemergence_chapter(asked(tampered_corpus(counts)), "safescale analyze reemergence c.db", sink)


def everything(chapter: Chapter) -> str:
    return chapter_markdown(chapter, version="0", fingerprint="ss1-0", command="c", simulated=False)


def tables_of(chapter: Chapter) -> dict[str, Table]:
    return {table.id: table for _, section in every_section((chapter.section,)) for table in section.tables}


def test_the_finding_flips_with_the_data() -> None:
    (up,), (down,) = chapter_of(UP).findings, chapter_of(DOWN).findings
    assert up.question == down.question == QUESTION
    assert (up.verdict, up.testable) == ("refusals come back with size", True)
    assert down.verdict == "refusals fall with size"
    assert "refusals come back with size" not in everything(chapter_of(DOWN))
    assert "smallest attainable p .003" in up.testability


def test_the_published_series_cannot_test_and_says_what_would_do() -> None:
    chapter = chapter_of(OBLITERATUS)
    (finding,) = chapter.findings
    assert not finding.testable
    assert "needs at least 5 untied sizes" in finding.testability
    assert any("never on the same trace" in p or "not graded" in p for p in chapter.section.paragraphs)


def test_tables_hold_the_counts_and_name_their_source() -> None:
    tables = tables_of(chapter_of(OBLITERATUS))
    rows = {row[0]: row for row in tables["reemergence-1-verdicts"].rows}
    columns = [column.name for column in tables["reemergence-1-verdicts"].columns]
    nine = dict(zip(columns, rows["plimmer/frimble1-9b"], strict=True))
    assert (nine["rows"], nine["COMPLIANCE"], nine["PARTIAL"], nine["REFUSAL"]) == ("2,019", "1,095", "924", "0")
    trends = {row[1]: row for row in tables["reemergence-1-trends"].rows}
    assert trends["strict rate"][4:7] == ("-1.000", ".083", ".083")
    assert [row[4] for row in tables["reemergence-1-neighbours"].rows if row[1] == "strict rate"] == ["yes"] * 3
    for table in tables.values():
        assert "safescale analyze reemergence c.db" in table.source
        assert "corpus ss1-" in table.source
        assert "evaluable row" in table.source or "graded row" in table.source


def test_the_figure_says_the_counts_in_words(tmp_path: Path) -> None:
    chapter = chapter_of(OBLITERATUS, tmp_path)
    (figure,) = [figure for _, section in every_section((chapter.section,)) for figure in section.figures]
    assert "4.2B: 789 COMPLIANCE, 138 PARTIAL, 81 REFUSAL of 1,008 rows" in figure.alt
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".pdf", ".png"}
    ET.fromstring((tmp_path / "composition-1.svg").read_text())


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        chapter_of(UP, tmp_path / name)
    assert (tmp_path / "a" / "composition-1.svg").read_bytes() == (tmp_path / "b" / "composition-1.svg").read_bytes()


@pytest.mark.parametrize("name", ["$x^2$", "a<b>&\"'c", "#ffffff", "plim" * 40])
def test_any_name_can_be_drawn(name: str, tmp_path: Path) -> None:
    sink = FigureSink(tmp_path, watermark="SIMULATED")
    reemergence_chapter(asked(tampered_corpus(UP, lineage=name)), "c", sink)
    ET.fromstring((tmp_path / "composition-1.svg").read_text())


def test_methods_say_only_what_was_done() -> None:
    whole = " ".join(chapter_of(OBLITERATUS).section.methods)
    assert "Spearman's rho" in whole
    assert "Holm to a family-wise level" not in whole  # four sizes cannot be tested, so nothing was adjusted
    assert "hash" not in whole
    assert "Holm to a family-wise level of 0.05" in " ".join(chapter_of(UP).section.methods)
    assert chapter_of({7.0: (50, 30, 20)}).section.methods == ()


def test_nothing_tampered_is_one_finding_that_says_so() -> None:
    traces, grades = graded("m", ["COMPLIANCE"] * 30)
    chapter = reemergence_chapter(asked(fake_corpus(traces, grades, [{"model_id": "m"}])), "c")
    (finding,) = chapter.findings
    assert not finding.testable
    assert "none of a tampered model" in finding.answer
    assert chapter.section.sections == ()


def test_text_and_json_hold_the_same_answer() -> None:
    result = asked(tampered_corpus(OBLITERATUS))
    chapter = reemergence_chapter(result, "c")
    text = chapter_text(chapter, version="0", fingerprint="f", command="c", simulated=True)
    assert "compliance turns into hedging with size" in text
    assert "SIMULATED" in text
    told = json.loads(chapter_json("reemergence", result, version="0", command="c", simulated=False))
    assert told["reemergence"]["settings"][0]["series"][0]["verdict"] == "this corpus cannot test this claim"
