"""Refusal directions: cosines between categories, and refusal left after ablating directions, model by model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses.words import signed
from safescale.report.figures.dilution import handle, legend, size_name
from safescale.report.figures.robustness import figure_width, marked_footer
from safescale.report.figures.style import GRID, INK, OTHER, PAPER, SERIES, SETTINGS, hover, sign
from safescale.report.plain import shortened
from safescale.studies.robustness.results import GeometryOfModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHOWN_MODELS", "draw_cosines", "draw_left_after"]

SHOWN_MODELS: Final = 12
COLUMNS: Final = 4
PANEL_IN: Final = 1.55


def _columns(panels: int) -> int:
    return min(panels, 3 if panels in (3, 5, 6) else COLUMNS)


def _title(one: GeometryOfModel) -> str:
    return f"{shortened(one.model.model_id, 22)}\n{size_name(one.model.params_b)}"


def draw_cosines(geometry: Sequence[GeometryOfModel], *, footer: str, watermark: str | None) -> Figure:
    """
    A map of cosines for each model; blue above zero, red below.

    Parameters
    ----------
    geometry : sequence of GeometryOfModel
        At most ``SHOWN_MODELS``, each with cosines.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = _columns(len(geometry))
    rows, width = math.ceil(len(geometry) / columns), figure_width(1 if len(geometry) < 3 else 2)
    longest = max(len(_short(name)) for one in geometry for name in _categories(one))
    margin = 0.3 + 0.062 * longest
    panel_in = min(1.75, (width - margin - 0.1 - 0.15 * (columns - 1)) / columns)
    under, above, gap = 0.42 + 0.05 * longest, 0.48, 0.55
    height = rows * panel_in + (rows - 1) * gap + above + under
    same = len({_categories(one) for one in geometry}) == 1
    with mpl.rc_context({**SETTINGS, "axes.grid": False}):
        figure = Figure(figsize=(width, height if same else height + (rows - 1) * 0.05 * longest))
        height = float(figure.get_figheight())
        gap = gap if same else gap + 0.05 * longest
        for at, one in enumerate(geometry):
            row, column = divmod(at, columns)
            left = margin + column * (panel_in + 0.15)
            top = above + row * (panel_in + gap)
            axis = figure.add_axes((left / width, 1 - (top + panel_in) / height, panel_in / width, panel_in / height))
            _cosines(axis, one)
            axis.set_title(_title(one), color=INK, pad=3, fontsize=7.5)
            axis.tick_params(labelleft=column == 0 or not same, labelbottom=at + columns >= len(geometry) or not same)
        sign(figure, footer=marked_footer(footer, watermark), watermark=watermark)
    return figure


def _categories(one: GeometryOfModel) -> tuple[str, ...]:
    return one.categories or tuple(dict.fromkeys(name for a, b, _ in one.cosines for name in (a, b)))


def _short(name: str) -> str:
    return shortened(name, 14)


def _cosines(axis: Axes, one: GeometryOfModel) -> None:
    from matplotlib.patches import Rectangle

    names = _categories(one)
    held = {pair: cosine for a, b, cosine in one.cosines for pair in ((a, b), (b, a))}
    for row, a in enumerate(names):
        for column, b in enumerate(names):
            corner = (column - 0.48, row - 0.48)
            if row == column:
                axis.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=GRID, linewidth=0))
                continue
            cosine = held.get((a, b))
            if cosine is None:
                axis.add_patch(Rectangle(corner, 0.96, 0.96, facecolor="none", edgecolor=GRID, hatch="////", linewidth=0.6))
                continue
            strength = min(1.0, abs(cosine))
            field = Rectangle(
                corner, 0.96, 0.96, facecolor=SERIES[0] if cosine >= 0 else SERIES[1], alpha=0.06 + 0.9 * strength, linewidth=0
            )
            axis.add_patch(field)
            hover(f"{a} and {b}: {signed(cosine, 3)}", field)
            if len(names) <= 8:
                size = 6.5 if len(names) <= 5 else 5.2
                colour = PAPER if strength > 0.55 else INK
                axis.text(column, row, signed(cosine, 2), ha="center", va="center", fontsize=size, color=colour)
    labels = [_short(name) for name in names]
    axis.set_xticks(range(len(names)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), labels)
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(length=0, labelsize=6.5)
    for spine in axis.spines.values():
        spine.set_visible(False)


def draw_left_after(geometry: Sequence[GeometryOfModel], *, footer: str, watermark: str | None) -> Figure:
    """
    Share refused after ablating k directions, and k random ones, for each model.

    Parameters
    ----------
    geometry : sequence of GeometryOfModel
        At most ``SHOWN_MODELS``, each with ``left_after``.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = _columns(len(geometry))
    rows, width = math.ceil(len(geometry) / columns), figure_width(len(geometry))
    below, above, gap = 0.94, 0.48, 0.6
    height = rows * PANEL_IN + (rows - 1) * gap + below + above
    handles = [
        handle("directions of refusal", colour=SERIES[0], marker="o", line="-"),
        handle("random directions", colour=OTHER, marker="s", line="--"),
    ]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height))
        axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for at, axis in enumerate(axes.flat):
            if at >= len(geometry):
                axis.set_visible(False)
                continue
            one = geometry[at]
            _left_after(axis, one)
            axis.set_title(_title(one), color=INK if one.found else OTHER, pad=3, fontsize=7.5)
            axis.set_ylim(-4, 104)
        figure.supylabel("refused, %", fontsize=9, x=0.14 / width, y=(1 + (below - above) / height) / 2)
        figure.supxlabel("directions ablated (0: the model as it was)", fontsize=9, y=0.5 / height)
        figure.subplots_adjust(
            left=0.62 / width,
            right=1 - 0.12 / width,
            top=1 - above / height,
            bottom=below / height,
            wspace=0.12,
            hspace=gap / PANEL_IN,
        )
        legend(figure, handles, 2)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _left_after(axis: Axes, one: GeometryOfModel) -> None:
    start = (
        []
        if one.refusal_before is None or any(k == 0 for k, _, _ in one.left_after)
        else [(0, one.refusal_before, one.refusal_before)]
    )
    rows = [*start, *one.left_after]
    ks = [k for k, _, _ in rows]
    for at, colour, marker, style, what in ((2, OTHER, "s", "--", "random"), (1, SERIES[0], "o", "-", "of refusal")):
        values = [100 * float(row[at]) for row in rows]
        axis.plot(ks, values, color=colour, linewidth=1.3, linestyle=style, zorder=3)
        for k, value in zip(ks, values, strict=True):
            words = f"{one.model.model_id}, {k} directions {what}: {value:.1f} % refused"
            hover(words, *axis.plot([k], [value], linestyle="none", marker=marker, markersize=4.2, color=colour, zorder=4))
    axis.set_xticks(ks if len(ks) <= 8 else [ks[0], ks[len(ks) // 2], ks[-1]])
    axis.set_xlim(min(ks) - 0.3, max(ks) + 0.3)
