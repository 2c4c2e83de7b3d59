"""The chapter on provider and scale: built from the numbers, nothing sold."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from analyses.designs import PROVIDERS_OF_21, SIZES_OF_21, published, rows, with_slope_and_share
from cells.fake_corpus import fake_corpus
from safescale.analyses import SafetyRoiResult, analyze_safety_roi
from safescale.cells import build_cells
from safescale.report.chapter import Chapter
from safescale.report.chapter_text import chapter_markdown, chapter_text
from safescale.report.document import Table, every_section
from safescale.report.figures.providers import SHOWN_PLACES
from safescale.report.figures.sink import FigureSink
from safescale.report.roi_section import safety_roi_chapter

COMMAND = "safescale analyze safety-roi plim.jsonl"
SIZES = [1.0, 4.0, 16.0, 64.0] * 4
PROVIDERS = [name for name in ("frim", "gorl", "hask", "jund") for _ in range(4)]
NOISE = [0.02, -0.03, 0.01, 0.0, -0.02, 0.03, -0.01, 0.02, 0.0, -0.02, 0.03, -0.01, 0.01, 0.02, -0.03, 0.0]


def apart(levels: tuple[float, float, float, float]) -> SafetyRoiResult:
    rates = [levels[i // 4] + noise for i, noise in enumerate(NOISE)]
    corpus = rows({"zarvonic": rates}, SIZES, PROVIDERS)
    return analyze_safety_roi(build_cells(corpus), corpus.read("models"))


def report_164() -> SafetyRoiResult:
    rates = with_slope_and_share(SIZES_OF_21, PROVIDERS_OF_21, slope=-0.006, r=-0.10657, share=0.653)
    corpus = published(rates, SIZES_OF_21, PROVIDERS_OF_21)
    return analyze_safety_roi(build_cells(corpus), corpus.read("models"))


def tables(chapter: Chapter) -> dict[str, Table]:
    return {t.id.split("-", 1)[1]: t for _, section in every_section(chapter.section.sections) for t in section.tables}


def text(chapter: Chapter, result: SafetyRoiResult) -> str:
    return chapter_text(chapter, version="0", fingerprint=result.fingerprint, command=COMMAND, simulated=False)


def test_findings_stand_first_and_flip_with_the_data() -> None:
    differ, same = apart((0.1, 0.3, 0.6, 0.9)), apart((0.5, 0.5, 0.5, 0.5))
    (first,), (second,) = safety_roi_chapter(differ, COMMAND).findings, safety_roi_chapter(same, COMMAND).findings
    assert first.verdict.startswith("models of one provider are more alike than chance has them; size: ")
    assert second.verdict.startswith("the share of provider is not told from chance; size: ")
    assert first.testable
    assert second.testable
    assert first.answer != second.answer
    assert "more alike" not in second.answer


def test_every_table_names_its_source_and_no_share_stands_alone() -> None:
    result = report_164()
    chapter = safety_roi_chapter(result, COMMAND)
    found = tables(chapter)
    # published without counts, so there are no ratios
    assert set(found) == {"share", "line", "joint", "places", "within", "sensitivity", "models"}
    assert all(COMMAND in t.source and result.fingerprint in t.source and "published rates" in t.source for t in found.values())
    columns = [column.name for column in found["share"].columns]
    assert {"eta²", "by chance", "omega²", "epsilon²", "permutation p", "smallest p"} <= set(columns)
    row = dict(zip(columns, found["share"].rows[0], strict=True))
    assert (row["eta²"], row["by chance"], row["omega²"], row["epsilon²"]) == (".653", ".550", ".220", ".229")
    assert row["F"] == "F(11, 9) = 1.54"
    # again without the 8 providers of one model
    assert found["share"].rows[1][:3] == ("with two models or more", "13", "4")


def test_the_ratio_stands_only_beside_what_chance_makes_of_it() -> None:
    result = report_164()
    whole = text(safety_roi_chapter(result, COMMAND), result)
    told = [line for line in whole.splitlines() if "57.5" in line]
    assert told
    for line in told:
        assert "11 degrees of freedom with 1" in line
        assert "median" in line
        assert "probability" in line


@pytest.mark.parametrize("result", [report_164(), apart((0.1, 0.3, 0.6, 0.9))], ids=["164", "apart"])
def test_nothing_explains_and_no_number_is_missing_in_silence(result: SafetyRoiResult) -> None:
    chapter = safety_roi_chapter(result, COMMAND)
    whole = text(chapter, result) + chapter_markdown(chapter, version="0", fingerprint="f", command=COMMAND, simulated=False)
    for banned in ("expla", "nan", "None", "inf "):
        assert banned not in whole


def test_the_line_says_what_it_could_have_found() -> None:
    found = tables(safety_roi_chapter(report_164(), COMMAND))["line"]
    row = dict(zip([c.name for c in found.columns], found.rows[0], strict=True))
    assert row["pp per doubling"] == "-0.6 (SE 1.3)"
    assert row["95 % interval"] == "[-3.3, +2.1]"
    assert row["found with power 0.8, pp per doubling"] == "3.8 or steeper"
    assert (row["models for 2 pp per doubling"], row["models for 3 pp per doubling"]) == ("70", "33")


def test_places_show_both_labels_and_flag_single_models() -> None:
    found = tables(safety_roi_chapter(report_164(), COMMAND))["places"]
    names = [c.name for c in found.columns]
    by_provider = {row[0]: dict(zip(names, row, strict=True)) for row in found.rows}
    assert len(by_provider) == 12
    assert by_provider["e"]["what else"].startswith("one model: provider and model are the same thing here")
    assert by_provider["a"]["what else"] in ("–", "its sizes lie beyond those of the others")
    assert {row["label that the evidence supports"] for row in by_provider.values()} == {"cannot tell"}
    assert len({row["label of report 164"] for row in by_provider.values()}) > 1


def test_ratios_speak_of_these_models() -> None:
    found = tables(safety_roi_chapter(apart((0.1, 0.3, 0.6, 0.9)), COMMAND))["ratios"]
    assert "these models" in found.caption
    assert "not new models" in found.notes[0]
    assert len(found.rows) == 4


def test_methods_tell_what_was_done() -> None:
    methods = " ".join(safety_roi_chapter(report_164(), COMMAND).section.methods)
    assert "9,999 random assignments" in methods
    assert "commonality" in methods
    one = rows({"zarvonic": NOISE[:3]}, [1.0, 1.0, 1.0], ["frim", "gorl", "gorl"])
    few = analyze_safety_roi(build_cells(one), one.read("models"))
    assert "commonality" not in " ".join(safety_roi_chapter(few, COMMAND).section.methods)


def test_nothing_graded_is_one_finding_that_cannot_tell() -> None:
    corpus = fake_corpus()
    result = analyze_safety_roi(build_cells(corpus), corpus.read("models"))
    chapter = safety_roi_chapter(result, COMMAND)
    (finding,) = chapter.findings
    assert not finding.testable
    assert "cannot tell" in finding.verdict
    assert result.answer in text(chapter, result)


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_figures_are_well_formed_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    result = report_164()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        chapter = safety_roi_chapter(result, COMMAND, FigureSink(tmp_path / name, watermark=None))
    figures = [figure for _, section in every_section(chapter.section.sections) for figure in section.figures]
    assert [figure.id for figure in figures] == ["fig-providers-1", "fig-places-1"]
    for figure in figures:
        ET.fromstring(figure.svg)
        assert figure.source == tables(chapter)["share"].source
    first = {path.name: path.read_bytes() for path in sorted((tmp_path / "a").iterdir())}
    assert len(first) == 6
    assert first == {path.name: path.read_bytes() for path in sorted((tmp_path / "b").iterdir())}


def test_figures_tell_in_words_what_they_show(tmp_path: Path) -> None:
    one = safety_roi_chapter(apart((0.1, 0.3, 0.6, 0.9)), COMMAND, FigureSink(tmp_path, watermark=None))
    other = safety_roi_chapter(apart((0.5, 0.5, 0.5, 0.5)), COMMAND, FigureSink(tmp_path, watermark="SIMULATED"))
    alts = [[f.alt for _, s in every_section(c.section.sections) for f in s.figures] for c in (one, other)]
    assert "Models of one provider are more alike than chance has them" in alts[0][0]
    assert "The share of provider is not told from chance" in alts[1][0]
    assert "on the line: hask, jund, frim and gorl" in alts[1][1]


def test_many_providers_and_no_line_can_be_drawn_or_are_not(tmp_path: Path) -> None:
    n = 2 * (SHOWN_PLACES + 6)
    names = [f"p{i // 2:03d}" for i in range(n)]
    corpus = published([0.3 + 0.01 * (i * 7 % 31) for i in range(n)], [1.0 + i % 9 for i in range(n)], names)
    result = analyze_safety_roi(build_cells(corpus), corpus.read("models"))
    chapter = safety_roi_chapter(result, COMMAND, FigureSink(tmp_path, watermark=None))
    figures = [figure for _, section in every_section(chapter.section.sections) for figure in section.figures]
    assert f"{SHOWN_PLACES} of {n // 2} providers" in figures[1].caption
    flat = published([0.1, 0.2, 0.3], [7.0, 7.0, 7.0], ["frim", "frim", "gorl"])
    none = safety_roi_chapter(
        analyze_safety_roi(build_cells(flat), flat.read("models")), COMMAND, FigureSink(tmp_path, watermark=None)
    )
    assert all(not section.figures for _, section in every_section(none.section.sections))
