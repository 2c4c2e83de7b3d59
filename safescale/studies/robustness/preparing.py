"""Everything that is made before anyone is asked: lineage, directions, tamper-resistant variants, adapters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.studies.asked import asked_models
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.design import GeometryAsked
from safescale.studies.robustness.making import (
    ADAPTERS,
    DIRECTIONS,
    TAMPER_RESISTANT,
    DirectionsTask,
    FinetuneTask,
    Found,
    Lost,
    ResistTask,
    Tuned,
    find,
    finetune,
    finetune_task,
    resist,
    safe_name,
    work_through,
)
from safescale.studies.robustness.materials import LINEAGE, Materials
from safescale.studies.robustness.pieces import Pieces, Where
from safescale.studies.robustness.results import GeometryOfModel
from safescale.studies.robustness.subjects import MadeOfModel
from safescale.studies.running.stages import StageLog

__all__ = ["Prepared", "Rows", "prepared", "silent"]

Rows = Callable[[str, int], AbstractContextManager[Callable[[int], None] | None]] | None
_ORDER: Final = ("lineage", "directions", "tamper_resistance", "attacks")
_BAKES: Final = ("vllm", "ray")
"""Engines that apply no intervention: what is steered is baked into a checkpoint for them."""


@attrs.frozen(kw_only=True, eq=False)
class Prepared:
    """
    What was made.

    Parameters
    ----------
    materials : Materials
        Of the models that are there.
    made : mapping of model id to MadeOfModel
    geometry : tuple of GeometryOfModel
    lost : tuple of Lost
        What could not be made.
    """

    materials: Materials
    made: Mapping[str, MadeOfModel]
    geometry: tuple[GeometryOfModel, ...] = ()
    lost: tuple[Lost, ...] = ()

    def of(self, model_id: str) -> MadeOfModel:
        """What was made of a model."""
        return self.made.get(model_id, MadeOfModel())


def prepared(
    config: StudyConfig, materials: Materials, out: Path, *, until: str, log: StageLog, rows: Rows, pieces: Pieces
) -> Prepared:
    """
    Make what is missing, in processes; what fails is named and costs itself alone.

    Parameters
    ----------
    config, materials, out, pieces
        What is asked, of what, where, by what.
    until : str
        The last stage.
    log : StageLog
        Times.
    rows : callable, optional
        Opens a progress bar.
    """
    stages = _ORDER[: _ORDER.index(until) + 1] if until in _ORDER else _ORDER
    at_work = _Making(config, out, log, rows, pieces)
    lost: list[Lost] = []
    if config.toy is not None:
        materials = at_work.lineage(materials, lost)
    found: dict[str, Found] = {}
    if "directions" in stages and materials.direction_prompts is not None:
        found = at_work.directions(materials, lost)
    resistant: dict[str, Path] = {}
    if "tamper_resistance" in stages and config.design.tamper_resistance is not None and materials.weights:
        resistant = at_work.resistant(materials, lost)
    tuned: dict[str, Tuned] = {}
    if "attacks" in stages and config.finetune and materials.weights:
        tuned = at_work.adapters(materials, resistant, lost)
    nothing = Tuned(adapters={})
    made = {
        model.model_id: MadeOfModel(
            adapters=tuned.get(model.model_id, nothing).adapters,
            resistant_adapters=tuned.get(f"{model.model_id}+tamper_resistant", nothing).adapters,
            resistant=resistant.get(model.model_id),
            interventions=found[model.model_id].interventions if model.model_id in found else {},
        )
        for model in materials.models
    }
    geometry = tuple(one.geometry for one in found.values()) if config.design.geometry is not None else ()
    return Prepared(materials=materials, made=made, geometry=geometry, lost=tuple(lost))


class _Making:
    """The stages, with what they share."""

    def __init__(self, config: StudyConfig, out: Path, log: StageLog, rows: Rows, pieces: Pieces) -> None:
        self._config, self._out, self._log, self._rows, self._pieces = config, out, log, rows, pieces
        self._where = Where(device=config.device, dtype=config.dtype, threads=config.threads)

    def lineage(self, materials: Materials, lost: list[Lost]) -> Materials:
        """Train the lineage; models that failed are left out."""
        asked = self._config.toy
        assert asked is not None
        folder = self._out / LINEAGE
        with self._log.stage("lineage") as counts, self._bar("train models", len(materials.models)) as tell:
            lineage = self._pieces.lineage(asked, folder, jobs=self._config.jobs, device=self._config.device, done=tell)
            new = len(lineage.models) - len(lineage.kept)
            counts |= {"responses": new} if new else {"nothing": 1}
        lost += [Lost(stage="lineage", name=one.model_id, reason=one.reason) for one in lineage.failed]
        parameters = {record.model_id: record.parameters for record in lineage.models}
        bases = tuple(
            attrs.evolve(base, params_total_b=parameters[base.model_id] / 1e9)
            for base in materials.bases
            if base.model_id in parameters
        )
        return attrs.evolve(
            materials,
            bases=bases,
            models=asked_models(bases),
            weights={name: place for name, place in materials.weights.items() if name in parameters},
            cells=tuple(cell for cell in materials.cells if cell.model_id in parameters),
        )

    def directions(self, materials: Materials, lost: list[Lost]) -> dict[str, Found]:
        """Refusal directions and interventions of every model with weights."""
        design = self._config.design
        prompts = materials.direction_prompts
        assert prompts is not None
        tasks = [
            DirectionsTask(
                model=model,
                folder=materials.weights[model.model_id],
                prompts=prompts,
                graders=self._config.grader_words,
                asked=design.geometry or GeometryAsked(),
                coefficients=() if design.steering is None else design.steering.coefficients,
                ablation=design.geometry is not None and design.geometry.ablation,
                bake=base.spec.engine in _BAKES,
                where=self._where,
                into=self._out / DIRECTIONS / safe_name(model.model_id),
                pieces=self._pieces,
            )
            for model, base in zip(materials.models, materials.bases, strict=True)
            if model.model_id in materials.weights
        ]
        done = self._work("directions", "find directions", find, tasks, lost, there=lambda task: task.into.is_dir())
        for task, found in done:
            lost += [Lost(stage="directions", name=f"{task.name} {name}", reason=reason) for name, reason in found.lost.items()]
        return {task.name: found for task, found in done}

    def resistant(self, materials: Materials, lost: list[Lost]) -> dict[str, Path]:
        """Tamper-resistant variants of every model with weights."""
        asked = self._config.design.tamper_resistance
        assert asked is not None
        tasks = [
            ResistTask(
                name=model_id,
                folder=folder,
                attack=materials.targets["attack"],
                refusals=materials.targets["refusals"],
                retain=materials.targets["retain"],
                asked=asked,
                where=self._where,
                into=self._out / TAMPER_RESISTANT / safe_name(model_id),
                pieces=self._pieces,
            )
            for model_id, folder in materials.weights.items()
        ]
        done = self._work(
            "tamper_resistance", "train resistance", resist, tasks, lost, there=lambda task: (task.into / "config.json").is_file()
        )
        return {task.name: folder for task, folder in done}

    def adapters(self, materials: Materials, resistant: Mapping[str, Path], lost: list[Lost]) -> dict[str, Tuned]:
        """Adapters of every model with weights, and of every tamper-resistant variant."""
        shared: dict[str, Any] = {
            "targets": materials.targets["attack"],
            "grid": self._config.design.finetune,
            "where": self._where,
            "pieces": self._pieces,
        }
        tasks: list[FinetuneTask] = []
        for model_id, folder in materials.weights.items():
            for hardened, place in ((False, folder), (True, resistant.get(model_id))):
                into = self._out / ADAPTERS / (safe_name(model_id) + ("+tamper_resistant" if hardened else ""))
                task = (
                    None
                    if place is None
                    else finetune_task(materials.cells, model_id, resistant=hardened, folder=place, into=into, **shared)
                )
                tasks += [] if task is None else [task]
        done = self._work(
            "attacks",
            "train adapters",
            finetune,
            tasks,
            lost,
            there=lambda task: all((task.into / name / "adapter_config.json").is_file() for name in task.adapters),
            things=lambda task: len(task.adapters),
        )
        for task, tuned in done:
            lost += [Lost(stage="attacks", name=f"{task.name} {name}", reason=reason) for name, reason in tuned.lost.items()]
        return {task.name: tuned for task, tuned in done}

    def _work(
        self,
        stage: str,
        label: str,
        work: Any,
        tasks: list[Any],
        lost: list[Lost],
        *,
        there: Callable[[Any], bool],
        things: Callable[[Any], int] = lambda task: 1,
    ) -> list[tuple[Any, Any]]:
        """Do a stage's tasks; where all is there already, it is read here, and no process is started for it."""
        new = sum(things(task) for task in tasks if not there(task))
        jobs = self._config.jobs if new else 1
        with self._log.stage(stage) as counts, self._bar(label, len(tasks)) as tell:
            # the last are the largest, where models stand by size: none of them is left alone at the end
            done, failed = work_through(work, tasks[::-1], jobs=jobs, stage=stage, name=lambda task: str(task.name), tell=tell)
            counts |= {"responses": new} if new else {"nothing": 1}
        lost += failed
        return done[::-1]

    def _bar(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None] | None]:
        return (self._rows or silent)(label, total)


def silent(label: str, total: int) -> AbstractContextManager[Callable[[int], None] | None]:
    """No progress bar."""
    return contextlib.nullcontext(None)
