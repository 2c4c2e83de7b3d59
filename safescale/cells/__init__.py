"""Cells: grouping and counting; what is excluded, why, and how many."""

from safescale.cells.build import build_cells
from safescale.cells.cells_file import read_cells, write_cells
from safescale.cells.common_prompts import CommonPrompts, common_prompts
from safescale.cells.counted import CountedCells
from safescale.cells.counting import Counting, Flip, flips
from safescale.cells.counts import CellCounts, collect_counts
from safescale.cells.grader_rows import ROWS_OF_A_GRADER, grader_label, grader_rows
from safescale.cells.graders import GraderMeaning
from safescale.cells.identical import IdenticalModels
from safescale.cells.readable import Readable
from safescale.cells.replaced import Replacement
from safescale.cells.responses import DistinctResponses, Responses, distinct_responses
from safescale.cells.row_fates import row_fates
from safescale.cells.selection import REASON_WORDS, SWITCHES, Reason, Selection
from safescale.cells.table import CELL_KEYS, AggregateCell, Cell, Cells, Exclusion, PromptVector, Rate, TraceCounts
from safescale.cells.target_pairs import TargetPairs, target_pairs
from safescale.cells.verdict_pairs import verdict_pairs

__all__ = [
    "CELL_KEYS",
    "REASON_WORDS",
    "ROWS_OF_A_GRADER",
    "SWITCHES",
    "AggregateCell",
    "Cell",
    "CellCounts",
    "Cells",
    "CommonPrompts",
    "CountedCells",
    "Counting",
    "DistinctResponses",
    "Exclusion",
    "Flip",
    "GraderMeaning",
    "IdenticalModels",
    "PromptVector",
    "Rate",
    "Readable",
    "Reason",
    "Replacement",
    "Responses",
    "Selection",
    "TargetPairs",
    "TraceCounts",
    "build_cells",
    "collect_counts",
    "common_prompts",
    "distinct_responses",
    "flips",
    "grader_label",
    "grader_rows",
    "read_cells",
    "row_fates",
    "target_pairs",
    "verdict_pairs",
    "write_cells",
]
