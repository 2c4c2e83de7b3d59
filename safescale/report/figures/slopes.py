"""Forest plot: slope per decade with its interval for each series, the margin of flatness shaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses import ScalingVerdict
from safescale.analyses.inverse_scaling import SeriesResult, SettingResult
from safescale.analyses.words import p_clause, plural, signed
from safescale.report.figures.style import BAND, INK, MUTED, PAPER, SERIES, SETTINGS, WIDTH_IN, hover, hover_area, sign
from safescale.report.plain import shortened
from safescale.report.scaling_tables import SCOPE_WORDS, every_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SHOWN_SERIES", "draw_forest", "draw_slopes", "shown_series"]

SHOWN_SERIES: Final = 30
ROW_IN: Final = 0.27

LOOKS: Final = {
    ScalingVerdict.COMPLY_MORE: (SERIES[1], ">"),
    ScalingVerdict.COMPLY_LESS: (SERIES[0], "<"),
    ScalingVerdict.FLAT: (SERIES[2], "s"),
    ScalingVerdict.NOT_A_LINE: (SERIES[3], "X"),
    ScalingVerdict.UNDECIDED: (INK, "o"),
    ScalingVerdict.CANNOT_TEST: (MUTED, "o"),
}
"""Colour and marker by verdict; what cannot be tested is hollow."""

TWO_SIZES: Final = "two sizes: raw difference per decade, no slope"


def shown_series(setting: SettingResult) -> tuple[SeriesResult, ...]:
    """Series with a row: those with a slope or a difference, the ones to quote first."""
    return tuple(s for s in every_series(setting) if s.kind != "nothing")[:SHOWN_SERIES]


def draw_slopes(setting: SettingResult, *, margin_pp: float, level: float, footer: str, watermark: str | None) -> Figure:
    """Forest plot of one setting; at least one series has a slope or a difference."""
    return draw_forest(shown_series(setting), margin_pp=margin_pp, level=level, footer=footer, watermark=watermark)


def draw_forest(
    shown: Sequence[SeriesResult],
    *,
    margin_pp: float,
    level: float,
    footer: str,
    watermark: str | None,
    marked: tuple[str, float] | None = None,
) -> Figure:
    """
    Forest plot of series, each with a slope or a difference.

    ``marked`` is a further slope (its name, pp per decade) that is drawn as a dashed line through all rows.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    handles_rows = (len(_kinds(shown)) + (marked is not None) + 1) // 2
    below, above = 0.72 + 0.2 * handles_rows, 0.12
    height = ROW_IN * len(shown) + below + above + 0.15
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height))
        axis = figure.subplots()
        limit = max(_limit(shown, margin_pp), 0.0 if marked is None else 1.1 * abs(marked[1]))
        axis.axvspan(-margin_pp, margin_pp, color=BAND, linewidth=0, zorder=0)
        axis.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
        if marked is not None:
            axis.axvline(marked[1], color=SERIES[3], linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
        for row, series in enumerate(shown):
            _row(axis, row, series, limit)
        axis.set_xlim(-limit, limit)
        axis.set_ylim(len(shown) - 0.4, -0.6)
        axis.set_yticks(range(len(shown)), [shortened(f"{SCOPE_WORDS[s.scope]}: {_short_name(s)}", 44) for s in shown])
        axis.tick_params(axis="y", length=0, labelsize=8)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel(f"pp per decade of parameters, {100 * level:g} % interval; shaded: within {margin_pp:g} pp")
        figure.subplots_adjust(left=0.4, right=0.9, top=1 - above / height, bottom=below / height)
        _legend(figure, shown, height, None if marked is None else marked[0])
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _short_name(series: SeriesResult) -> str:
    name = series.name.removeprefix("within generations, ").removeprefix("within families, ").removeprefix("mean over ")
    return name.removeprefix("rows of ").removesuffix(" pooled") if series.scope == "rows_pooled" else name


def _limit(shown: Sequence[SeriesResult], margin_pp: float) -> float:
    """Half the width of the axis: all estimates fit; an interval that does not ends in an arrow."""
    estimates = [abs(_estimate(s)) for s in shown]
    intervals = (s.slope.slope.interval for s in shown if s.slope is not None)
    widest = max((abs(end) for interval in intervals if interval is not None for end in interval), default=0.0)
    return 1.08 * max(2 * margin_pp, 1.1 * max(estimates), min(widest, 3 * max(*estimates, margin_pp)))


def _estimate(series: SeriesResult) -> float:
    if series.slope is not None:
        return series.slope.slope.slope_pp_per_decade
    assert series.difference is not None
    return series.difference.raw.difference_pp_per_decade


def _row(axis: Axes, row: int, series: SeriesResult, limit: float) -> None:
    estimate = _estimate(series)
    colour, marker = LOOKS[series.verdict]
    interval = None if series.slope is None else series.slope.slope.interval
    words = _series_words(series)
    hover_area(axis, estimate, row, words)
    if interval is not None:
        low, high = max(interval[0], -limit), min(interval[1], limit)
        hover(words, *axis.plot([low, high], [row, row], color=colour, linewidth=1.5, zorder=3))
        for end, cut, arrow in ((-limit, interval[0] < -limit, "<"), (limit, interval[1] > limit, ">")):
            if cut:
                axis.plot([end], [row], marker=arrow, color=colour, markersize=4, clip_on=False, zorder=3)
    hollow = series.slope is None or series.verdict is ScalingVerdict.CANNOT_TEST
    marks = axis.plot(
        [estimate],
        [row],
        marker="D" if series.slope is None else marker,
        markersize=6,
        color=colour,
        markerfacecolor=PAPER if hollow else colour,
        markeredgewidth=1.2,
        zorder=4,
    )
    hover(words, *marks)
    axis.text(1.015, row, signed(estimate), transform=axis.get_yaxis_transform(), fontsize=8, va="center", ha="left", color=INK)


def _series_words(series: SeriesResult) -> str:
    """What the pointer shows of one series: the numbers of its row in the table of slopes or of differences."""
    parts = [f"{SCOPE_WORDS[series.scope]}, {_short_name(series)}: {signed(_estimate(series))} pp per decade"]
    if series.slope is None:
        parts[0] += " between two sizes (raw difference, no slope)"
    else:
        interval = series.slope.slope.interval
        if interval is not None:
            parts[0] += f" [{signed(interval[0])}, {signed(interval[1])}]"
        parts.append(plural(series.n_models, "model"))
        parts.append(p_clause(series.slope.p_value) if series.slope.p_value is not None else "no p-value")
        if series.p_holm is not None:
            parts.append(f"Holm {p_clause(series.p_holm)}")
    return "; ".join([*parts, series.verdict.value])


def _kinds(shown: Sequence[SeriesResult]) -> list[str]:
    """What the legend must explain: verdicts of slopes, then differences."""
    slopes = [verdict.value for verdict in ScalingVerdict if any(s.slope is not None and s.verdict is verdict for s in shown)]
    return slopes + [TWO_SIZES] * any(s.slope is None for s in shown)


def _legend(figure: Figure, shown: Sequence[SeriesResult], height: float, marked: str | None) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for words in _kinds(shown):
        verdict = ScalingVerdict.CANNOT_TEST if words == TWO_SIZES else ScalingVerdict(words)
        colour, marker = LOOKS[verdict]
        fill = PAPER if verdict is ScalingVerdict.CANNOT_TEST else colour
        marker = "D" if words == TWO_SIZES else marker
        handles.append(
            Line2D([], [], linestyle="none", marker=marker, color=colour, markerfacecolor=fill, markersize=6, label=words)
        )
    if marked is not None:
        handles.append(Line2D([], [], linestyle=(0, (4, 3)), color=SERIES[3], linewidth=1.1, label=marked))
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.2 / height),
        ncols=min(2, len(handles)),
        columnspacing=1.6,
        handletextpad=0.4,
        borderaxespad=0,
    )
