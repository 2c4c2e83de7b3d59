"""How do two models, conditions or graders differ?"""

from safescale.analyses.compare.analysis import PairsOfVerdicts, analyze_compare
from safescale.analyses.compare.results import (
    Arm,
    By,
    ComparedSetting,
    CompareResult,
    Comparison,
    ComparisonVerdict,
    GraderAgreement,
    Side,
)

__all__ = [
    "Arm",
    "By",
    "CompareResult",
    "ComparedSetting",
    "Comparison",
    "ComparisonVerdict",
    "GraderAgreement",
    "PairsOfVerdicts",
    "Side",
    "analyze_compare",
]
