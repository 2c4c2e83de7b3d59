r"""A table as LaTeX: booktabs, every special character escaped, the caption with its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from safescale.report.document import Table
from safescale.report.plain import plain

__all__ = ["latex_table", "latex_text"]

LONG_ROWS: Final = 40
"""More rows than this do not fit a page: the table may break."""

LINE_WIDTH: Final = 85
"""Characters of a line of text; a table that needs more is made smaller."""

WIDE_CELL: Final = 26
"""A text column with longer cells than this is set in lines of a given width."""

_COMMANDS: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    # Latin letters are known to every LaTeX since 2018; these are not
    "\u2212": r"\ensuremath{-}",
    "\u2192": r"\ensuremath{\rightarrow}",
    "\u2190": r"\ensuremath{\leftarrow}",
    "\u2264": r"\ensuremath{\leq}",
    "\u2265": r"\ensuremath{\geq}",
    "\u2260": r"\ensuremath{\neq}",
    "\u2248": r"\ensuremath{\approx}",
    "\u00d7": r"\ensuremath{\times}",
    "\u00b1": r"\ensuremath{\pm}",
    "\u00b2": r"\ensuremath{^2}",
    "\u00b3": r"\ensuremath{^3}",
    "\u00b7": r"\ensuremath{\cdot}",
    "\u2013": r"\textendash{}",
    "\u2014": r"\textemdash{}",
    "\u2026": r"\dots{}",
    "\u00a0": "~",
    "\u202f": r"\,",
    **{
        letter: rf"\ensuremath{{\{name}}}"
        for letter, name in zip(
            "αβγδεηκλμπρστφχω",
            (
                *("alpha", "beta", "gamma", "delta", "varepsilon", "eta", "kappa", "lambda", "mu", "pi", "rho", "sigma", "tau"),
                *("varphi", "chi", "omega"),
            ),
            strict=True,
        )
    },
}
_DASH: Final = re.compile("-(?=-)")
_MINUS: Final = re.compile(r"(?<![\w.])-(?=\.?\d)")
_TOKEN: Final = re.compile("|".join(map(re.escape, _COMMANDS)))
_LATIN: Final = re.compile("[\x20-\x7e\u00a1-\u017f]*")


def latex_text(text: str, *, numeric: bool = False) -> str:
    """
    Text as LaTeX prints it.

    Parameters
    ----------
    text : str
        Anything; control characters become blanks.
    numeric : bool, default False
        Whether a hyphen before a digit is a minus.
    """
    words = " ".join(plain(text).split())
    if numeric:
        words = _MINUS.sub("\u2212", words)
    # two hyphens would be drawn as one dash
    return _DASH.sub("-{}", _TOKEN.sub(lambda found: _COMMANDS[found.group()], words))


def latex_table(table: Table, *, watermark: str | None = None) -> str:
    """
    The table as a float with a ``tabular``, or as a ``longtable`` when a page is too short for it.

    Parameters
    ----------
    table : Table
        What is set; notes and source stand in the caption and below.
    watermark : str or None
        Stands in the caption of tables that rest on simulated rows.

    Returns
    -------
    str
        LaTeX that needs the packages of its first comment line, and a Unicode engine where a second one says so.
    """
    long = len(table.rows) > LONG_ROWS
    squeezed = not long and _width(table) > LINE_WIDTH
    packages = ("booktabs", *(["longtable"] if long else []), *(["graphicx"] if squeezed else []))
    loaded = "".join(rf"\usepackage{{{name}}}" for name in packages)
    lines = [rf"% needs \usepackage[T1]{{fontenc}}{loaded}"]
    words = [
        table.caption,
        table.source,
        *table.notes,
        *(c.name for c in table.columns),
        *(cell for row in table.rows for cell in row),
    ]
    if not all(_LATIN.fullmatch(_TOKEN.sub("", plain(word))) for word in words):
        lines.append("% holds letters beyond Latin ones: XeLaTeX or LuaLaTeX, with a font that has them")
    mark = rf" \textbf{{{latex_text(watermark)}.}}" if watermark else ""
    short, source = latex_text(table.caption), latex_text(f"Source: {table.source}.")
    notes = " ".join(latex_text(note) for note in table.notes)
    caption = rf"\caption[{{{short}}}]{{{short}.{mark}{f' {notes}' if notes else ''} {source}}}"
    label = rf"\label{{tab:{table.id}}}"
    head = _row([column.name for column in table.columns], [False] * len(table.columns))
    body = [_row(row, [column.numeric for column in table.columns]) for row in table.rows]
    spec = _specification(table)
    if long:
        lines += [r"{\footnotesize", rf"\begin{{longtable}}{{{spec}}}", rf"{caption}{label} \\", r"\toprule", head, r"\midrule"]
        lines += [r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endlastfoot"]
        lines += [*body, r"\end{longtable}", "}"]
    else:
        lines += [r"\begin{table}", r"\centering", r"\footnotesize", caption + label]
        lines += [r"\resizebox{\linewidth}{!}{%"] if squeezed else []
        lines += [rf"\begin{{tabular}}{{{spec}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
        lines += [r"\end{tabular}" + ("}" if squeezed else ""), r"\end{table}"]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str], numeric: Sequence[bool]) -> str:
    row = " & ".join(latex_text(cell, numeric=number) for cell, number in zip(cells, numeric, strict=True)) + r" \\"
    # after the end of a row these two would be taken for its options
    return f"{{}}{row}" if row[0] in "[*" else row


def _longest(table: Table) -> list[int]:
    return [max((len(row[i]) for row in table.rows), default=0) for i in range(len(table.columns))]


def _wide(table: Table) -> list[bool]:
    return [not column.numeric and n > WIDE_CELL for column, n in zip(table.columns, _longest(table), strict=True)]


def _width(table: Table) -> float:
    """About how many characters wide the table is."""
    narrow = [
        max(n, len(column.name)) + 2
        for column, n, wide in zip(table.columns, _longest(table), _wide(table), strict=True)
        if not wide
    ]
    return sum(narrow) + LINE_WIDTH * _share(table) * _wide(table).count(True)


def _share(table: Table) -> float:
    """Share of the line that each column of long words gets."""
    wide = _wide(table)
    return 0.9 * max(0.35, 1 - 0.08 * wide.count(False)) / max(1, wide.count(True))


def _specification(table: Table) -> str:
    """Numbers to the right; long words in lines of a given width."""
    kinds = zip(table.columns, _wide(table), strict=True)
    return "".join(rf"p{{{_share(table):.2f}\linewidth}}" if wide else "r" if column.numeric else "l" for column, wide in kinds)
