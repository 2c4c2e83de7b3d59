"""Figures of the dilution experiment: they draw whatever came out, say it in words, and no label covers another."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from report.dilution_made import SIZES, answer_of, models_of, result_of, rising, run_of
from report.labels import check_labels
from safescale.analyses.words import signed
from safescale.report.dilution_report import dilution_document
from safescale.report.document import Figure, every_section
from safescale.report.figures.dilution import delta_words
from safescale.report.figures.dilution_dose import dose_points, draw_dose
from safescale.report.figures.dilution_pairs import draw_pairs, in_panels
from safescale.report.figures.dilution_size import draw_delta_by_size, line_centre, sized
from safescale.report.figures.sink import FigureSink
from safescale.studies.dilution import AskedModel
from safescale.studies.dilution.results import GraderAnswer

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

SIX = (3e-5, 1e-4, 3e-4, 1e-3, 4e-3, 2e-2)
LADDER = tuple(0.5 * 1.35**step for step in range(18))


def both_signs(model: AskedModel) -> float:
    return 0.08 if (model.params_b or 0.0) > 1e-3 else -0.08


CASES = {
    "3 models": answer_of(models_of((0.5, 3.0, 7.0), 1), rising()),
    "6 models": answer_of(models_of((0.5, 1.0, 3.0, 7.0, 32.0, 70.0), 1), rising()),
    "12 models": answer_of(models_of(SIZES, 3), rising()),
    "18 models": answer_of(models_of(SIX, 3), rising()),
    "18 sizes": answer_of(models_of(LADDER, 1), rising()),
    "all zero": answer_of(models_of(SIZES, 3), lambda _: 0.0, slope_pp=0.0, half=0.02),
    "both signs": answer_of(models_of(SIX, 2), both_signs),
    "one dose": answer_of(models_of(SIZES, 3), rising(), lines=(7,)),
    "huge intervals": answer_of(models_of(SIZES, 3), rising(), half=0.8, slope_half=60.0),
    "two sizes": answer_of(models_of((1.0, 7.0), 2), rising()),
    "nine seeds, guessed, one size unknown": answer_of(models_of((1.0, 7.0, None, 70.0), 9, estimated=True), rising()),
    "one model": answer_of(models_of((1.0,), 1), rising()),
}


def drawings(answer: GraderAnswer) -> Iterator[tuple[str, Drawing]]:
    yield "size", draw_delta_by_size(answer, footer="f", watermark=None)
    yield "pairs", draw_pairs(answer.deltas, footer="f", watermark=None)
    assert answer.dose is not None
    yield "dose", draw_dose(answer.dose, footer="f", watermark="SIMULATED")


def figures_of(answer: GraderAnswer, folder: Path) -> dict[str, Figure]:
    document = dilution_document(result_of(answer), run_of(), FigureSink(folder, watermark=None))
    return {figure.id: figure for _, section in every_section(document.sections) for figure in section.figures}


@pytest.mark.parametrize("case", CASES)
def test_labels_stay_inside_and_do_not_cover_each_other(case: str) -> None:
    for name, drawing in drawings(CASES[case]):
        check_labels(drawing, name)


@pytest.mark.parametrize("case", ["one dose", "nine seeds, guessed, one size unknown"])
def test_figures_are_well_formed_and_say_every_model_in_words(case: str, tmp_path: Path) -> None:
    answer = CASES[case]
    found = figures_of(answer, tmp_path)
    assert set(found) == {"fig-dilution-size-1", "fig-dilution-pairs-1", "fig-dilution-dose-1"}
    for file in tmp_path.glob("*.svg"):
        ET.fromstring(file.read_text(encoding="utf-8"))
    for delta in sized(answer.deltas):
        assert delta_words(delta) in found["fig-dilution-size-1"].alt
    assert all(delta.model.model_id in found["fig-dilution-pairs-1"].alt for delta in answer.deltas)
    unknown = any(delta.model.params_b is None for delta in answer.deltas)
    assert ("Of unknown size and not shown" in found["fig-dilution-size-1"].caption) is unknown
    assert ("One length alone was asked" in found["fig-dilution-dose-1"].caption) is (case == "one dose")


def bands(drawing: Drawing) -> int:
    return len([c for axis in drawing.axes for c in axis.collections if type(c).__name__ == "FillBetweenPolyCollection"])


def test_line_and_band_are_there_only_where_the_result_has_them() -> None:
    whole = CASES["12 models"]
    assert whole.size is not None
    bandless = attrs.evolve(whole, size=attrs.evolve(whole.size, low=None, high=None))
    none = attrs.evolve(whole, size=None)
    lines = []
    for answer, wanted in ((whole, 1), (bandless, 0), (none, 0)):
        drawing = draw_delta_by_size(answer, footer="f", watermark=None)
        assert bands(drawing) == wanted
        lines.append(sum(len(line.get_xdata()) > 2 for line in drawing.axes[0].lines))  # type: ignore[arg-type]
    assert lines == [1, 1, 0]


def test_the_line_has_the_slope_of_the_result_and_goes_through_the_mean_of_the_models() -> None:
    answer = CASES["18 models"]
    assert answer.size is not None
    drawing = draw_delta_by_size(answer, footer="f", watermark=None)
    [line] = [line for line in drawing.axes[0].lines if len(line.get_xdata()) > 2]  # type: ignore[arg-type]
    x, y = [list(map(float, data)) for data in (line.get_xdata(), line.get_ydata())]  # type: ignore[arg-type]
    assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(answer.size.slope_pp_per_decade)
    centre, mean = line_centre(answer.deltas)
    assert mean == pytest.approx(100 * sum(d.delta for d in answer.deltas) / 18)
    assert y[0] + answer.size.slope_pp_per_decade * (centre - x[0]) == pytest.approx(mean)


def test_models_in_no_slope_are_faint_and_not_in_the_mean() -> None:
    whole = CASES["3 models"]
    out = whole.deltas[-1].model.model_id
    drawing = draw_delta_by_size(attrs.evolve(whole, not_fitted=((out, "frimble"),)), footer="f", watermark=None)
    marks = [line for line in drawing.axes[0].lines if line.get_marker() == "o" and line.get_alpha() not in (None, 0)]
    assert sorted(mark.get_alpha() or 0 for mark in marks) == [0.35, 1.0, 1.0]
    assert "faint: in no slope" in [text.get_text() for text in drawing.legends[0].get_texts()]


def test_the_rule_is_drawn_from_the_mean_of_the_smallest_size() -> None:
    answer = CASES["12 models"]
    assert answer.rule is not None
    drawing = draw_delta_by_size(answer, footer="f", watermark=None)
    [bar] = [line for line in drawing.axes[0].lines if line.get_linestyle() == "--"]
    smallest = [100 * d.delta for d in answer.deltas if d.model.params_b == answer.rule.smallest_b]
    assert float(next(iter(bar.get_ydata()))) == pytest.approx(sum(smallest) / 3 + 20)  # type: ignore[arg-type]
    low, high = drawing.axes[0].get_ylim()
    assert low < 0 < sum(smallest) / 3 + 20 < high


def test_sizes_get_a_panel_each_only_where_models_share_them() -> None:
    assert [name for name, answer in CASES.items() if in_panels(answer.deltas)] == [
        *("12 models", "18 models", "all zero", "both signs", "one dose", "huge intervals"),
        "nine seeds, guessed, one size unknown",
    ]


def test_dose_shows_mean_and_range_over_the_seeds_of_a_size() -> None:
    answer = CASES["12 models"]
    assert answer.dose is not None
    points = dose_points(answer.dose)
    assert list(points) == list(SIZES)
    last = points[SIZES[-1]][-1]
    pps = [100 * one.deltas[-1].delta for one in answer.dose.models if one.model.params_b == SIZES[-1]]
    assert (last.lines, last.models) == (10, 3)
    assert (last.mean_pp, last.smallest_pp, last.largest_pp) == pytest.approx((sum(pps) / 3, min(pps), max(pps)))
    assert last.words == f"10 lines {signed(last.mean_pp)} pp ({signed(min(pps))} to {signed(max(pps))}, 3 models)"


def test_a_model_of_a_handful_of_prompts_is_in_no_mean_of_the_dose_figure() -> None:
    answer = answer_of(models_of(), rising())
    assert answer.dose is not None
    first, *others = answer.dose.models
    few = attrs.evolve(first, deltas=tuple(attrs.evolve(delta, prompts=19, delta=-1.0) for delta in first.deltas))
    size = first.model.params_b
    points = dose_points(attrs.evolve(answer.dose, models=(few, *others)))[size]
    assert {point.models for point in points} == {sum(one.model.params_b == size for one in others)}
    assert all(point.smallest_pp > -100 for point in points)


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        figures_of(CASES["3 models"], tmp_path / folder)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name
