"""Which figures differ between two corpora, and which rows did it?"""

from safescale.analyses.diff.analysis import NamedHeadlines, diff_corpora
from safescale.analyses.diff.results import (
    Cause,
    Contribution,
    DiffResult,
    FieldChange,
    FigureChange,
    HeadlineChange,
    RowChange,
    RowTotals,
)

__all__ = [
    "Cause",
    "Contribution",
    "DiffResult",
    "FieldChange",
    "FigureChange",
    "HeadlineChange",
    "NamedHeadlines",
    "RowChange",
    "RowTotals",
    "diff_corpora",
]
