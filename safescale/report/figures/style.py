"""Colours, markers and settings of every figure; colours can be told apart in common colour blindness, and markers differ too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BAND", "GRID", "INK", "MARK", "MARKERS", "MUTED", "OTHER", "PAPER", "SERIES", "SETTINGS", "THEMED", "WIDTH_IN", "sign"]

INK: Final = "#1b1f23"
MUTED: Final = "#59616b"
GRID: Final = "#d8dce1"
PAPER: Final = "#ffffff"
BAND: Final = "#e3ebf3"
MARK: Final = "#b3261e"
OTHER: Final = "#767d86"
SERIES: Final = ("#0068a8", "#c14600", "#007a5a", "#a13d7c", "#876600", "#4b4fb5", "#2c7f93")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")

THEMED: Final[Mapping[str, str]] = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    PAPER: "--paper",
    BAND: "--band",
    MARK: "--mark",
    OTHER: "--other",
    **{colour: f"--series-{i + 1}" for i, colour in enumerate(SERIES)},
}
"""Each colour and the style variable that stands for it in a page, where light and dark give it another value."""

SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "safescale",
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}

WIDTH_IN: Final = 7.2


def sign(figure: Figure, *, footer: str, watermark: str | None) -> None:
    """The line that says where the numbers are from, and the watermark across."""
    figure.text(0.012, 0.06 / figure.get_figheight(), footer, fontsize=6.5, color=MUTED, ha="left", va="bottom")
    if watermark:
        size = 16 * min(figure.get_figheight(), 0.8 * figure.get_figwidth())
        figure.text(
            *(0.5, 0.52, watermark),
            fontsize=min(size, 62),
            color=MARK,
            alpha=0.14,
            rotation=24,
            ha="center",
            va="center",
            weight="bold",
            zorder=-1,
        )
