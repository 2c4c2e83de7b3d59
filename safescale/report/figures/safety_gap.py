"""The safety gap by size: untampered and tampered rate of each pair, a panel per kind of tampering."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses.lineage import GapPair, GapSeries, GapSetting, Side
from safescale.report.figures.size_axis import size_span, size_ticks
from safescale.report.figures.style import INK, MARKERS, MUTED, OTHER, PAPER, SERIES, SETTINGS, WIDTH_IN, sign
from safescale.report.plain import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_gaps", "kinds_of"]

COLUMNS: Final = 2
PANEL_IN: Final = 2.9
NO_LINEAGE: Final = "no known lineage"
OTHER_LINEAGES: Final = "other lineages"
DODGE: Final = 0.012


def kinds_of(setting: GapSetting) -> tuple[GapSeries, ...]:
    """The series with a panel: one per kind of tampering, with every pair of it."""
    return tuple(series for series in setting.series if series.scope == "kind" and series.pairs)


def draw_gaps(setting: GapSetting, *, tier: str, footer: str, watermark: str | None) -> Figure:
    """
    Two rates per pair, an arrow from the untampered to the tampered one, curves within lineages.

    Parameters
    ----------
    setting : GapSetting
        At least one pair.
    tier : str
        Name of the rate, for the axis.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = kinds_of(setting)
    pairs = [pair for series in panels for pair in series.pairs]
    looks = _looks(pairs)
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    below = 0.86 + 0.2 * (math.ceil((len(looks) + 2) / 3) - 1)
    height = rows * PANEL_IN + below + 0.4
    sizes = [pair.params_b for pair in pairs]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        span = size_span(sizes)
        for axis, series in zip(axes.flat, panels, strict=False):
            axis.set_title(shortened(series.name, 44), color=INK, pad=7)
            for name, (colour, marker, shift) in looks.items():
                here = [pair for pair in series.pairs if _name(pair, looks) == name]
                _lineage(axis, here, colour, marker, shift * (span[1] - span[0]), joined=name not in (NO_LINEAGE, OTHER_LINEAGES))
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        size_ticks(axes[0, 0], sizes, span)
        axes[0, 0].set_ylim(-3, 103)
        for position, axis in enumerate(axes.flat[: len(panels)]):
            axis.tick_params(labelbottom=position + columns >= len(panels))
            if position % columns == 0:
                axis.set_ylabel(f"{tier} ASR, %")
            if position + columns >= len(panels):
                axis.set_xlabel("parameters (log scale)")
        figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.36 / height, bottom=below / height, wspace=0.07, hspace=0.3)
        _legend(figure, looks, pairs, height)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _looks(pairs: Sequence[GapPair]) -> dict[str, tuple[str, str, float]]:
    """Colour, marker and shift of each lineage; those with most pairs have their own."""
    counts = Counter(pair.lineage for pair in pairs if pair.lineage is not None)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    own = sorted(ranked[: len(SERIES)])
    middle = (len(own) - 1) / 2
    looks = {name: (SERIES[i], MARKERS[i], (i - middle) * DODGE) for i, name in enumerate(own)}
    if len(ranked) > len(own):
        looks[OTHER_LINEAGES] = (OTHER, "h", 0.0)
    if any(pair.lineage is None for pair in pairs):
        looks[NO_LINEAGE] = (OTHER, "*", 0.0)
    return looks


def _name(pair: GapPair, looks: Mapping[str, tuple[str, str, float]]) -> str:
    if pair.lineage is None:
        return NO_LINEAGE
    return pair.lineage if pair.lineage in looks else OTHER_LINEAGES


def _lineage(axis: Axes, pairs: Sequence[GapPair], colour: str, marker: str, shift: float, *, joined: bool) -> None:
    used = sorted((p for p in pairs if p.why_not_used is None), key=lambda p: p.params_b)
    if joined and len({p.params_b for p in used}) > 1 and len({p.params_b for p in used}) == len(used):
        x = [math.log10(p.params_b) + shift for p in used]
        base, tampered = [100 * p.base.rate for p in used], [100 * p.tampered.rate for p in used]
        axis.fill_between(x, base, tampered, color=colour, alpha=0.09, linewidth=0, zorder=1)
        axis.plot(x, base, color=colour, linewidth=1.5, zorder=3)
        axis.plot(x, tampered, color=colour, linewidth=1.5, linestyle="--", zorder=3)
    for pair in pairs:
        x_of = math.log10(pair.params_b) + shift
        strength = 1.0 if pair.why_not_used is None else 0.35
        if abs(pair.tampered.rate - pair.base.rate) > 0.03:
            axis.annotate(
                "",
                xy=(x_of, 100 * pair.tampered.rate),
                xytext=(x_of, 100 * pair.base.rate),
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": colour,
                    "alpha": 0.45 * strength,
                    "linewidth": 1.0,
                    "shrinkA": 3,
                    "shrinkB": 3,
                    "mutation_scale": 8,
                },
                zorder=2,
            )
        _point(axis, pair.base, x_of, colour, marker, strength, hollow=False)
        _point(axis, pair.tampered, x_of, colour, marker, strength, hollow=True)


def _point(axis: Axes, side: Side, x: float, colour: str, marker: str, strength: float, *, hollow: bool) -> None:
    if side.interval is not None:
        low, high = 100 * side.interval.low, 100 * side.interval.high
        axis.plot([x, x], [low, high], color=colour, linewidth=2.4, alpha=0.35 * strength, zorder=3, solid_capstyle="butt")
    axis.plot(
        [x],
        [100 * side.rate],
        linestyle="none",
        marker=marker,
        markersize=5.5,
        markerfacecolor=PAPER if hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=1.1,
        alpha=strength,
        zorder=4,
    )


def _legend(figure: Figure, looks: Mapping[str, tuple[str, str, float]], pairs: Sequence[GapPair], height: float) -> None:
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

    handles = [handle(shortened(name, 30), colour, marker) for name, (colour, marker, _) in looks.items()]
    handles += [handle("filled: not tampered", MUTED, "o"), handle("hollow: tampered", MUTED, "o", PAPER)]
    if any(pair.why_not_used is not None for pair in pairs):
        handles.append(handle("faint: pair not used", MUTED, "o", alpha=0.35))
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.2 / height),
        ncols=min(3, len(handles)),
        columnspacing=1.6,
        handletextpad=0.4,
        borderaxespad=0,
    )
