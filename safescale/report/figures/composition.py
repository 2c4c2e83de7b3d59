"""What tampered models answer by size: the share of each verdict, a panel per series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import attrs

from safescale.analyses.reemergence import Quantity, TamperedModel, TamperedSeries, TamperedSetting
from safescale.report.figures.size_axis import size_span, size_ticks
from safescale.report.figures.style import INK, MARKERS, MUTED, SERIES, SETTINGS, WIDTH_IN, sign
from safescale.report.plain import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHOWN_PANELS", "draw_composition", "panels_of"]

SHOWN_PANELS: Final = 6
COLUMNS: Final = 2
PANEL_IN: Final = 2.9
DODGE: Final = 0.008
"""Share of the axis by which the verdicts of one model are set apart, so that their intervals can be told."""


@attrs.frozen(kw_only=True)
class _Look:
    quantity: Quantity
    label: str
    colour: str
    marker: str
    style: Literal["-", "--", ":"]


LOOKS: Final = (
    _Look(quantity="strict", label="COMPLIANCE", colour=SERIES[1], marker=MARKERS[0], style="-"),
    _Look(quantity="hedging", label="PARTIAL (hedging)", colour=SERIES[4], marker=MARKERS[2], style="--"),
    _Look(quantity="refusal", label="REFUSAL", colour=SERIES[0], marker=MARKERS[1], style="-"),
    _Look(quantity="hallucination_refusal", label="HALLUCINATION_REFUSAL", colour=SERIES[3], marker=MARKERS[3], style=":"),
)


def panels_of(setting: TamperedSetting) -> tuple[TamperedSeries, ...]:
    """The series with a panel: those with a share of a model of known size; all together only where there is no lineage."""
    able = [s for s in setting.series if any(m.params_b is not None and m.shares for m in s.models)]
    lineages = [s for s in able if s.scope == "lineage"]
    return tuple((lineages or able)[:SHOWN_PANELS])


def draw_composition(setting: TamperedSetting, *, footer: str, watermark: str | None) -> Figure:
    """
    Shares of the verdicts over size.

    Parameters
    ----------
    setting : TamperedSetting
        At least one series with a model of known size.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = panels_of(setting)
    looks = [look for look in LOOKS if any(_shown(m, look) for s in panels for m in s.models)]
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    faint = any(m.why_not_fitted is not None and m.params_b is not None for s in panels for m in s.models)
    below = 0.86 + 0.2 * (math.ceil((len(looks) + faint) / 3) - 1)
    height = rows * PANEL_IN + below + 0.4
    sizes = [m.params_b for s in panels for m in s.models if m.params_b is not None]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        span = size_span(sizes)
        for axis, series in zip(axes.flat, panels, strict=False):
            _panel(axis, series, looks, span)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        size_ticks(axes[0, 0], sizes, span)
        axes[0, 0].set_ylim(-3, 103)
        for position, axis in enumerate(axes.flat[: len(panels)]):
            axis.tick_params(labelbottom=position + columns >= len(panels))
            if position % columns == 0:
                axis.set_ylabel("share of evaluable rows, %")
            if position + columns >= len(panels):
                axis.set_xlabel("parameters (log scale)")
        figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.36 / height, bottom=below / height, wspace=0.07, hspace=0.3)
        _legend(figure, looks, faint, height)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _shown(model: TamperedModel, look: _Look) -> bool:
    """HALLUCINATION_REFUSAL is left out where nobody has any."""
    share = model.shares.get(look.quantity)
    return share is not None and (look.quantity != "hallucination_refusal" or share.rate > 0)


def _panel(axis: Axes, series: TamperedSeries, looks: Sequence[_Look], span: tuple[float, float]) -> None:
    axis.set_title(shortened(series.name, 44), color=INK, pad=7)
    middle = (len(looks) - 1) / 2
    for i, look in enumerate(looks):
        shift = (i - middle) * DODGE * (span[1] - span[0])
        line = [
            (math.log10(m.params_b) + shift, 100 * m.shares[look.quantity].rate)
            for m in series.fitted
            if m.params_b is not None and look.quantity in m.shares
        ]
        if series.scope == "lineage" and len(line) > 1:
            axis.plot(
                [x for x, _ in line],
                [y for _, y in line],
                color=look.colour,
                linestyle=look.style,
                linewidth=1.5,
                zorder=3,
            )
        for model in series.models:
            if model.params_b is not None and look.quantity in model.shares:
                _point(axis, model, look, math.log10(model.params_b) + shift)


def _point(axis: Axes, model: TamperedModel, look: _Look, x: float) -> None:
    share = model.shares[look.quantity]
    strength = 1.0 if model.why_not_fitted is None else 0.35
    interval = share.clustered or share.interval
    if interval is not None:
        axis.plot(
            [x, x], [100 * interval.low, 100 * interval.high], color=look.colour, linewidth=1.2, alpha=0.6 * strength, zorder=4
        )
    axis.plot(
        [x],
        [100 * share.rate],
        linestyle="none",
        marker=look.marker,
        markersize=5.2,
        color=look.colour,
        alpha=strength,
        zorder=5,
    )


def _legend(figure: Figure, looks: Sequence[_Look], faint: bool, height: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=look.colour, linestyle=look.style, marker=look.marker, markersize=5.2, label=look.label)
        for look in looks
    ]
    if faint:
        handles.append(
            Line2D([], [], color=MUTED, linestyle="none", marker="o", markersize=5.2, alpha=0.35, label="faint: not fitted")
        )
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.2 / height),
        ncols=min(3, len(handles)),
        columnspacing=1.6,
        handletextpad=0.5,
        borderaxespad=0,
    )
