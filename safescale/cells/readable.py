"""What counting needs of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

__all__ = ["Readable"]


class Readable(Protocol):
    """Anything with these three methods of ``Corpus`` can be counted."""

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a table, only ``columns`` of it."""
        ...

    def same_traces(self) -> pa.Table:
        """Traces that another source holds too, and the copy that counts."""
        ...

    def fingerprint(self) -> str:
        """Fingerprint of the content."""
        ...
