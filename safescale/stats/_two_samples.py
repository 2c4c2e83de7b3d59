"""Two cells, or two columns of cells, checked once: who calls the second `_2` says so in the message."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import DomainError
from safescale.stats._domain import FloatVector, IntVector, counts, same_length, successes_of_trials

# rows that fit the caches together with a few dozen temporaries
_BLOCK = 16_384


def two_cells(
    successes_1: object, trials_1: object, successes_2: object, trials_2: object
) -> tuple[tuple[int, int, int, int], tuple[FloatVector, FloatVector, FloatVector, FloatVector]]:
    """The four counts of two cells, as ints and as columns of one row."""
    whole = (
        *successes_of_trials(successes_1, trials_1, suffix="_1"),
        *successes_of_trials(successes_2, trials_2, suffix="_2"),
    )
    k1, n1, k2, n2 = (np.array([float(number)]) for number in whole)
    return whole, (k1, n1, k2, n2)


def two_columns(
    successes_1: npt.ArrayLike, trials_1: npt.ArrayLike, successes_2: npt.ArrayLike, trials_2: npt.ArrayLike
) -> tuple[IntVector, IntVector, IntVector, IntVector]:
    """Refuse unequal lengths, no pairs, empty cells and more successes than trials."""
    names = ("successes_1", "trials_1", "successes_2", "trials_2")
    given = (successes_1, trials_1, successes_2, trials_2)
    k1, n1, k2, n2 = (counts(name, column) for name, column in zip(names, given, strict=True))
    for name, column in (("trials_1", n1), ("successes_2", k2), ("trials_2", n2)):
        same_length("successes_1", len(k1), name, len(column))
    if len(k1) == 0:
        raise DomainError("successes_1, trials_1, successes_2 and trials_2 must hold at least one pair of cells, got none")
    for suffix, k, n in (("_1", k1, n1), ("_2", k2, n2)):
        if np.any(n == 0):
            at = int(np.argmin(n))
            raise DomainError(f"trials{suffix} must be at least 1 in every cell, got 0 at position {at}; drop the pair")
        if np.any(k > n):
            at = int(np.argmax(k > n))
            raise DomainError(f"successes{suffix} must not exceed trials{suffix}, got {k[at]} of {n[at]} at position {at}")
    return k1, n1, k2, n2


def floats(*columns: IntVector) -> tuple[FloatVector, ...]:
    """Columns of counts as floats, so that products of counts do not overflow."""
    return tuple(column.astype(np.float64) for column in columns)


def squared_quantile(level: float) -> float:
    """The square of the two-sided normal quantile; -ndtri(small) keeps the digits that ndtri(1 - small) loses."""
    return float(scipy.special.ndtri((1.0 - level) / 2.0)) ** 2


def by_blocks(bounds: Callable[..., tuple[FloatVector, ...]], *columns: FloatVector) -> tuple[FloatVector, ...]:
    """The same columns of results, computed a block of rows at a time."""
    starts = range(0, len(columns[0]), _BLOCK)
    parts = [bounds(*(column[start : start + _BLOCK] for column in columns)) for start in starts]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
