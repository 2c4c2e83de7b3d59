"""One file per question."""

from safescale.analyses.compare import CompareResult, analyze_compare
from safescale.analyses.diff import DiffResult, diff_corpora
from safescale.analyses.first_look import FirstLook, first_look
from safescale.analyses.inverse_scaling import InverseScalingResult, ScalingVerdict, analyze_inverse_scaling
from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.lineage import LineageResult, analyze_lineage
from safescale.analyses.pooled import PooledResult, analyze_pooled
from safescale.analyses.reemergence import ReemergenceResult, analyze_reemergence
from safescale.analyses.safety_roi import SafetyRoiResult, analyze_safety_roi

__all__ = [
    "CompareResult",
    "DiffResult",
    "FirstLook",
    "InverseScalingResult",
    "LineageResult",
    "PooledResult",
    "ReemergenceResult",
    "SafetyRoiResult",
    "ScalingVerdict",
    "analyze_compare",
    "analyze_inverse_scaling",
    "analyze_lineage",
    "analyze_pooled",
    "analyze_reemergence",
    "analyze_safety_roi",
    "diff_corpora",
    "first_look",
    "to_jsonable",
]
