"""Curves against attack compute: refusals kept, refusal drift with its noise floor, classifier entropy with its upper bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from safescale.report.figures.dilution import HOLLOW, handle, legend, legend_rows, size_name
from safescale.report.figures.robustness import (
    CurvePoint,
    SizeLook,
    figure_width,
    legend_columns,
    panel_columns,
    size_handles,
    size_looks,
    step_axis,
    step_places,
)
from safescale.report.figures.style import INK, MARK, SETTINGS, hover, hover_areas, sign

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["CurvePanel", "draw_curves"]

PANEL_IN: Final = 2.15
LEGEND_COLUMNS: Final = 5
BANDS: Final = 4
"""Bands of more sizes than this would cover each other: the table has the numbers."""


@attrs.frozen(kw_only=True)
class CurvePanel:
    """
    One panel: curves by size, and lines across.

    Parameters
    ----------
    title : str
        What the panel is of.
    y : str
        What its axis shows; an empty one stands on the panel to the left.
    curves : mapping of size to points
        At least one.
    shown : callable
        A value as words.
    factor : float, default 1
        By which values are multiplied on the axis (100 for percent).
    dashed : tuple of (float, str), optional
        A dashed line at that value and its words in the legend.
    bound : tuple of (float, str), optional
        The same for a value that cannot be passed.
    top : float, optional
        Upper end of the axis; None: as the values need.
    """

    title: str
    y: str
    curves: Mapping[float | None, Sequence[CurvePoint]]
    shown: Callable[[float], str]
    factor: float = 1.0
    dashed: tuple[float, str] | None = None
    bound: tuple[float, str] | None = None
    top: float | None = None


def draw_curves(panels: Sequence[CurvePanel], *, footer: str, watermark: str | None) -> Figure:
    """
    The panels, one legend.

    Parameters
    ----------
    panels : sequence of CurvePanel
        At least one.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sizes = sorted({size for panel in panels for size in panel.curves}, key=lambda b: (b is None, b or 0.0))
    looks = size_looks(sizes)
    places = step_places(point.steps for panel in panels for points in panel.curves.values() for point in points)
    handles = [*size_handles(looks), *_lines(panels)]
    columns, across = panel_columns(len(panels)), legend_columns(len(handles), LEGEND_COLUMNS)
    rows, width = math.ceil(len(panels) / columns), figure_width(len(panels))
    below, above = 0.74 + 0.2 * legend_rows(len(handles), across), 0.34
    height = rows * PANEL_IN + (rows - 1) * 0.62 + below + above
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height))
        axes = figure.subplots(rows, columns, squeeze=False)
        beside = any(panel.y for at, panel in enumerate(panels) if at % columns)
        left, right, gap = 0.74 / width, 1 - 0.12 / width, 0.72 if beside else 0.45
        panel_in = (width * (right - left) - gap * (columns - 1)) / columns
        for at, axis in enumerate(axes.flat):
            if at >= len(panels):
                axis.set_visible(False)
                continue
            panel = panels[at]
            _panel(axis, panel, looks, places, bands=len(sizes) <= BANDS)
            step_axis(axis, places, width_in=panel_in)
            axis.set_title(panel.title, color=INK, pad=5, fontsize=8 if columns > 2 else None)
            if panel.y:
                axis.set_ylabel(panel.y)
        figure.supxlabel("steps of the attack (log scale; 0: the model as it was)", fontsize=9, y=(below - 0.44) / height)
        figure.subplots_adjust(
            left=left, right=right, top=1 - above / height, bottom=below / height, wspace=gap / panel_in, hspace=0.62 / PANEL_IN
        )
        legend(figure, handles, across)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _lines(panels: Sequence[CurvePanel]) -> list[Line2D]:
    found = {}
    for panel in panels:
        for line, colour, style in ((panel.dashed, INK, "--"), (panel.bound, MARK, "-")):
            if line is not None:
                found[line[1]] = handle(line[1], colour=colour, marker="", line="--" if style == "--" else "-")
    return list(found.values())


def _panel(
    axis: Axes, panel: CurvePanel, looks: Mapping[float | None, SizeLook], places: Mapping[int, float], *, bands: bool
) -> None:
    k = panel.factor
    if panel.dashed is not None:
        axis.axhline(k * panel.dashed[0], color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1.6)
    if panel.bound is not None:
        axis.axhline(k * panel.bound[0], color=MARK, linewidth=1.1, zorder=1.6)
    many = len(looks) > 7
    for size, points in panel.curves.items():
        look = looks[size]
        x, y = [places[point.steps] for point in points], [k * point.mean for point in points]
        if bands and any(point.cells > 1 for point in points):
            low, high = [k * point.low for point in points], [k * point.high for point in points]
            axis.fill_between(x, low, high, color=look.colour, alpha=0.16, linewidth=0, zorder=0.8)
        apart = 1 if points[0].steps == 0 else 0
        axis.plot(x[apart:], y[apart:], color=look.colour, linewidth=0.9 if many else 1.4, zorder=3)
        if apart and len(points) > 1:
            axis.plot(x[:2], y[:2], color=look.colour, linewidth=0.9, linestyle=(0, (1, 1.6)), zorder=3)
        words = [f"{size_name(size)}: {point.words(panel.shown)}" for point in points]
        if many:
            hover_areas(axis, x, y, words)
            axis.plot(x, y, linestyle="none", marker=look.marker, markersize=2.6, color=look.colour, zorder=4)
        else:
            for px, py, text, point in zip(x, y, words, points, strict=True):
                [mark] = axis.plot([px], [py], linestyle="none", marker=look.marker, markersize=4.6, color=look.colour, zorder=4)
                if point.few:
                    mark.set_markerfacecolor(HOLLOW)
                hover(text, mark)
    _limits(axis, panel)


def _limits(axis: Axes, panel: CurvePanel) -> None:
    """From zero, or from below it where a value is, to the top that was given or that is needed."""
    points = [point for points in panel.curves.values() for point in points]
    ends = [panel.dashed[0]] if panel.dashed else []
    ends += [panel.bound[0]] if panel.bound else []
    low = panel.factor * min(0.0, *(point.low for point in points))
    high = panel.top if panel.top is not None else panel.factor * max(*(point.high for point in points), *ends, 0.0)
    room = 0.04 * (high - low) or 0.05
    axis.set_ylim(low - room, high + (1.5 * room if panel.top is None else room))
