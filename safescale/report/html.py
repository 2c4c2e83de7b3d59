"""A document as one HTML page: everything escaped, nothing loaded from elsewhere, whole without its one small script."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from safescale.analyses.words import and_list, plural
from safescale.report.document import Document, Section, every_section
from safescale.report.plain import plain
from safescale.report.table_files import form_name, table_links

__all__ = ["document_html"]

_TEMPLATES: Final = "templates"

LONG_ROWS: Final = 25
"""A table of more rows than this is folded, under a line that says how many there are."""

OPEN_PARTS: Final = 3
"""Where a section has more parts than this, figures and tables of each part are folded; its words are not."""

SHOWN_PARTS: Final = 9
"""More parts of a section than this are folded in the contents."""


def document_html(document: Document) -> str:
    """The page as text; beside it belong the folders of figures and tables, which it links to."""
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
    environment.filters["files"] = table_links
    environment.filters["form"] = form_name
    environment.filters["contents"] = _contents
    environment.tests["titled"] = lambda svg: "-mark-1" in svg
    script = (folder / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        document=document,
        ids={section.id for _, section in every_section(document.whole)},
        script=Markup(script),  # ours alone: no word from the data is in it
        script_hash=_content_hash(script),
        long_rows=LONG_ROWS,
        open_parts=OPEN_PARTS,
        shown_parts=SHOWN_PARTS,
    )


def _content_hash(script: str) -> str:
    """The source expression by which a content security policy allows this script and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}"


def _contents(section: Section) -> str:
    """How many figures and tables a section holds."""
    counts = ((len(section.figures), "figure"), (len(section.tables), "table"))
    return and_list([plural(n, noun) for n, noun in counts if n])
