"""All that a study rests on before anything is made: declared models, prompts, targets, prompts of directions; checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines import EngineSpec
from safescale.errors import DataError
from safescale.generate import Condition, DeclaredModel, ModelsFile
from safescale.generate.models_file import NOT_THE_ANSWER
from safescale.pressure.finetune.targets import Targets, read_targets
from safescale.studies.asked import AskedModel, asked_models
from safescale.studies.robustness.cells import PlannedCell, planned_cells
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.direction_prompts import DirectionPrompts, direction_prompts, toy_direction_prompts
from safescale.studies.robustness.evaluation import EvaluationPrompts, Shown, evaluation_prompts, refuse_shown
from safescale.studies.robustness.pieces import Pieces
from safescale.studies.robustness.subjects import conditions_of, frame_of
from safescale.toy.lineage import MAX_TOKENS, model_id_of
from safescale.toy.recipe import SIZES, Recipe
from safescale.toy.targets import toy_targets
from safescale.toy.tokens import vocabulary_of

__all__ = ["LINEAGE", "Materials", "materials_of"]

LINEAGE: Final = "lineage"
CPU_ENGINE: Final = "transformers"


@attrs.frozen(kw_only=True)
class Materials:
    """
    What a study rests on.

    Parameters
    ----------
    bases : tuple of DeclaredModel
        Models as they are; of a toy lineage as they will be.
    models : tuple of AskedModel
        The same with sizes and lineages.
    file_sampling : mapping
        Sampling of the models file.
    weights : mapping of model id to Path
        Folders of weights, of the models that have them.
    prompts : EvaluationPrompts
    conditions : tuple of Condition
        The one without an attack on the prompt first.
    targets : mapping of str to Targets
        ``attack``, ``refusals``, ``retain``, as far as they are used.
    direction_prompts : DirectionPrompts, optional
        None where nothing rests on directions.
    cells : tuple of PlannedCell
    """

    bases: tuple[DeclaredModel, ...]
    models: tuple[AskedModel, ...]
    file_sampling: Mapping[str, Any]
    weights: Mapping[str, Path]
    prompts: EvaluationPrompts
    conditions: tuple[Condition, ...]
    targets: Mapping[str, Targets]
    direction_prompts: DirectionPrompts | None
    cells: tuple[PlannedCell, ...]

    @property
    def without_weights(self) -> tuple[str, ...]:
        """Models that can be asked and nothing else."""
        return tuple(model.model_id for model in self.models if model.model_id not in self.weights)


def materials_of(config: StudyConfig, out: Path, pieces: Pieces | None = None) -> Materials:
    """
    Read what the study rests on, and refuse what does not go together. Nothing is written, no model is opened.

    Raises
    ------
    DataError
        For a file that is wrong; more examples than pairs; an evaluation prompt among those of a training.
    DomainError
        For conditions of the models file that are more than a frame; a template of a name that is taken.
    """
    pieces = pieces or Pieces()
    declared = _toy_models(config, out / LINEAGE) if config.toy is not None else config.models
    assert declared is not None
    bases = tuple(_as_asked(model, config) for model in declared.models)
    weights = {
        base.model_id: folder
        for base in bases
        if (folder := out / LINEAGE / base.model_id if config.toy is not None else pieces.weights_of(base)) is not None
    }
    prompts = evaluation_prompts(config.prompts_file, config.limit)
    frame = frame_of(declared)
    design = config.design
    cells = planned_cells(
        [base.model_id for base in bases], design, weights=list(weights), finetune=config.finetune, condition=frame.name
    )
    targets = _targets(config) if weights else {}
    needs_directions = bool(weights) and (design.geometry is not None or design.steering is not None)
    directions = _direction_prompts(config, targets) if needs_directions else None
    if weights and config.finetune:
        pairs = len(targets["attack"].pairs)
        if design.finetune.main_examples > pairs:
            raise DataError(
                "the attack has fewer pairs than the grid takes; add pairs, or lower finetune.examples",
                file=str(targets["attack"].file or "the toy world"),
                expected=f"at least {design.finetune.main_examples} pairs",
                got=f"{pairs}",
            )
    shown = [
        Shown(
            what=f"targets.{name}",
            file=str(one.file or "the toy world"),
            texts=tuple(pair.prompt for pair in one.pairs),
            rows=tuple(pair.row for pair in one.pairs),
        )
        for name, one in targets.items()
        if _is_used(name, config)
    ]
    if directions is not None:
        shown.append(Shown(what="geometry.prompts", file=directions.source, texts=directions.texts, ids=directions.ids))
    refuse_shown(prompts, shown)
    return Materials(
        bases=bases,
        models=asked_models(bases),
        file_sampling=declared.sampling,
        weights=weights,
        prompts=prompts,
        conditions=conditions_of(design.prompts, prompts, frame),
        targets={name: one for name, one in targets.items() if _is_used(name, config)},
        direction_prompts=directions,
        cells=cells,
    )


def _is_used(name: str, config: StudyConfig) -> bool:
    """Whether a training sees these pairs; a search of directions says itself what it sees."""
    return config.design.tamper_resistance is not None or (name == "attack" and config.finetune)


def _targets(config: StudyConfig) -> dict[str, Targets]:
    files = config.targets
    toy = toy_targets()
    return {
        name: getattr(toy, name) if file is None else read_targets(file)
        for name, file in (("attack", files.attack), ("refusals", files.refusals), ("retain", files.retain))
    }


def _direction_prompts(config: StudyConfig, targets: Mapping[str, Targets]) -> DirectionPrompts:
    if config.geometry_prompts is None and config.targets.attack is None:
        return toy_direction_prompts()
    return direction_prompts(config.geometry_prompts, attack=targets["attack"], retain=targets["retain"])


def _toy_models(config: StudyConfig, folder: Path) -> ModelsFile:
    """The models of a lineage as they will be."""
    assert config.toy is not None
    recipe: Recipe = config.toy.recipe
    vocabulary = len(vocabulary_of(recipe.world))
    models = []
    for name in config.toy.sizes:
        for seed in range(config.toy.seeds):
            model_id = model_id_of(SIZES[name], seed)
            spec = EngineSpec(engine=config.engine or CPU_ENGINE, model=str(folder / model_id), model_id=model_id)
            models.append(
                DeclaredModel(
                    model_id=model_id,
                    spec=spec,
                    declared=_declared(spec),
                    params_total_b=SIZES[name].parameters(vocabulary) / 1e9,
                    lineage=f"toy seed {seed}",
                )
            )
    return ModelsFile(models=tuple(models), sampling={"max_tokens": MAX_TOKENS}, conditions=(Condition(name="default"),))


def _declared(spec: EngineSpec) -> dict[str, Any]:
    """What goes into a run's id, as ``read_models`` gives it; where the folder lies is no part of it."""
    absent = dict.fromkeys(("revision", "tokenizer", "chat_template_sha256", "max_model_len"))
    return {"engine": spec.engine, "model": spec.model_id, **absent, "engine_seed": spec.seed, "options": dict(spec.options)}


def _as_asked(model: DeclaredModel, config: StudyConfig) -> DeclaredModel:
    """A model with the options of the study over its own."""
    spec = model.spec
    if config.options:
        spec = attrs.evolve(spec, options={**spec.options, **config.options})
    if config.batch_size is not None:
        spec = attrs.evolve(spec, batch_size=config.batch_size)
    declared = dict(model.declared)
    if config.options:
        mine = {name: value for name, value in config.options.items() if name not in NOT_THE_ANSWER}
        declared["options"] = dict(sorted({**dict(declared.get("options", {})), **mine}.items()))
    return attrs.evolve(model, spec=spec, declared=declared)
