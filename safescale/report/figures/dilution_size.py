"""Change of attack success against model size: every model with its interval, the line and its slopes where one was fitted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from safescale.analyses.words import signed
from safescale.report.figures.dilution import (
    COLUMN_IN,
    HOLLOW,
    Look,
    delta_words,
    handle,
    legend,
    legend_rows,
    lineage_handles,
    looks_of,
    size_name,
)
from safescale.report.figures.size_axis import size_span, size_ticks
from safescale.report.figures.style import BAND, INK, MARK, MUTED, SETTINGS, hover, hover_areas, sign
from safescale.studies.dilution.results import BetweenModels, GraderAnswer, LargestAgainstSmallest, ModelDelta

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["draw_delta_by_size", "line_centre", "sized"]

AXES_IN: Final = 2.75
LEGEND_COLUMNS: Final = 3
APART: Final = 0.018
STEPS: Final = 40
CLOSE: Final = 0.11
"""Sizes closer than this share of the axis would have labels that touch."""


def sized(deltas: Sequence[ModelDelta]) -> tuple[ModelDelta, ...]:
    """Models of known size, from the smallest up."""
    known = [delta for delta in deltas if delta.model.params_b is not None]
    return tuple(sorted(known, key=lambda d: (d.model.params_b or 0.0, d.model.lineage, d.model.model_id)))


def line_centre(deltas: Sequence[ModelDelta]) -> tuple[float, float]:
    """Mean log10 size and mean delta (pp) of models: the point that a line fitted to them goes through."""
    x = [math.log10(delta.model.params_b) for delta in deltas if delta.model.params_b is not None]
    return sum(x) / len(x), 100 * sum(delta.delta for delta in deltas) / len(deltas)


def draw_delta_by_size(answer: GraderAnswer, *, footer: str, watermark: str | None) -> Figure:
    """
    Delta of each model against log10 size.

    Parameters
    ----------
    answer : GraderAnswer
        At least one delta of a model of known size.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    deltas = sized(answer.deltas)
    looks = looks_of([delta.model for delta in deltas], apart=APART)
    handles = _handles(answer, deltas, looks)
    below = 0.82 + 0.2 * legend_rows(len(handles), LEGEND_COLUMNS)
    words = _headings(answer)
    above = 0.16 + 0.16 * len(words)
    height = AXES_IN + below + above
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(COLUMN_IN, height))
        axis = figure.subplots()
        sizes = [delta.model.params_b for delta in deltas if delta.model.params_b is not None]
        span = _span(sizes, looks)
        axis.axhline(0, color=MUTED, linewidth=0.9, zorder=1)
        unfitted = {model for model, _ in answer.not_fitted}
        fitted = [delta for delta in deltas if delta.model.model_id not in unfitted]
        if answer.size is not None and len({delta.model.params_b for delta in fitted}) > 1:
            _line(axis, answer.size, fitted)
        _points(axis, deltas, looks, span, unfitted)
        _ticks(axis, sizes, span)
        _rule(axis, answer.rule, deltas, span)
        axis.set_ylabel("change of ASR with the puzzle, pp")
        axis.set_xlabel("parameters (log scale)")
        figure.subplots_adjust(left=0.13, right=0.975, top=1 - above / height, bottom=below / height)
        for row, (text, colour) in enumerate(words):
            figure.text(0.025, 1 - (0.14 + 0.16 * row) / height, text, fontsize=7.4, color=colour, ha="left", va="center")
        legend(figure, handles, LEGEND_COLUMNS)
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _span(sizes: Sequence[float], looks: dict[str, Look]) -> tuple[float, float]:
    """Ends of the axis, with room for lineages that are set apart."""
    low, high = size_span(sizes)
    room = (high - low) * max(abs(look.shift) for look in looks.values())
    return low - room, high + room


def _ticks(axis: Axes, sizes: Sequence[float], span: tuple[float, float]) -> None:
    """The sizes themselves where they are few and apart, else round ones."""
    from matplotlib.ticker import MaxNLocator

    distinct = sorted(set(sizes))
    places = [math.log10(size) for size in distinct]
    if all(right - left > CLOSE * (span[1] - span[0]) for left, right in itertools.pairwise(places)):
        axis.set_xticks(places, [size_name(size) for size in distinct])
        axis.set_xlim(*span)
    else:
        size_ticks(axis, sizes, span)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]))


