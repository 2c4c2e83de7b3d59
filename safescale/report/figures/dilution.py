"""What the figures of the dilution experiment share: looks of lineages, places on the size axis, the legend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import attrs

from safescale.analyses.words import percent, signed, size_words
from safescale.report.figures.style import MARKERS, MUTED, OTHER, PAPER, SERIES
from safescale.report.plain import shortened
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.results import ModelDelta

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = [
    "COLUMN_IN",
    "HOLLOW",
    "Look",
    "columns_for",
    "delta_words",
    "handle",
    "legend",
    "legend_rows",
    "lineage_handles",
    "looks_of",
    "size_name",
]

COLUMN_IN: Final = 5.0
"""Width of a figure that stays readable when it is set at the width of one column."""

OTHER_LINEAGES: Final = "other lineages"


@attrs.frozen(kw_only=True)
class Look:
    """How a lineage is drawn; ``shift`` sets lineages of one size apart (share of the axis)."""

    colour: str
    marker: str
    shift: float


def looks_of(models: Sequence[AskedModel], *, apart: float) -> dict[str, Look]:
    """A look for each lineage: those with most models have their own, the others share one."""
    counts = Counter(model.lineage for model in models)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    own = sorted(ranked[: len(SERIES)])
    crowded = len(ranked) > len(own)
    middle = (len(own) + crowded - 1) / 2
    looks = {name: Look(colour=SERIES[i], marker=MARKERS[i], shift=(i - middle) * apart) for i, name in enumerate(own)}
    others = Look(colour=OTHER, marker="h", shift=(len(own) - middle) * apart)
    return looks | {name: others for name in ranked if name not in looks}


def columns_for(panels: int) -> int:
    """Panels beside each other: three where that leaves fewer gaps, never more than four."""
    return min(panels, 3 if panels in (3, 5, 6, 9) else 4)


def size_name(params_b: float | None) -> str:
    """A size as panels and legends name it: three digits."""
    return "size unknown" if params_b is None else size_words(float(f"{params_b:.3g}"))


def delta_words(delta: ModelDelta) -> str:
    """What the pointer shows of one model, and the alternative text says."""
    guess = " (estimated)" if delta.model.size_estimated else ""
    return (
        f"{delta.model.model_id}, {size_name(delta.model.params_b)}{guess}: {signed(100 * delta.delta)} pp "
        f"[{signed(100 * delta.low)}, {signed(100 * delta.high)}], {percent(delta.control_rate)} to {percent(delta.treated_rate)}, "
        f"{delta.prompts:,} prompts"
    )


def handle(
    label: str,
    *,
    colour: str = MUTED,
    marker: str = "o",
    fill: str | None = None,
    line: Literal["none", "-", "--"] = "none",
    alpha: float = 1.0,
) -> Line2D:
    """An entry of a legend."""
    from matplotlib.lines import Line2D

    return Line2D(
        *([], []),
        linestyle=line,
        linewidth=1.4,
        marker=marker,
        color=colour,
        markerfacecolor=fill or colour,
        markersize=5.5,
        alpha=alpha,
        label=label,
    )


def lineage_handles(looks: Mapping[str, Look]) -> list[Line2D]:
    """An entry for each look."""
    found = [
        handle(shortened(name, 22), colour=look.colour, marker=look.marker) for name, look in looks.items() if look.marker != "h"
    ]
    if any(look.marker == "h" for look in looks.values()):
        found.append(handle(OTHER_LINEAGES, colour=OTHER, marker="h"))
    return found


def legend_rows(n: int, columns: int) -> int:
    """Rows that a legend takes."""
    return math.ceil(n / columns) if n else 0


def legend(figure: Figure, handles: Sequence[Line2D], columns: int, *, foot_in: float = 0.2) -> None:
    """The legend under the axes, over the line that says where the numbers are from; a second one stands higher."""
    if handles:
        figure.legend(
            handles=list(handles),
            loc="lower center",
            bbox_to_anchor=(0.5, foot_in / figure.get_figheight()),
            ncols=min(columns, len(handles)),
            columnspacing=1.4,
            handletextpad=0.4,
            borderaxespad=0,
        )


HOLLOW: Final = PAPER
"""Fill of what is uncertain in its size."""
