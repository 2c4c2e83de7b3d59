"""Where the figures of a report go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safescale.report.document import Figure
from safescale.report.figures.save import inline_svg, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURES", "FigureSink"]

FIGURES: Final = "figures"
"""Folder of the figures inside the report."""


class FigureSink:
    """
    Writes figures into a folder, each in every format.

    Parameters
    ----------
    folder : Path
        An existing folder.
    watermark : str or None
        What is written across figures that rest on simulated rows.
    """

    def __init__(self, folder: Path, *, watermark: str | None) -> None:
        self._folder = folder
        self.watermark = watermark

    def add(self, name: str, *, title: str, caption: str, alt: str, source: str, draw: Callable[[], Drawing]) -> Figure:
        """
        Draw a figure and write its files.

        Parameters
        ----------
        name : str
            Unique in the report, ``kind-number``; the files and the id in the page are called so.
        title, caption, alt, source : str
            As in ``Figure``.
        draw : callable
            Draws it.
        """
        id = f"fig-{name}"
        files, svg = save_figure(draw(), self._folder, name)
        return Figure(
            id=id,
            title=title,
            caption=caption,
            alt=alt,
            svg=inline_svg(svg, id=id, title=title, description=alt),
            files=tuple(f"{FIGURES}/{file}" for file in files),
            source=source,
        )
