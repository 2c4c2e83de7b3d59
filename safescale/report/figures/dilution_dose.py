"""Dose response: change of attack success against length of the puzzle, by size; mean over seeds with their range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from safescale.analyses.words import plural, signed
from safescale.report.figures.dilution import COLUMN_IN, columns_for, handle, legend, legend_rows, size_name
from safescale.report.figures.style import INK, MARKERS, MUTED, SERIES, SETTINGS, hover, sign
from safescale.studies.dilution.between_models import MIN_PROMPTS
from safescale.studies.dilution.results import DoseResponse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DosePoint", "dose_points", "draw_dose"]

PANEL_IN: Final = 1.7
LEGEND_COLUMNS: Final = 4


@attrs.frozen(kw_only=True)
class DosePoint:
    """Models of one size at one length: mean, smallest and largest delta (pp), and how many."""

    lines: int
    mean_pp: float
    smallest_pp: float
    largest_pp: float
    models: int

    @property
    def words(self) -> str:
        """What the pointer shows, and the alternative text says."""
        spread = (
            ""
            if self.models == 1
            else f" ({signed(self.smallest_pp)} to {signed(self.largest_pp)}, {plural(self.models, 'model')})"
        )
        return f"{plural(self.lines, 'line')} {signed(self.mean_pp)} pp{spread}"


def dose_points(dose: DoseResponse) -> dict[float | None, tuple[DosePoint, ...]]:
    """What the figure shows of each size, from the smallest up, unknown sizes last; few prompts are in no mean."""
    found: dict[float | None, tuple[DosePoint, ...]] = {}
    for size in sorted({one.model.params_b for one in dose.models}, key=lambda b: (b is None, b or 0.0)):
        at: dict[int, list[float]] = {}
        for one in dose.models:
            if one.model.params_b == size:
                for lines, delta in zip(one.lines, one.deltas, strict=True):
                    if delta.prompts < MIN_PROMPTS:
                        continue
                    at.setdefault(lines, []).append(100 * delta.delta)
        points = [
            DosePoint(lines=n, mean_pp=sum(pp) / len(pp), smallest_pp=min(pp), largest_pp=max(pp), models=len(pp))
            for n, pp in sorted(at.items())
        ]
        if points:
            found[size] = tuple(points)
    return found


def draw_dose(dose: DoseResponse, *, footer: str, watermark: str | None) -> Figure:
    """
    Delta against lines, a curve for each size; more sizes than colours get a panel each.

    Parameters
    ----------
    dose : DoseResponse
        At least one delta.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    curves = dose_points(dose)
    apart = len(curves) > len(SERIES)
    handles = [
        handle(size_name(size), colour=SERIES[i], marker=MARKERS[i], line="-") for i, size in enumerate(() if apart else curves)
    ]
    below = 0.7 + 0.2 * legend_rows(len(handles), LEGEND_COLUMNS)
    columns = columns_for(len(curves)) if apart else 1
    rows = math.ceil(len(curves) / columns) if apart else 1
    above = 0.36 if apart else 0.14
    height = (rows * PANEL_IN if apart else 2.6) + below + above
    lengths = sorted({point.lines for points in curves.values() for point in points})
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(COLUMN_IN, height))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat:
            axis.axhline(0, color=MUTED, linewidth=0.9, zorder=1)
        for i, (size, points) in enumerate(curves.items()):
            axis = axes.flat[i] if apart else axes[0, 0]
            look = (SERIES[0], MARKERS[0]) if apart else (SERIES[i], MARKERS[i])
            shift = 0.0 if apart else (i - (len(curves) - 1) / 2) * _step(lengths)
            _curve(axis, size, points, look, shift)
            if apart:
                axis.set_title(size_name(size), color=INK, pad=5)
        for position, axis in enumerate(axes.flat):
            if apart and position >= len(curves):
                axis.set_visible(False)
            axis.tick_params(labelbottom=not apart or position + columns >= len(curves))
        axes[0, 0].set_xticks(lengths)
        room = 1.0 if len(lengths) == 1 else 0.09 * (lengths[-1] - lengths[0])
        axes[0, 0].set_xlim(lengths[0] - room, lengths[-1] + room)
        _limits(axes[0, 0], curves)
        figure.supylabel("change of ASR, pp", fontsize=9, x=0.012, y=(1 + (below - above) / height) / 2)
        figure.supxlabel("lines of the puzzle", fontsize=9, y=(below - 0.44) / height, x=0.55)
        figure.subplots_adjust(left=0.13, right=0.975, top=1 - above / height, bottom=below / height, wspace=0.12, hspace=0.3)
        legend(figure, handles, LEGEND_COLUMNS)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _step(lengths: list[int]) -> float:
    """How far curves are set apart, in lines."""
    return 0.05 if len(lengths) == 1 else 0.009 * (lengths[-1] - lengths[0])


def _curve(axis: Axes, size: float | None, points: tuple[DosePoint, ...], look: tuple[str, str], shift: float) -> None:
    colour, marker = look
    axis.plot([p.lines + shift for p in points], [p.mean_pp for p in points], color=colour, linewidth=1.4, zorder=3)
    for point in points:
        x = point.lines + shift
        bar = axis.plot([x, x], [point.smallest_pp, point.largest_pp], color=colour, linewidth=1.2, alpha=0.6, zorder=2.5)
        mark = axis.plot([x], [point.mean_pp], linestyle="none", marker=marker, color=colour, markersize=5, zorder=4)
        hover(f"{size_name(size)}: {point.words}", *bar, *mark)


def _limits(axis: Axes, curves: dict[float | None, tuple[DosePoint, ...]]) -> None:
    from matplotlib.ticker import MaxNLocator

    low = min(0.0, *(p.smallest_pp for points in curves.values() for p in points))
    high = max(0.0, *(p.largest_pp for points in curves.values() for p in points))
    room = max(0.08 * (high - low), 2.0)
    axis.set_ylim(low - room, high + room)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, steps=[1, 2, 5, 10]))
