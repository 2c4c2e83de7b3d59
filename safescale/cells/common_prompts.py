"""The prompts that several cells share."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.cells.table import Cell, Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["CommonPrompts", "common_prompts"]


@attrs.frozen(kw_only=True, eq=False)
class CommonPrompts:
    """
    Counts of several cells on the prompts that are evaluable in all of them.

    ``evaluable`` and ``successes`` have shape (cells, prompts), in the order of the cells given, by sorted prompt id.
    """

    prompt_ids: tuple[str, ...]
    evaluable: npt.NDArray[np.int64]
    successes: npt.NDArray[np.int64]
    tier: Tier

    @property
    def count(self) -> int:
        """Number of common prompts."""
        return len(self.prompt_ids)


def common_prompts(cells: Cells, chosen: Sequence[Cell], tier: Tier = Tier.STRICT) -> CommonPrompts:
    """
    Restrict cells to the prompts that are evaluable in every one of them.

    Raises
    ------
    DomainError
        When no cell is given.
    """
    if not chosen:
        raise DomainError("no cell was given; common prompts need at least one")
    vectors = [cells.prompts(cell) for cell in chosen]
    shared = functools.reduce(np.intersect1d, [vector.codes for vector in vectors])
    at = [np.searchsorted(vector.codes, shared) for vector in vectors]
    return CommonPrompts(
        prompt_ids=tuple(vectors[0].names.take(pa.array(shared)).to_pylist()),
        evaluable=np.stack([vector.evaluable[rows] for vector, rows in zip(vectors, at, strict=True)]),
        successes=np.stack([vector.successes[tier][rows] for vector, rows in zip(vectors, at, strict=True)]),
        tier=tier,
    )
