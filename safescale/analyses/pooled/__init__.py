"""Is a slope over model size the same in every source of rows, and what is the pooled one made of?"""

from safescale.analyses.pooled.analysis import analyze_pooled
from safescale.analyses.pooled.results import (
    Composition,
    Heterogeneity,
    PooledResult,
    PooledSetting,
    SourceSlope,
    Variant,
    WithinSource,
)

__all__ = [
    "Composition",
    "Heterogeneity",
    "PooledResult",
    "PooledSetting",
    "SourceSlope",
    "Variant",
    "WithinSource",
    "analyze_pooled",
]
