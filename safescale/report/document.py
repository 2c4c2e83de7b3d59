"""A report as data: findings, sections, tables and figures, before any markup."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, TypeAlias

import attrs

from safescale.errors import SafescaleError

__all__ = [
    "ALL_IN_FULL",
    "Column",
    "Document",
    "Figure",
    "Finding",
    "Section",
    "Table",
    "Value",
    "every_section",
    "every_table",
    "in_lines",
]

MANY_ALIKE: Final = 4
"""More findings than this that cannot be tested are counted, not listed; the sections hold all of them."""

ALL_IN_FULL: Final = 6
"""More findings than this are given in full only where something could be tested; the sections hold all of them."""


Value: TypeAlias = float | str | None
"""A cell for machines: a number that is not rounded, a word, or nothing."""

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@attrs.frozen(kw_only=True)
class Column:
    """Heading of a table column; numbers are set to the right."""

    name: str
    numeric: bool = False


@attrs.frozen(kw_only=True)
class Table:
    """
    A table; the first cell of each row is its heading.

    ``source`` names command, fingerprint, counts, denominator and exclusions. ``id`` is unique in a report, and the name of the
    files that hold the table.

    ``values`` are rows for machines: the CSV file holds them in place of the text of the cells. ``value_names`` head them, with
    the unit in the name (``slope_pp_per_decade``); left out, the names of the columns do. They may be more rows or columns than
    are shown, such as an estimate and its error in a column each.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str
    notes: tuple[str, ...] = ()
    values: tuple[tuple[Value, ...], ...] | None = None
    value_names: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.id):
            raise SafescaleError(f"the id of table {self.id!r} cannot name a file; report this")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise SafescaleError(f"a row of table {self.id!r} has not {len(self.columns)} cells; report this")
        names = self.value_names or self.columns
        if any(len(row) != len(names) for row in self.values or ()):
            raise SafescaleError(f"a row of values of table {self.id!r} has not {len(names)} cells; report this")


@attrs.frozen(kw_only=True)
class Figure:
    """
    A figure: its SVG, and the names of the files that hold it.

    ``alt`` says in words what it shows; ``source`` is as in ``Table``.
    """

    id: str
    title: str
    caption: str
    alt: str
    svg: str = attrs.field(repr=False)
    files: tuple[str, ...]
    source: str


@attrs.frozen(kw_only=True)
class Section:
    """
    A heading with what stands under it, in the order of the fields: paragraphs, warnings, commands, verbatim, figures and so on.

    ``verbatim`` are lines of a text that is shown as it is. ``methods`` are sentences ready for the methods section of a paper.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    verbatim: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    methods: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


@attrs.frozen(kw_only=True)
class Finding:
    """
    One question with what could be tested and the answer, both in the words of the result.

    ``section`` is the id of the section with its numbers, empty where there is none.
    """

    question: str
    about: str
    verdict: str
    testable: bool
    testability: str
    answer: str
    section: str = ""


@attrs.frozen(kw_only=True)
class Document:
    """
    A whole report. ``watermark`` is None for real data, ``summary`` where one finding needs none, ``fingerprint`` is empty where no
    corpus is behind it.

    ``opening`` stands before the findings, because it bears on all of them. ``one_page``: nothing stands beside the page, so
    tables link to no files.
    """

    title: str
    version: str
    fingerprint: str
    command: str
    watermark: str | None
    watermark_words: str | None
    summary: str | None
    findings: tuple[Finding, ...]
    sections: tuple[Section, ...]
    opening: tuple[Section, ...] = ()
    one_page: bool = False

    @property
    def whole(self) -> tuple[Section, ...]:
        """All sections, those that stand before the findings first."""
        return (*self.opening, *self.sections)

    @property
    def in_full(self) -> tuple[Finding, ...]:
        """Findings to give in full: all of a few, else those that could be tested."""
        if len(self.findings) <= ALL_IN_FULL:
            return self.findings
        return tuple(finding for finding in self.findings if finding.testable)

    @property
    def in_short(self) -> tuple[Finding, ...]:
        """The other findings: a line each."""
        return tuple(finding for finding in self.findings if finding not in self.in_full)

    @property
    def in_lines(self) -> tuple[tuple[str, tuple[Finding, ...], tuple[str, ...]], ...]:
        """The findings in short by question: those with a line of their own, and of many alike their number in words."""
        return tuple(
            (question, *in_lines(tuple(group)))
            for question, group in itertools.groupby(self.in_short, lambda finding: finding.question)
        )


def in_lines(findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Findings to one question: those that get a line, and of many that cannot be tested their number, by verdict."""
    untestable = [finding for finding in findings if not finding.testable]
    if len(untestable) <= MANY_ALIKE:
        return findings, ()
    counts = Counter(finding.verdict for finding in untestable)
    return tuple(f for f in findings if f.testable), tuple(f"{n} settings: {verdict}" for verdict, n in counts.items())


def every_section(sections: tuple[Section, ...], depth: int = 2) -> Iterator[tuple[int, Section]]:
    """All sections with the level of their heading, in reading order."""
    for section in sections:
        yield depth, section
        yield from every_section(section.sections, depth + 1)


def every_table(sections: tuple[Section, ...]) -> Iterator[Table]:
    """All tables in reading order."""
    for _, section in every_section(sections):
        yield from section.tables
