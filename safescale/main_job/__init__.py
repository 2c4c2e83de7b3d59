"""The main job: graded logs or a corpus in; answers and a report out."""

from safescale.main_job.asked import Input, Question
from safescale.main_job.job import Report, ScalingAnswer, answer_inverse_scaling, write_report

__all__ = ["Input", "Question", "Report", "ScalingAnswer", "answer_inverse_scaling", "write_report"]
