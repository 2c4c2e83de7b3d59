"""The section of a difference of two corpora."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.diff import Cause, DiffResult, FieldChange, FigureChange
from safescale.analyses.diff.sentences import DIGITS, matched_words
from safescale.analyses.headline import Headline
from safescale.analyses.words import capital, percent, plural, signed
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Column, Finding, Section, Table
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import source_line

__all__ = ["diff_chapter"]

SHOWN_ROWS: Final = 60

QUESTION: Final = "Which figures differ between the two corpora?"


def diff_chapter(result: DiffResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Rows, rates with what changed them, quoted numbers, models."""
    source = source_line(
        command,
        result.fingerprint,
        f"{result.grades.before:,} and {plural(result.grades.after, 'graded row')}",
        f"{result.tier.value} rates over evaluable rows",
        f"tampered models: {result.selection.tampered}",
    )
    tables = (
        _rows_table(result, source),
        _figures_table(result, source),
        _parts_table(result, source),
        _headlines_table(result, source),
        _fields_table(result.models, "model", "Models described otherwise", source),
        _fields_table(result.graders, "grader", "Graders described otherwise", source),
        _fields_table(result.published_changes, "published", "Published rates that are other ones", source),
    )
    section = Section(
        id="diff",
        title="Difference of two corpora",
        paragraphs=(result.answer,),
        tables=tuple(table for table in tables if table.rows),
        methods=() if result.same else _methods(),
    )
    changed = sum(1 for figure in result.figures if figure.change)
    finding = Finding(
        question=QUESTION,
        about="",
        verdict="none" if result.same else f"{changed} of {result.figures_compared} rates",
        testable=True,
        testability=f"{matched_words(result.grades)}.",
        answer=result.answer,
    )
    return Chapter(key="diff", findings=(finding,), section=section)


def _methods() -> tuple[str, ...]:
    return (
        "A changed rate was split over the rows that changed, exactly and without an order: a row that adds dk to the successes "
        "and dn to the rows has the part ((dk - r1 dn) / n2 + (dk - r2 dn) / n1) / 2 of r2 - r1.",
    )


def _rows_table(result: DiffResult, source: str) -> Table:
    names = ("cause", "grader", "before", "after", "rows", "such as")
    rows = [
        (
            change.cause.value,
            change.grader,
            change.before or numbers.NOTHING,
            change.after or numbers.NOTHING,
            numbers.count(change.rows),
            ", ".join(change.examples),
        )
        for change in result.row_changes
    ]
    return _table("diff-rows", "Graded rows that changed", names, ("rows",), rows, source)


def _changed(result: DiffResult) -> list[FigureChange]:
    return sorted(result.figures, key=lambda f: (f.model_id is not None, -abs(f.change or 0.0), f.model_id or ""))


def _figures_table(result: DiffResult, source: str) -> Table:
    used = [c for c in Cause if any(part.cause is c for figure in result.figures for part in figure.contributions)]
    names = ("model", "setting", "before", "after", "change, pp", *(f"{cause.value}, pp" for cause in used))
    rows = [
        (
            figure.model_id or "all models",
            f"{figure.grader}, {figure.target}, {figure.condition}",
            _rate(figure.before, figure.successes_before, figure.trials_before),
            _rate(figure.after, figure.successes_after, figure.trials_after),
            numbers.NOTHING if figure.change is None else signed(100 * figure.change, DIGITS),
            *(signed(100 * figure.by_cause[cause], DIGITS) if cause in figure.by_cause else numbers.NOTHING for cause in used),
        )
        for figure in _changed(result)
    ]
    numeric = names[2:]
    notes = ("The parts by cause add up to the change.",)
    return _table("diff-rates", f"{result.tier.value} rates behind which rows changed", names, numeric, rows, source, notes)


def _parts_table(result: DiffResult, source: str) -> Table:
    names = ("model", "setting", "cause", "before", "after", "rows", "successes", "evaluable", "part, pp")
    rows = [
        (
            figure.model_id or "all models",
            f"{figure.grader}, {figure.target}, {figure.condition}",
            part.cause.value,
            part.before or numbers.NOTHING,
            part.after or numbers.NOTHING,
            numbers.count(part.rows),
            *(f"{count:+,}" if count else "0" for count in (part.successes, part.trials)),
            numbers.NOTHING if figure.change is None else signed(100 * part.share, DIGITS),
        )
        for figure in _changed(result)
        for part in figure.contributions
    ]
    return _table("diff-parts", "Which rows changed each rate", names, names[5:], rows, source)


def _headlines_table(result: DiffResult, source: str) -> Table:
    names = ("analysis", "setting", "quantity", "before", "after", "said before", "said after")
    rows = []
    for change in result.headline_changes:
        either = change.before or change.after
        assert either is not None
        said = ["" if h is None else h.verdict for h in (change.before, change.after)]
        rows.append(
            (
                *(change.analysis, either.setting, either.quantity),
                *(_quoted(change.before), _quoted(change.after)),
                *(said[0] or numbers.NOTHING, "the same" if said[0] == said[1] else said[1] or numbers.NOTHING),
            )
        )
    return _table("diff-headlines", "Quoted numbers that changed", names, ("before", "after"), rows, source)


def _quoted(found: Headline | None) -> str:
    if found is None or found.estimate is None:
        return numbers.NOTHING
    interval = "" if found.low is None or found.high is None else f" [{found.low:.3g}, {found.high:.3g}]"
    return f"{found.estimate:.3g}{interval} {found.unit}"


def _fields_table(changes: Sequence[FieldChange], kind: str, caption: str, source: str) -> Table:
    rows = [(c.name, c.field, c.before or numbers.NOTHING, c.after or numbers.NOTHING) for c in changes]
    return _table(f"diff-{kind}", caption, (kind, "field", "before", "after"), (), rows, source)


def _rate(rate: float | None, k: int, n: int) -> str:
    return numbers.NOTHING if rate is None else f"{percent(rate)} ({k:,}/{n:,})"


def _table(
    id: str,
    caption: str,
    names: Sequence[str],
    numeric: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    source: str,
    notes: tuple[str, ...] = (),
) -> Table:
    if len(rows) > SHOWN_ROWS:
        notes = (*notes, f"The first {SHOWN_ROWS} of {len(rows):,} rows; all of them with --json.")
    return Table(
        id=id,
        caption=capital(caption),
        columns=tuple(Column(name=name, numeric=name in numeric) for name in names),
        rows=tuple(rows[:SHOWN_ROWS]),
        source=source,
        notes=notes,
    )
