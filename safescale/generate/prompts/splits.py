"""Parts of a set by the hash of content: the same prompts fall into the same part, near-duplicates into one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

from safescale.errors import DomainError

__all__ = ["DEFAULT_SPLITS", "assign_splits", "checked_splits"]

DEFAULT_SPLITS: Final[Mapping[str, float]] = {"dev": 0.2, "test": 0.8}
"""A fifth to try things on (graders, prompts of judges, thresholds), the rest to report."""


def checked_splits(shares: Mapping[str, float]) -> dict[str, float]:
    """
    Parts and their shares, as given.

    Raises
    ------
    DomainError
        When there is none, a name is empty, a share does not lie in (0, 1], or they do not sum to 1.
    """
    if not shares:
        raise DomainError("a set needs a split; give one with --split NAME=SHARE (such as --split test=1)")
    for name, share in shares.items():
        if not name.strip():
            raise DomainError("a split needs a name; write --split NAME=SHARE")
        if not 0.0 < share <= 1.0:
            raise DomainError(f"the share of split {name!r} must lie in (0, 1], got {share!r}")
    if not math.isclose(math.fsum(shares.values()), 1.0, abs_tol=1e-9):
        raise DomainError(f"the shares of the splits must sum to 1, got {math.fsum(shares.values())!r} ({', '.join(shares)})")
    return dict(shares)


def assign_splits(ids: Sequence[str], groups: Sequence[int], shares: Mapping[str, float], *, seed: int) -> tuple[str, ...]:
    """
    The part of each prompt, by the hash of the first id of its group.

    Adding prompts moves none of the others, unless one joins their group with a smaller id (or joins two groups).

    Parameters
    ----------
    ids : sequence of str, shape (prompts,)
        Ids in order.
    groups : sequence of int, shape (prompts,)
        Place of the first prompt of each one's group.
    shares : mapping of str to float
        Parts and their shares (fractions), which sum to 1; the order of their names matters.
    seed : int
        Another seed draws other parts.

    Returns
    -------
    tuple of str, shape (prompts,)
    """
    return tuple(_part(ids[group], shares, seed) for group in groups)


def _part(prompt_id: str, shares: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}\0{prompt_id}".encode()).digest()
    drawn = int.from_bytes(digest[:8], "big") / 2.0**64
    reached = 0.0
    for name, share in shares.items():
        reached += share
        if drawn < reached:
            return name
    return next(reversed(list(shares)))
