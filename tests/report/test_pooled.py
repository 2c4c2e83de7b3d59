"""The chapter of pooled sources: what it says follows the numbers, and the figure can be drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from analyses.test_pooled import analyze, corpus, line
from safescale.analyses import PooledResult
from safescale.report.chapter import Chapter
from safescale.report.document import Table
from safescale.report.figures.sink import FigureSink
from safescale.report.pooled_section import pooled_chapter

COMMAND = "safescale analyze pooled a.jsonl"


def made(sign: int = 1) -> PooledResult:
    states: list[dict[str, str]] = [{}] * 7 + [{"tampering": "abliterated"}]
    return analyze(
        corpus({"plim": line(0.45, 0.05 * sign), "brudd": line(0.5, 0.06 * sign), "one": [0.4, *[None] * 7]}, models=states)
    )


def table(chapter: Chapter, ending: str) -> Table:
    (found,) = [t for part in chapter.section.sections for t in part.tables if t.id.endswith(ending)]
    return found


@pytest.mark.parametrize(("sign", "said", "unsaid"), [(1, "comply more", "comply less"), (-1, "comply less", "comply more")])
def test_flipping_the_data_flips_the_findings(sign: int, said: str, unsaid: str) -> None:
    chapter = pooled_chapter(made(sign), COMMAND)
    (finding,) = chapter.findings
    assert finding.verdict == f"one answer in 2 sources: larger models {said}"
    assert finding.testable
    assert "By source: 2 of 3 can be tested." in finding.testability
    words = [finding.answer, *chapter.section.sections[0].paragraphs, *(c for r in table(chapter, "sources").rows for c in r)]
    assert any(said in w for w in words)
    assert not any(unsaid in w for w in words)


def test_tables_hold_the_numbers_of_the_result_and_their_source() -> None:
    result = made()
    chapter = pooled_chapter(result, COMMAND)
    (found,) = result.settings
    rows = table(chapter, "sources").rows
    assert [row[0] for row in rows] == ["brudd", "one", "plim", "all sources pooled", "within sources"]
    assert rows[0][3] == "1,400"
    assert rows[0][-1] == "INVERSE_SCALING"
    composition = table(chapter, "composition").rows
    assert composition[-1] == ("all", "3,400", "400", "11.8 %", "3,000")
    variants = table(chapter, "variants").rows
    assert [row[:4] for row in variants] == [
        ("without tampered models", "yes", "3,000", "7"),
        ("with tampered models", "no", "3,400", "8"),
    ]
    for part in chapter.section.sections:
        for t in part.tables:
            assert COMMAND in t.source
            assert result.fingerprint in t.source
            assert f"{found.rows:,} evaluable rows" in t.source


def test_two_sources_of_opposite_slope_have_no_one_answer() -> None:
    result = analyze(corpus({"plim": line(0.2, 0.06), "brudd": line(0.8, -0.06)}))
    (finding,) = pooled_chapter(result, COMMAND).findings
    assert finding.verdict == "no one answer: larger models comply less; larger models comply more"


def test_the_figure_is_well_formed_and_names_every_source(tmp_path: Path) -> None:
    chapter = pooled_chapter(made(), COMMAND, FigureSink(tmp_path, watermark="SIMULATED"))
    (figure,) = [f for part in chapter.section.sections for f in part.figures]
    ET.fromstring(figure.svg)
    text = figure.svg
    assert "source: plim" in text
    assert "within sources" in text
    assert figure.alt.startswith("Slope or difference of each source.")
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".pdf", ".png"}


def test_methods_say_only_what_was_done() -> None:
    assert not any("partial pooling" in words for words in pooled_chapter(made(), COMMAND).section.methods)
    four = analyze(corpus({f"s{i}": line(0.3 + 0.1 * i, 0.02) for i in range(4)}))
    assert any("partial pooling" in words for words in pooled_chapter(four, COMMAND).section.methods)
