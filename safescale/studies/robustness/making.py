"""What is made of each model before it is asked: directions, tamper-resistant variants, adapters; each task costs itself alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from safescale.errors import DomainError
from safescale.grade.grader import Item
from safescale.pressure.finetune.targets import Targets
from safescale.records.rows import clip
from safescale.records.verdicts import EVALUABLE, Verdict
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.cells import PlannedCell, adapter_name
from safescale.studies.robustness.config import GraderWords
from safescale.studies.robustness.design import FinetuneGrid, GeometryAsked, TamperResistanceAsked
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
    "Tuned",
    "find",
    "finetune",
    "finetune_task",
    "in_one_line",
    "resist",
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
    """All trainings of one model, or of its tamper-resistant variant: one for each data size and seed, all steps."""

    name: str
    folder: Path
    targets: Targets
    grid: FinetuneGrid
    examples: tuple[int, ...]
    steps: tuple[int, ...]
    where: Where
    into: Path
    pieces: Pieces

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the adapters that it makes."""
        seeds = range(self.grid.seeds)
        return tuple(adapter_name(n, steps, seed) for seed in seeds for n in self.examples for steps in self.steps)


@attrs.frozen(kw_only=True)
class Tuned:
    """Adapters of one model by name, and why those of a seed are not there."""

    adapters: Mapping[str, Adapter]
    lost: Mapping[str, str] = attrs.field(factory=dict)


def safe_name(model_id: str) -> str:
    """A model's id as the name of a folder."""
    return model_id.replace("/", "--").replace(":", "-")


def find(task: DirectionsTask) -> Found:
    """Find the directions, and put every intervention into its place."""
    refuses = _Refuses(task.graders)
    directions = task.pieces.find(
        task.folder,
        task.prompts,
        refuses=refuses,
        asked=task.asked,
        where=task.where,
        into=task.into,
        grader=refuses.name,
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
            lost[name] = in_one_line(error)
            continue
        into = task.into.parent.parent / INTERVENTIONS / task.into.name / name
        intervention.write(into)
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


def finetune(task: FinetuneTask) -> Tuned:
    """Train the adapters, seed by seed; what is whole is not trained again, and a seed that fails costs itself alone."""
    made: dict[str, Adapter] = {}
    lost: dict[str, str] = {}
    for seed in range(task.grid.seeds):
        try:
            records = task.pieces.finetune(
                task.folder,
                task.targets,
                task.grid,
                examples=task.examples,
                steps=task.steps,
                seed=seed,
                where=task.where,
                into=task.into,
            )
        except Exception as error:
            lost[f"seed {seed}"] = in_one_line(error)
        else:
            made |= {adapter_name(one.examples, one.steps, one.seed): one for one in records}
    return Tuned(adapters=made, lost=lost)


def finetune_task(cells: Sequence[PlannedCell], model_id: str, *, resistant: bool, **shared: Any) -> FinetuneTask | None:
    """The trainings behind the cells of one model (or of its tamper-resistant variant); None where there are none."""
    levels = {
        (cell.attack.examples, cell.attack.steps)
        for cell in cells
        if cell.model_id == model_id
        and cell.attack.kind == "finetune"
        and (cell.defence.kind == "tamper_resistance") == resistant
        and cell.attack.examples is not None
        and cell.attack.steps is not None
    }
    if not levels:
        return None
    return FinetuneTask(
        name=model_id + ("+tamper_resistant" if resistant else ""),
        examples=tuple(sorted({examples for examples, _ in levels if examples is not None})),
        steps=tuple(sorted({steps for _, steps in levels if steps is not None})),
        **shared,
    )


def in_one_line(error: Exception) -> str:
    """What went wrong, for a list."""
    text = " ".join(str(error).split()) or "no further words"
    return clip(text if type(error).__module__.startswith("safescale.") else f"{type(error).__name__}: {text}")


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


class _Refuses:
    """The first of some graders that knows refusals, as directions ask it."""

    def __init__(self, words: GraderWords) -> None:
        opened = (named.open() for named in words.opened())
        self._grader = next((one for one in opened if not one.facts.classes or Verdict.REFUSAL in one.facts.classes), None)
        if self._grader is None:
            raise DomainError("no grader of the study knows refusals, so no direction of refusal can be sought; name one that does")
        facts = self._grader.facts
        self.name = facts.grader_id if facts.rubric_version is None else f"{facts.grader_id} {facts.rubric_version}"

    def __call__(self, prompts: Sequence[str], responses: Sequence[str]) -> list[bool | None]:
        assert self._grader is not None
        items = [Item(response=response, prompt=prompt) for prompt, response in zip(prompts, responses, strict=True)]
        known = EVALUABLE | {Verdict.BENIGN_QUERY}
        return [judged.verdict is Verdict.REFUSAL if judged.verdict in known else None for judged in self._grader.grade(items)]
