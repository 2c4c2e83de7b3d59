"""A document as one HTML page: everything escaped, nothing loaded from elsewhere, no script."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from safescale.report.document import Document, every_section
from safescale.report.plain import plain

__all__ = ["document_html"]

_TEMPLATES: Final = "templates"


def document_html(document: Document) -> str:
    """The page as text."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("safescale.report") / _TEMPLATES
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: plain(value) if type(value) is str else value,
    )
    # matplotlib wrote this markup and escaped the words in it; every other value is escaped here
    environment.filters["drawn"] = lambda svg: Markup(svg)
    template = environment.get_template("report.html.j2")
    return template.render(document=document, sections=list(every_section(document.sections)))
