"""Does the attack success rate change with model size, and could this corpus tell?"""

from safescale.analyses.inverse_scaling.analysis import analyze_inverse_scaling
from safescale.analyses.inverse_scaling.results import (
    Agreement,
    Difference,
    GraderBand,
    InverseScalingResult,
    ModelPoint,
    Options,
    Robustness,
    ScalingVerdict,
    SeriesResult,
    SettingResult,
    Testability,
)

__all__ = [
    "Agreement",
    "Difference",
    "GraderBand",
    "InverseScalingResult",
    "ModelPoint",
    "Options",
    "Robustness",
    "ScalingVerdict",
    "SeriesResult",
    "SettingResult",
    "Testability",
    "analyze_inverse_scaling",
]
