"""One file per question."""

from safescale.analyses.first_look import FirstLook, first_look
from safescale.analyses.inverse_scaling import InverseScalingResult, ScalingVerdict, analyze_inverse_scaling
from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.lineage import LineageResult, analyze_lineage
from safescale.analyses.reemergence import ReemergenceResult, analyze_reemergence
from safescale.analyses.safety_roi import SafetyRoiResult, analyze_safety_roi

__all__ = [
    "FirstLook",
    "InverseScalingResult",
    "LineageResult",
    "ReemergenceResult",
    "SafetyRoiResult",
    "ScalingVerdict",
    "analyze_inverse_scaling",
    "analyze_lineage",
    "analyze_reemergence",
    "analyze_safety_roi",
    "first_look",
    "to_jsonable",
]
