"""The page as a browser shows it: nothing complains, nothing leaves the machine, everything can be seen, sorted and printed."""

from __future__ import annotations

import json
import re
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from report.made import RISING, made_facts
from safescale.report.compose import compose
from safescale.report.document import Column, Document, Section, Table
from safescale.report.html import OPEN_PARTS, document_html
from safescale.report.table_files import write_tables

if TYPE_CHECKING:
    from report.browser import Browser, Tab

PHONE, DESK = 360, 1280
CELLS = (
    *("1,234", "<.001", "–", ".083", "-4.8", "+3.2 (SE 1.0)", "37.5 % [30.1, 45.2]", "[-7.0, +5.0]", "0.8B", "405B (estimated)"),
    *("350M", "1", "−2", "7.5 %", ".001"),
)
ASCENDING = (
    *("[-7.0, +5.0]", "-4.8", "−2", "<.001", ".001", ".083", "1", "+3.2 (SE 1.0)", "7.5 %", "37.5 % [30.1, 45.2]", "1,234"),
    *("350M", "0.8B", "405B (estimated)", "–"),
)
NAMES = ("model-10", "Model-2", "alpha", "–", "beta 3", "beta 20", "x < y", "&amp;", "é", "z", "a", "b", "c", "d", "e")
"""Words beside the cells, one each."""


def _document(folder: Path) -> Document:
    facts = made_facts({"zarvonic": RISING, "plim <b>&": [0.3] * 6}, source="simulated")
    document = compose(facts, folder / "figures")
    columns = (Column(name="name"), Column(name="number", numeric=True), Column(name="words"))
    rows = tuple((f"row {i}", cell, words) for i, (cell, words) in enumerate(zip(CELLS, NAMES, strict=True)))
    table = Table(id="sorting", caption="Numbers and words", columns=columns, rows=rows, source="made")
    parts = tuple(
        Section(id=f"part-{i}", title=f"Part {i}", paragraphs=("plim",), tables=(attrs.evolve(table, id=f"part-{i}-table"),))
        for i in range(OPEN_PARTS + 1)
    )
    made = Section(id="made", title="Made", tables=(table,), sections=parts)
    return attrs.evolve(document, sections=(*document.sections, made))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a report with two figures, folded parts and a table of every form of number."""
    folder = tmp_path_factory.mktemp("a report with blanks & signs")
    for name in ("figures", "tables"):
        (folder / name).mkdir()
    document = _document(folder)
    write_tables(document, folder / "tables")
    (folder / "report.html").write_text(document_html(document), encoding="utf-8")
    return (folder / "report.html").as_uri()


def _column(tab: Tab, column: int) -> list[str]:
    cells = tab.run(f"[...document.querySelectorAll('#sorting tbody tr')].map(r => r.cells[{column}].textContent)")
    assert isinstance(cells, list)
    return cells


def _open_all(tab: Tab) -> None:
    tab.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_complains_and_nothing_leaves_the_machine(browser: Browser, report: str, width: int, dark: bool) -> None:
    with browser.tab(report, width=width, dark=dark) as tab:
        _open_all(tab)
        assert tab.complaints == []
        assert tab.requests == [report]


def test_a_complaint_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    """The reader of the console reads: an error, a refused script and a request outside are all noticed."""
    page = (
        '<meta http-equiv="Content-Security-Policy" content="script-src \'unsafe-inline\'"><script>console.error("plim")</script>'
    )
    (tmp_path / "bad.html").write_text(page + '<script src="other.js"></script><img src="absent.png"><p onclick="1">')
    with browser.tab((tmp_path / "bad.html").as_uri()) as tab:
        told = " ".join(tab.complaints)
        assert "plim" in told
        assert "Content Security Policy" in told
        assert any(url.endswith("absent.png") for url in tab.requests)


@pytest.mark.parametrize("width", [PHONE, 700, DESK])
def test_the_page_never_scrolls_sideways(browser: Browser, report: str, width: int) -> None:
    with browser.tab(report, width=width) as tab:
        _open_all(tab)
        assert tab.run("document.documentElement.scrollWidth") <= width
        wide = tab.run(
            "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .unseen, .skip, svg')"
            " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"
        )
        assert wide == []
        tables = tab.run("[...document.querySelectorAll('.scroll')].map(e => [e.clientWidth, e.scrollWidth, e.tabIndex])")
        assert len(tables) > 10
        assert all(tabindex == 0 for *_, tabindex in tables)
        assert any(scroll > client for client, scroll, _ in tables) or width == DESK


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_figures_are_seen_whole(browser: Browser, report: str, width: int, dark: bool) -> None:
    script = """[...document.querySelectorAll('figure svg')].map(svg => {
      const box = svg.getBoundingClientRect(), holder = svg.closest('.scroll');
      const marks = [...svg.querySelectorAll(':is(g, use, path):has(> title)')].map(g => g.getBoundingClientRect());
      const inside = b => b.left >= box.left - 1 && b.right <= box.right + 1 && b.top >= box.top - 1 && b.bottom <= box.bottom + 1;
      const texts = [...svg.querySelectorAll('text')].filter(t => !t.closest('defs') && getComputedStyle(t).opacity > .5);
      return {width: box.width, height: box.height, holder: holder.scrollWidth, marks: marks.length,
              seen: marks.filter(b => b.width + b.height > 0 && inside(b)).length,
              cut: texts.filter(t => !inside(t.getBoundingClientRect())).map(t => t.textContent),
              small: Math.min(...texts.map(t => t.getBoundingClientRect().height)),
              ink: getComputedStyle(texts[0]).fill, paper: getComputedStyle(svg).backgroundColor};
    })"""
    with browser.tab(report, width=width, dark=dark) as tab:
        _open_all(tab)
        figures = tab.run(script)
    assert len(figures) == 2
    for found in figures:
        assert found["width"] > 300
        assert found["height"] > 100
        assert found["width"] <= found["holder"] + 1
        assert found["marks"] == found["seen"] > 5
        assert [text for text in found["cut"] if text != "SIMULATED"] == []
        assert found["small"] >= 7
        light_on_dark = _brightness(found["ink"]) > _brightness(found["paper"])
        assert light_on_dark == dark


def _brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3]))


def test_the_number_of_a_mark_is_under_the_pointer(browser: Browser, report: str) -> None:
    """Where the pointer rests on a mark, the element beneath belongs to the group with that mark's title."""
    script = """(() => {
      const group = document.querySelector('figure svg :is(g, use, path):has(> title)');
      group.scrollIntoView({block: 'center'});
      const marks = [...group.closest('svg').querySelectorAll(':is(g, use, path):has(> title)')];
      return marks.filter(g => {
        const b = g.getBoundingClientRect(), hit = document.elementFromPoint((b.left + b.right) / 2, (b.top + b.bottom) / 2);
        return hit && hit.closest(':is(g, use, path):has(> title)')?.querySelector('title').textContent.split(':')[0]
          === g.querySelector('title').textContent.split(':')[0];
      }).length / marks.length;
    })()"""
    with browser.tab(report) as tab:
        _open_all(tab)
        assert tab.run(script) > 0.7  # marks that lie on each other hide one another


