"""Figures: well-formed, the same bytes every time, and true to the numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from report.made import made_facts
from safescale.analyses import ScalingVerdict
from safescale.report.compose import compose
from safescale.report.document import Figure, every_section
from safescale.report.facts import Facts
from safescale.report.figures.rates import SHOWN_CLASSES, draw_rates
from safescale.report.figures.save import inline_svg, save_figure
from safescale.report.figures.slopes import SHOWN_SERIES, draw_slopes, shown_series
from safescale.report.figures.style import hover
from safescale.report.scaling_figures import SETTINGS_WITH_FIGURES
from safescale.stats import LogScalingSlope


def _figures(facts: Facts, folder: Path) -> list[Figure]:
    folder.mkdir(exist_ok=True)
    return [figure for _, section in every_section(compose(facts, folder).sections) for figure in section.figures]


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _figures(made_facts(), tmp_path / name)
    first = {path.name: path.read_bytes() for path in sorted((tmp_path / "a").iterdir())}
    assert len(first) == 6
    assert first == {path.name: path.read_bytes() for path in sorted((tmp_path / "b").iterdir())}


def test_files_hold_no_date_and_no_outside_reference(tmp_path: Path) -> None:
    _figures(made_facts(), tmp_path)
    for path in tmp_path.glob("*.svg"):
        text = path.read_text()
        ET.fromstring(text)
        assert "<metadata" not in text
        assert "dc:date" not in text
    for path in tmp_path.glob("*.pdf"):
        assert b"CreationDate" not in path.read_bytes()


@pytest.mark.parametrize(
    "name", ["$x^2$", "a<b>&\"'c", "锁 ключ 🙂", "new\nline\ttab\x07", "-->]]>", "plim" * 60, "var(--x) #ffffff"]
)
def test_any_name_can_be_drawn(name: str, tmp_path: Path) -> None:
    figures = _figures(made_facts({name: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)}), tmp_path)
    for path in tmp_path.glob("*.svg"):
        ET.fromstring(path.read_text())
    for figure in figures:
        ET.fromstring(figure.svg)
    assert len(figures) == 2


def test_colours_in_names_stay_names(tmp_path: Path) -> None:
    figures = _figures(made_facts({"#ffffff": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)}), tmp_path)
    assert ">#ffffff<" in figures[0].svg
    assert "fill: #ffffff" not in figures[0].svg


def test_the_line_is_the_fitted_one() -> None:
    [setting] = made_facts().scaling.settings
    drawing = draw_rates(setting, tier="strict", footer="", watermark=None)
    slope = setting.attack_classes[0].slope
    assert slope is not None
    assert isinstance(slope.slope, LogScalingSlope)
    line = drawing.axes[0].lines[0]
    (x0, x1), (y0, y1) = (list(map(float, values)) for values in (line.get_xdata(), line.get_ydata()))
    assert (y1 - y0) / (x1 - x0) == pytest.approx(slope.slope.slope_pp_per_decade)
    assert [x0, x1] == pytest.approx([0.0, 1.505149978])


def _tips(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    marks = (e for e in root.iter() if e.tag.rpartition("}")[2] in ("g", "use", "path") and len(e))
    return [str(mark[0].text) for mark in marks if mark[0].tag.rpartition("}")[2] == "title"]


def test_the_pointer_shows_the_numbers_of_the_table(tmp_path: Path) -> None:
    facts = made_facts({"zarvonic": (0.1, 0.25, 0.3, 0.4, 0.45, 0.6)})
    figures = _figures(facts, tmp_path)
    rates, slopes = (set(_tips((tmp_path / f"{name}-1.svg").read_text())) for name in ("rates", "slopes"))
    [setting] = facts.scaling.settings
    for point in setting.attack_classes[0].points:
        [tip] = [tip for tip in rates if tip.startswith(f"{point.model}, ")]
        assert point.interval is not None
        assert f": {100 * point.rate:.1f} %; 95 % interval [{100 * point.interval.low:.1f}, {100 * point.interval.high:.1f}]" in tip
        assert tip.endswith(f"; {point.successes} of {point.trials} rows")
    slope = setting.attack_classes[0].slope
    assert slope is not None
    assert slope.slope.interval is not None
    [tip] = [tip for tip in slopes if tip.startswith("attack class, zarvonic: ")]
    assert f"{slope.slope.slope_pp_per_decade:+.1f} pp per decade [{slope.slope.interval[0]:+.1f}, " in tip
    assert "6 models; p = " in tip
    assert tip.endswith(setting.attack_classes[0].verdict.value)
    for figure, tips in zip(figures, (rates, slopes), strict=True):
        inside = "".join(str(text) for text in ET.fromstring(figure.svg).itertext())
        assert all(tip in inside for tip in tips)


def test_tips_follow_the_data(tmp_path: Path) -> None:
    for name, rates in (("up", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)), ("down", (0.6, 0.5, 0.4, 0.3, 0.2, 0.1))):
        _figures(made_facts({"zarvonic": rates}), tmp_path / name)
    up, down = ({t.split("; ")[-1] for t in _tips((tmp_path / n / "slopes-1.svg").read_text())} for n in ("up", "down"))
    assert (up, down) == ({ScalingVerdict.COMPLY_MORE.value}, {ScalingVerdict.COMPLY_LESS.value})


@pytest.mark.parametrize("words", ["a \"quoted\" <b>&amp; 'x' > y", "two\nlines\x07", "--- ]]> -->", "tip:mark-1", "锁 🙂"])
def test_any_words_can_be_a_tip(words: str, tmp_path: Path) -> None:
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing()
    axis = drawing.subplots()
    hover(words, *axis.plot([1, 2], [1, 2]), axis.axvline(1), axis.text(1, 1, "x"), axis.bar([1], [1])[0])
    _, svg = save_figure(drawing, tmp_path, "any-1")
    expected = " ".join(words.replace("\x07", " ").split())
    assert _tips(svg) == [expected] * 4
    assert _tips(inline_svg(svg, id="a", title="t", description="d"))[-4:] == [expected] * 4
    ids = [e.get("id") for e in ET.fromstring(svg).iter() if e.get("id")]
    assert len(ids) == len(set(ids))


def test_two_sizes_get_no_line() -> None:
    [setting] = made_facts({"zarvonic": (0.2, 0.4)}, sizes=(1.0, 10.0)).scaling.settings
    drawing = draw_rates(setting, tier="strict", footer="", watermark=None)
    assert all(len(line.get_xdata()) == 1 or line.get_xdata()[0] == line.get_xdata()[1] for line in drawing.axes[0].lines)
    assert any(text.get_text() == "two sizes: +20.0 pp, no slope" for text in drawing.axes[0].texts)


def test_the_forest_shows_every_estimate_inside_the_axis() -> None:
    rates = {
        "zarvonic": (0.0, 0.05, 0.1, 0.5, 0.9, 1.0),
        "plimth": (0.3, 0.31, 0.3, 0.29, 0.3, 0.3),
        "dwee": (0.9, 0.5, 0.6, 0.3, 0.1, 0),
    }
    [setting] = made_facts(rates).scaling.settings
    drawing = draw_slopes(setting, margin_pp=5.0, level=0.95, footer="", watermark=None)
    low, high = drawing.axes[0].get_xlim()
    for series in shown_series(setting):
        assert series.slope is not None
        assert low < series.slope.slope.slope_pp_per_decade < high
    labels = [label.get_text() for label in drawing.axes[0].get_yticklabels()]
    assert len(labels) == len(set(labels)) == len(shown_series(setting))


def test_many_classes_graders_and_lineages_stay_readable(tmp_path: Path) -> None:
    rates = {f"class {i:02d}": (0.1, 0.2, 0.3, 0.3) for i in range(SHOWN_CLASSES + 3)}
    graders = [f"judge {i}" for i in range(SETTINGS_WITH_FIGURES + 1)]
    facts = made_facts(rates, sizes=(1.0, 2.0, 4.0, 8.0), rows=20, grader_ids=graders)
    document = compose(facts, tmp_path)
    figures = [figure for _, section in every_section(document.sections) for figure in section.figures]
    assert len(figures) == 2 * SETTINGS_WITH_FIGURES
    assert figures[0].caption.startswith(f"The {SHOWN_CLASSES} of {SHOWN_CLASSES + 3} attack classes with most models and rows.")
    assert len(shown_series(facts.scaling.settings[0])) <= SHOWN_SERIES
    [notes] = [s.paragraphs for _, s in every_section(document.sections) if s.id == "inverse-scaling"]
    assert f"Figures are drawn for the {SETTINGS_WITH_FIGURES} of {SETTINGS_WITH_FIGURES + 1} settings with most rows." in notes
