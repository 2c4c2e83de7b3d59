"""What is made of each model before it is asked: directions, tamper-resistant variants, adapters; each task costs itself alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from safescale.engines.intervention import INTERVENTION_FILE
from safescale.generate import DeclaredModel
from safescale.grade.grader import Item
from safescale.pressure.finetune.targets import Targets
from safescale.records.verdicts import EVALUABLE, Verdict
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.cells import PlannedCell, adapter_name
from safescale.studies.robustness.config import GraderWords
from safescale.studies.robustness.design import FinetuneGrid, GeometryAsked, RobustnessDesign, TamperResistanceAsked
from safescale.studies.robustness.direction_prompts import DirectionPrompts
from safescale.studies.robustness.pieces import Adapter, Pieces, Where
from safescale.studies.robustness.results import GeometryOfModel
from safescale.toy.workers import Failed, run_tasks

__all__ = [
    "ADAPTERS",
    "DIRECTIONS",
    "TAMPER_RESISTANT",
    "DirectionsTask",
    "FinetuneTask",
    "Found",
    "Lost",
    "ResistTask",
    "adapters_made",
    "done_in",
    "finetune_tasks",
    "safe_name",
    "work_through",
]

DIRECTIONS: Final = "directions"
TAMPER_RESISTANT: Final = "tamper_resistant"
ADAPTERS: Final = "adapters"
INTERVENTIONS: Final = "interventions"
BAKED: Final = "baked"

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Tell = Callable[[int], None] | None


@attrs.frozen(kw_only=True)
class Lost:
    """A part of the study that is not there, and why in one line."""

    stage: str
    name: str
    reason: str


@attrs.frozen(kw_only=True)
class DirectionsTask:
    """Refusal directions of one model, and the interventions that the design asks for."""

    model: AskedModel
    folder: Path
    prompts: DirectionPrompts
    graders: GraderWords
    asked: GeometryAsked
    coefficients: tuple[float, ...]
    ablation: bool
    bake: bool
    where: Where
    into: Path
    pieces: Pieces

    @property
    def name(self) -> str:
        """The model."""
        return self.model.model_id


@attrs.frozen(kw_only=True)
class Found:
    """What came of a model's directions: geometry, and folders of interventions (or baked models) by name."""

    geometry: GeometryOfModel
    interventions: Mapping[str, Path]
    lost: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ResistTask:
    """A tamper-resistant variant of one model."""

    name: str
    folder: Path
    attack: Targets
    refusals: Targets
    retain: Targets
    asked: TamperResistanceAsked
    where: Where
    into: Path
    pieces: Pieces


@attrs.frozen(kw_only=True)
class FinetuneTask:
    """One training: one model (or its tamper-resistant variant), one data size, one seed, all steps."""

    name: str
    folder: Path
    targets: Targets
    grid: FinetuneGrid
    examples: int
    steps: tuple[int, ...]
    seed: int
    where: Where
    into: Path
    pieces: Pieces

    @property
    def adapters(self) -> tuple[Path, ...]:
        """Folders that it fills."""
        return tuple(self.into / adapter_name(self.examples, steps, self.seed) for steps in self.steps)


def safe_name(model_id: str) -> str:
    """A model's id as the name of a folder."""
    return model_id.replace("/", "--").replace(":", "-")


def find(task: DirectionsTask) -> Found:
    """Find the directions, and put every intervention into its place."""
    directions = task.pieces.find(
        task.folder, task.prompts, refuses=_Refuses(task.graders), asked=task.asked, where=task.where, into=task.into
    )
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        f"steering-{coefficient:g}": ("steering", {"coefficient": coefficient}) for coefficient in task.coefficients
    }
    if task.ablation:
        wanted |= {"ablation": ("ablation", {"rank": 1}), "random_ablation": ("random_ablation", {"seed": 0})}
    made: dict[str, Path] = {}
    lost: dict[str, str] = {}
    for name, (kind, options) in wanted.items():
        try:
            intervention = directions.intervention(kind, **options)
        except Exception as error:  # no direction at all is an answer, not a failure of the others
            lost[name] = " ".join(str(error).split())
            continue
        into = task.into.parent.parent / INTERVENTIONS / task.into.name / name
        if not (into / INTERVENTION_FILE).is_file():
            _whole(into, intervention.write)
        made[name] = into
        if task.bake and kind == "steering":
            baked = task.into.parent.parent / BAKED / task.into.name / name
            made[name] = baked if (baked / "config.json").is_file() else task.pieces.bake(task.folder, intervention, baked)
    return Found(geometry=task.pieces.geometry(directions, task.model), interventions=made, lost=lost)