def test_tables_sort_by_number_and_by_word_and_back(browser: Browser, report: str) -> None:
    with browser.tab(report) as tab:
        first = _column(tab, 1)
        assert first == list(CELLS)
        click = "document.querySelectorAll('#sorting th button')[{}].click()"
        state = "[...document.querySelectorAll('#sorting thead th')].map(h => h.getAttribute('aria-sort'))"
        told = "document.getElementById('status').textContent"
        tab.run(click.format(1))
        assert _column(tab, 1) == list(ASCENDING)
        assert tab.run(state) == [None, "ascending", None]
        assert tab.run(told) == "Numbers and words (SIMULATED): sorted by number, ascending"
        tab.run(click.format(1))
        assert _column(tab, 1) == [*reversed(ASCENDING[:-1]), "–"]
        assert tab.run(state) == [None, "descending", None]
        tab.run(click.format(2))
        assert _column(tab, 2)[-1] == "–"
        words = [cell for cell in _column(tab, 2) if cell[0].isalpha()]
        assert words == ["a", "alpha", "b", "beta 3", "beta 20", "c", "d", "e", "é", "Model-2", "model-10", "x < y", "z"]
        assert tab.run(state) == [None, None, "ascending"]
        tab.run(click.format(2))
        tab.run(click.format(2))
        assert _column(tab, 1) == first
        assert tab.run(state) == [None, None, None]
        pairs = dict(zip(_column(tab, 1), _column(tab, 2), strict=True))
        assert pairs == dict(zip(CELLS, NAMES, strict=True))


def test_sorting_works_from_the_keyboard(browser: Browser, report: str) -> None:
    with browser.tab(report) as tab:
        tab.run("document.querySelectorAll('#sorting th button')[1].focus()")
        for key, code, expected in (("Enter", 13, "ascending"), (" ", 32, "descending")):
            tab.press(key, code)
            assert tab.run("document.querySelectorAll('#sorting thead th')[1].getAttribute('aria-sort')") == expected
        outline = tab.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def test_the_first_key_reaches_the_skip_link_and_the_next_the_findings(browser: Browser, report: str) -> None:
    with browser.tab(report) as tab:
        tab.press("Tab", 9)
        assert tab.run("document.activeElement.className") == "skip"
        assert tab.run("document.activeElement.getBoundingClientRect().left") >= 0
        tab.press("Enter", 13)
        assert tab.run("document.activeElement.id") == "findings"


def test_without_script_the_page_is_whole(browser: Browser, report: str) -> None:
    count = "[...['tbody tr', 'figure svg'].map(q => document.querySelectorAll(q).length), document.body.innerText.length]"
    with browser.tab(report, script=False) as tab:
        assert tab.complaints == []
        rows, figures, letters = tab.run(count)
        assert tab.run("document.querySelectorAll('th button').length") == 0
        assert tab.run("getComputedStyle(document.getElementById('all')).display") == "none"
    with browser.tab(report) as tab:
        assert tab.run(count)[:2] == [rows, figures]
        assert tab.run("document.querySelectorAll('th button').length") > 50
    assert rows > 50
    assert letters > 2000


