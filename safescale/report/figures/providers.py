"""Models by size and provider with the size line and its prediction band; and each provider's distance from the line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses.safety_roi import PlacingLabel, ProviderPlace, ProviderPoint, SettingRoi
from safescale.analyses.units import TAMPERED
from safescale.analyses.words import plural, signed
from safescale.report.figures.size_axis import size_span, size_ticks
from safescale.report.figures.style import BAND, INK, MARKERS, MUTED, OTHER, PAPER, SERIES, SETTINGS, WIDTH_IN, sign
from safescale.report.plain import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["SHOWN_PLACES", "draw_places", "draw_providers", "own_colour"]

SHOWN_PLACES: Final = 30
HEIGHT_IN: Final = 4.3
ROW_IN: Final = 0.27
LIFT: Final = 0.22
"""Rows by which the published residual stands above the interval."""

DODGE: Final = 0.003
"""Share of the axis by which providers of one size are set apart."""

OTHERS: Final = "other providers"
UNKNOWN: Final = "provider unknown"

LOOKS: Final = {
    PlacingLabel.OVER: (SERIES[0], "<"),
    PlacingLabel.UNDER: (SERIES[1], ">"),
    PlacingLabel.ON_LINE: (SERIES[2], "s"),
    PlacingLabel.TOO_FEW: (OTHER, "o"),
    PlacingLabel.CANNOT_TELL: (INK, "o"),
}
"""Colour and marker by the label that the evidence supports."""


def own_colour(setting: SettingRoi) -> tuple[str, ...]:
    """The providers with a colour of their own: those with most fitted models, and with two at least, by name."""
    models = Counter(p.provider for p in _shown(setting) if p.provider is not None and p.why_not_fitted is None)
    ranked = sorted((name for name in models if models[name] > 1), key=lambda name: (-models[name], name))
    return tuple(sorted(ranked[: len(SERIES)]))


def draw_providers(setting: SettingRoi, *, tier: str, footer: str, watermark: str | None) -> Figure:
    """
    Rate against log size, a point per model.

    Parameters
    ----------
    setting : SettingRoi
        A setting with a line.
    tier : str
        Name of the rate, for the axis.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    points = _shown(setting)
    looks = _looks(setting, points)
    legend_rows = math.ceil((len(looks) + 2) / 4)
    below = 0.66 + 0.2 * legend_rows
    height = HEIGHT_IN + 0.2 * legend_rows
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axis = figure.subplots()
        _line(axis, setting)
        span = math.log10(max(p.params_b or 0 for p in points) / min(p.params_b or 1 for p in points))
        for point in points:
            at = list(looks).index(group := _group(point, looks))
            _point(axis, point, *looks[group], shift=(at - (len(looks) - 1) / 2) * DODGE * span)
        _axes(axis, setting, points)
        axis.set_ylabel(f"{tier} ASR, %")
        axis.set_xlabel("parameters (log scale)")
        figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.14 / height, bottom=below / height)
        _legend(figure, _handles(looks, points), height, columns=4)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def draw_places(setting: SettingRoi, *, level: float, threshold_pp: float, footer: str, watermark: str | None) -> Figure:
    """Forest plot of the providers of one setting, the lowest residual on top; at least one provider has a place."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    shown = _shown_places(setting)
    labels = [label for label in LOOKS if any(place.label is label for place in shown)]
    below, above = 0.72 + 0.2 * math.ceil((len(labels) + 1) / 3), 0.12
    height = ROW_IN * len(shown) + below + above + 0.15
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axis = figure.subplots()
        limit = _limit(shown, threshold_pp)
        axis.axvspan(-threshold_pp, threshold_pp, color=BAND, linewidth=0, zorder=0)
        axis.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
        for row, place in enumerate(shown):
            _place(axis, row, place, limit)
        axis.set_xlim(-limit, limit)
        axis.set_ylim(len(shown) - 0.4, -0.6)
        names = [f"{shortened(p.provider, 26)} ({plural(p.n_models, 'model')})" for p in shown]
        axis.set_yticks(range(len(shown)), names)
        axis.tick_params(axis="y", length=0, labelsize=8)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel(f"pp from the size line, {100 * level:g} % interval; shaded: within {threshold_pp:g} pp")
        figure.subplots_adjust(left=0.33, right=0.92, top=1 - above / height, bottom=below / height)
        handles = [
            Line2D(*([], []), linestyle="none", marker=marker, color=colour, markersize=6, label=label.value)
            for label in labels
            for colour, marker in [LOOKS[label]]
        ]
        hollow = Line2D(
            *([], []), linestyle="none", marker="D", color=OTHER, markerfacecolor=PAPER, markersize=5, label="as published"
        )
        _legend(figure, [*handles, hollow], height, columns=3)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _shown(setting: SettingRoi) -> list[ProviderPoint]:
    return [p for p in setting.points if p.params_b is not None and p.rate is not None]


def _shown_places(setting: SettingRoi) -> tuple[ProviderPlace, ...]:
    ranked = sorted(setting.places, key=lambda p: (-p.n_models, p.provider))[:SHOWN_PLACES]
    return tuple(place for place in setting.places if place in ranked)


def _group(point: ProviderPoint, looks: dict[str, tuple[str, str]]) -> str:
    if point.provider is None:
        return UNKNOWN
    return point.provider if point.provider in looks else OTHERS


def _looks(setting: SettingRoi, points: Sequence[ProviderPoint]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each provider."""
    looks = {name: (SERIES[i], MARKERS[i]) for i, name in enumerate(own_colour(setting))}
    if any(p.provider is not None and p.provider not in looks for p in points):
        looks[OTHERS] = (OTHER, "h")
    if any(p.provider is None for p in points):
        looks[UNKNOWN] = (OTHER, "*")
    return looks


