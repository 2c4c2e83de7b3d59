"""Holm's correction over a family some of whose members could not be tested."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.stats import holm

__all__ = ["holm_of"]


def holm_of(p_values: Sequence[float | None], *, alpha: float) -> tuple[float | None, ...]:
    """Holm's adjustment of the p-values that there are, each in its place; None where there is none."""
    known = [p for p in p_values if p is not None]
    adjusted = iter(holm(known, alpha=alpha).adjusted if known else ())
    return tuple(None if p is None else next(adjusted) for p in p_values)
