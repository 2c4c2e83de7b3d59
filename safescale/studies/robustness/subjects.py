"""Who answers: each cell's subject as a declared model, grouped by the engine that answers for several of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines import EngineSpec, Sampling
from safescale.engines.intervention import INTERVENTION_FILE, intervention_sha256
from safescale.engines.weights import weights_sha256
from safescale.errors import DomainError
from safescale.generate import Condition, DeclaredModel, ModelsFile, RunPlan
from safescale.pressure.puzzles import PUZZLE_KINDS
from safescale.pressure.transforms import PuzzleBefore, PuzzleSet, Template
from safescale.studies.robustness.cells import PlannedCell, adapter_name
from safescale.studies.robustness.design import PromptAttacks
from safescale.studies.robustness.evaluation import EvaluationPrompts
from safescale.studies.robustness.pieces import Adapter

__all__ = ["HOOKS_ENGINE", "Asking", "MadeOfModel", "Subjects", "conditions_of", "frame_of", "subjects_of"]

HOOKS_ENGINE: Final = "transformers"
"""The engine that applies interventions."""
_PUZZLE_SEED: Final = 353
_HOOKS_OPTIONS: Final = ("device", "dtype", "threads")


@attrs.frozen(kw_only=True)
class MadeOfModel:
    """
    What was made of one model.

    Parameters
    ----------
    adapters, resistant_adapters : mapping of str to Adapter
        By name, of the model and of its tamper-resistant variant.
    resistant : Path, optional
        Folder of the variant.
    interventions : mapping of str to Path
        By name (``steering-1``, ``ablation``, ``random_ablation``): a folder of edits, or a baked model.
    """

    adapters: Mapping[str, Adapter] = attrs.field(factory=dict)
    resistant_adapters: Mapping[str, Adapter] = attrs.field(factory=dict)
    resistant: Path | None = None
    interventions: Mapping[str, Path] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Asking:
    """How every subject is asked."""

    prompts: EvaluationPrompts
    conditions: tuple[Condition, ...]
    file_sampling: Mapping[str, Any]
    sampling: Mapping[str, Any]
    seed: int
    samples: int


@attrs.frozen(kw_only=True)
class Subjects:
    """
    Who answers.

    Parameters
    ----------
    groups : tuple of tuple of RunPlan
        Plans that share an engine.
    cells : tuple of PlannedCell
        Cells that can be asked.
    missing : tuple of PlannedCell
        Those whose weights are not there.
    """

    groups: tuple[tuple[RunPlan, ...], ...]
    cells: tuple[PlannedCell, ...]
    missing: tuple[PlannedCell, ...] = ()

    @property
    def plans(self) -> tuple[RunPlan, ...]:
        """All plans."""
        return tuple(plan for group in self.groups for plan in group)


def frame_of(models: ModelsFile) -> Condition:
    """
    The condition that stands around everything: that of the models file, or a bare one.

    Raises
    ------
    DomainError
        With several, or one that is itself an attack.
    """
    if len(models.conditions) > 1:
        names = ", ".join(condition.name for condition in models.conditions)
        raise DomainError(
            f"the models file has {len(models.conditions)} conditions ({names}), and the study makes its own; leave one (its "
            "system prompt and prefill stand around all of them), and put paraphrases into a file for prompt_attacks.templates"
        )
    frame = models.conditions[0]
    if frame.template is not None or frame.attack_class is not None:
        raise DomainError(
            f"the condition {frame.name!r} of the models file has a template or an attack class, and a study makes its own; leave "
            "its system prompt and prefill alone, and put paraphrases into a file for prompt_attacks.templates"
        )
    return frame


def conditions_of(asked: PromptAttacks, prompts: EvaluationPrompts, frame: Condition) -> tuple[Condition, ...]:
    """The condition without an attack on the prompt, then one for each such attack."""
    ids = [prompt.prompt_id for prompt in prompts.set.prompts]
    made = [frame]
    for lines in asked.puzzle_lines:
        puzzles = PuzzleSet.of(sorted(ids), kinds=PUZZLE_KINDS, lines=lines, difficulty=1, seed=_PUZZLE_SEED)
        made.append(attrs.evolve(frame, name=f"puzzle-{lines}", transform=PuzzleBefore(puzzles)))
    made += [attrs.evolve(frame, name=name, transform=Template(text)) for name, text in asked.templates]
    return tuple(made)


def subjects_of(
    bases: Sequence[DeclaredModel], cells: Sequence[PlannedCell], made: Mapping[str, MadeOfModel], asking: Asking
) -> Subjects:
    """
    Who answers for each cell; what was not made is left out and told.

    Parameters
    ----------
    bases : sequence of DeclaredModel
        Models as they were.
    cells : sequence of PlannedCell
        What is asked.
    made : mapping of model id to MadeOfModel
        What was made of them.
    asking : Asking
        How.
    """
    groups: list[tuple[RunPlan, ...]] = []
    there: list[PlannedCell] = []
    for base in bases:
        mine = [cell for cell in cells if cell.model_id == base.model_id]
        for members in _by_engine(mine):
            spec_of = _engine_of(base, members, made.get(base.model_id, MadeOfModel()))
            if spec_of is None:
                continue
            spec, declared, adapters = spec_of
            able = [cell for cell in members if cell.attack.kind != "finetune" or _adapter(cell) in adapters]
            there += able
            plans = [_plan(base, subject, spec, declared, adapters, asking) for subject in _by_subject(able)]
            if plans:
                groups.append(tuple(plans))
    held = set(there)
    return Subjects(
        groups=tuple(groups),
        cells=tuple(cell for cell in cells if cell in held),
        missing=tuple(cell for cell in cells if cell not in held),
    )


def _by_engine(cells: Iterable[PlannedCell]) -> list[list[PlannedCell]]:
    """Cells that one engine answers for: the model with its adapters, each steered one, the tamper-resistant one, each ablation."""
    found: dict[str, list[PlannedCell]] = {}
    for cell in cells:
        ablated = cell.attack.kind in ("ablation", "random_ablation")
        found.setdefault(cell.attack.name if ablated else f"under {cell.defence.name}", []).append(cell)
    return list(found.values())


def _by_subject(cells: Iterable[PlannedCell]) -> list[list[PlannedCell]]:
    found: dict[str, list[PlannedCell]] = {}
    for cell in cells:
        found.setdefault(cell.subject, []).append(cell)
    return list(found.values())


def _adapter(cell: PlannedCell) -> str:
    return adapter_name(cell.attack.examples or 0, cell.attack.steps or 0, cell.seed or 0)


def _engine_of(
    base: DeclaredModel, cells: Sequence[PlannedCell], made: MadeOfModel
) -> tuple[EngineSpec, dict[str, Any], Mapping[str, Adapter]] | None:
    """What answers for these cells, what goes into the run's id, and the adapters; None where it was not made."""
    first = cells[0]
    wanted = {_adapter(cell) for cell in cells if cell.attack.kind == "finetune"}
    all_adapters = made.adapters
    spec, declared = base.spec, dict(base.declared)
    name = first.attack.name if first.attack.kind in ("ablation", "random_ablation") else first.defence.name
    if first.defence.kind == "tamper_resistance":
        if made.resistant is None:
            return None
        all_adapters = made.resistant_adapters
        spec = attrs.evolve(spec, model=str(made.resistant), tokenizer=None)
        declared |= {"tamper_resistant_sha256": weights_sha256(made.resistant)}
    elif name != "none":
        folder = made.interventions.get(name)
        if folder is None:
            return None
        declared |= {"intervention_sha256": _intervention_hash(folder)}
        if (folder / "config.json").is_file():
            spec = attrs.evolve(spec, model=str(folder), tokenizer=None)
        else:
            spec = _hooked(spec, folder)
            declared["engine"] = spec.engine
    adapters = {known: record for known, record in all_adapters.items() if known in wanted}
    if adapters:
        spec = attrs.evolve(spec, adapters={known: str(record.folder) for known, record in adapters.items()})
    return spec, declared, adapters


