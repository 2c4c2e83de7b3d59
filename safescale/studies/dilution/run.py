"""The experiment from its registration to its result, stage by stage; killed at any point, the same call goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from safescale.analyses.jsonable import to_jsonable
from safescale.engines import Engine, EngineSpec, open_engine
from safescale.errors import GenerationError, MissingBackend
from safescale.generate import GenerateResult, Watch, look_ahead
from safescale.ingest.session import Progress
from safescale.store.json_file import write_json
from safescale.studies.dilution.analysis import analyze_dilution
from safescale.studies.dilution.departures import Departure, departures_of
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.plain_values import plain_values
from safescale.studies.dilution.planning import FILE as PLAN_FILE
from safescale.studies.dilution.planning import GenerationPlan, TimeLeft, plan_of, same_plan, time_left
from safescale.studies.dilution.preregistration import (
    Registration,
    content_of,
    read_registration,
    refuse_other_questions,
    register,
)
from safescale.studies.dilution.reduction import reduced, responses_of
from safescale.studies.dilution.registered_power import registered_power
from safescale.studies.dilution.results import DilutionResult
from safescale.studies.dilution.setting import DilutionSetting, DilutionWanted, setting_of
from safescale.studies.running.corpus import graded_corpus, trace_corpus
from safescale.studies.running.folder import LOCK, working_folder
from safescale.studies.running.generation import RUNS, BrokenModel, Generated, generate_each
from safescale.studies.running.graders import NamedGrader
from safescale.studies.running.grading import GradedBy, grade_by
from safescale.studies.running.stages import StageLog, StageTimes

__all__ = ["LOCK", "RESULT", "Experiment", "Until", "Watching", "plan_experiment", "run_dilution"]

RESULT: Final = "result.json"
Until = Literal["register", "result"]


@attrs.frozen(kw_only=True)
class Watching:
    """
    Who is told of what, all optional.

    Parameters
    ----------
    planned : callable
        Told the plan and what is left of it, before anything is asked.
    stage : callable
        Told the stage that begins.
    generation, reading, grading
        Progress as ``generate``, ``ingest`` and ``grade_run`` tell it.
    """

    planned: Callable[[GenerationPlan, TimeLeft], None] | None = None
    stage: Callable[[str], None] | None = None
    generation: Watch | None = None
    reading: Progress | None = None
    grading: Callable[[str, int], AbstractContextManager[Callable[[int], None] | None]] | None = None


@attrs.frozen(kw_only=True, eq=False)
class Experiment:
    """
    What an experiment holds now.

    Parameters
    ----------
    out : Path
        Its folder.
    setting : DilutionSetting
        What was asked.
    registration : Registration
        What was registered.
    plan : GenerationPlan
        What was planned.
    departures : tuple of Departure
        What was done otherwise than registered.
    broken : tuple of BrokenModel
        Models that gave nothing, or less than was planned.
    graded : tuple of GradedBy
        What each grader made of the responses, the registered primary one first.
    outcomes : tuple of Outcomes
        The same as counts, in the same order.
    result : DilutionResult or None
        The answer; None where the call ended before.
    stages : StageLog
        Times, open for further stages.
    simulated : bool
        Whether no model answered, only the fake engine.
    """

    out: Path
    setting: DilutionSetting
    registration: Registration
    plan: GenerationPlan
    departures: tuple[Departure, ...] = ()
    broken: tuple[BrokenModel, ...] = ()
    graded: tuple[GradedBy, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    result: DilutionResult | None = None
    stages: StageLog
    simulated: bool = False

    @property
    def times(self) -> tuple[StageTimes, ...]:
        """Times by stage, those of earlier calls among them."""
        return self.stages.times()


def plan_experiment(wanted: DilutionWanted, out: Path) -> tuple[GenerationPlan, TimeLeft]:
    """
    What an experiment will take and what it can find, without registering, writing or opening anything.

    Parameters
    ----------
    wanted : DilutionWanted
        As ``run_dilution`` takes it.
    out : Path
        Folder of the experiment; what is answered there is counted.

    Raises
    ------
    DomainError, DataError
        For what cannot be asked; for a folder with answers to something else.
    """
    setting = setting_of(wanted)
    return plan_of(setting, registered_power(setting)), time_left(look_ahead(setting.plans, out / RUNS))


def run_dilution(
    wanted: DilutionWanted,
    out: Path,
    *,
    until: Until = "result",
    accept_changes: bool = False,
    watching: Watching | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
) -> Experiment:
    """
    Register, plan, generate, ingest, grade, reduce and analyse; whatever is done already is not done again.

    Parameters
    ----------
    wanted : DilutionWanted
        Models, prompts, graders, design.
    out : Path
        Folder of the experiment: ``preregistration.yaml``, ``plan.json``, ``runs/``, ``responses.db``, ``grades/``, ``corpus.db``,
        ``result.json``, ``stages.json``.
    until : {"register", "result"}
        Where to stop.
    accept_changes : bool, default False
        Go on although a package has another version than when a run began.
    watching : Watching, optional
        Who is told of what.
    opener : callable
        What opens an engine.

    Returns
    -------
    Experiment
        What the folder holds now.

    Raises
    ------
    DomainError
        For too few sizes, and everything else that cannot be asked.
    DataError
        When the folder is registered for something else, is in use, or cannot be written; when no model gave a response.
    GradingError
        When a grader is gone; everything before is kept.
    MissingBackend
        When the first model's folder has a tokenizer, and what reads it is not installed: nothing is registered without it.
    KeyboardInterrupt
        When the user stops it; everything before is kept.
    """
    watching = watching or Watching()
    setting = setting_of(wanted)
    with working_folder(out, what="experiment"):
        return _run(setting, out, until, watching, accept_changes, opener)


def _run(
    setting: DilutionSetting,
    out: Path,
    until: Until,
    watching: Watching,
    accept_changes: bool,
    opener: Callable[[EngineSpec], Engine],
) -> Experiment:
    if setting.counter.missing is not None and setting.wanted.design.controls:
        # what is registered without it is refused with it: neutral prose is of another length
        raise MissingBackend(
            setting.counter.missing, "hf", hint=" (the tokenizer of the first model sets the length of neutral prose)"
        )
    log = StageLog(out, say=watching.stage)
    registration, content, plan = _registered(setting, out, log)
    if not same_plan(out / PLAN_FILE, plan):
        write_json(out / PLAN_FILE, attrs.asdict(plan))
    simulated = all(model.spec.engine == "fake" for model in setting.wanted.models.models)
    experiment = Experiment(out=out, setting=setting, registration=registration, plan=plan, stages=log, simulated=simulated)
    before = look_ahead(setting.plans, out / RUNS)
    if watching.planned is not None:
        watching.planned(plan, time_left(before))
    if until != "result":
        return attrs.evolve(experiment, departures=departures_of(registration, content, setting, out))
    generated = _generated(before, setting, out, registration, log, watching, accept_changes, opener)
    graded, outcomes, responses = _counted(setting, out, registration, log, watching)
    departures = departures_of(registration, content, setting, out, broken=generated.broken, responses=responses)
    with log.stage("analysis"):
        result = analyze_dilution(setting.wanted.design, outcomes)
        _write_result(out, result, registration, departures, generated.broken)
    return attrs.evolve(experiment, departures=departures, broken=generated.broken, graded=graded, outcomes=outcomes, result=result)


def _registered(setting: DilutionSetting, out: Path, log: StageLog) -> tuple[Registration, dict[str, Any], GenerationPlan]:
    """The registration of the folder: that which stands there, or a new one, written before anything is asked."""
    there = read_registration(out)
    if there is not None:
        content = content_of(setting, power=there.registered.get("power"))
        refuse_other_questions(there, content)
        return there, content, plan_of(setting, there.registered.get("power"))
    with log.stage("registration"):
        power = registered_power(setting)
        content = content_of(setting, power=power)
        return register(out, content), content, plan_of(setting, power)


def _generated(
    before: GenerateResult,
    setting: DilutionSetting,
    out: Path,
    registration: Registration,
    log: StageLog,
    watching: Watching,
    accept_changes: bool,
    opener: Callable[[EngineSpec], Engine],
) -> Generated:
    command = {
        "experiment": "dilution",
        "preregistration_sha256": registration.sha256,
        "models": str(setting.wanted.models_file),
        "prompts": str(setting.wanted.prompts.file),
    }

    def ask() -> Generated:
        return generate_each(
            setting.plans, before, out, accept_changes=accept_changes, watch=watching.generation, opener=opener, command=command
        )

    if not any(run.unanswered or run.waiting for run in before.runs):
        return ask()  # all is there: no stage of its own
    with log.stage("generation") as counts:
        generated = ask()
        counts |= {"responses": generated.asked, "tokens": generated.tokens}
    if not any(run.finish_reasons for run in generated.runs):
        said = "; ".join(f"{model.model_id}: {model.reason}" for model in generated.broken[:3])
        raise GenerationError(f"no model gave an answer ({said}); mend that, and the same command goes on")
    return generated


def _counted(
    setting: DilutionSetting, out: Path, registration: Registration, log: StageLog, watching: Watching
) -> tuple[tuple[GradedBy, ...], tuple[Outcomes, ...], Any]:
    """The responses as a corpus, graded, and as counts."""
    with log.stage("ingest") as counts:
        made = trace_corpus(out, setting.plans, progress=watching.reading)
        counts |= {"responses": made.traces} if made.new else {"nothing": 1}
    graded = []
    alone = [one.asked.name for one in setting.conditions if one.asked.role == "alone"]
    with log.stage("grading") as counts:
        for grader in _primary_first(setting.wanted.graders, registration):
            graded.append(grade_by(grader, made, out, tier=setting.wanted.design.tier, without=alone, progress=watching.grading))
        corpus = graded_corpus(out, made, [one.file for one in graded], progress=watching.reading)
        counts |= {"responses": sum(one.judged for one in graded)} if corpus.new else {"nothing": 1}
    with log.stage("reduction"):
        responses = responses_of(setting, made, out)
        outcomes = tuple(reduced(setting, responses, one, corpus) for one in graded)
    return tuple(graded), outcomes, responses


def _primary_first(graders: tuple[NamedGrader, ...], registration: Registration) -> list[NamedGrader]:
    """The registered primary grader first, wherever this call names it."""
    registered = registration.registered["analysed"].get("graders") or [None]
    return sorted(graders, key=lambda grader: dict(grader.registered) != registered[0])


def _write_result(
    out: Path,
    result: DilutionResult,
    registration: Registration,
    departures: tuple[Departure, ...],
    broken: tuple[BrokenModel, ...],
) -> None:
    write_json(
        out / RESULT,
        {
            "preregistration": {"sha256": registration.sha256, "registered_at": registration.registered_at},
            "departures": to_jsonable(departures),
            "broken_models": to_jsonable(broken),
            "result": plain_values(result),
        },
    )