def resist(task: ResistTask) -> Path:
    """Train the variant; one that is whole is not trained again."""
    return task.pieces.resist(
        task.folder,
        attack=task.attack,
        refusals=task.refusals,
        retain=task.retain,
        asked=task.asked,
        where=task.where,
        into=task.into,
    )


def finetune(task: FinetuneTask) -> tuple[Adapter, ...]:
    """Train the adapters; what is whole is not trained again."""
    return tuple(
        task.pieces.finetune(
            task.folder,
            task.targets,
            task.grid,
            examples=task.examples,
            steps=task.steps,
            seed=task.seed,
            where=task.where,
            into=task.into,
        )
    )


def finetune_tasks(
    cells: Sequence[PlannedCell], model: DeclaredModel, *, resistant: bool, folder: Path, **shared: Any
) -> list[FinetuneTask]:
    """The trainings behind the cells of one model (or of its tamper-resistant variant)."""
    steps: dict[tuple[int, int], set[int]] = {}
    for cell in cells:
        mine = cell.model_id == model.model_id and (cell.defence.kind == "tamper_resistance") == resistant
        if mine and cell.attack.kind == "finetune" and cell.seed is not None:
            assert cell.attack.examples is not None and cell.attack.steps is not None
            steps.setdefault((cell.attack.examples, cell.seed), set()).add(cell.attack.steps)
    name = model.model_id + ("+tamper_resistant" if resistant else "")
    return [
        FinetuneTask(name=name, folder=folder, examples=examples, seed=seed, steps=tuple(sorted(kept)), **shared)
        for (examples, seed), kept in steps.items()
    ]


def adapters_made(records: Sequence[Adapter]) -> dict[str, Adapter]:
    """Adapters by name."""
    return {adapter_name(record.examples, record.steps, record.seed): record for record in records}


def work_through(
    work: Callable[[Task], Outcome], tasks: Sequence[Task], *, jobs: int, stage: str, name: Callable[[Task], str], tell: Tell
) -> tuple[list[tuple[Task, Outcome]], list[Lost]]:
    """Do tasks in processes; those that failed are named, and cost themselves alone."""
    done: list[tuple[Task, Outcome]] = []
    lost: list[Lost] = []
    for task, outcome in run_tasks(work, tasks, jobs=jobs):
        if isinstance(outcome, Failed):
            lost.append(Lost(stage=stage, name=name(task), reason=outcome.reason))
        else:
            done.append((task, outcome))
        if tell is not None:
            tell(1)
    order = {id(task): at for at, task in enumerate(tasks)}
    return sorted(done, key=lambda one: order[id(one[0])]), sorted(lost, key=lambda one: one.name)


def done_in(folder: Path) -> int:
    """Whole adapters that lie below a folder (for a plan, not for a decision)."""
    return sum(1 for _ in folder.glob("*/n*-s*-r*/adapter_config.json")) if folder.is_dir() else 0


class _Refuses:
    """The first of some graders that knows refusals, as directions ask it."""

    def __init__(self, words: GraderWords) -> None:
        self._words = words
        self._grader: Any = None

    def __call__(self, prompts: Sequence[str], responses: Sequence[str]) -> list[bool | None]:
        if self._grader is None:
            opened = (named.open() for named in self._words.opened())
            self._grader = next(one for one in opened if not one.facts.classes or Verdict.REFUSAL in one.facts.classes)
        items = [Item(response=response, prompt=prompt) for prompt, response in zip(prompts, responses, strict=True)]
        known = EVALUABLE | {Verdict.BENIGN_QUERY}
        return [
            judged.verdict is Verdict.REFUSAL if judged.verdict in known else None for judged in self._grader.grade(items)
        ]


def _whole(into: Path, write: Callable[[Path], None]) -> None:
    """Write a folder aside and move it into its place."""
    aside = into.with_name(f".{into.name}.partial-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(aside)
        shutil.rmtree(into, ignore_errors=True)
        os.replace(aside, into)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def resistant_folders(out: Path, done: Sequence[tuple[ResistTask, Path]]) -> dict[str, Path]:
    """Folder of each model's tamper-resistant variant."""
    return {task.name: folder for task, folder in done}


def design_needs_directions(design: RobustnessDesign) -> bool:
    """Whether anything of the design rests on refusal directions."""
    return design.geometry is not None or design.steering is not None


def _iter(values: Sequence[Any]) -> Iterator[Any]:
    yield from values
