"""Attack success rate against model size: a panel per attack class, models as points, the line where one was fitted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from safescale.analyses.inverse_scaling import ModelPoint, SeriesResult, SettingResult
from safescale.analyses.inverse_scaling.bend import BENDS
from safescale.analyses.units import TAMPERED
from safescale.analyses.words import percent, plural, signed, size_words
from safescale.report.figures.size_axis import size_span, size_ticks
from safescale.report.figures.style import (
    INK,
    MARKERS,
    MUTED,
    OTHER,
    PAPER,
    SERIES,
    SETTINGS,
    WIDTH_IN,
    hover,
    hover_areas,
    hover_each,
    let_through,
    sign,
)
from safescale.report.plain import shortened
from safescale.stats import CurvatureTest, LogScalingSlope

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHOWN_CLASSES", "draw_rates", "shown_classes"]

SHOWN_CLASSES: Final = 12
COLUMNS: Final = 2
PANEL_IN: Final = 2.5
NO_LINEAGE: Final = "no known lineage"
OTHER_LINEAGES: Final = "other lineages"
DODGE: Final = 0.007
"""Share of the axis by which lineages of one size are set apart."""

CURVE_STEPS: Final = 60


@attrs.frozen(kw_only=True)
class _Look:
    colour: str
    marker: str
    shift: float


def shown_classes(setting: SettingResult) -> tuple[SeriesResult, ...]:
    """The attack classes with a panel: those with most fitted models and rows, in the order of the tables."""
    with_sizes = [s for s in setting.attack_classes if any(p.params_b is not None for p in s.points)]
    ranked = sorted(with_sizes, key=lambda s: (-s.n_models, -(s.n_rows or 0), s.name))[:SHOWN_CLASSES]
    return tuple(s for s in with_sizes if s in ranked)


def draw_rates(setting: SettingResult, *, tier: str, footer: str, watermark: str | None) -> Figure:
    """
    Small multiples of one setting.

    Parameters
    ----------
    setting : SettingResult
        At least one attack class with a model of known size.
    tier : str
        Name of the rate, for the axis.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = shown_classes(setting)
    points = [p for s in panels for p in s.points if p.params_b is not None]
    looks = _looks(points)
    rows = math.ceil(len(panels) / COLUMNS)
    columns = min(COLUMNS, len(panels))
    legend_rows = math.ceil((len(looks) + 2) / 3)
    below = 0.62 + 0.2 * legend_rows
    height = rows * PANEL_IN + below + 0.5
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        span = size_span([p.params_b for p in points if p.params_b is not None])
        for axis, series in zip(axes.flat, panels, strict=False):
            _panel(axis, series, looks, span)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        _ticks(axes[0, 0], points, span)
        for position, axis in enumerate(axes.flat[: len(panels)]):
            axis.tick_params(labelbottom=position + columns >= len(panels))
            if position % columns == 0:
                axis.set_ylabel(f"{tier} ASR, %")
            if position + columns >= len(panels):
                axis.set_xlabel("parameters (log scale)")
        figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.46 / height, bottom=below / height, wspace=0.07, hspace=0.36)
        _legend(figure, looks, points, height)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _lineage(point: ModelPoint) -> str:
    return point.lineage or NO_LINEAGE


def _looks(points: Sequence[ModelPoint]) -> dict[str, _Look]:
    """Colour, marker and shift of each lineage: the ones with most models have their own."""
    members = Counter(lineage for lineage, _ in {(_lineage(p), p.model) for p in points})
    ranked = sorted((name for name in members if name != NO_LINEAGE), key=lambda name: (-members[name], name))
    own = sorted(ranked[: len(SERIES)])
    middle = (len(own) - 1) / 2
    looks = {name: _Look(colour=SERIES[i], marker=MARKERS[i], shift=(i - middle) * DODGE) for i, name in enumerate(own)}
    if len(ranked) > len(own):
        looks[OTHER_LINEAGES] = _Look(colour=OTHER, marker="h", shift=0.0)
    if NO_LINEAGE in members:
        looks[NO_LINEAGE] = _Look(colour=OTHER, marker="*", shift=0.0)
    return looks


def _panel(axis: Axes, series: SeriesResult, looks: Mapping[str, _Look], span: tuple[float, float]) -> None:
    axis.set_title(shortened(series.name, 40), color=INK, pad=18)
    if series.slope is not None and isinstance(series.slope.slope, LogScalingSlope):
        line = series.slope.slope
        ends = [math.log10(min(line.params_b)), math.log10(max(line.params_b))]
        if series.bend is None:
            fitted = [100 * line.rate_at_1b + line.slope_pp_per_decade * x for x in ends]
            hover(f"{series.name}: {_fit_words(series)}", *axis.plot(ends, fitted, color=INK, linewidth=1.4, zorder=2))
        elif series.curvature is not None:
            _curve(axis, series.curvature, ends)
    _points(axis, [p for p in series.points if p.params_b is not None], looks, span)
    axis.text(0, 1.03, _fit_words(series), transform=axis.transAxes, fontsize=7.8, color=MUTED, ha="left", va="bottom")


