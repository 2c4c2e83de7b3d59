"""Labels of a drawn figure stay inside it and do not cover each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing
    from matplotlib.text import Text


def labels_of(drawing: Drawing) -> Iterator[Text]:
    """Every word of a figure but its watermark; tick labels beyond the ends of their axis are kept by matplotlib and not drawn."""
    yield from (text for text in drawing.texts if text.get_text() != "SIMULATED")
    yield from (text for text in (drawing._supxlabel, drawing._supylabel) if text is not None)  # type: ignore[attr-defined]
    yield from (text for legend in drawing.legends for text in legend.get_texts())
    for axes in drawing.axes:
        if axes.get_visible():
            yield from (axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title)  # type: ignore[attr-defined]
            for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                for tick in axis.get_major_ticks():
                    if tick.label1.get_visible() and min(ends) <= tick.get_loc() <= max(ends):
                        yield tick.label1


def check_labels(drawing: Drawing, name: str, *, at_least: int = 7) -> None:
    """Every label inside the figure and none on another."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(drawing)
    canvas.draw()  # type: ignore[no-untyped-call]
    page = drawing.bbox
    shown = [text for text in dict.fromkeys(labels_of(drawing)) if text.get_text()]
    assert len(shown) >= at_least, name
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    boxes = [(text, text.get_window_extent(renderer)) for text in shown]
    for text, box in boxes:
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, (name, text.get_text())
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, (name, text.get_text())
    upright = [(text, box) for text, box in boxes if text.get_rotation() % 90 == 0]
    for (one, a), (other, b) in itertools.combinations(upright, 2):
        apart = a.x1 <= b.x0 + 0.5 or b.x1 <= a.x0 + 0.5 or a.y1 <= b.y0 + 0.5 or b.y1 <= a.y0 + 0.5
        assert apart, (name, one.get_text(), other.get_text())
    turned = [(text, box) for text, box in boxes if text.get_rotation() % 90 != 0]
    for (left, a), (_, b) in itertools.pairwise(turned):
        if b.x1 < a.x1:
            continue  # another row of panels begins
        # parallel lines of text: how far they are apart across, not their upright boxes
        across = (b.x1 - a.x1) * math.sin(math.radians(left.get_rotation()))
        assert across > 0.8 * float(left.get_fontsize()) * drawing.dpi / 72, (name, left.get_text())
