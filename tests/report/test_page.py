"""The page: escaped, self-contained, readable by everyone."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from pathlib import Path

import pytest

from report.made import RISING, made_facts
from report.page import Page
from safescale.cells import Selection
from safescale.report.compose import compose
from safescale.report.document import Document, every_section
from safescale.report.html import LONG_ROWS, OPEN_PARTS, document_html

HOSTILE = "<script>alert(1)</script>"
INSIDE = ("#", "figures/", "tables/")
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
    assert [value for value in loads if value is None or URL.match(value) or not value.startswith(INSIDE)] == []
    assert not re.search(r"@import|url\((?!#)", page.raw)
    files = [a["href"] for a in page.all("a") if not str(a["href"]).startswith("#")]
    assert len(files) == len(set(files)) == 3 * len(page.all("figure")) + 2 * len(page.all("table"))


def test_the_only_script_is_the_one_that_the_policy_names(page: Page) -> None:
    assert {tag for tag, _ in page.tags} & {"iframe", "object", "embed", "link", "base", "form"} == set()
    assert [name for _, attributes in page.tags for name in attributes if name.startswith("on")] == []
    [script] = re.findall(r"<script>(.*?)</script>", page.raw, flags=re.DOTALL)
    assert page.raw.count("<script") == 1
    policy = {m["http-equiv"]: str(m["content"]) for m in page.all("meta") if "http-equiv" in m}["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import|eval|Function|innerHTML|localStorage|cookie)\b", script)


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
    marks = page.raw.count("<title>") - 1  # that of the page; the drawings have ids on theirs
    assert marks > 50
    assert len(page.all("title")) == 1 + len(drawings) + marks


def test_ids_are_unique_and_every_reference_has_its_target(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 20
    links = [str(v) for _, attributes in page.tags for k, v in attributes.items() if k in ("href", "xlink:href")]
    named = [link[1:] for link in links if link.startswith("#")]
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


def _colours(css: str, start: str) -> dict[str, str]:
    """Style variables of one block."""
    block = css[css.index(start) :]
    found = dict(re.findall(r"(--[a-z0-9-]+):\s*(#[0-9a-f]{3,6})", block[: block.index("}")]))
    return {name: value if len(value) == 7 else "#" + "".join(2 * digit for digit in value[1:]) for name, value in found.items()}


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
def test_text_can_be_read_and_marks_told_from_the_ground(mode: str, page: Page) -> None:
    css = page.raw[page.raw.index("<style>") : page.raw.index("</style>")]
    light = _colours(css, ":root {")
    dark = _colours(css[css.index("prefers-color-scheme: dark") :], ":root {")
    paper = _colours(css[css.index("@media print") :], ":root {")
    # on paper the dark values would stay where the print block does not name a variable
    colours = {"light": light, "dark": light | dark, "print": dark | paper}[mode]
    assert set(dark) == set(light)
    for text in ("--ink", "--muted", "--link", "--mark"):
        assert _contrast(colours[text], colours["--paper"]) >= 4.5, text
    for ground in ("--raised", "--warn", "--band"):
        assert _contrast(colours["--ink"], colours[ground]) >= 4.5, ground
    for text in ("--muted", "--link"):
        assert _contrast(colours[text], colours["--raised"]) >= 4.5, text
    marks = [name for name in colours if name.startswith("--series-")]
    assert len(marks) == 7
    for name in (*marks, "--other", "--warn-line"):
        assert _contrast(colours[name], colours["--paper"]) >= 3, name


def test_what_is_long_is_folded_and_what_answers_is_not(tmp_path: Path) -> None:
    few, many = (
        Page(document_html(compose(made_facts(grader_ids=[f"judge {i}" for i in range(n)], rows=20), tmp_path)))
        for n in (OPEN_PARTS, OPEN_PARTS + 1)
    )
    folds = re.compile(r"<summary>2 figures and \d tables</summary>")
    assert (len(folds.findall(few.raw)), len(folds.findall(many.raw))) == (0, OPEN_PARTS + 1)
    outside = re.sub(r"<details.*?</details>", "", many.raw, flags=re.DOTALL)
    for i in range(OPEN_PARTS + 1):
        assert f"Grader judge {i}, target text, condition default</h3>" in outside


def test_long_tables_are_folded_under_their_number_of_rows(tmp_path: Path) -> None:
    sizes = [float(2**i) for i in range(LONG_ROWS + 1)]
    rates = [0.1 + 0.02 * i for i in range(LONG_ROWS + 1)]
    long = Page(document_html(compose(made_facts({"zarvonic": rates}, sizes=sizes), tmp_path)))
    assert f"Rates by attack class and model: {LONG_ROWS + 1} rows" in long.text
    short = Page(document_html(compose(made_facts({"zarvonic": rates[:-1]}, sizes=sizes[:-1]), tmp_path)))
    assert "Rates by attack class and model: " not in short.text


def test_each_finding_leads_to_its_numbers(page: Page, document: Document) -> None:
    linked = {str(a["href"])[1:] for a in page.all("a")}
    titles = {section.id: section.title for _, section in every_section(document.sections)}
    tested = [finding for finding in document.findings if finding.section]
    assert len(tested) == 2
    for finding in tested:
        assert finding.section in linked
        assert finding.about.removeprefix("grader ") in titles[finding.section]


def test_contents_name_every_section_and_its_parts(page: Page, document: Document) -> None:
    contents = page.raw[page.raw.index("<nav") : page.raw.index("</nav>")]
    listed = re.findall(r'href="#([^"]+)"', contents)
    parts = [[s.id, *([part.id for part in s.sections] if len(s.sections) > 1 else [])] for s in document.sections]
    assert listed == ["findings", *itertools.chain(*parts)]
    assert {"s1", "s2"} <= set(listed)


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
    assert raw.count("<script") == 1
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
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
