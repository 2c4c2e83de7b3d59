"""Verdicts of repeated responses, 1 refused, 0 not, -1 unknown: checked, and shares of them with prompts as clusters."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import IntVector, as_array, same_length
from safescale.stats.design_effect import design_effect_wilson_interval

Verdicts: TypeAlias = IntVector
Flags: TypeAlias = npt.NDArray[np.bool_]

CODES = "1 refused, 0 not, -1 unknown"


def first_draws(name: str, values: npt.ArrayLike) -> Verdicts:
    """One verdict a prompt, shape ``(prompts,)``."""
    array = as_array(name, values, expected=f"one verdict per prompt ({CODES})")
    if array.ndim != 1:
        raise DomainError(f"{name} must hold one verdict per prompt, got shape {array.shape}; pass further draws on their own")
    return _verdicts(name, array)


def further_draws(name: str, values: npt.ArrayLike, prompts: int | None, *, other: str = "before") -> Verdicts:
    """Any number of verdicts a prompt, shape ``(prompts, draws)``; one a prompt may come as ``(prompts,)``."""
    array = as_array(name, values, expected=f"a table of verdicts, shape (prompts, draws) ({CODES})")
    if array.ndim not in (1, 2):
        raise DomainError(f"{name} must be of shape (prompts, draws) or (prompts,), got shape {array.shape}")
    if prompts is not None:
        same_length(name, len(array), other, prompts)
    verdicts = _verdicts(name, array)
    verdicts = verdicts[:, np.newaxis] if verdicts.ndim == 1 else verdicts
    if verdicts.shape[1] == 0:
        raise DomainError(f"{name} must hold at least one response to each prompt, got none")
    return verdicts


def _verdicts(name: str, array: npt.NDArray[Any]) -> Verdicts:
    if array.size and array.dtype.kind not in "iub":
        raise DomainError(f"{name} must hold {CODES}, got dtype {array.dtype}; a missing verdict is -1, never NaN")
    codes = array.astype(np.int64)
    wrong = (codes < -1) | (codes > 1)
    if wrong.any():
        at = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise DomainError(f"{name} must hold {CODES}, got {codes[at]} at position {at[0] if len(at) == 1 else at}")
    return codes


def share_of(draws: Verdicts, level: float) -> tuple[float, tuple[float, float], int, int] | None:
    """
    Share refused of the known verdicts, its interval with prompts as clusters, responses and prompts; None of nothing.

    One prompt says nothing of the spread over prompts: correlation 1 is taken, so it counts as one trial.
    """
    known = (draws >= 0).sum(axis=1)
    held = known > 0
    if not held.any():
        return None
    k, n = (draws == 1).sum(axis=1)[held], known[held]
    found = design_effect_wilson_interval(k, n, level=level, intraclass_correlation=1.0 if len(n) == 1 else None)
    return found.estimate, (found.low, found.high), int(n.sum()), len(n)
