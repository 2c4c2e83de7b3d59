"""What came of an ingest or a validation: per file, and as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import attrs

from safescale.records.fates import Fate, assert_conserved
from safescale.records.rows import FileNote, RejectedRow

__all__ = ["FileOutcome", "IngestReport"]


@attrs.frozen(kw_only=True)
class FileOutcome:
    """
    What became of the rows of one file.

    ``rejects`` lists every rejected row (row 0: the file itself); ``fates`` sums to ``rows_in``.
    """

    file: str
    format: str | None
    rows_in: int
    fates: Mapping[Fate, int]
    rejects: tuple[RejectedRow, ...]
    notes: tuple[FileNote, ...] = ()
    grades: int = 0
    size_bytes: int = 0
    already_ingested: bool = False
    unreadable: bool = False

    def __attrs_post_init__(self) -> None:
        assert_conserved(self.rows_in, self.fates, where=self.file)

    @property
    def reject_codes(self) -> Mapping[str, int]:
        """Rejects by code."""
        return Counter(reject.code.value for reject in self.rejects)


@attrs.frozen(kw_only=True)
class IngestReport:
    """
    Outcome of a whole call; ``rows_in`` and ``fates`` are sums over the files.

    ``not_read`` names the files of the given folders whose suffix is none of a data format: nobody looked into them.
    """

    files: tuple[FileOutcome, ...]
    same_traces: int | None
    same_traces_rule: str
    fingerprint: str | None
    not_read: tuple[str, ...] = ()

    @property
    def rows_in(self) -> int:
        """Rows read."""
        return sum(f.rows_in for f in self.files)

    @property
    def fates(self) -> Mapping[Fate, int]:
        """Fates of all rows."""
        total: Counter[Fate] = Counter()
        for file in self.files:
            total.update(file.fates)
        return total

    @property
    def findings(self) -> int:
        """Number of rejects, of rows and of whole files."""
        return sum(len(f.rejects) for f in self.files)

    @property
    def unreadable(self) -> int:
        """Files that could not be read at all."""
        return sum(f.unreadable for f in self.files)
