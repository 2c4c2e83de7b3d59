"""The page: escaped, self-contained, readable by everyone."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from report.made import RISING, made_facts
from report.page import Page
from safescale.cells import Selection
from safescale.report.compose import compose
from safescale.report.document import Document, every_section
from safescale.report.html import document_html

HOSTILE = "<script>alert(1)</script>"
URL = re.compile(r"^\s*(https?:|//|data:|file:|javascript:)", re.IGNORECASE)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    facts = made_facts({"zarvonic": RISING, "plimth": [0.3] * 6}, grader_ids=("judge", "other judge"), source="simulated")
    return compose(facts, tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def page(document: Document) -> Page:
    return Page(document_html(document))


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    loads = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset")
    ]
    assert loads
    assert [value for value in loads if value is None or URL.match(value) or not value.startswith("#")] == []
    assert not re.search(r"@import|url\((?!#)", page.raw)


def test_there_is_no_script_and_no_handler(page: Page) -> None:
    assert {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "link", "base", "form"} == set()
    assert [name for _, attributes in page.tags for name in attributes if name.startswith("on")] == []


def test_every_heading_cell_has_its_scope(page: Page) -> None:
    cells = page.all("th")
    assert len(cells) > 50
    assert {cell.get("scope") for cell in cells} == {"row", "col"}


def test_every_table_has_a_caption_and_every_figure_words(page: Page) -> None:
    assert len(page.all("table")) == len(page.all("caption")) > 5
    drawings = page.all("svg")
    ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    assert len(drawings) == len(page.all("figure")) == 4
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert set(str(drawing["aria-labelledby"]).split()) <= ids
    assert page.all("img") == []
    assert len(page.all("title")) == 1 + len(drawings)


def test_ids_are_unique_and_every_reference_has_its_target(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 20
    named = [str(v)[1:] for _, attributes in page.tags for k, v in attributes.items() if k in ("href", "xlink:href")]
    named += re.findall(r"url\(#([^)]+)\)", page.raw)
    assert set(named) <= set(ids)


def test_the_first_link_skips_to_the_findings(page: Page) -> None:
    assert page.all("a")[0] == {"class": "skip", "href": "#findings"}
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_findings_come_before_the_sections(page: Page, document: Document) -> None:
    titles = [section.title for _, section in every_section(document.sections)]
    headings = page.text.index(f"Findings {document.summary} Does the attack success rate")
    assert headings < page.text.index(document.findings[0].answer) < page.text.index(f"{titles[1]} ", headings + 500)


def test_light_and_dark_have_every_colour(page: Page) -> None:
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", page.raw))
    light, rest = page.raw.split("@media (prefers-color-scheme: dark)", 1)
    dark = rest[: rest.index("* {")]
    assert {"--ink", "--paper", "--series-1", "--mark"} <= used
    assert used <= set(re.findall(r"(--[a-z0-9-]+):", light))
    assert used <= set(re.findall(r"(--[a-z0-9-]+):", dark))


def test_every_table_and_figure_names_command_fingerprint_and_denominator(document: Document) -> None:
    things = [thing for _, section in every_section(document.sections) for thing in (*section.figures, *section.tables)]
    assert len(things) > 8
    for thing in things:
        assert thing.source.startswith("safescale ")
        assert document.fingerprint in thing.source
        assert re.search(r"row|rate", thing.source)
        assert re.search(r"excluded|reject", thing.source)


@pytest.mark.parametrize("where", ["model", "class", "grader", "source file"])
def test_markup_in_the_data_is_only_text(where: str, tmp_path: Path) -> None:
    names = [f"{HOSTILE}{i}" if where == "model" else f"frimble-{i}" for i in range(6)]
    facts = made_facts(
        {HOSTILE if where == "class" else "zarvonic": RISING},
        names=names,
        grader_ids=(HOSTILE if where == "grader" else "judge",),
        unlabelled=2 if where == "source file" else 0,
    )
    if where == "source file":
        import attrs

        from safescale.report.facts import Unread

        unread = (Unread(file=f"{HOSTILE}.csv", code="UNKNOWN_FORMAT", expected=HOSTILE, got=HOSTILE),)
        facts = attrs.evolve(facts, corpus=attrs.evolve(facts.corpus, unread=unread))
    raw = document_html(compose(facts, tmp_path))
    page = Page(raw)
    assert "<script" not in raw
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE in page.text


def test_letters_that_break_pages_are_gone(tmp_path: Path) -> None:
    names = [f"frim\x00ble\u202e\u2028-{i}$x$" for i in range(6)]
    raw = document_html(compose(made_facts({"zar$vo_nic^$\x1b": RISING}, names=names), tmp_path))
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2028]", raw)
    assert "$x$" in Page(raw).text


def test_a_watermark_stands_on_every_figure_table_and_page(page: Page, document: Document) -> None:
    assert page.text.count("SIMULATED") >= len(page.all("figure")) * 2 + len(page.all("table")) + 2
    for _, section in every_section(document.sections):
        for figure in section.figures:
            assert "SIMULATED" in figure.svg
    assert "SIMULATED" in page.raw[: page.raw.index("</title>")]


def test_real_rows_have_no_watermark(tmp_path: Path) -> None:
    assert "SIMULATED" not in document_html(compose(made_facts(), tmp_path))


def test_tampered_models_are_hollow_when_they_are_included(tmp_path: Path) -> None:
    states = ["none"] * 4 + ["abliterated"] * 2
    shown = compose(made_facts(tampering=states, selection=Selection(tampered="include")), tmp_path)
    figures = [figure for _, section in every_section(shown.sections) for figure in section.figures]
    assert "hollow: tampered model" in figures[0].svg
    hidden = compose(made_facts(tampering=states), tmp_path)
    assert "hollow" not in "".join(figure.svg for _, section in every_section(hidden.sections) for figure in section.figures)
