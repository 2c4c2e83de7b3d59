"""Attack compute at which half of the refusals are kept, against model size; what the grid does not reach is an arrow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.report.figures.dilution import (
    COLUMN_IN,
    Look,
    legend,
    legend_rows,
    lineage_handles,
    looks_of,
    size_name,
)
from safescale.report.figures.size_axis import size_span, size_ticks
from safescale.report.figures.style import INK, SETTINGS, hover, sign
from safescale.report.robustness_fit_tables import censoring, half_words
from safescale.studies.robustness.results import HalfCompute, HalfOfModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["compute_name", "draw_half", "placed_halves"]

AXES_IN: Final = 2.6
APART: Final = 0.018
CLOSE: Final = 0.12
LEGEND_COLUMNS: Final = 3
ARROW_DECADES: Final = 0.17


def placed_halves(half: HalfCompute) -> tuple[HalfOfModel, ...]:
    """Models of known size whose place is known at least on one side (compute of zero has no place on a log scale)."""
    found = [row for row in half.rows if row.model.params_b is not None and (_positive(row.low) or _positive(row.high))]
    return tuple(sorted(found, key=lambda row: (row.model.params_b or 0.0, row.model.lineage, row.model.model_id, row.seed or 0)))


def _positive(value: float | None) -> bool:
    return value is not None and value > 0


def draw_half(half: HalfCompute, *, y: str, heading: str, footer: str, watermark: str | None) -> Figure:
    """
    A bar between two levels of the grid for each model and seed; an arrow where one side is open.

    Parameters
    ----------
    half : HalfCompute
        At least one of ``placed_halves``.
    y : str
        What the axis shows.
    heading : str
        A line above the axes; empty: none.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = placed_halves(half)
    looks = looks_of([row.model for row in rows], apart=APART)
    handles = lineage_handles(looks)
    below, above = 0.82 + 0.2 * legend_rows(len(handles), LEGEND_COLUMNS), 0.34 if heading else 0.16
    height = AXES_IN + below + above
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(COLUMN_IN, height))
        axis = figure.subplots()
        sizes = [row.model.params_b for row in rows if row.model.params_b is not None]
        low, high = size_span(sizes)
        room = (high - low) * max(abs(look.shift) for look in looks.values())
        span = (low - room, high + room)
        ends = [math.log10(end) for row in rows for end in (row.low, row.high) if end is not None and end > 0]
        bottom, top = min(ends) - 2.2 * ARROW_DECADES, max(ends) + 2.2 * ARROW_DECADES
        seeds = sorted({row.seed or 0 for row in rows})
        for row in rows:
            shift = 0.014 * (seeds.index(row.seed or 0) - (len(seeds) - 1) / 2)
            _mark(axis, row, looks[row.model.lineage], span, shift, (bottom, top))
        _ticks(axis, sizes, span, (bottom, top))
        axis.set_ylabel(y)
        axis.set_xlabel("parameters (log scale)")
        figure.subplots_adjust(left=0.16, right=0.975, top=1 - above / height, bottom=below / height)
        if heading:
            figure.text(0.025, 1 - 0.16 / height, heading, fontsize=7.4, color=INK, ha="left", va="center")
        legend(figure, handles, LEGEND_COLUMNS)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _kind(row: HalfOfModel) -> str:
    """As ``censoring``, but a lower end of zero compute is open to below on a log scale."""
    return "left" if not _positive(row.low) and _positive(row.high) else censoring(row)


def _mark(axis: Axes, row: HalfOfModel, look: Look, span: tuple[float, float], shift: float, ends: tuple[float, float]) -> None:
    from matplotlib.markers import CARETDOWN, CARETUP

    x = math.log10(row.model.params_b or 1.0) + (look.shift + shift) * (span[1] - span[0])
    arrow = ARROW_DECADES * max(1.0, (ends[1] - ends[0]) / 2)
    kind = _kind(row)
    if kind == "interval":
        low, high = math.log10(row.low or 1.0), math.log10(row.high or 1.0)
        line, mark, tip = (low, high), (low + high) / 2, None
    elif kind == "right":
        low = math.log10(row.low or 1.0)
        line, mark, tip = (low, low + arrow), low, CARETUP
    else:
        high = math.log10(row.high or 1.0)
        line, mark, tip = (high - arrow, high), high, CARETDOWN
    drawn = axis.plot([x, x], line, color=look.colour, linewidth=1.6, alpha=0.75, zorder=3)
    drawn += axis.plot([x], [mark], linestyle="none", marker=look.marker, markersize=4.6, color=look.colour, zorder=4)
    if tip is not None:
        end = line[1] if tip == CARETUP else line[0]
        drawn += axis.plot([x], [end], linestyle="none", marker=tip, markersize=7, color=look.colour, zorder=4)
    hover(f"{row.model.model_id}, {size_name(row.model.params_b)}: {half_words(row)}", *drawn)


def _ticks(axis: Axes, sizes: Sequence[float], span: tuple[float, float], ends: tuple[float, float]) -> None:
    distinct = sorted(set(sizes))
    places = [math.log10(size) for size in distinct]
    if all(right - left > CLOSE * (span[1] - span[0]) for left, right in itertools.pairwise(places)):
        axis.set_xticks(places, [size_name(size) for size in distinct])
        axis.set_xlim(*span)
    else:
        size_ticks(axis, sizes, span)
    digits = (1,) if ends[1] - ends[0] > 2.5 else (1, 3) if ends[1] - ends[0] > 1.6 else (1, 2, 5)
    nice = [base + math.log10(digit) for base in range(math.floor(ends[0]), math.ceil(ends[1]) + 1) for digit in digits]
    shown = [place for place in nice if ends[0] <= place <= ends[1]]
    shown = shown[:: 1 + len(shown) // 9] or [sum(ends) / 2]
    axis.set_yticks(shown, [compute_name(10**place) for place in shown])
    axis.set_ylim(*ends)


def compute_name(value: float) -> str:
    """An amount of compute with few digits: ``500``, ``20k``, ``3M``, ``1e12``."""
    rounded = float(f"{value:.2g}")
    for unit, scale in (("", 1.0), ("k", 1e3), ("M", 1e6)):
        if rounded < 1000 * scale:
            return f"{rounded / scale:g}{unit}"
    digits, _, power = f"{rounded:.1e}".partition("e")
    return f"{float(digits):g}e{int(power)}"
