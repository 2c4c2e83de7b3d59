"""What the figures of a robustness study share: looks of sizes, the axis of attack steps, means over the models of a size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from safescale.analyses.words import plural
from safescale.report.figures.dilution import COLUMN_IN, handle, size_name
from safescale.report.figures.style import GRID, MARKERS, MUTED, OTHER, SERIES, WIDTH_IN
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.grid import FEWEST_ROWS
from safescale.studies.robustness.results import CellMetrics, Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = [
    "CurvePoint",
    "SizeLook",
    "curves_of",
    "figure_width",
    "legend_columns",
    "marked_footer",
    "panel_columns",
    "size_handles",
    "size_looks",
    "sizes_of",
    "step_axis",
    "step_name",
    "step_places",
    "trained_data_sizes",
]

APART: Final = 0.45
"""Decades between the model as it was, which has no place on a log scale, and the first step."""
LEGEND_SIZES: Final = 5
_RAMP: Final = (SERIES[0], SERIES[3], SERIES[1])


@attrs.frozen(kw_only=True)
class SizeLook:
    """How models of one size are drawn."""

    colour: str
    marker: str


@attrs.frozen(kw_only=True)
class CurvePoint:
    """
    Cells of one size at one number of steps.

    ``mean``, ``low`` and ``high`` (smallest and largest) are over cells that have the number; ``missing`` have none. ``n`` counts
    the pairs or responses behind it; ``few``: one of the cells rests on so few of them that it is in no fit.
    """

    steps: int
    mean: float
    low: float
    high: float
    cells: int
    missing: int
    n: int
    few: bool = False

    def words(self, shown: Callable[[float], str]) -> str:
        """What the pointer shows, and the alternative text says."""
        spread = "" if self.cells == 1 else f" ({shown(self.low)} to {shown(self.high)}, {plural(self.cells, 'cell')})"
        missing = f", {self.missing} without" if self.missing else ""
        few = f", fewer than {FEWEST_ROWS} responses" if self.few else ""
        return f"{plural(self.steps, 'step')} {shown(self.mean)}{spread}{missing}{few}"


def sizes_of(models: Iterable[AskedModel]) -> tuple[float | None, ...]:
    """Sizes from the smallest up, unknown ones last."""
    return tuple(sorted({model.params_b for model in models}, key=lambda b: (b is None, b or 0.0)))


def size_looks(sizes: Sequence[float | None]) -> dict[float | None, SizeLook]:
    """A colour and marker of its own for each of a few sizes; a ramp of colours for more."""
    known = [size for size in sizes if size is not None]
    if len(known) <= len(SERIES):
        looks: dict[float | None, SizeLook] = {size: SizeLook(colour=SERIES[i], marker=MARKERS[i]) for i, size in enumerate(known)}
    else:
        logs = [math.log10(size) for size in known]
        looks = {
            size: SizeLook(colour=_between((x - logs[0]) / (logs[-1] - logs[0])), marker="o")
            for size, x in zip(known, logs, strict=True)
        }
    return looks | ({None: SizeLook(colour=OTHER, marker="h")} if None in sizes else {})


def _between(share: float) -> str:
    """A colour of the ramp."""
    at = share * (len(_RAMP) - 1)
    left = min(int(at), len(_RAMP) - 2)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in _RAMP[left : left + 2]]
    mixed = [round(a + (b - a) * (at - left)) for a, b in zip(*ends, strict=True)]
    return f"#{mixed[0]:02x}{mixed[1]:02x}{mixed[2]:02x}"


def size_handles(looks: Mapping[float | None, SizeLook]) -> list[Line2D]:
    """Entries of the legend: every size of a few, some of many from the smallest to the largest."""
    known = [size for size in looks if size is not None]
    if len(known) > len(SERIES):
        known = [known[round(i * (len(known) - 1) / (LEGEND_SIZES - 1))] for i in range(LEGEND_SIZES)]
    shown: list[float | None] = [*known, *([None] if None in looks else [])]
    return [handle(size_name(size), colour=looks[size].colour, marker=looks[size].marker, line="-") for size in shown]


def step_places(steps: Iterable[int]) -> dict[int, float]:
    """Where numbers of steps stand: log10 of them, and 0 apart to the left."""
    trained = sorted({n for n in steps if n > 0})
    places = {n: math.log10(n) for n in trained}
    return {0: (places[trained[0]] - APART if trained else 0.0), **places}


def step_name(steps: int) -> str:
    """A number of steps as the axis shows it."""
    return f"{steps / 1000:g}k" if steps >= 1000 else str(steps)


def step_axis(axis: Axes, places: Mapping[int, float], *, width_in: float) -> None:
    """Ticks where there is room for their words, the ends always; a line between the model as it was and the first step."""
    ends = min(places.values()), max(places.values())
    room = max(0.06 * (ends[1] - ends[0]), 0.1)
    span = ends[1] - ends[0] + 2 * room
    shown: list[int] = []
    taken = -math.inf
    last = max(places, key=lambda n: places[n])
    half = {n: 0.5 * (0.075 * len(step_name(n)) + 0.05) * span / width_in for n in places}
    for n in sorted(places, key=lambda n: places[n]):
        clear = n == last or places[n] + half[n] <= places[last] - half[last]
        if clear and places[n] - half[n] >= taken:
            shown.append(n)
            taken = places[n] + half[n]
    if last not in shown:
        shown.append(last)
    axis.set_xticks([places[n] for n in shown], [step_name(n) for n in shown])
    axis.set_xlim(ends[0] - room, ends[1] + room)
    if len(places) > 1:
        first = min(place for n, place in places.items() if n)
        axis.axvline((places[0] + first) / 2, color=GRID, linewidth=2.4, zorder=0.4)
        axis.axvline((places[0] + first) / 2, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0.5)


def trained_data_sizes(cells: Iterable[CellMetrics], defence: str) -> tuple[int, ...]:
    """Data sizes that were trained under a defence."""
    return tuple(
        sorted(
            {
                one.attack.examples
                for one in cells
                if one.attack.kind == "finetune" and one.defence.name == defence and one.attack.examples is not None
            }
        )
    )


def curves_of(
    cells: Iterable[CellMetrics], pick: Callable[[CellMetrics], Estimate | None], *, defence: str, examples: int
) -> dict[float | None, tuple[CurvePoint, ...]]:
    """A quantity against steps of fine-tuning at one data size under one defence, by size of the model; 0 steps: no attack."""
    held: dict[float | None, dict[int, list[Estimate]]] = {}
    for one in cells:
        if one.defence.name != defence:
            continue
        if one.attack.kind == "none":
            steps = 0
        elif one.attack.kind == "finetune" and one.attack.examples == examples and one.attack.steps is not None:
            steps = one.attack.steps
        else:
            continue
        found = pick(one)
        if found is not None:
            held.setdefault(one.model.params_b, {}).setdefault(steps, []).append(found)
    curves = {}
    for size in sorted(held, key=lambda b: (b is None, b or 0.0)):
        points = [point for steps, found in sorted(held[size].items()) if (point := _point(steps, found)) is not None]
        if points:
            curves[size] = tuple(points)
    return curves


def _point(steps: int, found: Sequence[Estimate]) -> CurvePoint | None:
    values = [one.value for one in found if one.value is not None]
    if not values:
        return None
    return CurvePoint(
        steps=steps,
        mean=sum(values) / len(values),
        low=min(values),
        high=max(values),
        cells=len(values),
        missing=len(found) - len(values),
        n=sum(one.n for one in found if one.value is not None),
        few=any(one.n < FEWEST_ROWS for one in found if one.value is not None),
    )


def legend_columns(entries: int, most: int) -> int:
    """Columns of a legend whose rows are about equally full."""
    return math.ceil(entries / math.ceil(entries / most)) if entries else 1


def panel_columns(panels: int) -> int:
    """Panels beside each other."""
    return min(panels, 2 if panels in (2, 4) else 3)


def marked_footer(footer: str, watermark: str | None) -> str:
    """The footer of a figure whose filled fields cover the watermark."""
    return f"{watermark} · {footer}" if watermark else footer


def figure_width(panels: int) -> float:
    """One panel has the width of a column, more the width of the page."""
    return COLUMN_IN if panels == 1 else WIDTH_IN
