"""A drawn figure as files and as SVG inside a page; the same figure always gives the same bytes."""

from __future__ import annotations

import itertools
import re
import warnings
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safescale.report.figures.style import EACH_TIP, SETTINGS, THEMED, THROUGH, TIP, TIP_END
from safescale.report.plain import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FORMATS", "inline_svg", "save_figure"]

FORMATS: Final = ("svg", "pdf", "png")

_NO_METADATA: Final[dict[str, dict[str, None]]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
_FONT: Final = b"font-family: 'DejaVu Sans';"
_FONTS: Final = b"font-family: 'DejaVu Sans', Verdana, Arial, sans-serif;"
_PROLOGUE: Final = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_ROOT: Final = re.compile(r"<svg\b[^>]*>")
_VIEW_BOX: Final = re.compile(r'viewBox="([^"]*)"')
_TAG: Final = re.compile(r"<[^!>][^>]*>")
_OWN_ID: Final = re.compile(r'\bid="([^"]+)"')
_TIPS: Final = re.compile(rf'<g id="{TIP}([^"]*)">')
_EACH_TIP: Final = re.compile(rf'<g id="{EACH_TIP}([^"]*)">')
_MARK: Final = re.compile(r'<(use|path)\b([^>]*\bclip-path="[^>]*|[^>]*xlink:href="[^>]*)/>')
"""An element that is a mark of a collection: its own path, or a use of a shared one; shapes in ``defs`` have no clip path."""
_REFERENCE: Final = re.compile(r'(href="#|url\(#)([^")]+)')


def save_figure(drawing: Drawing, folder: Path, name: str) -> tuple[tuple[str, ...], str]:
    """
    Write a figure in every format.

    Returns
    -------
    tuple
        File names (within ``folder``), and the text of the SVG file.
    """
    import matplotlib as mpl

    texts: dict[str, bytes] = {}
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # a model id may hold letters that the font lacks: the SVG shows them all the same
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        for form in FORMATS:
            stream = BytesIO()
            drawing.savefig(stream, format=form, metadata=_NO_METADATA[form], dpi=160)
            texts[form] = stream.getvalue()
    svg = _with_titles(texts["svg"].replace(_FONT, _FONTS).decode("utf-8"))
    texts["svg"] = svg.encode("utf-8")
    names = tuple(f"{name}.{form}" for form in FORMATS)
    for file, form in zip(names, FORMATS, strict=True):
        (folder / file).write_bytes(texts[form])
    return names, svg


def _with_titles(svg: str) -> str:
    """Each mark that has words gets them as its title, which a pointer shows."""
    number = itertools.count(1)
    # the words were escaped as an attribute, which is enough inside an element
    single = _TIPS.sub(lambda tip: f'<g id="mark-{next(number)}"><title>{tip.group(1)}</title>', svg)
    single = re.sub(f'<g id="{THROUGH}">', lambda _: f'<g id="through-{next(number)}" pointer-events="none">', single)
    pieces, done = [], 0
    for group in _EACH_TIP.finditer(single):
        pieces += [single[done : group.start()], f'<g id="marks-{next(number)}">']
        done = group.end()
        for words in group.group(1).split(TIP_END):
            mark = _MARK.search(single, done)
            assert mark is not None
            opened = single[mark.start() : mark.end() - 2]
            pieces += [single[done : mark.start()], f"{opened}><title>{words}</title></{mark.group(1)}>"]
            done = mark.end()
    return "".join([*pieces, single[done:]])


def inline_svg(svg: str, *, id: str, title: str, description: str) -> str:
    """
    The figure as an element of a page: it follows the colours of the page, and a screen reader is told what it shows.

    Every id gets a prefix, so several figures can stand in one page.
    """
    root = _ROOT.search(svg)
    assert root is not None
    box = _VIEW_BOX.search(root.group())
    assert box is not None
    body = _PROLOGUE.sub("", svg)[len(root.group()) :].strip()
    body = _TAG.sub(lambda tag: _themed(tag.group(), id), body)
    head = f'viewBox="{box.group(1)}" role="img" aria-labelledby="{id}-title {id}-desc"'
    return (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {head}>\n'
        f'<title id="{id}-title">{escape(plain(title))}</title>\n<desc id="{id}-desc">{escape(plain(description))}</desc>\n{body}'
    )


def _themed(tag: str, id: str) -> str:
    """One tag with its ids prefixed and its colours left to the page; text between tags is not touched."""
    tag = _OWN_ID.sub(rf'id="{id}-\1"', tag)
    tag = _REFERENCE.sub(rf"\g<1>{id}-\g<2>", tag)
    for colour, variable in THEMED.items():
        tag = tag.replace(colour, f"var({variable})")
    return tag
