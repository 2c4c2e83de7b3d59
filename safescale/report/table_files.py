"""Every table of a report as files: CSV for machines, LaTeX for papers, and an index that says where each is from."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.errors import SafescaleError
from safescale.report.document import Document, Table, Value, every_table
from safescale.report.latex import latex_table
from safescale.report.plain import plain

__all__ = ["INDEX", "TABLES", "form_name", "table_csv", "table_links", "table_names", "write_tables"]

TABLES: Final = "tables"
"""Folder of the tables inside the report."""

INDEX: Final = "index.json"
"""Name of the file that lists the tables with caption, source and notes: a CSV file has no room for them."""

_FORMS: Final = ("csv", "tex")


def table_names(table: Table) -> tuple[str, ...]:
    """File names of a table within the folder of tables."""
    return tuple(f"{table.id}.{form}" for form in _FORMS)


def table_links(table: Table) -> tuple[str, ...]:
    """The same as seen from the report."""
    return tuple(f"{TABLES}/{name}" for name in table_names(table))


def form_name(file: str) -> str:
    """What the form of a file is called."""
    form = file.rpartition(".")[2]
    return "LaTeX" if form == "tex" else form.upper()


def write_tables(document: Document, folder: Path) -> tuple[str, ...]:
    """
    Write every table of a document, and the index.

    Parameters
    ----------
    document : Document
        Its tables have ids of their own.
    folder : Path
        An existing folder.

    Returns
    -------
    tuple of str
        File names within ``folder``; the index comes last.
    """
    tables = tuple(every_table(document.whole))
    twice = sorted(id for id, n in Counter(table.id.lower() for table in tables).items() if n > 1)
    if twice:
        raise SafescaleError(f"two tables of one report have the id {twice[0]!r}; report this")
    for table in tables:
        texts = (table_csv(table), latex_table(table, watermark=document.watermark))
        for name, text in zip(table_names(table), texts, strict=True):
            (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / INDEX).write_text(_index(document, tables), encoding="utf-8", newline="\n")
    return (*(name for table in tables for name in table_names(table)), INDEX)


def table_csv(table: Table) -> str:
    """
    The table as CSV: UTF-8, comma, a header, lines that end in LF, no comment lines.

    Cells are the values of the table where it has them: numbers that are not rounded, nothing where there is none. Else they are
    the text that the page shows.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows: Sequence[Sequence[Value]] = table.rows if table.values is None else table.values
    writer.writerow(map(plain, _names(table)))
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _names(table: Table) -> tuple[str, ...]:
    names = tuple(column.name for column in table.columns)
    return names if table.values is None else table.value_names or names


def _cell(value: Value) -> str:
    return "" if value is None else plain(str(value))


def _index(document: Document, tables: Sequence[Table]) -> str:
    whole = {
        "fingerprint": document.fingerprint,
        "command": document.command,
        "watermark": document.watermark_words,
        "tables": [
            {
                "id": table.id,
                "caption": table.caption,
                "source": table.source,
                "notes": list(table.notes),
                "files": list(table_names(table)),
                "cells": "text as shown" if table.values is None else "values, not rounded",
                "columns": list(_names(table)),
                "rows": len(table.rows if table.values is None else table.values),
            }
            for table in tables
        ],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