def _hooked(spec: EngineSpec, folder: Path) -> EngineSpec:
    """The engine that applies an intervention: that of the model where it can, else the one that can."""
    options = dict(spec.options)
    if spec.engine in ("vllm", "ray"):
        options = {name: value for name, value in options.items() if name in _HOOKS_OPTIONS and (name, value) != ("device", "gpu")}
        return attrs.evolve(spec, engine=HOOKS_ENGINE, options={**options, "intervention": str(folder)})
    return attrs.evolve(spec, options={**options, "intervention": str(folder)})


def _plan(
    base: DeclaredModel,
    cells: Sequence[PlannedCell],
    spec: EngineSpec,
    declared: Mapping[str, Any],
    adapters: Mapping[str, Adapter],
    asking: Asking,
) -> RunPlan:
    first = cells[0]
    adapter = None if first.attack.kind != "finetune" else _adapter(first)
    named = dict(declared) if adapter is None else {**declared, "adapter_sha256": adapters[adapter].weights_sha256}
    model = attrs.evolve(
        base,
        model_id=first.subject,
        spec=spec,
        adapter=adapter,
        declared=named,
        tampering=base.tampering if first.subject == base.model_id else None,
        tampering_detail=base.tampering_detail if first.subject == base.model_id else None,
    )
    under = {cell.condition for cell in cells}
    try:
        sampling = Sampling(**{**asking.file_sampling, **base.sampling, **asking.sampling})
    except ValueError as error:
        raise DomainError(str(error.args[0] if error.args else error)) from None
    return RunPlan(
        model=model,
        prompts=asking.prompts.set,
        conditions=tuple(condition for condition in asking.conditions if condition.name in under),
        sampling=sampling,
        seed=asking.seed,
        samples=asking.samples,
        limit=asking.prompts.count,
    )


def _intervention_hash(folder: Path) -> str | None:
    """Of the edits, or of the weights that they were baked into."""
    return intervention_sha256(folder) if (folder / INTERVENTION_FILE).is_file() else weights_sha256(folder)
