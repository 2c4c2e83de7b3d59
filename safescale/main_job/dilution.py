"""The dilution experiment and its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from safescale.engines import Engine, EngineSpec, open_engine
from safescale.main_job.dilution_report import write_dilution
from safescale.report.dilution_facts import DilutionRun, LostModel, Registration, StageTime, excluded_of
from safescale.store.lock import WriterLock
from safescale.studies.dilution.conditions import puzzles_of
from safescale.studies.dilution.exclusions import exclusion_words
from safescale.studies.dilution.run import LOCK, Experiment, Until, Watching, run_dilution
from safescale.studies.dilution.setting import DilutionWanted
from safescale.studies.dilution.solving import guessing_words
from safescale.studies.running.stages import GOES_ON, StageTimes

__all__ = ["REPORT", "Experimented", "experiment_dilution", "facts_of"]

REPORT: Final = "report"
"""Folder of the report within that of the experiment."""


@attrs.frozen(kw_only=True, eq=False)
class Experimented:
    """An experiment, what its report was told of the run, and the files of the report (none where it ended before)."""

    experiment: Experiment
    facts: DilutionRun
    files: tuple[Path, ...]


def experiment_dilution(
    wanted: DilutionWanted,
    out: Path,
    *,
    until: Until = "result",
    accept_changes: bool = False,
    watching: Watching | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    command: str = "safescale experiment dilution",
) -> Experimented:
    """
    Run the experiment (``run_dilution``) and write its report into ``out/report``.

    Parameters
    ----------
    wanted, out, until, accept_changes, watching, opener
        As ``run_dilution`` takes them.
    command : str
        What the user typed; the report shows it.

    Raises
    ------
    DomainError, DataError, GenerationError, GradingError, KeyboardInterrupt
        As ``run_dilution`` raises them.
    """
    experiment = run_dilution(wanted, out, until=until, accept_changes=accept_changes, watching=watching, opener=opener)
    facts = facts_of(experiment, command)
    if experiment.result is None:
        return Experimented(experiment=experiment, facts=facts, files=())
    with WriterLock(out / LOCK, out, what="experiment"), experiment.stages.stage("report"):
        files = write_dilution(experiment.result, facts, out / REPORT)
    return Experimented(experiment=experiment, facts=facts, files=files)


def facts_of(experiment: Experiment, command: str) -> DilutionRun:
    """What the report is told of an experiment."""
    registration = experiment.registration
    caveats = [words for outcomes in experiment.outcomes if (words := exclusion_words(outcomes)) is not None]
    for one in experiment.graded:
        if one.kind == "keyword":
            caveats.append(f"{one.grader_id} looks for phrases and judges no harm: its rates are of responses without them")
        if one.reasons and any(outcomes.excluded for outcomes in experiment.outcomes if outcomes.grader == one.grader_id):
            why = "; ".join(f"{reason} ({count:,})" for reason, count in list(one.reasons.items())[:3])
            caveats.append(f"{one.grader_id} says of what it could not grade: {why}")
    puzzle = puzzles_of(experiment.setting.conditions)
    if puzzle is not None and experiment.outcomes and experiment.outcomes[0].prompts:
        caveats.append(guessing_words(experiment.outcomes[0], puzzle))
    return DilutionRun(
        command=command,
        registration=Registration(
            sha256=registration.sha256,
            lines=tuple(registration.file.read_text(encoding="utf-8").splitlines()),
            departures=tuple(one.words for one in experiment.departures),
            registered_at=registration.registered_at,
            file=registration.file.name,
        ),
        lost=tuple(
            LostModel(model_id=one.model_id, reason=one.reason, stage="generation") for one in experiment.broken if not one.answered
        ),
        stages=tuple(_stage(one) for one in experiment.times if one.stage != "report"),
        excluded=tuple(row for outcomes in experiment.outcomes for row in excluded_of(outcomes)),
        caveats=tuple(caveats),
        simulated=experiment.simulated,
    )


def _stage(one: StageTimes) -> StageTime:
    said = []
    if one.responses:
        said.append(f"{one.responses:,} responses")
    if one.tokens_per_s is not None:
        said.append(f"{one.tokens_per_s:,.0f} tokens/s")
    if one.stage in GOES_ON and one.calls > 1:
        killed = f", {one.cut_off} of them killed: their time is not known" if one.cut_off else ""
        said.append(f"{one.calls} calls{killed}")
    return StageTime(name=one.stage, wall_s=one.wall_s, cpu_s=one.cpu_s, peak_mb=one.peak_mb, note=", ".join(said))