def test_links_open_what_is_folded(browser: Browser, report: str) -> None:
    folded = "document.getElementById('part-1-table').closest('details').open"
    with browser.tab(report) as tab:
        assert tab.run(folded) is False
        tab.run("location.hash = '#part-1-table'")
        tab.run("new Promise(done => setTimeout(done, 50))")
        assert tab.run(folded) is True
        tab.run("document.getElementById('all').click()")
        assert tab.run("document.querySelectorAll('main details:not([open])').length") == 0
        tab.run("document.getElementById('all').click()")
        assert tab.run("document.querySelectorAll('main details[open]').length") == 0


def test_every_file_that_the_page_links_to_is_there(browser: Browser, report: str) -> None:
    with browser.tab(report) as tab:
        addresses = tab.run("[...document.querySelectorAll('a[href]')].map(a => a.href).filter(h => !h.includes('#'))")
    assert len(addresses) > 30
    for address in addresses:
        assert Path(urllib.parse.unquote(urllib.parse.urlsplit(address).path)).is_file()


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_on_paper_everything_is_open_and_nothing_is_cut(browser: Browser, report: str, script: bool, tmp_path: Path) -> None:
    with browser.tab(report, width=680, media="print", script=script) as tab:  # 18 cm
        hidden = tab.run(
            "['nav', '.skip', 'summary', '.hint'].map(q => getComputedStyle(document.querySelector(q) ?? nav).display)"
        )
        assert set(hidden) == {"none"}
        shown = tab.run("[...document.querySelectorAll('main table, main figure')].map(e => e.checkVisibility())")
        assert len(shown) > 10
        assert all(shown)
        # tables of many columns have landscape pages of their own
        cut = tab.run(
            "[...document.querySelectorAll('.block:not(.wide) table')]"
            ".filter(t => t.getBoundingClientRect().right > innerWidth + 1).map(t => t.id)"
        )
        assert cut == []
        assert tab.run("getComputedStyle(document.querySelector('.files a'), '::after').content").startswith('" tables/')
        tab.pdf(tmp_path / "page.pdf")
    printed = (tmp_path / "page.pdf").read_bytes()
    pages = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert len(pages) > 4
    assert {float(w) > float(h) for w, h in pages} == {True, False}
    with browser.tab(report, width=1010, media="print", script=script) as tab:  # 26.7 cm
        cut = tab.run(
            "[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > innerWidth + 1).length"
        )
        assert cut == 0


def test_older_browsers_are_opened_for_printing_and_closed_again(browser: Browser, report: str) -> None:
    shut = "document.querySelectorAll('main details:not([open])').length"
    with browser.tab(report) as tab:
        before = tab.run(shut)
        tab.run("window.dispatchEvent(new Event('beforeprint'))")
        assert (before > 0, tab.run(shut)) == (True, 0)
        tab.run("window.dispatchEvent(new Event('afterprint'))")
        assert tab.run(shut) == before


def test_on_paper_dark_readers_get_light_paper(browser: Browser, report: str) -> None:
    with browser.tab(report, dark=True, media="print") as tab:
        assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert tab.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_a_screen_reader_is_told_what_is_there(browser: Browser, report: str) -> None:
    with browser.tab(report) as tab:
        _open_all(tab)
        nodes = tab.accessibility()
    told: dict[str, list[dict[str, Any]]] = {}
    for node in nodes:
        told.setdefault(node["role"]["value"], []).append(node)
    names = {role: [node.get("name", {}).get("value", "") for node in of] for role, of in told.items()}
    assert {"banner", "main", "contentinfo", "navigation"} <= set(told)
    assert names["navigation"] == ["Contents"]
    pictures = [node for role in ("image", "img") for node in told.get(role, [])]
    assert len(pictures) == 2
    for picture in pictures:
        assert picture["name"]["value"]
        assert len(picture["description"]["value"]) > 50
    assert all(names["table"])
    assert all(names["region"])
    assert "Numbers and words (SIMULATED)" in names["table"]
    assert len(names["columnheader"]) > 50
    assert len(names["rowheader"]) > 50
    assert all(names["button"])
    assert "status" in told


def test_pictures_of_the_page_can_be_taken(browser: Browser, report: str, tmp_path: Path) -> None:
    """Not empty, and light is not dark; to look at them: ``pytest --basetemp=FOLDER``."""
    sizes = {}
    for dark in (False, True):
        for width in (PHONE, DESK):
            path = tmp_path / f"{'dark' if dark else 'light'}-{width}.png"
            with browser.tab(report, width=width, dark=dark) as tab:
                tab.screenshot(path)
                ground = tab.run("getComputedStyle(document.body).backgroundColor")
            assert (_brightness(ground) < 382) == dark
            sizes[path.name] = path.stat().st_size
    assert min(sizes.values()) > 10_000, json.dumps(sizes)
