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
    "developer",
    "host",
    "family",
    "lineage",
    "generation",
    "released",
    "tampering",
    "tampering_detail",
)


def to_model_record(info: ModelInfo) -> dict[str, str | float | None]:
    """The columns of the Model record; notes and flags stay behind."""
    return {column: getattr(info, column) for column in MODEL_COLUMNS}
