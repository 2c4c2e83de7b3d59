"""What is never pooled, and the cells of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from safescale.analyses.words import and_list, plural
from safescale.cells import AggregateCell, Cell, Cells, Reason
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["Setting", "cells_by_setting", "check_choices", "excluded_by_reason", "no_tier_words", "why_nothing", "with_tier"]

LETS_IN: Final[Mapping[Reason, str]] = {
    Reason.TAMPERED_MODEL: "--tampered include",
    Reason.NOT_A_TAMPERED_MODEL: "--tampered include",
    Reason.KEYWORD_GRADER: "--allow-keyword",
    Reason.TELEMETRY: "--include-telemetry",
    Reason.NO_RESPONSE: "--include-no-response",
}
"""The option of the command that lets rows in which a reason left out."""


@attrs.frozen(kw_only=True)
class Setting:
    """What is never pooled: one grader, one target, one condition."""

    grader: str
    target: str
    condition: str

    @property
    def words(self) -> str:
        """The setting as a heading gives it."""
        return f"grader {self.grader}, target {self.target}, condition {self.condition}"


def cells_by_setting(
    cells: Cells, tier: Tier, grader: str | Sequence[str] | None = None
) -> dict[Setting, list[Cell | AggregateCell]]:
    """
    Cells and published rates of each setting, sorted by target, condition and grader.

    Parameters
    ----------
    cells : Cells
        Counts of a corpus.
    tier : Tier
        Published rates of another tier are left out; whether a grader has this tier is for the caller to ask.
    grader : str or sequence of str, optional
        Only these graders, by label or id.

    Raises
    ------
    DomainError
        If no grader of that name has graded anything.
    """
    members: dict[Setting, list[Cell | AggregateCell]] = {}
    wanted = None if grader is None else {grader} if isinstance(grader, str) else set(grader)
    for cell in (*cells, *(a for a in cells.aggregates if a.tier is tier)):
        if wanted is None or not wanted.isdisjoint((cell.grader, cells.graders[cell.grader].grader_id)):
            setting = Setting(grader=cell.grader, target=cell.target, condition=cell.condition)
            members.setdefault(setting, []).append(cell)
    names = {name for found in members for name in (found.grader, cells.graders[found.grader].grader_id)}
    for missing in sorted((wanted or set()) - names):
        known = ", ".join(sorted(cells.graders)) or "none"
        raise DomainError(f"no counted verdict is of grader {missing!r}; graders of this corpus: {known}")
    return dict(sorted(members.items(), key=lambda item: (item[0].target, item[0].condition, item[0].grader)))


def excluded_by_reason(setting: Setting, cells: Cells) -> dict[str, int]:
    """Graded rows of a setting that are in no cell, by reason."""
    counts: dict[str, int] = {}
    for row in cells.excluded.to_pylist():
        if (row["grader"], row["target"], row["condition"]) == (setting.grader, setting.target, setting.condition):
            counts[row["reason"]] = counts.get(row["reason"], 0) + row["rows"]
    return dict(sorted(counts.items()))


def why_nothing(cells: Cells, tier: Tier) -> str:
    """Why no setting is there to be answered, and the options that would let rows in."""
    if cells.counted or cells.aggregates:
        return f"no grader of this corpus has a {tier.value} rate"
    left_out = [e for e in cells.exclusions if e.rows]
    switches = list(dict.fromkeys(LETS_IN[e.reason] for e in left_out if e.reason in LETS_IN))
    lets_in = f"; {and_list(switches)} {'lets' if len(switches) == 1 else 'let'} rows in" if switches else ""
    keyword = sum(e.rows for e in left_out if e.reason is Reason.KEYWORD_GRADER)
    if keyword and keyword == cells.considered:
        return f"all {plural(keyword, 'verdict')} are of keyword rules, which are not graders of harm{lets_in}"
    if cells.considered:
        reasons = and_list([f"{e.rows:,} {e.reason.value}" for e in left_out])
        return f"none of {plural(cells.considered, 'graded row')} can be counted ({reasons}{lets_in})"
    return "nothing is graded"


def with_tier(
    cells: Cells, members: Mapping[Setting, list[Cell | AggregateCell]], tier: Tier
) -> tuple[dict[Setting, list[Cell | AggregateCell]], dict[str, str]]:
    """The settings whose grader has this tier; and why not, for each grader that has it nowhere."""
    able = {setting: found for setting, found in members.items() if tier in cells.graders[setting.grader].tiers}
    return able, no_tier_words(cells, {setting.grader for setting in members} - {setting.grader for setting in able})


def no_tier_words(cells: Cells, graders: Iterable[str]) -> dict[str, str]:
    """Why graders have no such rate, by their labels."""
    return {grader: f"outcome map {cells.graders[grader].outcome_map!r}" for grader in sorted(graders)}


def check_choices(*, min_cell: int, alpha: float, margin_pp: float | None = None) -> None:
    """
    Refuse choices that mean nothing in any analysis.

    Raises
    ------
    DomainError
        Naming the first that is out of range.
    """
    if min_cell < 1:
        raise DomainError(f"min_cell must be at least 1 row, got {min_cell}")
    if not 0 < alpha < 0.5:
        raise DomainError(f"alpha must lie strictly between 0 and 0.5, got {alpha}")
    if margin_pp is not None and not margin_pp > 0:
        raise DomainError(f"margin_pp must be positive, got {margin_pp}; state the largest slope that counts as flat")
