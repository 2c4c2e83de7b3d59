"""The report of a robustness study in its place."""

from __future__ import annotations

from pathlib import Path

from safescale.main_job.staging import staging
from safescale.report.robustness_facts import RobustnessRun
from safescale.report.robustness_report import write_robustness_files
from safescale.studies.robustness.results import RobustnessResult

__all__ = ["write_robustness"]


def write_robustness(result: RobustnessResult, run: RobustnessRun, into: Path) -> tuple[Path, ...]:
    """
    The report as report.html, report.md, report.json, figures and tables.

    What was there is whole until this is; an interrupted one leaves nothing behind.

    Raises
    ------
    DataError
        When ``into`` cannot be written, or holds another kind of document.
    """
    with staging(into) as folder:
        return write_robustness_files(result, run, folder, into)
