"""What is known of a model from its id."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["ModelInfo", "SizeSource", "Tampering"]

SizeSource = Literal["published", "name", "declared", "estimated", "unknown"]
Tampering = Literal["none", "abliterated", "fine_tuned", "steered", "unknown"]


@attrs.frozen(kw_only=True)
class ModelInfo:
    """
    A model as its id, the catalogue and the data describe it.

    Sizes are billions of parameters (1e9); None is "not known", never a guess. ``params_active_b`` is None too where
    neither the name nor the vendor states one: a dense model uses all its parameters, but an id rarely says "dense".
    """

    model_id: str
    """The id exactly as it came."""
    canonical_id: str
    """One spelling per model; what was tampered with keeps a spelling of its own."""
    params_total_b: float | None = None
    params_active_b: float | None = None
    size_source: SizeSource = "unknown"
    developer: str | None = None
    """Who trained it (of a derivative: who made the derivative)."""
    host: str | None = None
    """Who served it, where the id says so."""
    family: str | None = None
    """The wider lineage: one name over generations (``qwen``)."""
    lineage: str | None = None
    """The narrow lineage: one generation of a family (``qwen3.5``)."""
    generation: str | None = None
    released: str | None = None
    """ISO date, only where the vendor puts a whole date into the id."""
    tampering: Tampering = "unknown"
    tampering_detail: str | None = None
    """How the tampering state is known."""
    size_note: str | None = None
    """Where a published size is from, or why there is none."""
    closed: bool = False
    """Whether its weights are unpublished, so that only the vendor can know its size (:mod:`safescale.registry.closed`)."""
    flags: tuple[str, ...] = ()
    """What a careful reader should know, as codes (``effective``, ``two_sizes``, ``contradicts_name``, ...)."""

    @property
    def lineage_family(self) -> str | None:
        """The wider of the two lineage levels: the family."""
        return self.family
