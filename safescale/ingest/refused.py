"""Files that are recognised and not read: one reject that says what they are and what to do instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from safescale.ingest.batch import Batch
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["Refusal", "refused"]


@attrs.frozen(kw_only=True)
class Refusal:
    """What a file is, and what would have to be there, or be done, for its content to be read."""

    what: str
    expected: str


def refused(path: Path, refusal: Refusal) -> Iterator[Batch]:
    """The one batch of a file that is refused as a whole."""
    reject = RejectedRow.of(0, RejectCode.UNKNOWN_FORMAT, expected=refusal.expected, got=refusal.what)
    yield Batch(rows_in=0, rejects=[reject], bytes_read=path.stat().st_size)
