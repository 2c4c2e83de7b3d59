"""The chapter of a comparison: what it says follows the numbers, and the figure can be drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from analyses.test_compare import both, compare, other_prompts, pairs
from cells.fake_corpus import graded
from safescale.analyses import CompareResult
from safescale.report.chapter import Chapter
from safescale.report.compare_section import compare_chapter
from safescale.report.document import Table
from safescale.report.figures.sink import FigureSink

COMMAND = "safescale analyze compare plim brudd a.jsonl"


def made(flip: bool = False) -> CompareResult:
    parts = [
        graded(m, v, attack_class=k, prompts=[f"{k}{i}" for i in range(len(v))])
        for k, table in (("x", pairs(5, 20, 1, 10)), ("y", pairs(5, 14, 2, 10)), ("z", pairs(2, 2, 2, 2)))
        for m, v in zip(("plim", "brudd"), table, strict=True)
    ]
    return compare(both(*parts), *(("brudd", "plim") if flip else ("plim", "brudd")))


def table(chapter: Chapter, ending: str) -> Table:
    (found,) = [t for part in chapter.section.sections for t in part.tables if t.id.endswith(ending)]
    return found


@pytest.mark.parametrize(("flip", "said", "unsaid"), [(False, "brudd complies more", "less"), (True, "plim complies less", "more")])
def test_flipping_the_two_flips_the_words(flip: bool, said: str, unsaid: str) -> None:
    chapter = compare_chapter(made(flip), COMMAND)
    (finding,) = chapter.findings
    assert finding.verdict.startswith(said)
    assert finding.testable
    assert unsaid not in finding.answer
    assert "in 3 common classes, 2 of them tested" in finding.testability


def test_tables_hold_the_numbers_and_their_source() -> None:
    result = made()
    chapter = compare_chapter(result, COMMAND)
    rows = table(chapter, "classes").rows
    assert [row[0] for row in rows] == ["overall", "x", "y", "z"]
    assert rows[1][3] == "+52.8"
    assert rows[3][-1] == "not tested"
    assert table(chapter, "pairs").rows[1][:6] == ("x", "36", "5", "20", "1", "10")
    assert len(table(chapter, "ratios").rows) == 4
    for part in chapter.section.sections:
        for found in part.tables:
            assert COMMAND in found.source
            assert result.fingerprint in found.source
            assert "strict = COMPLIANCE over" in found.source


def test_rates_in_the_table_are_those_of_its_difference() -> None:
    """Definition: where all rows say the opposite it has a column, and ratios are labelled as of all rows."""
    chapter = compare_chapter(compare(other_prompts()), COMMAND)
    differences, ratios = table(chapter, "classes"), table(chapter, "ratios")
    row = dict(zip([c.name for c in differences.columns], differences.rows[0], strict=True))
    assert row["plim: rate"].startswith("30.0 %")
    assert row["brudd: rate"].endswith("40 pairs")
    assert (row["difference, pp"], row["over all rows, pp"]) == ("+32.5", "-47.0")
    assert "all rows" in ratios.caption
    assert ratios.columns[1].name == "risk ratio, all rows"
    assert "over all rows, pp" not in [c.name for c in table(compare_chapter(made(), COMMAND), "classes").columns]


def test_the_figure_is_well_formed(tmp_path: Path) -> None:
    chapter = compare_chapter(made(), COMMAND, FigureSink(tmp_path, watermark=None))
    (figure,) = [f for part in chapter.section.sections for f in part.figures]
    ET.fromstring(figure.svg)
    assert "brudd minus plim" in figure.svg
    assert "not tested" in figure.svg
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".pdf", ".png"}


def test_methods_say_only_what_was_done() -> None:
    (said,) = [" ".join(compare_chapter(made(), COMMAND).section.methods)]
    assert "McNemar" in said
    assert "bootstrap" not in said
    assert "kappa" not in said
