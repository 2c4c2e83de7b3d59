"""What the audit says of a corpus, as data."""

from __future__ import annotations

import enum

import attrs

__all__ = ["SHOWN_EVIDENCE", "Evidence", "Finding", "Hit", "Severity"]

SHOWN_EVIDENCE = 10
"""More places and ids than this are counted, not listed."""


class Severity(enum.StrEnum):
    """How much a finding weighs, the heaviest first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the heaviest."""
        return list(Severity).index(self)


@attrs.frozen(kw_only=True)
class Evidence:
    """
    Where a finding can be seen.

    Attributes
    ----------
    places : tuple of (str, int)
        Source file and 1-based row, at most ``SHOWN_EVIDENCE``.
    ids : tuple of str
        Models, prompts, traces or graders, at most ``SHOWN_EVIDENCE``.
    total : int
        How many things there are in all. Unit: ``unit``.
    unit : str
        What is counted, as a noun in the singular (``row``, ``trace``, ``model``, ``cell``).
    """

    places: tuple[tuple[str, int], ...] = ()
    ids: tuple[str, ...] = ()
    total: int
    unit: str


@attrs.frozen(kw_only=True)
class Hit:
    """
    One thing that a rule saw; the rule's table adds title, reason and advice.

    ``subject`` names it for waivers; it does not change when rows are added. ``severity`` is None for that of the rule.
    """

    subject: str
    found: str
    evidence: Evidence
    severity: Severity | None = None


@attrs.frozen(kw_only=True)
class Finding:
    """
    One finding: what was found in words with numbers, where, why it matters, what to do.

    ``code`` and ``subject`` are what a waiver names.
    """

    code: str
    rule: str
    severity: Severity
    title: str
    subject: str
    found: str
    evidence: Evidence
    why: str
    todo: str

    @property
    def order(self) -> tuple[int, str, str]:
        """Sort key: heaviest first, then by code and subject."""
        return (self.severity.rank, self.code, self.subject)
