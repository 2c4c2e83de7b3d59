"""Refusal directions in the residual stream: found, ablated, steered along, compared; needs the extra ``hf``."""

from safescale.pressure.directions.bake import bake_steering
from safescale.pressure.directions.find import find_directions
from safescale.pressure.directions.record import DirectionsRecord, Geometry, LeftAfter, read_directions
from safescale.pressure.directions.search import Candidate
from safescale.pressure.directions.setting import DirectionSetting, Refuses

__all__ = [
    "Candidate",
    "DirectionSetting",
    "DirectionsRecord",
    "Geometry",
    "LeftAfter",
    "Refuses",
    "bake_steering",
    "find_directions",
    "read_directions",
]
