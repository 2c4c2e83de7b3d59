"""The study from nothing to its result, stage by stage; killed at any point, the same call goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.analyses.jsonable import to_jsonable
from safescale.engines import Engine, EngineSpec, open_engine
from safescale.errors import GenerationError
from safescale.generate import Watch
from safescale.ingest.session import Progress
from safescale.store.json_file import write_json
from safescale.studies.robustness.analysis import analyze_robustness
from safescale.studies.robustness.answering import NOT_MADE, answered
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.counting import Counted, counted
from safescale.studies.robustness.identity import identity_of, refuse_other_study, take_folder
from safescale.studies.robustness.making import Lost
from safescale.studies.robustness.materials import Materials, materials_of
from safescale.studies.robustness.outcomes import RobustnessOutcomes
from safescale.studies.robustness.pieces import Pieces
from safescale.studies.robustness.planning import StudyPlan, plan_of
from safescale.studies.robustness.preparing import Prepared, prepared
from safescale.studies.robustness.results import RobustnessResult
from safescale.studies.robustness.validation import agreement_with_people, draw_validation, labels_there, refusals_said
from safescale.studies.robustness.weights_seen import WEIGHTS, note_weights, refuse_other_weights
from safescale.studies.running.folder import LOCK, working_folder
from safescale.studies.running.grading import GradedBy
from safescale.studies.running.stages import StageLog, StageTimes

__all__ = ["LOCK", "RESULT", "STAGES", "Study", "Watching", "plan_study", "run_study"]

RESULT: Final = "result.json"
"""Of whoever writes to the folder: one process at a time."""
STAGES: Final = (
    *("lineage", "directions", "tamper_resistance", "attacks", "generation", "ingest", "grading", "embedding", "reduction"),
    *("analysis", "report"),
)
GOES_ON: Final = frozenset({"lineage", "directions", "tamper_resistance", "attacks", "generation", "grading"})


@attrs.frozen(kw_only=True)
class Watching:
    """
    Who is told of what, all optional.

    Parameters
    ----------
    planned : callable
        Told the plan before anything is made.
    stage : callable
        Told the stage that begins.
    rows : callable
        Opens a progress bar: label and number of things to do, to a function that is told how many more are done.
    generation : Watch
        Told how far a run is, where one process asks.
    reading : Progress
        As ``ingest`` tells it.
    """

    planned: Callable[[StudyPlan], None] | None = None
    stage: Callable[[str], None] | None = None
    rows: Callable[[str, int], AbstractContextManager[Callable[[int], None] | None]] | None = None
    generation: Watch | None = None
    reading: Progress | None = None


@attrs.frozen(kw_only=True, eq=False)
class Study:
    """
    What a study holds now.

    Parameters
    ----------
    out : Path
        Its folder.
    config : StudyConfig
        What was asked.
    plan : StudyPlan
        What was planned.
    broken : tuple of Lost
        What is not there, and why.
    graded : tuple of GradedBy
        What each grader made of the responses, the primary one first; the one of entropy alone last.
    outcomes : tuple of RobustnessOutcomes
        The same as arrays, of the graders of the study.
    result : RobustnessResult or None
        The answer; None where the call ended before.
    stages : StageLog
        Times, open for further stages.
    simulated : bool
        Whether no model answered, only the fake engine.
    validation : Path or None
        The sheet that people may fill in.
    engines : tuple of str
        What answered, in words.
    """

    out: Path
    config: StudyConfig
    plan: StudyPlan
    broken: tuple[Lost, ...] = ()
    graded: tuple[GradedBy, ...] = ()
    outcomes: tuple[RobustnessOutcomes, ...] = ()
    result: RobustnessResult | None = None
    stages: StageLog
    simulated: bool = False
    validation: Path | None = None
    engines: tuple[str, ...] = ()

    @property
    def times(self) -> tuple[StageTimes, ...]:
        """Times by stage, those of earlier calls among them."""
        return self.stages.times()


def plan_study(config: StudyConfig, out: Path, *, pieces: Pieces | None = None) -> StudyPlan:
    """
    What a study will take and what it can find; nothing is made, written or opened.

    Parameters
    ----------
    config : StudyConfig
        What is asked (``read_study``).
    out : Path
        Folder of the study; what is done there is counted.

    Raises
    ------
    DomainError, DataError
        For what cannot be asked; for a folder of another study.
    """
    pieces = pieces or Pieces()
    materials = materials_of(config, out, pieces)
    refuse_other_study(out, identity_of(config, materials))
    if (out / WEIGHTS).is_file():  # else there is nothing to compare them with, and hashing takes long
        refuse_other_weights(out, _given_weights(config, materials))
    return plan_of(config, materials, out, pieces)


def run_study(
    config: StudyConfig,
    out: Path,
    *,
    until: str = STAGES[-1],
    accept_changes: bool = False,
    watching: Watching | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    pieces: Pieces | None = None,
) -> Study:
    """
    Train, attack, ask, grade, embed, reduce and analyse; whatever is done already is not done again.

    Parameters
    ----------
    config : StudyConfig
        What is asked (``read_study``).
    out : Path
        Folder of the study: ``study.json``, ``weights.json``, ``lineage/``, ``directions/``, ``interventions/``,
        ``tamper_resistant/``, ``adapters/``, ``runs/``, ``responses.db``, ``grades/``, ``corpus.db``, ``embeddings/``,
        ``validation/``, ``result.json``, ``stages.json``.
    until : str
        The last stage (``STAGES``).
    accept_changes : bool, default False
        Go on although a package has another version than when a run began.
    watching : Watching, optional
        Who is told of what.
    opener : callable
        What opens an engine; a function of a module where there are several jobs.
    pieces : Pieces, optional
        What makes directions, adapters and the rest.

    Returns
    -------
    Study
        What the folder holds now.

    Raises
    ------
    DomainError
        For what cannot be asked.
    DataError
        When the folder is of another study, is in use, or cannot be written; when no model gave a response.
    GradingError
        When a grader is gone; everything before is kept.
    MissingBackend
        Without a library that a stage needs; everything before is kept.
    KeyboardInterrupt
        When the user stops it; everything before is kept.
    """
    watching, pieces = watching or Watching(), pieces or Pieces()
    materials = materials_of(config, out, pieces)
    identity = identity_of(config, materials)
    refuse_other_study(out, identity)
    pieces.refuse_missing(
        finetune=config.finetune and bool(materials.weights),
        resist=config.design.tamper_resistance is not None and bool(materials.weights),
        find=materials.direction_prompts is not None,
    )
    with working_folder(out, what="study"):
        weights = refuse_other_weights(out, _given_weights(config, materials))
        take_folder(out, identity)
        note_weights(out, weights)
        return _run(config, materials, out, until, watching, accept_changes, opener, pieces)


def _given_weights(config: StudyConfig, materials: Materials) -> Mapping[str, Path]:
    """Weights of others; a toy lineage is the study's own, and looks after itself."""
    return materials.weights if config.toy is None else {}


