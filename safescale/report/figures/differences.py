"""Forest plot: difference of two sides with its interval, overall and for each class or model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses.compare import Comparison, ComparisonVerdict, Side
from safescale.analyses.words import signed
from safescale.report.figures.style import INK, MUTED, PAPER, SERIES, SETTINGS, WIDTH_IN, sign
from safescale.report.plain import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHOWN_ROWS", "draw_differences"]

SHOWN_ROWS: Final = 30
ROW_IN: Final = 0.27

LOOKS: Final = {
    ComparisonVerdict.SECOND_MORE: (SERIES[1], ">"),
    ComparisonVerdict.FIRST_MORE: (SERIES[0], "<"),
    ComparisonVerdict.UNDECIDED: (INK, "o"),
    ComparisonVerdict.CANNOT: (MUTED, "o"),
}
"""Colour and marker by verdict; what was not tested is hollow."""


def draw_differences(
    shown: Sequence[Comparison],
    pair: tuple[Side, Side],
    *,
    level: float,
    footer: str,
    watermark: str | None,
) -> Figure:
    """Forest plot of comparisons, the first of them set apart; at least one."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    kinds = [verdict for verdict in LOOKS if any(found.verdict is verdict for found in shown)]
    below, above = 0.74 + 0.2 * ((len(kinds) + 1) // 2), 0.12
    height = ROW_IN * len(shown) + below + above + 0.15
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axis = figure.subplots()
        axis.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
        if len(shown) > 1:
            axis.axhline(0.5, color=MUTED, linewidth=0.5, zorder=1)
        for row, found in enumerate(shown):
            _row(axis, row, found)
        limit = 1.08 * max(5.0, *(100 * abs(end) for c in shown for end in (c.estimate, c.low or 0.0, c.high or 0.0)))
        axis.set_xlim(-limit, limit)
        axis.set_ylim(len(shown) - 0.4, -0.6)
        axis.set_yticks(range(len(shown)), [shortened(found.name, 44) for found in shown])
        axis.tick_params(axis="y", length=0, labelsize=8)
        axis.grid(visible=False, axis="y")
        names = [shortened(side.name, 34) for side in pair]
        axis.set_xlabel(f"{names[1]} minus {names[0]}, pp, {100 * level:g} % interval", fontsize=8.5)
        figure.subplots_adjust(left=0.34, right=0.9, top=1 - above / height, bottom=below / height)
        _legend(figure, kinds, names, height)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _row(axis: Axes, row: int, found: Comparison) -> None:
    colour, marker = LOOKS[found.verdict]
    if found.low is not None and found.high is not None:
        axis.plot([100 * found.low, 100 * found.high], [row, row], color=colour, linewidth=1.5, zorder=3)
    axis.plot(
        [100 * found.estimate],
        [row],
        marker=marker,
        markersize=6,
        color=colour,
        markerfacecolor=PAPER if found.verdict is ComparisonVerdict.CANNOT else colour,
        markeredgewidth=1.2,
        zorder=4,
    )
    words = signed(100 * found.estimate)
    axis.text(1.015, row, words, transform=axis.get_yaxis_transform(), fontsize=8, va="center", ha="left", color=INK)


def _legend(figure: Figure, kinds: Sequence[ComparisonVerdict], names: Sequence[str], height: float) -> None:
    from matplotlib.lines import Line2D

    words = {
        ComparisonVerdict.SECOND_MORE: f"{names[1]}: more",
        ComparisonVerdict.FIRST_MORE: f"{names[1]}: less",
        ComparisonVerdict.UNDECIDED: "no difference is shown",
        ComparisonVerdict.CANNOT: "not tested",
    }
    handles = []
    for verdict in kinds:
        colour, marker = LOOKS[verdict]
        fill = PAPER if verdict is ComparisonVerdict.CANNOT else colour
        handles.append(
            Line2D(
                *([], []), linestyle="none", marker=marker, color=colour, markerfacecolor=fill, markersize=6, label=words[verdict]
            )
        )
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.2 / height),
        ncols=min(2, len(handles)),
        columnspacing=1.6,
        handletextpad=0.4,
        borderaxespad=0,
    )
