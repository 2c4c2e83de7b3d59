"""The words of a difference of corpora: all of them from the numbers."""

from __future__ import annotations

from typing import Final

from safescale.analyses.diff.results import Cause, DiffResult, FigureChange, RowTotals
from safescale.analyses.words import and_list, percent, plural, signed

__all__ = ["answer_words", "figure_words", "matched_words", "totals_words"]

SHOWN_FIGURES: Final = 3

DIGITS: Final = 2
"""Of parts in percentage points: one digit more than rates, so that the parts are seen to add up."""


def answer_words(found: DiffResult) -> str:
    """What differs, in a paragraph."""
    sentences = [f"Traces: {totals_words(found.traces)}. Graded rows: {totals_words(found.grades)}"]
    causes: dict[Cause, int] = {}
    for change in found.row_changes:
        causes[change.cause] = causes.get(change.cause, 0) + change.rows
    if causes:
        sentences.append("Rows by cause: " + and_list([f"{rows:,} {_cause_words(cause, found)}" for cause, rows in causes.items()]))
    if found.models:
        names = {change.name for change in found.models}
        sentences.append(f"{plural(len(names), 'model')} {_is(len(names))} described otherwise")
    if found.graders:
        names = {change.name for change in found.graders}
        sentences.append(f"{plural(len(names), 'grader')} {_is(len(names))} described otherwise")
    published = found.published
    if published.added or published.removed or published.changed:
        sentences.append(f"Published rates: {totals_words(published)}")
    moved = [figure for figure in found.figures if figure.change]
    sentences.append(f"{len(moved)} of {plural(found.figures_compared, f'{found.tier.value} rate')} changed")
    worst = sorted(moved, key=lambda f: (-abs(f.change or 0.0), f.model_id or ""))[:SHOWN_FIGURES]
    sentences += [figure_words(figure) for figure in worst]
    if found.headlines_compared:
        verdicts = [change for change in found.headline_changes if change.verdict_changed]
        sentences.append(
            f"{len(found.headline_changes)} of {plural(found.headlines_compared, 'quoted number')} changed, "
            f"{len(verdicts)} of them in what may be said"
        )
    if not found.row_changes and not found.models and not found.graders and not found.figures and not found.headline_changes:
        sentences.append("The contents differ only in what no figure rests on (such as turns, scores, seeds or dates)")
    return ". ".join(sentences) + "."


def matched_words(found: RowTotals) -> str:
    """How many graded rows of one corpus are found in the other."""
    both = f"{found.before:,} before and {found.after:,} after"
    words = f"{found.matched:,} graded rows of {both} are matched by trace, grader and target"
    if not found.matched and found.before and found.after:
        return f"{words}: every row counts as removed or added (are the same traces under other ids?)"
    return words


def _cause_words(cause: Cause, found: DiffResult) -> str:
    if cause is not Cause.ANSWERED:
        return cause.value
    other = sum(c.rows for c in found.row_changes if c.cause is cause and c.before != c.after)
    return f"{cause.value} ({other:,} of them with another verdict)"


def totals_words(found: RowTotals) -> str:
    """Rows before and after, and what happened to them."""
    changed = f", {found.changed:,} changed" if found.changed else ""
    columns = ", ".join(f"{column} {rows:,}" for column, rows in found.changed_columns.items())
    return (
        f"{found.before:,} before, {found.after:,} after ({found.added:,} added, {found.removed:,} removed{changed}"
        f"{f': {columns}' if columns else ''})"
    )


def figure_words(found: FigureChange) -> str:
    """One rate before and after, and which rows changed it by how much."""
    who = f"{found.model_id or 'all models'} ({found.grader}, {found.target}, {found.condition})"
    if found.before is None or found.after is None or found.change is None:
        state = "has a rate now" if found.before is None else "has no rate any more"
        return f"{who} {state}: {_counts(found)}"
    parts = found.by_cause
    rows = {cause: sum(c.rows for c in found.contributions if c.cause is cause) for cause in parts}
    by = ", ".join(
        f"{signed(100 * part, DIGITS)} from {plural(rows[cause], 'row')} {cause.value}"
        for cause, part in sorted(parts.items(), key=lambda item: -abs(item[1]))
    )
    return f"{who}: {_counts(found)}, {signed(100 * found.change, DIGITS)} pp: {by}"


def _counts(found: FigureChange) -> str:
    sides = [
        "no rows" if rate is None else f"{percent(rate)} ({k:,}/{n:,})"
        for rate, k, n in (
            (found.before, found.successes_before, found.trials_before),
            (found.after, found.successes_after, found.trials_after),
        )
    ]
    return " -> ".join(sides)


def _is(n: int) -> str:
    return "is" if n == 1 else "are"
