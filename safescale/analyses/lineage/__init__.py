"""How much does removing safety training change, and does that depend on model size?"""

from safescale.analyses.lineage.analysis import analyze_lineage
from safescale.analyses.lineage.results import (
    GapPair,
    GapSeries,
    GapSetting,
    GapSlope,
    GapVerdict,
    LineageResult,
    Side,
    Unpaired,
)

__all__ = [
    "GapPair",
    "GapSeries",
    "GapSetting",
    "GapSlope",
    "GapVerdict",
    "LineageResult",
    "Side",
    "Unpaired",
    "analyze_lineage",
]
