"""What is the rate behind a grader's verdicts, by labels of people or by a better grader?"""

from safescale.analyses.correction.analysis import analyze_correction
from safescale.analyses.correction.results import (
    Basis,
    CorrectedGroup,
    CorrectedSetting,
    CorrectionOptions,
    CorrectionResult,
    CorrectionVerdict,
)

__all__ = [
    "Basis",
    "CorrectedGroup",
    "CorrectedSetting",
    "CorrectionOptions",
    "CorrectionResult",
    "CorrectionVerdict",
    "analyze_correction",
]
