"""The main job: graded logs or a corpus in; answers and a report out."""

from safescale.main_job.analyses import Analysis
from safescale.main_job.asked import Correcting, Input, Question
from safescale.main_job.audit import Audited, audit
from safescale.main_job.diff import Differed, diff
from safescale.main_job.job import Answered, Report, answer, write_report

__all__ = [
    "Analysis",
    "Answered",
    "Audited",
    "Correcting",
    "Differed",
    "Input",
    "Question",
    "Report",
    "answer",
    "audit",
    "diff",
    "write_report",
]
