"""Do refusals come back in larger models whose safety training was removed?"""

from safescale.analyses.reemergence.analysis import analyze_reemergence
from safescale.analyses.reemergence.results import (
    QUANTITY_WORDS,
    Quantity,
    Reemergence,
    ReemergenceResult,
    Share,
    TamperedModel,
    TamperedSeries,
    TamperedSetting,
    TargetComparison,
    Trend,
)

__all__ = [
    "QUANTITY_WORDS",
    "Quantity",
    "Reemergence",
    "ReemergenceResult",
    "Share",
    "TamperedModel",
    "TamperedSeries",
    "TamperedSetting",
    "TargetComparison",
    "Trend",
    "analyze_reemergence",
]
