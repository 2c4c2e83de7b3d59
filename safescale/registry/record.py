"""A model as a row."""

from __future__ import annotations

from typing import Final

from safescale.registry.info import ModelInfo

__all__ = ["MODEL_COLUMNS", "to_model_record"]

MODEL_COLUMNS: Final = (
    "model_id",
    "canonical_id",
    "params_total_b",
    "params_active_b",
    "size_source",
    "size_note",
    "developer",
    "host",
    "family",
    "lineage",
    "generation",
    "released",
    "tampering",
    "tampering_detail",
)
_IN_WORDS: Final = {
    "contradicts_name": "the declared size contradicts the one in the name",
    "contradicts_catalogue": "the stated size contradicts the published one",
    "two_sizes": "the name states two sizes",
    "experts_times_size": "the name states experts and the size of one, whose product is not the total",
    "doubtful_size": "what looks like a size in the name may be half of a decimal",
    "effective": "the size is that of the effective parameters",
    "closed_model": "closed model: the vendor published no size, so any size is a guess",
}
"""Flags that speak of the size."""

_CONTRADICTIONS: Final = frozenset({"contradicts_name", "contradicts_catalogue"})


def to_model_record(info: ModelInfo) -> dict[str, str | float | None]:
    """
    The columns of the Model record; ``size_note`` says in words what is doubtful about the size.

    Where a published size is from is no doubt: that stands in the ``size_note`` of the info (``safescale models``).
    """
    record = {column: getattr(info, column) for column in MODEL_COLUMNS}
    doubtful = info.params_total_b is None or info.size_source == "estimated" or not _CONTRADICTIONS.isdisjoint(info.flags)
    notes = [note for note in (info.size_note if doubtful else None, *(_IN_WORDS.get(flag) for flag in info.flags)) if note]
    return record | {"size_note": "; ".join(dict.fromkeys(notes)) or None}