def _line(axis: Axes, setting: SettingRoi) -> None:
    band = setting.line.band
    if band:
        x = [math.log10(p.params_b) for p in band]
        axis.fill_between(x, [100 * p.low for p in band], [100 * p.high for p in band], color=BAND, linewidth=0, zorder=0)
        axis.plot(x, [100 * p.line for p in band], color=INK, linewidth=1.4, zorder=2)


def _point(axis: Axes, point: ProviderPoint, colour: str, marker: str, *, shift: float) -> None:
    assert point.params_b is not None
    assert point.rate is not None
    x, strength = math.log10(point.params_b) + shift, 1.0 if point.why_not_fitted is None else 0.35
    if point.interval is not None:
        ends = [100 * point.interval.low, 100 * point.interval.high]
        axis.plot([x, x], ends, color=colour, linewidth=1.1, alpha=0.5 * strength, zorder=3)
    axis.plot(
        *([x], [100 * point.rate]),
        linestyle="none",
        marker=marker,
        markersize=6,
        markerfacecolor=PAPER if point.tampering in TAMPERED else colour,
        markeredgecolor=colour,
        markeredgewidth=1.1,
        alpha=strength,
        zorder=4,
    )


def _axes(axis: Axes, setting: SettingRoi, points: Sequence[ProviderPoint]) -> None:
    sizes = [p.params_b for p in points if p.params_b is not None]
    size_ticks(axis, sizes, size_span(sizes))
    tops = [100 * (p.rate if p.interval is None else p.interval.high) for p in points if p.rate is not None]
    top = min(100.0, max(20.0, 1.1 * max([*tops, *(100 * p.high for p in setting.line.band)])))
    axis.set_ylim(-0.02 * top, 1.03 * top)


def _handles(looks: dict[str, tuple[str, str]], points: Sequence[ProviderPoint]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    def handle(label: str, colour: str, marker: str, fill: str | None = None, alpha: float = 1.0) -> Line2D:
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

    found = [handle(shortened(name, 24), *look) for name, look in looks.items()]
    if any(p.tampering in TAMPERED for p in points):
        found.append(handle("hollow: tampered model", MUTED, "o", fill=PAPER))
    if any(p.why_not_fitted is not None for p in points):
        found.append(handle("faint: not fitted", MUTED, "o", alpha=0.35))
    return found


def _limit(shown: Sequence[ProviderPlace], threshold_pp: float) -> float:
    """Half the width of the axis: all estimates fit; an interval that does not ends in an arrow."""
    estimates = [abs(v) for p in shown for v in (p.published_pp, p.shrunk_pp, p.left_out.residual_pp) if v is not None]
    ends = [abs(end) for p in shown if (interval := _told(p)[1]) is not None for end in interval]
    return 1.08 * max(1.5 * threshold_pp, 1.1 * max(estimates), min(max(ends, default=0.0), 3 * max(*estimates, threshold_pp)))


def _told(place: ProviderPlace) -> tuple[float | None, tuple[float, float] | None]:
    """The residual to show: shrunk where it was, else from the line of the others."""
    if place.shrunk_interval is not None:
        return place.shrunk_pp, place.shrunk_interval
    return place.left_out.residual_pp, place.left_out.interval


def _place(axis: Axes, row: int, place: ProviderPlace, limit: float) -> None:
    colour, marker = LOOKS[place.label]
    estimate, interval = _told(place)
    axis.plot([place.published_pp], [row - LIFT], marker="D", markersize=4, color=OTHER, markerfacecolor=PAPER, zorder=5)
    if interval is not None:
        low, high = max(interval[0], -limit), min(interval[1], limit)
        axis.plot([low, high], [row, row], color=colour, linewidth=1.5, zorder=3)
        for end, cut, arrow in ((-limit, interval[0] < -limit, "<"), (limit, interval[1] > limit, ">")):
            if cut:
                axis.plot([end], [row], marker=arrow, color=colour, markersize=4, clip_on=False, zorder=3)
    if estimate is not None:
        axis.plot([estimate], [row], marker=marker, markersize=6, color=colour, zorder=4)
        told = signed(estimate)
        axis.text(1.015, row, told, transform=axis.get_yaxis_transform(), fontsize=8, va="center", ha="left", color=INK)


def _legend(figure: Figure, handles: Sequence[Line2D], height: float, *, columns: int) -> None:
    figure.legend(
        handles=list(handles),
        loc="lower center",
        bbox_to_anchor=(0.5, 0.2 / height),
        ncols=min(columns, len(handles)),
        columnspacing=1.6,
        handletextpad=0.4,
        borderaxespad=0,
    )
