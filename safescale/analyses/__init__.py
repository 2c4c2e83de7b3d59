"""One file per question."""

from safescale.analyses.first_look import FirstLook, first_look
from safescale.analyses.inverse_scaling import InverseScalingResult, ScalingVerdict, analyze_inverse_scaling
from safescale.analyses.jsonable import to_jsonable

__all__ = [
    "FirstLook",
    "InverseScalingResult",
    "ScalingVerdict",
    "analyze_inverse_scaling",
    "first_look",
    "to_jsonable",
]
