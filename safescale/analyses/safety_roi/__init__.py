"""Does provider or scale carry the differences between models, and could this corpus tell?"""

from safescale.analyses.safety_roi.analysis import analyze_safety_roi
from safescale.analyses.safety_roi.results import (
    BandPoint,
    Lineages,
    NeededModels,
    PlacingLabel,
    ProviderPlace,
    ProviderPoint,
    ProviderRatio,
    ProviderShare,
    ProviderVerdict,
    RoiOptions,
    SafetyRoiResult,
    Sensitivity,
    SettingRoi,
    SizeLine,
)

__all__ = [
    "BandPoint",
    "Lineages",
    "NeededModels",
    "PlacingLabel",
    "ProviderPlace",
    "ProviderPoint",
    "ProviderRatio",
    "ProviderShare",
    "ProviderVerdict",
    "RoiOptions",
    "SafetyRoiResult",
    "Sensitivity",
    "SettingRoi",
    "SizeLine",
    "analyze_safety_roi",
]
