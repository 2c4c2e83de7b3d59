"""Paired slope chart: attack success of each model without and with the puzzle, models ordered by size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.report.dilution_tables import by_size
from safescale.report.figures.dilution import (
    COLUMN_IN,
    HOLLOW,
    Look,
    columns_for,
    delta_words,
    handle,
    legend,
    legend_rows,
    lineage_handles,
    looks_of,
    size_name,
)
from safescale.report.figures.style import INK, SETTINGS, WIDTH_IN, hover, sign
from safescale.studies.dilution.results import ModelDelta

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_pairs", "in_panels"]

ACROSS: Final = 6
"""More sizes than this under one axis are turned."""

ONE_PANEL: Final = 8
"""More models than this get a panel for each size, where several share one."""

APART: Final = 0.07
"""How far lineages stand apart within a panel, so that equal rates do not hide each other; the marks are 1 apart."""
PANEL_IN: Final = 1.75
LEGEND_COLUMNS: Final = 3
BETWEEN: Final = 0.3
"""Half the distance from the mark of the baseline to that of the puzzle, where models stand side by side."""


def in_panels(deltas: Sequence[ModelDelta]) -> bool:
    """Whether sizes get a panel each."""
    sizes = {delta.model.params_b for delta in deltas}
    return len(deltas) > ONE_PANEL and 1 < len(sizes) <= len(deltas) // 2


def draw_pairs(deltas: Sequence[ModelDelta], *, footer: str, watermark: str | None) -> Figure:
    """
    Two rates of each model, joined.

    Parameters
    ----------
    deltas : sequence of ModelDelta
        At least one.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ordered = by_size(deltas)
    looks = looks_of([delta.model for delta in ordered], apart=_apart(ordered))
    handles = [*lineage_handles(looks), handle("hollow: baseline", fill=HOLLOW), handle("filled: puzzle")]
    keys = 0.2 * legend_rows(len(handles), LEGEND_COLUMNS)
    with mpl.rc_context(SETTINGS):
        if in_panels(ordered):
            sizes = list(dict.fromkeys(delta.model.params_b for delta in ordered))
            columns = columns_for(len(sizes))
            rows = math.ceil(len(sizes) / columns)
            below, above = 0.62 + keys, 0.36
            height = rows * PANEL_IN + below + above
            figure = Figure(figsize=(COLUMN_IN, height))
            axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
            for position, axis in enumerate(axes.flat):
                if position >= len(sizes):
                    axis.set_visible(False)
                    continue
                _panel(axis, [d for d in ordered if d.model.params_b == sizes[position]], looks)
                axis.set_title(size_name(sizes[position]), color=INK, pad=5)
                axis.tick_params(labelbottom=position + columns >= len(sizes))
                if position % columns == 0:
                    axis.set_ylabel("ASR, %")
            _rates_axis(axes[0, 0], ordered)
            figure.subplots_adjust(left=0.115, right=0.985, top=1 - above / height, bottom=below / height, wspace=0.12, hspace=0.3)
        else:
            many = len(ordered) > ACROSS
            below, above = 0.72 + 0.32 * many + keys, 0.14
            height = 2.6 + below + above
            figure = Figure(figsize=(COLUMN_IN if len(ordered) <= 12 else WIDTH_IN, height))
            axis = figure.subplots()
            _row(axis, ordered, looks)
            _rates_axis(axis, ordered)
            axis.set_ylabel("ASR, %")
            axis.set_xlabel("models by size, parameters")
            left = 0.55 / figure.get_figwidth()
            figure.subplots_adjust(left=left, right=0.985, top=1 - above / height, bottom=below / height)
        legend(figure, handles, LEGEND_COLUMNS)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _apart(deltas: Sequence[ModelDelta]) -> float:
    lineages = len({delta.model.lineage for delta in deltas})
    return min(APART, 0.3 / lineages) if in_panels(deltas) else 0.0


def _rates_axis(axis: Axes, deltas: Sequence[ModelDelta]) -> None:
    top = max(100 * rate for delta in deltas for rate in (delta.control_rate, delta.treated_rate))
    top = min(100.0, max(10.0, 1.15 * top))
    axis.set_ylim(-0.04 * top, 1.05 * top)


def _panel(axis: Axes, deltas: Sequence[ModelDelta], looks: dict[str, Look]) -> None:
    for delta in deltas:
        look = looks[delta.model.lineage]
        _pair(axis, delta, look.shift, 1.0 + look.shift, look)
    axis.set_xlim(-0.42, 1.42)
    axis.set_xticks([0, 1], ["baseline", "puzzle"], fontsize=8)
    axis.grid(visible=False, axis="x")


def _row(axis: Axes, deltas: Sequence[ModelDelta], looks: dict[str, Look]) -> None:
    for position, delta in enumerate(deltas):
        _pair(axis, delta, position - BETWEEN, position + BETWEEN, looks[delta.model.lineage])
    axis.set_xlim(-0.6, len(deltas) - 0.4)
    axis.set_xticks(range(len(deltas)), [size_name(delta.model.params_b) for delta in deltas], fontsize=8)
    if len(deltas) > ACROSS:
        for label in axis.get_xticklabels():
            label.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    axis.grid(visible=False, axis="x")


def _pair(axis: Axes, delta: ModelDelta, left: float, right: float, look: Look) -> None:
    rates = [100 * delta.control_rate, 100 * delta.treated_rate]
    line = axis.plot([left, right], rates, color=look.colour, linewidth=1.3, alpha=0.8, zorder=3)
    first = axis.plot([left], rates[:1], linestyle="none", marker=look.marker, color=look.colour, markersize=5, zorder=4)
    second = axis.plot([right], rates[1:], linestyle="none", marker=look.marker, color=look.colour, markersize=5, zorder=4)
    first[0].set_markerfacecolor(HOLLOW)
    hover(delta_words(delta), *line, *first, *second)
