"""What a model is: sizes, lineage, developer, host and tampering, read from its id and a catalogue of published figures."""

from __future__ import annotations

from safescale.registry.closed import is_closed
from safescale.registry.declared import ParameterCount, parse_parameter_count, read_parameter_count, resolve_size
from safescale.registry.info import ModelInfo, SizeSource, Tampering
from safescale.registry.parse import SIZE_TOLERANCE, parse_model_id
from safescale.registry.record import to_model_record

__all__ = [
    "SIZE_TOLERANCE",
    "ModelInfo",
    "ParameterCount",
    "SizeSource",
    "Tampering",
    "is_closed",
    "parse_model_id",
    "parse_parameter_count",
    "read_parameter_count",
    "resolve_size",
    "to_model_record",
]
