"""Figures of a robustness study: they draw whatever came out, say it in words, and no label covers another."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from report.labels import check_labels
from report.robustness_made import (
    STEERED,
    cell_of,
    cells_of,
    findings_of,
    finetune,
    geometry_of,
    half_of,
    models_of,
    result_of,
    run_of,
    share,
    steady,
)
from safescale.report.document import Figure, every_section
from safescale.report.figures import save
from safescale.report.figures.dilution import HOLLOW
from safescale.report.figures.robustness import curves_of, size_looks, step_axis, step_name, step_places
from safescale.report.figures.robustness_curves import CurvePanel, draw_curves
from safescale.report.figures.robustness_defences import draw_trade, trade_attacks, trade_points
from safescale.report.figures.robustness_geometry import draw_cosines, draw_left_after
from safescale.report.figures.robustness_half import compute_name, draw_half, placed_halves
from safescale.report.figures.sink import FigureSink
from safescale.report.figures.style import SERIES
from safescale.report.robustness_figures import rrr_of
from safescale.report.robustness_report import robustness_document
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.results import GeometryOfModel, GraderFindings, HalfCompute, HalfOfModel, RobustnessResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

FULL = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)
FEW = models_of((0.5, 7.0), 1)
FORTY = models_of(tuple(0.5 * 1.16**n for n in range(40)), 1)
WIDE = models_of((0.5, 3.0, 7.0, 14.0, 32.0, 72.0, None), 1)


class Caught:
    """A sink that keeps the drawings and writes nothing."""

    watermark: str | None = None

    def __init__(self) -> None:
        self.drawn: dict[str, Drawing] = {}
        self.words: dict[str, str] = {}

    def add(self, name: str, *, title: str, caption: str, alt: str, source: str, draw: object) -> Figure:
        assert callable(draw)
        self.drawn[name] = draw()
        self.words[name] = f"{title} {caption} {alt}"
        return Figure(id=name, title=title, caption=caption, alt=alt, svg="", files=(), source=source)


def caught(result: RobustnessResult) -> Caught:
    """What is drawn of a result."""
    sink = Caught()
    robustness_document(result, run_of(), sink)  # type: ignore[arg-type]
    return sink


@functools.cache
def caught_of(case: str) -> Caught:
    return caught(CASES[case])


def censored(models: tuple[AskedModel, ...], *, up: bool) -> HalfCompute:
    rows = tuple(
        HalfOfModel(model=model, seed=0, low=48000.0 if up else None, high=None if up else 2400.0, crossings=0) for model in models
    )
    return half_of(models, rows=rows)


def many_directions(models: tuple[AskedModel, ...], categories: int) -> tuple[GeometryOfModel, ...]:
    names = tuple(f"a-category-with-a-long-name-{n}" for n in range(categories))
    pairs = tuple((a, b, 0.9 - 0.3 * ((i + j) % 5)) for i, a in enumerate(names) for j, b in enumerate(names) if i < j)
    return tuple(geometry_of(model, categories=names, cosines=pairs) for model in models)


ONE = models_of((1.0,), 1)
PLAIN = {"steering": False, "resistant": False}
CASES: dict[str, RobustnessResult] = {
    "12 models": result_of(findings_of(models_of())),
    "one model, one level, no embedder": result_of(
        findings_of(ONE, cells=cells_of(ONE, examples=(16,), steps=(20,), drift=False, steering=False, resistant=False)),
        geometry=(),
    ),
    "40 models, full grid": result_of(
        findings_of(FORTY, cells=cells_of(FORTY, steps=FULL, examples=(64,), entropy=False, resistant=False)),
        geometry=many_directions(FORTY[:14], 10),
    ),
    "three data sizes, a size unknown": result_of(
        findings_of(WIDE, cells=cells_of(WIDE, steps=FULL, examples=(16, 64, 256), attack_seeds=2)),
        geometry=many_directions(WIDE[:5], 3),
    ),
    "nothing falls": result_of(findings_of(models_of(), steady, half=(censored(models_of(), up=True),))),
    "all below at once": result_of(findings_of(models_of(), half=(censored(models_of(), up=False),))),
}


@pytest.mark.parametrize("case", CASES)
def test_labels_stay_inside_and_do_not_cover_each_other(case: str) -> None:
    drawn = caught_of(case).drawn
    assert len(drawn) >= (4 if "one model" in case else 7)
    for name, drawing in drawn.items():
        check_labels(drawing, name, at_least=5)


def test_titles_of_six_panels_fit() -> None:
    curves = curves_of(cells_of(FEW, examples=(64,), steps=FULL, **PLAIN), rrr_of, defence="none", examples=64)
    panel = CurvePanel(title="256 pairs, tamper resistance", y="RRR, %", curves=curves, shown=str, factor=100)
    panels = [attrs.evolve(panel, y="RRR, %" if at % 3 == 0 else "") for at in range(6)]
    check_labels(draw_curves(panels, footer="f", watermark=None), "six panels")


def test_what_is_not_there_has_no_figure() -> None:
    cells = cells_of(FEW, examples=(64,), steps=(5,), drift=False, entropy=False, steering=False, resistant=False)
    assert set(caught(result_of(findings_of(FEW, cells=cells, half=()), geometry=())).drawn) == {
        *("robustness-rrr-1", "robustness-map-1"),
    }
    assert caught(result_of(findings_of(FEW, cells=cells[:1], half=()), geometry=(geometry_of(FEW[0], found=False),))).drawn == {}


def test_figures_are_well_formed_the_same_twice_and_say_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the other formats are made by the same function, and take most of the time
    monkeypatch.setattr(save, "FORMATS", ("svg",))
    cells = cells_of(FEW, examples=(64,), steps=(5, 20), steering=False)
    result = result_of(findings_of(FEW, cells=cells))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        document = robustness_document(result, run_of(), FigureSink(tmp_path / folder, watermark=None))
    figures = {figure.id: figure for _, section in every_section(document.sections) for figure in section.figures}
    assert len(figures) == 7
    for file in (tmp_path / "a").glob("*.svg"):
        ET.fromstring(file.read_text(encoding="utf-8"))
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    [curve] = [point for point in curves_of(cells, rrr_of, defence="none", examples=64)[0.5] if point.steps == 20]
    assert f"20 steps {100 * curve.mean:.1f} %" in figures["fig-robustness-rrr-1"].alt
    assert "flimp and vorn -0.120" in figures["fig-robustness-cosines-1"].alt
    for figure in figures.values():
        assert figure.caption
        assert "nan" not in figure.alt.lower().split()


def test_a_curve_is_the_mean_over_cells_that_have_the_number() -> None:
    small = models_of((1.0,), 3)
    kept = (0.9, 0.5, None)
    cells = [cell_of(model, at, finetune(64, 20), kept=value) for at, (model, value) in enumerate(zip(small, kept, strict=True))]
    cells += [cell_of(small[0], 0, kept=0.95), cell_of(small[0], 0, finetune(16, 20), kept=0.1)]
    cells += [cell_of(small[0], 0, finetune(64, 20), STEERED[0], kept=1.0)]
    start, point = curves_of(cells, rrr_of, defence="none", examples=64)[1.0]
    assert (start.steps, start.mean, start.cells) == (0, 0.95, 1)
    assert (point.steps, point.mean, point.low, point.high) == (20, pytest.approx(0.7), 0.5, 0.9)
    assert (point.cells, point.missing, point.n) == (2, 1, 400)
    assert point.words(lambda value: f"{value:.2f}") == "20 steps 0.70 (0.50 to 0.90, 2 cells), 1 without"


def test_a_mark_that_rests_on_few_responses_is_hollow_and_the_caption_says_so() -> None:
    few = attrs.evolve(share(0.5, 18), clusters=9)
    cells = [cell_of(FEW[0], 0), cell_of(FEW[0], 0, finetune(64, 5), kept=0.8)]
    thin = cell_of(FEW[0], 0, finetune(64, 20))
    cells.append(attrs.evolve(thin, retention=attrs.evolve(thin.retention, rrr=few)))
    found = caught(result_of(findings_of(FEW, cells=tuple(cells), half=()), geometry=()))
    marks = [line for line in found.drawn["robustness-rrr-1"].axes[0].lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() == HOLLOW for line in marks] == [False, False, True]
    assert "Hollow: a cell of fewer than 20 responses, shown and not fitted." in found.words["robustness-rrr-1"]
    assert "Hollow" not in found.words["robustness-map-1"]
    assert "Hollow" not in caught_of("12 models").words["robustness-rrr-1"]


def test_no_attack_stands_apart_on_the_axis_of_steps() -> None:
    places = step_places([0, 5, 50, 500])
    assert [places[n] for n in (5, 50, 500)] == pytest.approx([0.69897, 1.69897, 2.69897])
    assert places[0] < places[5]
    assert step_places([]) == {0: 0.0}
    assert [step_name(n) for n in (0, 500, 1000, 1500)] == ["0", "500", "1k", "1.5k"]


def test_the_first_and_last_step_are_always_named() -> None:
    from matplotlib.figure import Figure as Drawing

    axis = Drawing().subplots()
    step_axis(axis, step_places([0, *FULL]), width_in=0.6)
    named = [label.get_text() for label in axis.get_xticklabels()]
    assert (named[0], named[-1]) == ("0", "2k")
    assert len(named) < 1 + len(FULL)


def test_few_sizes_have_colours_of_their_own_and_many_a_ramp() -> None:
    few, many = size_looks([1.0, 7.0, None]), size_looks([0.5 * 1.2**n for n in range(20)])
    assert [look.colour for look in few.values()][:2] == list(SERIES[:2])
    assert None in few
    colours = [look.colour for look in many.values()]
    assert (colours[0], colours[-1]) == (SERIES[0], SERIES[1])
    assert len(set(colours)) == 20


def lines_of(drawing: Drawing, marker: object) -> Iterator[tuple[float, float]]:
    for line in drawing.axes[0].lines:
        if line.get_marker() == marker:
            yield from zip(map(float, line.get_xdata()), map(float, line.get_ydata()), strict=True)  # type: ignore[arg-type]


def test_open_sides_are_arrows_and_what_has_no_place_is_not_drawn() -> None:
    from matplotlib.markers import CARETDOWN, CARETUP

    model = ONE[0]
    ends: list[tuple[float | None, float | None]] = [(1000.0, None), (None, 100.0), (100.0, 1000.0), (0.0, 100.0), (None, None)]
    rows = [HalfOfModel(model=model, seed=at, low=low, high=high, crossings=1) for at, (low, high) in enumerate(ends)]
    rows.append(HalfOfModel(model=attrs.evolve(model, params_b=None), seed=0, low=1.0, high=2.0, crossings=1))
    half = half_of(ONE, rows=tuple(rows))
    assert [row.seed for row in placed_halves(half)] == [0, 1, 2, 3]
    drawing = draw_half(half, y="tokens", heading="", footer="f", watermark=None)
    assert [y > 3 for _, y in lines_of(drawing, CARETUP)] == [True]
    assert [y < 2 for _, y in lines_of(drawing, CARETDOWN)] == [True, True]
    # known ends: above, below, the middle of a bar, below where the lower end is no attack
    assert [y for _, y in lines_of(drawing, "o")] == pytest.approx([3.0, 2.0, 2.5, 2.0])


@pytest.mark.parametrize(
    ("value", "name"), [(500.0, "500"), (20000.0, "20k"), (3e6, "3M"), (999.9, "1k"), (1.44e14, "1.4e14"), (2e9, "2e9")]
)
def test_amounts_of_compute_are_short(value: float, name: str) -> None:
    assert compute_name(value) == name


def test_the_price_of_a_defence_is_paired_by_model_and_measured_without_attack() -> None:
    a, b = models_of((1.0,), 2)
    attack, defence = finetune(64, 20), STEERED[1]
    cells = [
        *(cell_of(a, 0, price=0.0), cell_of(b, 1, price=0.1)),
        *(cell_of(a, 0, attack, kept=0.2), cell_of(b, 1, attack, kept=0.4)),
        *(cell_of(a, 0, defence=defence, price=0.2), cell_of(b, 1, defence=defence, price=0.2)),
        *(cell_of(a, 0, attack, defence, kept=0.6), cell_of(b, 1, attack, defence, kept=0.8)),
    ]
    assert trade_attacks(cells) == (attack,)
    plain, steered = trade_points(cells, attack)
    kept = [share(0.97 * value, 240).value or 0.0 for value in (0.2, 0.4, 0.6, 0.8)]
    assert (plain.kept, steered.kept) == (pytest.approx(sum(kept[:2]) / 2), pytest.approx(sum(kept[2:]) / 2))
    assert (plain.over_refusal, steered.over_refusal) == (pytest.approx(0.05), pytest.approx(0.2))
    assert (plain.accuracy_lost, steered.accuracy_lost) == (0.0, pytest.approx(0.15))
    assert steered.models == 2
    unknown = [attrs.evolve(one, benign_accuracy=share(None)) for one in cells]
    assert trade_points(unknown, attack)[1].accuracy_lost is None
    assert len(draw_trade(unknown, (attack,), footer="f", watermark=None).axes) == 1
    assert trade_attacks(cells[:4]) == ()


def test_the_map_counts_responses_and_leaves_gaps_hatched() -> None:
    cells = [
        one for one in cells_of(FEW, examples=(64,), steps=(5, 20), **PLAIN) if not (one.attack.steps == 20 and one.cell.model)
    ]
    [axis] = caught(result_of(findings_of(FEW, cells=tuple(cells), half=()), geometry=())).drawn["robustness-map-1"].axes
    texts = [text.get_text() for text in axis.texts]
    assert texts.count("200") == 5
    assert [patch.get_hatch() for patch in axis.patches].count("////") == 1
    assert [label.get_text() for label in axis.get_yticklabels()] == ["7B", "0.5B"]


def test_bounds_and_floors_are_drawn_where_they_are() -> None:
    drawing = caught_of("12 models").drawn["robustness-drift-1"]
    heights = [
        {round(float(line.get_ydata()[0]), 4) for line in axis.lines if len(set(line.get_ydata())) == 1} for axis in drawing.axes
    ]  # type: ignore[arg-type, index]
    assert 0.1 in heights[0]
    assert 0.6931 in heights[1]
    rrr = caught_of("12 models").drawn["robustness-rrr-1"].axes[0]
    null = share(0.955).value or 0.0
    assert any(line.get_linestyle() == "--" and float(line.get_ydata()[0]) == pytest.approx(100 * null) for line in rrr.lines)  # type: ignore[arg-type, index]


def test_geometry_shows_a_dozen_models_and_says_so() -> None:
    found = caught_of("40 models, full grid")
    assert "12 of 14, spread over the sizes" in found.words["robustness-cosines-1"]
    assert len(draw_cosines(many_directions(FEW, 3), footer="f", watermark=None).axes) == 2
    left = draw_left_after((geometry_of(FEW[0]),), footer="f", watermark=None).axes[0]
    assert list(left.lines[0].get_xdata()) == [0, 1, 2, 3]  # type: ignore[arg-type]


def test_only_the_curves_of_rrr_are_drawn_for_another_grader() -> None:
    cells = cells_of(FEW, examples=(64,), steps=(5, 20), steering=False)
    first: GraderFindings = findings_of(FEW, cells=cells)
    drawn = caught(result_of(first, attrs.evolve(first, grader="quindle-judge"))).drawn
    assert {name for name in drawn if name.endswith("-2")} == {"robustness-rrr-2", "robustness-map-2"}