def _run(
    config: StudyConfig,
    materials: Materials,
    out: Path,
    until: str,
    watching: Watching,
    accept_changes: bool,
    opener: Callable[[EngineSpec], Engine],
    pieces: Pieces,
) -> Study:
    log = StageLog(out, say=watching.stage, stages=STAGES, goes_on=GOES_ON)
    plan = plan_of(config, materials, out, pieces)
    simulated = all(model.spec.engine == "fake" for model in materials.bases)
    study = Study(out=out, config=config, plan=plan, stages=log, simulated=simulated)
    if watching.planned is not None:
        watching.planned(plan)
    made = prepared(config, materials, out, until=until, log=log, rows=watching.rows, pieces=pieces)
    study = attrs.evolve(study, broken=made.lost)
    if STAGES.index(until) <= STAGES.index("attacks"):
        return study
    asked = answered(
        config, made, out, log=log, accept_changes=accept_changes, watch=watching.generation, opener=opener, rows=watching.rows
    )
    study = attrs.evolve(study, broken=(*made.lost, *asked.lost), engines=asked.engines)
    if not asked.any_text:
        # causes first: that a cell has no weights only follows from them
        causes = [one for one in study.broken if one.reason != NOT_MADE] or list(study.broken)
        said = "; ".join(f"{one.name}: {one.reason}" for one in causes[:3])
        raise GenerationError(f"no model gave an answer ({said}); mend that, and the same command goes on")
    if until == "generation":
        return study
    found = counted(config, made, asked, out, until=until, log=log, rows=watching.rows, reading=watching.reading, pieces=pieces)
    study = attrs.evolve(study, graded=found.graded, outcomes=found.outcomes)
    if found.axes is None or not found.outcomes:
        return study
    return _answered(study, config, made, found, until)


def _answered(study: Study, config: StudyConfig, made: Prepared, found: Counted, until: str) -> Study:
    """The sample for people, what they said of it, and the answer."""
    assert found.axes is not None
    assert found.held is not None
    assert found.corpus is not None
    primary = found.graded[0]
    sheet = draw_validation(study.out, found.axes, found.held, primary, found.corpus, labels=config.validation)
    study = attrs.evolve(study, validation=sheet)
    if until == "reduction":
        return study
    with study.stages.stage("analysis"):
        result = analyze_robustness(config.design, found.outcomes, made.geometry)
        people = labels_there(study.out, found.axes, found.held)
        if people:
            said = {one.grader_id: refusals_said(found.held, one, found.corpus) for one in found.graded[: len(found.outcomes)]}
            more = agreement_with_people(people, said, level=1 - config.design.alpha)
            result = attrs.evolve(result, agreement=(*result.agreement, *more))
        write_json(study.out / RESULT, _as_json(result, study))
    return attrs.evolve(study, result=result)


def _as_json(result: RobustnessResult, study: Study) -> Mapping[str, Any]:
    return {"broken": to_jsonable(study.broken), "simulated": study.simulated, "result": to_jsonable(result)}
