"""What defences give and cost: refusals under attack against over-refusal, or lost accuracy, without attack."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from safescale.analyses.words import plural
from safescale.report.figures.dilution import handle, legend, legend_rows, size_name
from safescale.report.figures.robustness import SizeLook, figure_width, size_handles, size_looks, sizes_of
from safescale.report.figures.style import INK, MARKERS, MUTED, SETTINGS, hover, sign
from safescale.report.robustness_tables import attack_words, defence_words
from safescale.studies.robustness.outcomes import Attack, Defence
from safescale.studies.robustness.results import CellMetrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TradePoint", "draw_trade", "trade_attacks", "trade_points"]

PANEL_IN: Final = 2.5
LEGEND_COLUMNS: Final = 5
SHOWN_ATTACKS: Final = 2
_KINDS: Final = {"none": 0, "steering": 1, "tamper_resistance": 2}


@attrs.frozen(kw_only=True)
class TradePoint:
    """
    Models of one size under one defence: means over them and over attack seeds, fractions.

    ``kept``: share refused of all harmful prompts under the attack. ``over_refusal``: of benign prompts, without attack.
    ``accuracy_lost``: benign accuracy without the defence less with it, without attack. None where no model has it.
    """

    defence: Defence
    size: float | None
    kept: float
    over_refusal: float | None
    accuracy_lost: float | None
    models: int

    @property
    def words(self) -> str:
        """What the pointer shows, and the alternative text says."""
        over = "over-refusal not defined" if self.over_refusal is None else f"over-refusal {100 * self.over_refusal:.1f} %"
        lost = "" if self.accuracy_lost is None else f", accuracy lost {100 * self.accuracy_lost:+.1f} pp"
        return (
            f"{size_name(self.size)}, {defence_words(self.defence)}: {100 * self.kept:.1f} % refused under attack, {over}{lost} "
            f"({plural(self.models, 'model')})"
        )


def trade_attacks(cells: Iterable[CellMetrics]) -> tuple[Attack, ...]:
    """The fine-tuning attacks against which most defences were tried, at most two: the one of least and the one of most compute."""
    tried: dict[Attack, set[str]] = {}
    for one in cells:
        if one.attack.kind == "finetune" and one.retention.marginal.value is not None:
            tried.setdefault(one.attack, set()).add(one.defence.name)
    most = max((len(names) for names in tried.values()), default=0)
    if most < 2:
        return ()
    best = sorted(
        (attack for attack, names in tried.items() if len(names) == most), key=lambda a: (a.examples or 0, a.steps or 0, a.name)
    )
    return tuple(dict.fromkeys((best[0], best[-1])))[:SHOWN_ATTACKS]


def trade_points(cells: Sequence[CellMetrics], attack: Attack) -> tuple[TradePoint, ...]:
    """Every defence and size that was asked under the attack."""
    plain = {(one.model.model_id, one.defence.name): one for one in cells if one.attack.kind == "none"}
    kept: dict[tuple[Defence, float | None], dict[str, list[float]]] = {}
    for one in cells:
        if one.attack == attack and one.retention.marginal.value is not None:
            key = (one.defence, one.model.params_b)
            kept.setdefault(key, {}).setdefault(one.model.model_id, []).append(one.retention.marginal.value)
    found = []
    for (defence, size), models in kept.items():
        over, lost = [], []
        for model_id in models:
            with_it, without = plain.get((model_id, defence.name)), plain.get((model_id, "none"))
            if with_it is not None and with_it.over_refusal.value is not None:
                over.append(with_it.over_refusal.value)
            if with_it is not None and without is not None:
                ends = with_it.benign_accuracy.value, without.benign_accuracy.value
                if ends[0] is not None and ends[1] is not None:
                    lost.append(ends[1] - ends[0])
        found.append(
            TradePoint(
                defence=defence,
                size=size,
                kept=_mean([_mean(values) for values in models.values()]),
                over_refusal=_mean(over) if over else None,
                accuracy_lost=_mean(lost) if lost else None,
                models=len(models),
            )
        )
    return tuple(sorted(found, key=lambda p: (p.size is None, p.size or 0.0, _order(p.defence))))


def _order(defence: Defence) -> tuple[int, float, str]:
    return _KINDS[defence.kind], defence.coefficient or 0.0, defence.name


def _name(defence: Defence) -> str:
    return "no defence" if defence.kind == "none" else defence_words(defence)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def draw_trade(cells: Sequence[CellMetrics], attacks: Sequence[Attack], *, footer: str, watermark: str | None) -> Figure:
    """
    A row for each attack; to the left over-refusal, to the right accuracy lost, each only where it is defined.

    Parameters
    ----------
    cells : sequence of CellMetrics
        Of one grader.
    attacks : sequence of Attack
        Of ``trade_attacks``.
    footer, watermark : str
        See ``sign``.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    points = {attack: trade_points(cells, attack) for attack in attacks}
    every = [point for found in points.values() for point in found]
    costs = [name for name in ("over_refusal", "accuracy_lost") if any(getattr(point, name) is not None for point in every)]
    looks = size_looks(sizes_of(one.model for one in cells if one.model.params_b in {point.size for point in every}))
    defences = sorted({point.defence for point in every}, key=_order)
    markers = {defence: MARKERS[i % len(MARKERS)] for i, defence in enumerate(defences)}
    sizes = [handle(entry.get_label(), colour=entry.get_color(), marker="", line="-") for entry in size_handles(looks)]  # type: ignore[arg-type]
    handles = [handle(_name(defence), colour=MUTED, marker=markers[defence]) for defence in defences]
    lines = legend_rows(len(handles), LEGEND_COLUMNS), legend_rows(len(sizes), LEGEND_COLUMNS)
    below, above = 0.78 + 0.2 * sum(lines), 0.34
    rows, columns = len(attacks), len(costs)
    width = figure_width(columns)
    height = rows * PANEL_IN + (rows - 1) * 0.75 + below + above
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height))
        axes = figure.subplots(rows, columns, squeeze=False)
        for row, attack in enumerate(attacks):
            for column, cost in enumerate(costs):
                axis = axes[row, column]
                _panel(axis, points[attack], cost, looks, markers)
                axis.set_xlabel(_AXES[cost])
                if column == 0:
                    axis.set_title(f"attack: {attack_words(attack)}", color=INK, pad=5)
                    axis.set_ylabel("refused under attack,\n% of harmful prompts")
        figure.subplots_adjust(
            left=0.75 / width,
            right=1 - 0.14 / width,
            top=1 - above / height,
            bottom=below / height,
            wspace=0.2,
            hspace=0.75 / PANEL_IN,
        )
        for entries, rows_of, foot in ((handles, lines[0], 0.24 + 0.2 * lines[1]), (sizes, lines[1], 0.2)):
            across = math.ceil(len(entries) / rows_of)
            legend(figure, entries, across, foot_in=foot)
        sign(figure, footer=footer, watermark=watermark)
    return figure


