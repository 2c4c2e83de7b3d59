"""A plan: from assumptions alone, or from a corpus or logs."""

from __future__ import annotations

from pathlib import Path

import attrs

from safescale._version import __version__
from safescale.analyses.plan import CorpusPlan, StudyPlan, Wanted, assumptions_of, study_plan
from safescale.ingest.session import Progress
from safescale.main_job.analyses import plan
from safescale.main_job.asked import Input, Question
from safescale.main_job.job import Answered, Stage, answer
from safescale.main_job.staging import staging
from safescale.report.plan_section import KEY, plan_chapter
from safescale.report.switches import command_line
from safescale.report.write_plan import write_plan_files

__all__ = ["plan_from_assumptions", "plan_from_rows", "wanted_arguments", "write_plan"]

NOTHING_OPEN = "Nothing is open."
NOTHING_PLANNED = "Nothing can be planned from these rows."


def plan_from_assumptions(wanted: Wanted) -> Answered[StudyPlan]:
    """
    A plan that no rows stand behind.

    Raises
    ------
    DomainError
        If something is out of range or said twice.
    """
    result = study_plan(assumptions_of(wanted))
    command = command_line(["plan"], list(wanted_arguments(wanted)))
    return Answered(
        result=result, chapter=plan_chapter(result, command), key=KEY, command=command, version=__version__, simulated=False
    )


def plan_from_rows(
    source: Input, question: Question, wanted: Wanted, *, progress: Progress | None = None, stage: Stage | None = None
) -> Answered[CorpusPlan]:
    """
    What would settle each setting of a corpus, or of logs.

    Raises
    ------
    DataError
        When nothing can be read.
    DomainError
        When the question, or an assumption, is outside its range.
    """
    # the question says these two, in its own arguments
    own = attrs.evolve(wanted, alpha=None, margin_pp=None)
    return answer(source, question, plan(own, wanted_arguments(own)), progress=progress, stage=stage)


def write_plan(answered: Answered[StudyPlan] | Answered[CorpusPlan], into: Path) -> tuple[Path, ...]:
    """
    The plan as plan.html, plan.md, plan.json and figures.

    Raises
    ------
    DataError
        When ``into`` cannot be written.
    """
    with staging(into) as folder:
        return write_plan_files(
            lambda sink: plan_chapter(answered.result, answered.command, sink),
            answered.told("json"),
            folder,
            into,
            version=answered.version,
            fingerprint=answered.result.fingerprint,
            command=answered.command,
            simulated=answered.simulated,
            summary=NOTHING_OPEN if getattr(answered.result, "settings", ()) else NOTHING_PLANNED,
        )


def wanted_arguments(wanted: Wanted) -> tuple[str, ...]:
    """The arguments of a command that asks for the same plan; what was left out stays out."""
    words: list[str] = []
    for field in attrs.fields(Wanted):
        value = getattr(wanted, field.name)
        if value is not None:
            sizes = field.name == "sizes_b"
            words.append("--sizes" if sizes else f"--{field.name.replace('_', '-')}")
            words.append(",".join(f"{size:.12g}" for size in value) if sizes else f"{value:.12g}")
    return tuple(words)
