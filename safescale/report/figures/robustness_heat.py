"""Refusals kept as a map of size and attack compute, with the counts behind each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from safescale.report.figures.dilution import size_name
from safescale.report.figures.robustness import CurvePoint, figure_width, marked_footer, step_name
from safescale.report.figures.style import GRID, INK, MUTED, PAPER, SERIES, SETTINGS, hover, sign

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHOWN_SIZES", "draw_heat"]

COUNTED_ROWS: Final = 12
"""With more sizes than this the fields are too low for the count under the percentage."""
SHOWN_SIZES: Final = 40
DARK: Final = 0.55

Curves = Mapping[float | None, Sequence[CurvePoint]]


def draw_heat(panels: Sequence[tuple[str, Curves]], *, footer: str, watermark: str | None) -> Figure:
    """
    A panel for each data size; rows are sizes from the largest down, columns steps.

    Parameters
    ----------
    panels : sequence of (title, curves by size)
        At least one curve.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sizes = sorted({size for _, curves in panels for size in curves}, key=lambda b: (b is None, -(b or 0.0)))[:SHOWN_SIZES]
    counted = len(sizes) <= COUNTED_ROWS
    field_in = 0.4 if counted else 0.2
    steps = [sorted({point.steps for points in curves.values() for point in points}) for _, curves in panels]
    side_by_side = sum(map(len, steps)) <= (14 if counted else 20)
    columns = len(panels) if side_by_side else 1
    rows = 1 if side_by_side else len(panels)
    width, above, below = figure_width(2 if max(map(len, steps)) > 7 else len(panels)), 0.34, 0.62
    gap = 0.62
    height = rows * (field_in * len(sizes)) + (rows - 1) * gap + above + below
    with mpl.rc_context({**SETTINGS, "axes.grid": False}):
        figure = Figure(figsize=(width, height))
        ratios = [len(one) for one in steps] if side_by_side else [1]
        axes = figure.subplots(rows, columns, squeeze=False, width_ratios=ratios)
        for at, (axis, (title, curves)) in enumerate(zip(axes.flat, panels, strict=True)):
            _map(axis, curves, sizes, steps[at], counted=counted)
            axis.set_title(title, color=INK, pad=5)
            if side_by_side and at:
                axis.tick_params(labelleft=False)
        figure.supxlabel("steps of the attack", fontsize=9, y=0.22 / height)
        figure.subplots_adjust(
            left=0.85 / width,
            right=1 - 0.1 / width,
            top=1 - above / height,
            bottom=below / height,
            wspace=0.06,
            hspace=gap / (field_in * len(sizes)),
        )
        sign(figure, footer=marked_footer(footer, watermark), watermark=watermark)
    return figure


def _map(axis: Axes, curves: Curves, sizes: Sequence[float | None], steps: Sequence[int], *, counted: bool) -> None:
    from matplotlib.patches import Rectangle

    for row, size in enumerate(sizes):
        held = {point.steps: point for point in curves.get(size, ())}
        for column, n in enumerate(steps):
            point = held.get(n)
            corner = (column - 0.48, row - 0.46)
            if point is None:
                empty = Rectangle(corner, 0.96, 0.92, facecolor="none", edgecolor=GRID, linewidth=0.8, hatch="////")
                axis.add_patch(empty)
                hover(f"{size_name(size)}, {n} steps: no number", empty)
                continue
            field = Rectangle(corner, 0.96, 0.92, facecolor=SERIES[0], alpha=0.06 + 0.9 * point.mean, linewidth=0)
            axis.add_patch(field)
            percent = f"{100 * point.mean:.0f}"
            hover(f"{size_name(size)}, {n} steps: {percent} % of {point.n:,} responses in {point.cells} cells", field)
            colour = PAPER if point.mean > DARK else INK
            axis.text(
                column,
                row - (0.14 if counted else 0),
                percent,
                ha="center",
                va="center",
                fontsize=8 if counted else 6.5,
                color=colour,
            )
            if counted:
                axis.text(column, row + 0.24, f"{point.n:,}", ha="center", va="center", fontsize=5.8, color=colour)
    axis.set_xticks(range(len(steps)), [step_name(n) for n in steps])
    axis.set_yticks(range(len(sizes)), [size_name(size).replace("size unknown", "unknown") for size in sizes])
    axis.set_xlim(-0.55, len(steps) - 0.45)
    axis.set_ylim(len(sizes) - 0.5, -0.5)
    axis.tick_params(length=0, labelsize=8 if counted else 6.5)
    for spine in axis.spines.values():
        spine.set_visible(False)
    if 0 in steps and len(steps) > 1:
        axis.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