_AXES: Final = {
    "over_refusal": "over-refusal without attack, %",
    "accuracy_lost": "benign accuracy lost without attack, pp",
}


def _panel(
    axis: Axes,
    points: Sequence[TradePoint],
    cost: str,
    looks: Mapping[float | None, SizeLook],
    markers: Mapping[Defence, str],
) -> None:
    from matplotlib.ticker import MaxNLocator

    shown = [point for point in points if getattr(point, cost) is not None]
    for size in dict.fromkeys(point.size for point in shown):
        sweep = [p for p in shown if p.size == size and p.defence.kind in ("none", "steering")]
        if len(sweep) > 1:
            x, y = [100 * getattr(p, cost) for p in sweep], [100 * p.kept for p in sweep]
            axis.plot(x, y, color=looks[size].colour, linewidth=0.8, alpha=0.55, zorder=2)
    for point in shown:
        place = [100 * float(getattr(point, cost))], [100 * point.kept]
        marker, colour = markers[point.defence], looks[point.size].colour
        hover(point.words, *axis.plot(*place, linestyle="none", marker=marker, markersize=5.2, color=colour, alpha=0.9, zorder=4))
    xs = [100 * float(getattr(point, cost)) for point in shown] or [0.0]
    low, high = min(0.0, *xs), max(1.0, *xs)
    if cost == "accuracy_lost":
        axis.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    axis.set_xlim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_ylim(-4, 104)