def _headings(answer: GraderAnswer) -> list[tuple[str, str]]:
    found = []
    if answer.size is not None:
        size = answer.size
        interval = "" if size.low is None or size.high is None else f" [{signed(size.low)}, {signed(size.high)}]"
        found.append((f"slope {signed(size.slope_pp_per_decade)}{interval} pp per decade, models as units", INK))
    if answer.rule is not None:
        found.append((_rule_words(answer.rule), MUTED))
    return found


def _rule_words(rule: LargestAgainstSmallest) -> str:
    return (
        f"{size_name(rule.largest_b)} minus {size_name(rule.smallest_b)}: {signed(rule.difference_pp)} "
        f"[{signed(rule.low_pp)}, {signed(rule.high_pp)}] pp, these models (large: above {rule.threshold_pp:g}, report 353)"
    )


def _line(axis: Axes, size: BetweenModels, deltas: Sequence[ModelDelta]) -> None:
    """The fitted slope through the centre of the models; shaded: every slope of its interval."""
    centre, mean = line_centre(deltas)
    low, high = (math.log10(end) for end in (deltas[0].model.params_b or 1.0, deltas[-1].model.params_b or 1.0))
    steps = [low + (high - low) * i / STEPS for i in range(STEPS + 1)]
    if size.low is not None and size.high is not None:
        ends = [sorted((mean + size.low * (x - centre), mean + size.high * (x - centre))) for x in steps]
        axis.fill_between(steps, [end[0] for end in ends], [end[1] for end in ends], color=BAND, linewidth=0, zorder=0.5)
    [line] = axis.plot(steps, [mean + size.slope_pp_per_decade * (x - centre) for x in steps], color=INK, linewidth=1.4, zorder=2)
    hover(f"fitted slope {signed(size.slope_pp_per_decade)} pp per decade", line)


def _points(
    axis: Axes, deltas: Sequence[ModelDelta], looks: dict[str, Look], span: tuple[float, float], unfitted: set[str]
) -> None:
    placed = [math.log10(delta.model.params_b or 1.0) + looks[delta.model.lineage].shift * (span[1] - span[0]) for delta in deltas]
    hover_areas(axis, placed, [100 * delta.delta for delta in deltas], [delta_words(delta) for delta in deltas])
    for x, delta in zip(placed, deltas, strict=True):
        look, words = looks[delta.model.lineage], delta_words(delta)
        strength = 0.35 if delta.model.model_id in unfitted else 1.0
        ends = [100 * delta.low, 100 * delta.high]
        bar = axis.plot([x, x], ends, color=look.colour, linewidth=1.3, alpha=0.65 * strength, zorder=3)
        mark = axis.plot(
            [x],
            [100 * delta.delta],
            linestyle="none",
            marker=look.marker,
            markersize=5.5,
            markerfacecolor=HOLLOW if delta.model.size_estimated else look.colour,
            markeredgecolor=look.colour,
            markeredgewidth=1.1,
            alpha=strength,
            zorder=4,
        )
        hover(words, *bar, *mark)


def _rule(axis: Axes, rule: LargestAgainstSmallest | None, deltas: Sequence[ModelDelta], span: tuple[float, float]) -> None:
    """Where the mean delta of the largest size would have to lie to be large by the rule of report 353."""
    ends = [end for delta in deltas for end in (100 * delta.low, 100 * delta.high)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    if rule is not None:
        smallest = [100 * delta.delta for delta in deltas if delta.model.params_b == rule.smallest_b]
        if smallest:
            bar = sum(smallest) / len(smallest) + rule.threshold_pp
            low, high = min(low, bar), max(high, bar)
            axis.plot([span[0], span[1]], [bar, bar], color=MARK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1.5)
    room = max(0.06 * (high - low), 2.0)
    axis.set_ylim(low - room, high + room)


def _handles(answer: GraderAnswer, deltas: Sequence[ModelDelta], looks: dict[str, Look]) -> list[Line2D]:
    found = lineage_handles(looks)
    if any(delta.model.size_estimated for delta in deltas):
        found.append(handle("hollow: size estimated", fill=HOLLOW))
    if any(delta.model.model_id in dict(answer.not_fitted) for delta in deltas):
        found.append(handle("faint: in no slope", alpha=0.35))
    if answer.rule is not None:
        found.append(handle(f"smallest size + {answer.rule.threshold_pp:g} pp", colour=MARK, marker="", line="--"))
    return found
