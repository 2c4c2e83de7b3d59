"""One file per question."""

from safescale.analyses.compare import CompareResult, analyze_compare
from safescale.analyses.diff import DiffResult, diff_corpora
from safescale.analyses.first_look import FirstLook, first_look
from safescale.analyses.inverse_scaling import InverseScalingResult, ScalingVerdict, analyze_inverse_scaling
from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.pooled import PooledResult, analyze_pooled

__all__ = [
    "CompareResult",
    "DiffResult",
    "FirstLook",
    "InverseScalingResult",
    "PooledResult",
    "ScalingVerdict",
    "analyze_compare",
    "analyze_inverse_scaling",
    "analyze_pooled",
    "diff_corpora",
    "first_look",
    "to_jsonable",
]
