"""What became of an input row. Every row has exactly one fate, and the counts sum to the rows read."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from safescale.errors import SafescaleError

__all__ = ["Fate", "NoteCode", "RejectCode", "assert_conserved"]


class Fate(enum.StrEnum):
    """The one fate of an input row."""

    TRACE = "trace"
    TURN = "turn"
    GRADE = "grade"
    AGGREGATE = "aggregate"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    METADATA = "metadata"
    REJECT = "reject"


class RejectCode(enum.StrEnum):
    """Why a row (or, with row 0, a whole file) was not taken."""

    BAD_JSON = "BAD_JSON"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    NOT_UTF8 = "NOT_UTF8"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    MISSING_FIELD = "MISSING_FIELD"
    WRONG_TYPE = "WRONG_TYPE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"
    UNKNOWN_VERDICT = "UNKNOWN_VERDICT"
    DUPLICATE_ID = "DUPLICATE_ID"
    ORPHAN_GRADE = "ORPHAN_GRADE"
    TRUNCATED_FILE = "TRUNCATED_FILE"
    EMPTY_FILE = "EMPTY_FILE"
    EMPTY_FOLDER = "EMPTY_FOLDER"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    UNREADABLE = "UNREADABLE"
    CONTRADICTION = "CONTRADICTION"


class NoteCode(enum.StrEnum):
    """What an adapter says of a file beside the fates of its rows. A note never changes a fate."""

    HEADER_CONTRADICTS_ROWS = "HEADER_CONTRADICTS_ROWS"
    """A total that the file prints is not that of its rows; the rows count."""
    CLIPPED_TEXT = "CLIPPED_TEXT"
    """Texts are cut, so they are neither compared nor graded as if they were whole."""
    ONE_OF_SEVERAL = "ONE_OF_SEVERAL"
    """Rows that repeat a response (one a filter, one a metric) are read once; which one was kept."""
    POLARITY_UNKNOWN = "POLARITY_UNKNOWN"
    """Scores whose meaning nobody declared: kept as UNGRADED."""
    GRADER_FAILED = "GRADER_FAILED"
    """Verdicts that the grader did not give, though the file has a number for them."""
    COMPANION_MISSING = "COMPANION_MISSING"
    """A file beside this one that would say more (model, settings, whole texts) is not there."""
    NOT_ASKED = "NOT_ASKED"
    """Rows for which the attack gave no prompt; the format counts them as failures of the attack."""


def assert_conserved(rows_in: int, fates: Mapping[Fate, int], *, where: str) -> None:
    """
    Assert the conservation law: the fates of the rows sum to the rows read.

    Raises
    ------
    SafescaleError
        When they do not: a bug of safescale, reported with the counts.
    """
    total = sum(fates.values())
    if total != rows_in:
        counts = ", ".join(f"{fate.value} {count}" for fate, count in fates.items() if count)
        raise SafescaleError(f"conservation is broken in {where}: {rows_in} rows in, {total} fates ({counts}); report this")
