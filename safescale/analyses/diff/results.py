"""What the difference of two corpora is answered with."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from safescale.analyses.headline import Headline
from safescale.cells import Selection
from safescale.records.outcomes import Tier

__all__ = [
    "Cause",
    "Contribution",
    "DiffResult",
    "FieldChange",
    "FigureChange",
    "HeadlineChange",
    "RowChange",
    "RowTotals",
]


class Cause(enum.StrEnum):
    """
    Why a graded row counts otherwise than before. A row has the first of these that holds.

    ``MOVED``: the trace of this id has another model, prompt, attack class or condition. ``ANSWERED``: it has another response.
    """

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved to another cell"
    ANSWERED = "answered anew"
    REGRADED = "re-graded"
    REMAPPED = "re-mapped"
    EXCLUDED = "newly excluded"
    INCLUDED = "newly included"


@attrs.frozen(kw_only=True)
class RowChange:
    """Graded rows that changed in one way: ``before`` and ``after`` are verdicts or fates, empty where there is none."""

    cause: Cause
    grader: str
    before: str
    after: str
    rows: int
    examples: tuple[str, ...]


@attrs.frozen(kw_only=True)
class RowTotals:
    """Rows of one table, matched by their id; ``changed_columns`` counts changed rows by column (a row may be in several)."""

    before: int
    after: int
    added: int
    removed: int
    changed: int
    changed_columns: Mapping[str, int]

    @property
    def matched(self) -> int:
        """Rows that both have."""
        return self.before - self.removed


@attrs.frozen(kw_only=True)
class FieldChange:
    """One field of a model, grader or published rate that is another; texts, ``None`` where it is missing."""

    name: str
    field: str
    before: str | None
    after: str | None


@attrs.frozen(kw_only=True)
class Contribution:
    """
    What rows of one cause did to one rate.

    Attributes
    ----------
    cause, before, after
        As in ``RowChange``.
    rows : int
        Rows concerned.
    successes, trials : int
        What they added to numerator and denominator (negative: took away).
    share : float
        Their part of the change of the rate (fraction); the parts of a rate add up to its change.
    """

    cause: Cause
    before: str
    after: str
    rows: int
    successes: int
    trials: int
    share: float


@attrs.frozen(kw_only=True)
class FigureChange:
    """
    The rate of one model (None: of all) under one grader, target and condition.

    ``before`` and ``after`` are fractions, None without rows. ``change`` and the contributions are None and empty of shares
    where one of them is missing.
    """

    model_id: str | None
    grader: str
    target: str
    condition: str
    tier: Tier
    successes_before: int
    trials_before: int
    successes_after: int
    trials_after: int
    before: float | None
    after: float | None
    change: float | None
    contributions: tuple[Contribution, ...]

    @property
    def by_cause(self) -> Mapping[Cause, float]:
        """Part of the change by cause; empty where there is no change to part."""
        parts: dict[Cause, float] = {}
        if self.change is not None:
            for found in self.contributions:
                parts[found.cause] = parts.get(found.cause, 0.0) + found.share
        return parts


@attrs.frozen(kw_only=True)
class HeadlineChange:
    """A number that an analysis quotes, before and after; None where the corpus has no such number."""

    analysis: str
    before: Headline | None
    after: Headline | None

    @property
    def verdict_changed(self) -> bool:
        """Whether another thing may be said."""
        return (None if self.before is None else self.before.verdict) != (None if self.after is None else self.after.verdict)


@attrs.frozen(kw_only=True)
class DiffResult:
    """
    Which figures differ between two corpora, and which rows did it.

    ``same`` says that the two hold the same content and that their models are described alike; nothing else is then compared.
    """

    first_fingerprint: str
    second_fingerprint: str
    same: bool
    selection: Selection
    tier: Tier
    traces: RowTotals
    grades: RowTotals
    published: RowTotals
    row_changes: tuple[RowChange, ...]
    models: tuple[FieldChange, ...]
    graders: tuple[FieldChange, ...]
    published_changes: tuple[FieldChange, ...]
    figures: tuple[FigureChange, ...]
    figures_compared: int
    headline_changes: tuple[HeadlineChange, ...]
    headlines_compared: int
    answer: str

    @property
    def fingerprint(self) -> str:
        """Both fingerprints."""
        return f"{self.first_fingerprint} -> {self.second_fingerprint}"

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The rates that changed."""
        return tuple(
            Headline(
                setting=f"grader {found.grader}, target {found.target}, condition {found.condition}",
                quantity=f"change of the {found.tier.value} rate, {found.model_id or 'all models'}",
                unit="fraction",
                estimate=found.change,
                low=None,
                high=None,
                p_value=None,
                verdict="changed" if found.change else "the same rate of other rows",
                n_models=None,
                n_rows=found.trials_after,
            )
            for found in self.figures
        )
