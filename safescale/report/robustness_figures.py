"""Which figures of a robustness study are drawn, and their words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from safescale.analyses.words import and_list, capital, percent, plural, signed
from safescale.report.document import Figure
from safescale.report.figures.dilution import size_name
from safescale.report.figures.robustness import CurvePoint, curves_of, trained_data_sizes
from safescale.report.figures.robustness_curves import CurvePanel, draw_curves
from safescale.report.figures.robustness_defences import draw_trade, trade_attacks, trade_points
from safescale.report.figures.robustness_geometry import SHOWN_MODELS, draw_cosines, draw_left_after
from safescale.report.figures.robustness_half import draw_half, placed_halves
from safescale.report.figures.robustness_heat import SHOWN_SIZES, draw_heat
from safescale.report.figures.sink import FigureSink
from safescale.report.robustness_fit_tables import half_words
from safescale.report.robustness_more_tables import by_size
from safescale.report.robustness_tables import attack_words, defence_words, unit_words
from safescale.studies.robustness.grid import FEWEST_ROWS
from safescale.studies.robustness.results import CellMetrics, Estimate, GeometryOfModel, GraderFindings, RobustnessResult
from safescale.studies.robustness.verdict import main_half

__all__ = ["drift_figure", "geometry_figures", "half_figure", "heat_figure", "retention_figure", "rrr_of", "trade_figure"]

SHOWN_PANELS: Final = 6
_BANDS: Final = "shaded: from the smallest to the largest"

Curves = Mapping[float | None, Sequence[CurvePoint]]


def rrr_of(one: CellMetrics) -> Estimate:
    """RRR of a cell."""
    return one.retention.rrr


def _rd(one: CellMetrics) -> Estimate | None:
    return None if one.drift is None else one.drift.rd


def _ce(one: CellMetrics) -> Estimate | None:
    return None if one.entropy is None else one.entropy.ce


def _panels(findings: GraderFindings) -> list[tuple[str, str, int]]:
    """Title, defence and data size of each curve over compute: without defence first."""
    defences = {one.defence.name: defence_words(one.defence) for one in findings.cells}
    order = ["none", *(name for name in defences if name != "none")]
    found = []
    for defence in order:
        for examples in trained_data_sizes(findings.cells, defence):
            levels = {
                one.attack.steps
                for one in findings.cells
                if one.defence.name == defence and one.attack.kind == "finetune" and one.attack.examples == examples
            }
            # a defence that was tried against one level alone has no curve
            if defence == "none" or len(levels) > 1:
                under = "" if defence == "none" else f", {defences[defence]}"
                found.append((f"{examples:,} pairs{under}", defence, examples))
    return found[:SHOWN_PANELS]


def _alt(panels: Sequence[tuple[str, Curves]], shown: Callable[[float], str]) -> str:
    return ". ".join(
        f"{title}: "
        + "; ".join(f"{size_name(size)}: {', '.join(p.words(shown) for p in points)}" for size, points in curves.items())
        for title, curves in panels
        if curves
    )


def _several(panels: Sequence[tuple[str, Curves]]) -> bool:
    return any(point.cells > 1 for _, curves in panels for points in curves.values() for point in points)


def _over(panels: Sequence[tuple[str, Curves]]) -> str:
    many = len({size for _, curves in panels for size in curves}) > 4
    if not _several(panels):
        return "One cell of each size and level."
    return "Means over models and attack seeds of a size" + ("." if many else f"; {_BANDS}.")


def _missing(panels: Sequence[tuple[str, Curves]], what: str, *, hollow: bool = True) -> str:
    count = sum(point.missing for _, curves in panels for points in curves.values() for point in points)
    words = f" Without {what} and in no mean: {plural(count, 'cell')}." if count else ""
    few = any(point.few for _, curves in panels for points in curves.values() for point in points)
    return words + (f" Hollow: a cell of fewer than {FEWEST_ROWS} responses, shown and not fitted." if few and hollow else "")


def _null(findings: GraderFindings) -> tuple[float, float, float, int] | None:
    """Mean, smallest and largest null over models, and how many models."""
    values = [
        one.retention.null.value
        for one in findings.cells
        if one.attack.kind == "none" and one.defence.kind == "none" and one.retention.null.value is not None
    ]
    return (sum(values) / len(values), min(values), max(values), len(values)) if values else None


def retention_figure(
    findings: GraderFindings, *, position: int, footer: str, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    """RRR against compute, a panel for each data size and defended grid."""
    panels = [
        (title, curves)
        for title, defence, examples in _panels(findings)
        if (curves := curves_of(findings.cells, rrr_of, defence=defence, examples=examples))
    ]
    if sink is None or not panels:
        return ()
    null = _null(findings)
    caption, said = _over(panels) + _missing(panels, "RRR"), ""
    if null is not None:
        caption += f" Dashed: what a second draw without attack keeps, mean over {plural(null[3], 'model')}"
        caption += "; at 0 steps each size has its own."
        said = f" Second draw without attack: {percent(null[0])} ({percent(null[1])} to {percent(null[2])})."
    drawn = [
        CurvePanel(
            title=title,
            y="RRR, %" if at % (2 if len(panels) in (2, 4) else 3) == 0 else "",
            curves=curves,
            shown=percent,
            factor=100,
            dashed=None if null is None else (null[0], "second draw, no attack"),
            top=100.0,
        )
        for at, (title, curves) in enumerate(panels)
    ]
    return (
        sink.add(
            f"robustness-rrr-{position}",
            title="Refusals kept (RRR) against attack compute, by size",
            caption=caption,
            alt=f"Refusal retention rate against steps of fine-tuning.{said} {_alt(panels, percent)}.",
            source=source,
            draw=lambda: draw_curves(drawn, footer=footer, watermark=sink.watermark),
        ),
    )


def _plain(value: float) -> str:
    return f"{value:.3f}"


def drift_figure(
    findings: GraderFindings, *, position: int, footer: str, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    """RD with its noise floor and CE with its upper bound, at the largest data size without defence."""
    sizes = trained_data_sizes(findings.cells, "none")
    if sink is None or not sizes:
        return ()
    examples, drawn, caption, alt = sizes[-1], [], [], []
    rd = curves_of(findings.cells, _rd, defence="none", examples=examples)
    ce = curves_of(findings.cells, _ce, defence="none", examples=examples)
    if rd:
        floors = [
            one.drift.floor.value
            for one in findings.cells
            if one.attack.kind == "none"
            and one.defence.kind == "none"
            and one.drift is not None
            and one.drift.floor.value is not None
        ]
        floor = (sum(floors) / len(floors), "noise floor of RD") if floors else None
        drawn.append(CurvePanel(title="refusal drift", y="RD, 1 - cosine", curves=rd, shown=_plain, dashed=floor))
        caption.append(f"RD: between refusals of the same prompt.{_missing([('', rd)], 'RD')}")
        if floor is not None:
            caption.append(f"Dashed: RD of two draws without attack, mean over {plural(len(floors), 'model')}.")
        alt.append(f"Refusal drift: {_alt([(f'{examples:,} pairs', rd)], _plain)}")
    if ce:
        classes = {one.entropy.classes for one in findings.cells if one.entropy is not None}
        k = max(classes)
        bound = (math.log(k), f"ln {k}, the most there can be")
        drawn.append(CurvePanel(title="classifier entropy", y="CE, nats", curves=ce, shown=_plain, bound=bound))
        caption.append(f"Line: ln {k}, the largest entropy of {k} classes.{_missing([('', ce)], 'CE')}")
        alt.append(f"Classifier entropy: {_alt([(f'{examples:,} pairs', ce)], _plain)}")
    if not drawn:
        return ()
    names = [name for name, curves in (("refusal drift (RD)", rd), ("classifier entropy (CE)", ce)) if curves]
    both = [("", curves) for curves in (rd, ce) if curves]
    return (
        sink.add(
            f"robustness-drift-{position}",
            title=f"{capital(and_list(names))} against attack compute, {examples:,} pairs",
            caption=" ".join((_over(both), *caption)),
            alt=". ".join(alt) + ".",
            source=source,
            draw=lambda: draw_curves(drawn, footer=footer, watermark=sink.watermark),
        ),
    )


def heat_figure(
    findings: GraderFindings, *, position: int, footer: str, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    """RRR by size and compute with counts."""
    panels = [
        (f"{examples:,} pairs", curves)
        for examples in trained_data_sizes(findings.cells, "none")
        if (curves := curves_of(findings.cells, rrr_of, defence="none", examples=examples))
    ]
    if sink is None or not panels:
        return ()
    sizes = {size for _, curves in panels for size in curves}
    counted = " Under the percentage: responses behind it." if len(sizes) <= 12 else " The table has the counts."
    without = _missing(panels, "RRR", hollow=False)
    left = f" The {SHOWN_SIZES} largest of {len(sizes)} sizes." if len(sizes) > SHOWN_SIZES else ""
    return (
        sink.add(
            f"robustness-map-{position}",
            title="Refusals kept (RRR, %) by size and attack compute, without defence",
            caption=f"Means over models and attack seeds of a size.{counted} Hatched: no number.{left}{without}",
            alt=f"Refusal retention rate by size and steps. {_alt(panels, percent)}.",
            source=source,
            draw=lambda: draw_heat(panels, footer=footer, watermark=sink.watermark),
        ),
    )


def half_figure(
    findings: GraderFindings, result: RobustnessResult, *, position: int, footer: str, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    """Compute to 50 % RRR against size, in the unit of the answer."""
    unit = result.design.compute_unit
    half = main_half(findings.half, result.design)
    if sink is None or half is None or not (rows := placed_halves(half)):
        return ()
    unplaced = len(half.rows) - len(rows)
    caption = "Bars: between the two levels of the grid where RRR falls below one half for good; up: never within the grid, "
    caption += "down: below it at the first level already. Colour and marker: lineage."
    caption += f" Not shown (size or RRR unknown): {plural(unplaced, 'row')}." if unplaced else ""
    slope, heading, said = half.slope, "", ""
    ends = "" if slope.interval is None else f" [{signed(slope.interval[0], 2)}, {signed(slope.interval[1], 2)}]"
    if slope.estimate is not None or ends:
        value = "" if slope.estimate is None else f" {signed(slope.estimate, 2)}"
        heading = f"slope{value}{ends} decades of compute per decade of size, models as units"
        said = f"{capital(heading)}. "
    else:
        caption += f" No slope: {(slope.why or 'no reason is recorded').rstrip('.')}."
    told = "; ".join(f"{row.model.model_id}, {size_name(row.model.params_b)}: {half_words(row)}" for row in rows)
    return (
        sink.add(
            f"robustness-half-{position}",
            title=f"Attack compute ({unit_words(unit)}) to 50 % RRR, by size, {half.examples:,} pairs",
            caption=caption,
            alt=f"Compute at which half of the refusals are kept, in {unit_words(unit)}. {said}{told}.",
            source=source,
            draw=lambda: draw_half(
                half, y=f"{unit_words(unit)} to 50 % RRR (log scale)", heading=heading, footer=footer, watermark=sink.watermark
            ),
        ),
    )


def trade_figure(
    findings: GraderFindings, *, position: int, footer: str, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    """Refusals under attack against what the defence costs without one."""
    attacks = trade_attacks(findings.cells)
    points = {attack: trade_points(findings.cells, attack) for attack in attacks}
    costs = [p for found in points.values() for p in found if p.over_refusal is not None or p.accuracy_lost is not None]
    if sink is None or not costs:
        return ()
    told = ". ".join(f"{attack_words(attack)}: {'; '.join(point.words for point in found)}" for attack, found in points.items())
    return (
        sink.add(
            f"robustness-trade-{position}",
            title="Refusals under attack against the price of the defence",
            caption=(
                "A mark for each defence and size, means over models and attack seeds; a line joins no defence and the "
                "coefficients of steering of one size. The price is measured without attack."
            ),
            alt=f"Refusals under attack against over-refusal and lost accuracy. {told}.",
            source=source,
            draw=lambda: draw_trade(findings.cells, attacks, footer=footer, watermark=sink.watermark),
        ),
    )


def geometry_figures(
    geometry: Sequence[GeometryOfModel], *, footer: str, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    """Cosines of categories where a direction was found; refusal left after k directions."""
    if sink is None:
        return ()
    found: list[Figure] = []
    ordered = by_size(geometry)
    cosines = [one for one in ordered if one.found and one.cosines]
    left = [one for one in ordered if one.left_after]
    if cosines:
        shown = _spread(cosines)
        told = "; ".join(
            f"{one.model.model_id}: " + ", ".join(f"{a} and {b} {signed(c, 3)}" for a, b, c in one.cosines) for one in shown
        )
        found.append(
            sink.add(
                "robustness-cosines-1",
                title="Cosines of the refusal directions of categories",
                caption=f"Models in which a direction was found.{_those(shown, cosines)} Blue: above zero; orange: below.",
                alt=f"Cosine of each pair of categories. {told}.",
                source=source,
                draw=lambda: draw_cosines(shown, footer=footer, watermark=sink.watermark),
            )
        )
    if left:
        those = _spread(left)
        told = "; ".join(
            f"{one.model.model_id}: " + ", ".join(f"{k} {percent(a)} (random {percent(b)})" for k, a, b in one.left_after)
            for one in those
        )
        missing = sum(not one.found for one in those)
        grey = f" Grey title: no direction found ({plural(missing, 'model')})." if missing else ""
        found.append(
            sink.add(
                "robustness-left-1",
                title="Refusal left after ablating directions",
                caption=f"Validation prompts; the random directions are as many and of equal norm.{_those(those, left)}{grey}",
                alt=f"Share refused after ablating k directions. {told}.",
                source=source,
                draw=lambda: draw_left_after(those, footer=footer, watermark=sink.watermark),
            )
        )
    return tuple(found)


def _spread(models: Sequence[GeometryOfModel]) -> tuple[GeometryOfModel, ...]:
    """All of a few; of many, models spread over the sizes, the ends among them."""
    if len(models) <= SHOWN_MODELS:
        return tuple(models)
    return tuple(models[round(i * (len(models) - 1) / (SHOWN_MODELS - 1))] for i in range(SHOWN_MODELS))


def _those(shown: Sequence[object], of: Sequence[object]) -> str:
    return "" if len(shown) == len(of) else f" {len(shown)} of {len(of)}, spread over the sizes; the table has all."
