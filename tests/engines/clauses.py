"""All clauses of the contract of engines, in the order in which they are printed."""

from __future__ import annotations

from typing import Final

from engines import clauses_batches, clauses_constraints, clauses_content, clauses_sampling
from engines.contract import Clause

__all__ = ["CLAUSES"]

CLAUSES: Final[tuple[Clause, ...]] = (
    *clauses_batches.CLAUSES,
    *clauses_content.CLAUSES,
    *clauses_sampling.CLAUSES,
    *clauses_constraints.CLAUSES,
)
