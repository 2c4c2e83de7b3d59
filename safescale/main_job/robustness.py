"""The robustness study and its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from safescale.analyses.words import plural
from safescale.engines import Engine, EngineSpec, open_engine
from safescale.main_job.robustness_report import write_robustness
from safescale.report.robustness_facts import BrokenPart, RobustnessRun, StageTime
from safescale.report.study_report import plan_lines
from safescale.store.lock import WriterLock
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.pieces import Pieces
from safescale.studies.robustness.run import GOES_ON, LOCK, STAGES, Study, Watching, run_study
from safescale.studies.running.stages import StageTimes

__all__ = ["REPORT", "Studied", "facts_of", "study_robustness"]

REPORT: Final = "report"
"""Folder of the report within that of the study."""


@attrs.frozen(kw_only=True, eq=False)
class Studied:
    """A study, what its report was told of the run, and the files of the report (none where it ended before)."""

    study: Study
    facts: RobustnessRun
    files: tuple[Path, ...]


def study_robustness(
    config: StudyConfig,
    out: Path,
    *,
    until: str = STAGES[-1],
    accept_changes: bool = False,
    watching: Watching | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    pieces: Pieces | None = None,
    command: str = "safescale study robustness",
) -> Studied:
    """
    Run the study (``run_study``) and write its report into ``out/report``.

    Parameters
    ----------
    config, out, until, accept_changes, watching, opener, pieces
        As ``run_study`` takes them.
    command : str
        What the user typed; the report shows it.

    Raises
    ------
    DomainError, DataError, GenerationError, GradingError, MissingBackend, KeyboardInterrupt
        As ``run_study`` raises them.
    """
    study = run_study(config, out, until=until, accept_changes=accept_changes, watching=watching, opener=opener, pieces=pieces)
    facts = facts_of(study, command)
    if study.result is None or until != STAGES[-1]:
        return Studied(study=study, facts=facts, files=())
    with WriterLock(out / LOCK, out, what="study"), study.stages.stage("report"):
        files = write_robustness(study.result, facts, out / REPORT)
    return Studied(study=study, facts=facts, files=files)


def facts_of(study: Study, command: str) -> RobustnessRun:
    """What the report is told of a study."""
    caveats: list[str] = []
    for one in study.graded:
        if one.kind == "keyword":
            caveats.append(f"{one.grader_id} looks for phrases and judges no harm: its rates are of responses without them")
        if one.reasons:
            why = "; ".join(f"{reason} ({count:,})" for reason, count in list(one.reasons.items())[:3])
            caveats.append(f"{one.grader_id} says of what it could not grade: {why}")
    if study.config.toy is not None:
        caveats.append("the models are toys on an invented world: what they do says nothing of real models")
    return RobustnessRun(
        command=command,
        fingerprint=study.outcomes[0].fingerprint if study.outcomes else "",
        plan=plan_lines(study.plan, left=False),
        stages=tuple(_stage(one) for one in study.times if one.stage != "report"),
        broken=tuple(BrokenPart(what=one.name, reason=one.reason, stage=one.stage) for one in study.broken),
        caveats=(*study.plan.notes, *caveats),
        engines=study.engines,
        simulated=study.simulated,
    )


def _stage(one: StageTimes) -> StageTime:
    said = []
    if one.responses:
        said.append(plural(one.responses, _THINGS.get(one.stage, "response")))
    if one.tokens_per_s is not None:
        said.append(f"{one.tokens_per_s:,.0f} tokens/s")
    if one.stage in GOES_ON and one.calls > 1:
        killed = f", {one.cut_off} of them killed: their time is not known" if one.cut_off else ""
        said.append(f"{one.calls} calls{killed}")
    return StageTime(name=one.stage, wall_s=one.wall_s, cpu_s=one.cpu_s, peak_mb=one.peak_mb, note=", ".join(said))


_THINGS: Final = {
    "lineage": "model",
    "directions": "model",
    "tamper_resistance": "model",
    "attacks": "adapter",
    "embedding": "text",
}
