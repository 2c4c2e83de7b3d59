"""The report of a dilution experiment in its place."""

from __future__ import annotations

from pathlib import Path

from safescale.main_job.staging import staging
from safescale.report.dilution_facts import DilutionRun
from safescale.report.dilution_report import write_dilution_files
from safescale.studies.dilution.results import DilutionResult

__all__ = ["write_dilution"]


def write_dilution(result: DilutionResult, run: DilutionRun, into: Path) -> tuple[Path, ...]:
    """
    The report as report.html, report.md, report.json, figures and tables.

    What was there is whole until this is; an interrupted one leaves nothing behind.

    Raises
    ------
    DataError
        When ``into`` cannot be written, or holds another kind of document.
    """
    with staging(into) as folder:
        return write_dilution_files(result, run, folder, into)