def _curve(axis: Axes, curvature: CurvatureTest, ends: Sequence[float]) -> None:
    """The parabola, where no line describes the rates."""
    centre = math.log10(curvature.centre_b)
    steps = [ends[0] + (ends[1] - ends[0]) * i / CURVE_STEPS for i in range(CURVE_STEPS + 1)]
    slope, bend = curvature.slope_pp_per_decade, curvature.curvature_pp_per_decade_squared
    rates = [100 * curvature.rate_at_centre + slope * (x - centre) + bend * (x - centre) ** 2 for x in steps]
    axis.plot(steps, rates, color=INK, linewidth=1.4, zorder=2)


def _points(axis: Axes, points: Sequence[ModelPoint], looks: Mapping[str, _Look], span: tuple[float, float]) -> None:
    """Marks, intervals and unseen spots, each kind as one collection: a corpus has thousands of points."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    placed = [_placed(point, looks, span) for point in points]
    rates = [100 * point.rate for point in points]
    words = [_point_words(point) for point in points]
    hover_areas(axis, [place.x for place in placed], rates, words)
    known = [(place, point.interval) for place, point in zip(placed, points, strict=True) if point.interval]
    lines = LineCollection(
        [[(place.x, 100 * interval.low), (place.x, 100 * interval.high)] for place, interval in known],
        colors=[to_rgba(place.look.colour, 0.55 * place.strength) for place, _ in known],
        linewidths=1.1,
        zorder=3,
    )
    let_through(axis.add_collection(lines))
    for look in dict.fromkeys(place.look for place in placed):
        mine = [k for k, place in enumerate(placed) if place.look is look]
        marks = axis.scatter(
            [placed[k].x for k in mine],
            [100 * points[k].rate for k in mine],
            s=5.5**2,
            marker=look.marker,
            facecolors=[to_rgba(PAPER if points[k].tampering in TAMPERED else look.colour, placed[k].strength) for k in mine],
            edgecolors=[to_rgba(look.colour, placed[k].strength) for k in mine],
            linewidths=1.1,
            zorder=4,
        )
        hover_each([words[k] for k in mine], marks)


@attrs.frozen(kw_only=True)
class _Placed:
    """Where and how a point stands."""

    x: float
    strength: float
    look: _Look


def _placed(point: ModelPoint, looks: Mapping[str, _Look], span: tuple[float, float]) -> _Placed:
    assert point.params_b is not None
    look = looks.get(_lineage(point)) or looks[OTHER_LINEAGES]
    x = math.log10(point.params_b) + look.shift * (span[1] - span[0])
    return _Placed(x=x, strength=1.0 if point.why_not_fitted is None else 0.35, look=look)


def _point_words(point: ModelPoint) -> str:
    """What the pointer shows of one model: the numbers of its row in the table of rates."""
    assert point.params_b is not None
    parts = [f"{point.model}, {size_words(point.params_b)}{' (estimated)' if point.size_is_guess else ''}: {percent(point.rate)}"]
    if point.interval is not None:
        low, high = 100 * point.interval.low, 100 * point.interval.high
        parts.append(f"{100 * point.interval.level:g} % interval [{low:.1f}, {high:.1f}]")
    if point.trials is not None and point.successes is not None:
        parts.append(f"{point.successes:,} of {plural(point.trials, 'row')}")
    if point.tampering in TAMPERED:
        parts.append("tampered")
    if point.why_not_fitted is not None:
        parts.append(f"not fitted: {point.why_not_fitted}")
    return "; ".join(parts)


def _fit_words(series: SeriesResult) -> str:
    if series.slope is not None:
        line = series.slope.slope
        interval = "" if line.interval is None else f" [{signed(line.interval[0])}, {signed(line.interval[1])}]"
        bends = "" if series.bend is None else f"; rates {BENDS[series.bend]}"
        return f"{signed(line.slope_pp_per_decade)}{interval} pp per decade{bends}"
    if series.difference is not None:
        return f"two sizes: {signed(series.difference.raw.difference_pp)} pp, no slope"
    return "no slope"


def _ticks(axis: Axes, points: Sequence[ModelPoint], span: tuple[float, float]) -> None:
    size_ticks(axis, [p.params_b for p in points if p.params_b is not None], span)
    tops = [100 * (p.rate if p.interval is None else p.interval.high) for p in points]
    top = min(100.0, max(20.0, 1.22 * max(tops)))
    axis.set_ylim(-0.02 * top, 1.03 * top)


def _legend(figure: Figure, looks: Mapping[str, _Look], points: Sequence[ModelPoint], height: float) -> None:
    from matplotlib.lines import Line2D

    def handle(label: str, *, colour: str = MUTED, marker: str = "o", fill: str | None = None, alpha: float = 1.0) -> Line2D:
        return Line2D(
            *([], []),
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor=fill or colour,
            markersize=5.5,
            alpha=alpha,
            label=label,
        )

    handles = [handle(shortened(name, 30), colour=look.colour, marker=look.marker) for name, look in looks.items()]
    if any(p.tampering in TAMPERED for p in points):
        handles.append(handle("hollow: tampered model", fill=PAPER))
    if any(p.why_not_fitted is not None for p in points):
        handles.append(handle("faint: not fitted", alpha=0.35))
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.2 / height),
        ncols=min(3, len(handles)),
        columnspacing=1.6,
        handletextpad=0.4,
        borderaxespad=0,
    )
