"""A series under another choice of what a size is and whose size counts."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from safescale.analyses.observations import Observation, Series

__all__ = ["Variant", "with_active_parameters", "without_estimated_sizes"]


@attrs.frozen(kw_only=True)
class Variant:
    """A series under another choice, or why there is none; ``same`` when the choice changes nothing."""

    series: Series | None
    same: bool = False
    reason: str | None = None


def without_estimated_sizes(series: Series, fitted: Sequence[Observation]) -> Variant:
    """Only models whose size is published, named or declared."""
    guesses = sum(o.unit.size_is_guess for o in fitted)
    kept = tuple(o for o in series.observations if not o.unit.size_is_guess)
    if not guesses:
        return Variant(series=series, same=True, reason="no size here is estimated")
    return Variant(series=attrs.evolve(series, observations=kept), reason=f"{guesses} of {len(fitted)} sizes are estimated")


def with_active_parameters(series: Series, fitted: Sequence[Observation]) -> Variant:
    """Active instead of total parameters of sparse models."""
    sparse = [o for o in fitted if o.unit.params_active_b not in (None, o.unit.params_total_b)]
    unstated = sum(o.unit.params_active_b is None for o in fitted)
    dense = f"; {unstated} without a stated number count as dense" if unstated else ""
    if not sparse:
        return Variant(series=series, same=True, reason="no model here is known to be sparse")
    return Variant(series=attrs.evolve(series, size="active"), reason=f"{len(sparse)} of {len(fitted)} models are sparse{dense}")
