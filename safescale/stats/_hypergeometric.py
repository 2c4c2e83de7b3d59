"""The tables that two fixed margins allow, and how probable each is."""

from __future__ import annotations

import numpy as np

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, IntVector

# every possible table is looked at; beyond this many the answer would take minutes and gigabytes
MAX_TABLES = 5_000_000


def tables(n1: int, n2: int, total: int, *, instead: str) -> tuple[IntVector, FloatVector]:
    """
    The first count in every table with ``total`` successes, and the log of ``C(n1, j) C(n2, total - j)`` less its largest.

    Neighbours have a simple ratio. Its logs, summed outward from the most probable table, keep the digits that
    differences of log factorials lose when the counts are large.
    """
    lowest, highest = max(0, total - n2), min(n1, total)
    if highest - lowest >= MAX_TABLES:
        raise DomainError(
            f"the exact answer would visit {highest - lowest + 1:,} tables, more than {MAX_TABLES:,}; "
            f"with counts this large {instead}"
        )
    j = np.arange(lowest, highest + 1)
    before = j[:-1].astype(np.float64)
    ratio = ((n1 - before) * (total - before)) / ((before + 1.0) * (n2 - total + before + 1.0))
    step = np.log(ratio)
    top = int(np.searchsorted(-step, 0.0))
    outward = (-np.cumsum(step[:top][::-1])[::-1], [0.0], np.cumsum(step[top:]))
    return j, np.concatenate(outward)
