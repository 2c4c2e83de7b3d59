"""Colours, markers and settings of every figure; colours can be told apart in common colour blindness, and markers differ too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from safescale.report.plain import plain

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure

__all__ = [
    "BAND",
    "EACH_TIP",
    "GRID",
    "INK",
    "MARK",
    "MARKERS",
    "MUTED",
    "OTHER",
    "PAPER",
    "SERIES",
    "SETTINGS",
    "THEMED",
    "TIP",
    "WIDTH_IN",
    "hover",
    "hover_area",
    "hover_areas",
    "hover_each",
    "let_through",
    "sign",
]

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

TIP: Final = "tip:"
"""A group id that begins so carries the words of a mark to ``save_figure``, which makes a title of them."""

EACH_TIP: Final = "tips:"
"""The same for a collection: the words of its marks in order, ``TIP_END`` between them."""

THROUGH: Final = "through:"
"""A group id of what the pointer passes through."""

TIP_END: Final = "\u241e"


def hover(text: str, *artists: Artist) -> None:
    """
    Words that a reader of the SVG sees when the pointer rests on a mark.

    They are for the eye only: what they say must also stand in a table.

    Parameters
    ----------
    text : str
        Name and values of the mark.
    *artists : Artist
        What the mark is drawn with, one artist per mark: ``scatter`` draws many marks as one.
    """
    for artist in artists:
        artist.set_gid(TIP + " ".join(plain(text).split()))


def hover_each(texts: Sequence[str], collection: Collection) -> None:
    """
    Words of each mark of a collection: thousands of marks drawn as one take a tenth of the time of as many artists.

    Parameters
    ----------
    texts : sequence of str
        Of the marks in the order in which they were given to ``scatter`` or ``LineCollection``.
    collection : Collection
        What they are drawn with; nothing of it may lie outside the axes.
    """
    collection.set_gid(EACH_TIP + TIP_END.join(" ".join(plain(text).split()).replace(TIP_END, " ") for text in texts))


def let_through(collection: Collection) -> None:
    """Marks that the pointer passes through, to the spots of ``hover_areas`` under them."""
    collection.set_gid(THROUGH)


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


def hover_areas(axis: Axes, x: Sequence[float], y: Sequence[float], texts: Sequence[str]) -> None:
    """Unseen spots around marks, so that their words can be reached without aiming; marks themselves stay on top of them."""
    spots = axis.scatter(x, y, s=15**2, linewidths=0, facecolors=PAPER, edgecolors=PAPER, alpha=0, zorder=1.5)
    hover_each(texts, spots)


def hover_area(axis: Axes, x: float, y: float, text: str) -> None:
    """An unseen spot around a mark, so that its words can be reached without aiming; marks themselves stay on top of it."""
    [spot] = axis.plot([x], [y], linestyle="none", marker="o", markersize=15, markeredgewidth=0, color=PAPER, alpha=0, zorder=1.5)
    hover(text, spot)
