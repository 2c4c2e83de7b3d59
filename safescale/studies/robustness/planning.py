"""What a study will take and what it can find, before anything is made; what is done already."""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.analyses.words import plural
from safescale.errors import MissingBackend, SafescaleError
from safescale.ingest.run_lines import part_paths
from safescale.studies.robustness.cells import PlannedCell
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.making import ADAPTERS, DIRECTIONS, TAMPER_RESISTANT
from safescale.studies.robustness.materials import LINEAGE, Materials
from safescale.studies.robustness.pieces import Pieces
from safescale.studies.robustness.rates import seconds_left
from safescale.studies.robustness.toy_asked import untrained
from safescale.studies.running.generation import RUNS

__all__ = ["Done", "ModelPlan", "StudyPlan", "plan_of"]

_FEW_SIZES: Final = 4


@attrs.frozen(kw_only=True)
class ModelPlan:
    """One model of the plan: its size (1e9 parameters), lineage, whether its weights are at hand, and its attack's compute."""

    model_id: str
    params_b: float | None
    lineage: str
    weights: bool
    attack_tokens: int | None = None
    attack_flops: float | None = None


@attrs.frozen(kw_only=True)
class Done:
    """What a folder holds of a plan already."""

    models: int = 0
    directions: int = 0
    resistant: int = 0
    adapters: int = 0
    responses: int = 0


@attrs.frozen(kw_only=True)
class StudyPlan:
    """
    What a study takes.

    Attributes
    ----------
    models : tuple of ModelPlan
    cells : mapping of str to int
        By what is done (``none``, ``finetune``, ``steering + finetune``, ...).
    prompts : mapping of str to int
        By kind.
    samples : int
        Responses to each prompt in each cell.
    responses : int
        In all.
    trainings : mapping of str to int
        Models of a lineage, searches of directions, tamper-resistant variants, LoRA trainings, adapters kept.
    attack_tokens : int or None
        Training tokens of all LoRA attacks; None where it could not be counted.
    attack_flops : float or None
        Likewise.
    wall_s : float or None
        Seconds that are left, estimated; ``estimated_from`` says from what.
    estimated_from : str
    done : Done
    can_tell : tuple of str
        What so many models, lineages and prompts can tell at best.
    notes : tuple of str
        What is not done and why, and what to know.
    """

    models: tuple[ModelPlan, ...]
    cells: Mapping[str, int]
    prompts: Mapping[str, int]
    samples: int
    responses: int
    trainings: Mapping[str, int]
    attack_tokens: int | None
    attack_flops: float | None
    wall_s: float | None
    estimated_from: str
    done: Done
    can_tell: tuple[str, ...]
    notes: tuple[str, ...]


def plan_of(config: StudyConfig, materials: Materials, out: Path, pieces: Pieces) -> StudyPlan:
    """The plan of a study; nothing is written, no weights are loaded."""
    costs, why = _costs(config, materials, pieces)
    cells = materials.cells
    models = tuple(
        ModelPlan(
            model_id=model.model_id,
            params_b=model.params_b,
            lineage=model.lineage,
            weights=model.model_id in materials.weights,
            attack_tokens=None if model.model_id not in costs else _trained(cells, model.model_id, costs, 0),
            attack_flops=None if model.model_id not in costs else _trained(cells, model.model_id, costs, 1),
        )
        for model in materials.models
    )
    trainings = _trainings(config, materials)
    responses = len(cells) * materials.prompts.count * config.design.samples
    done = _done(materials, out)
    counted = all(model.attack_tokens is not None for model in models if model.weights) and bool(costs)
    wall_s, source = seconds_left(
        config,
        out,
        models=models,
        trainings=trainings,
        responses=responses,
        done={"lineage": done.models, "directions": done.directions, "tamper_resistance": done.resistant, "attacks": done.adapters},
        responses_done=done.responses,
        weights=materials.weights,
    )
    return StudyPlan(
        models=models,
        cells=dict(Counter(cell.kind for cell in cells)),
        prompts=dict(Counter(prompt.prompt_kind for prompt in materials.prompts.asked)),
        samples=config.design.samples,
        responses=responses,
        trainings=trainings,
        attack_tokens=sum(model.attack_tokens or 0 for model in models) if counted else None,
        attack_flops=sum(model.attack_flops or 0.0 for model in models) if counted else None,
        wall_s=wall_s,
        estimated_from=source,
        done=done,
        can_tell=_can_tell(config, models, materials),
        notes=_notes(config, materials, why),
    )


def _costs(config: StudyConfig, materials: Materials, pieces: Pieces) -> tuple[dict[str, dict[tuple[int, int], Any]], str | None]:
    """By model, then data size and steps: what one training costs. And why they could not be counted."""
    if not config.finetune or not materials.weights:
        return {}, None
    found: dict[str, dict[tuple[int, int], Any]] = {}
    alike: dict[Any, dict[tuple[int, int], Any]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="safescale-plan-") as scratch:
            for model in materials.models:
                folder = materials.weights.get(model.model_id)
                if folder is None:
                    continue
                key = model.params_b if config.toy is not None else model.model_id
                if key not in alike:
                    if config.toy is not None and not (folder / "config.json").is_file():
                        folder = untrained(config.toy, model.model_id, Path(scratch))
                    steps = pieces.cost(folder, materials.targets["attack"], config.design.finetune)
                    alike[key] = {(one.examples, one.steps): one for one in steps}
                found[model.model_id] = alike[key]
    except MissingBackend as error:
        return {}, f"the compute of the attacks is not counted here: {error}"
    except SafescaleError as error:
        return {}, f"the compute of the attacks cannot be counted: {error}"
    return found, None


def _trained(cells: Sequence[PlannedCell], model_id: str, costs: Mapping[str, Any], which: int) -> Any:
    """Tokens (0) or operations (1) of all trainings of one model: each passes all its steps, so the longest counts."""
    longest: dict[tuple[bool, int, int], int] = {}
    for cell in cells:
        if cell.model_id == model_id and cell.attack.kind == "finetune" and cell.defence.kind != "steering":
            key = (cell.defence.kind == "tamper_resistance", cell.attack.examples or 0, cell.seed or 0)
            longest[key] = max(longest.get(key, 0), cell.attack.steps or 0)
    own = costs[model_id]
    each = [own[examples, steps] for (_, examples, _), steps in longest.items()]
    return sum(one.tokens for one in each) if which == 0 else float(sum(one.flops for one in each))


def _trainings(config: StudyConfig, materials: Materials) -> dict[str, int]:
    tuned = [cell for cell in materials.cells if cell.attack.kind == "finetune" and cell.defence.kind != "steering"]
    runs = {(cell.model_id, cell.defence.kind, cell.attack.examples, cell.seed) for cell in tuned}
    weights = len(materials.weights)
    found = {
        "lineage": len(materials.models) if config.toy is not None else 0,
        "directions": weights if materials.direction_prompts is not None else 0,
        "tamper_resistance": weights if config.design.tamper_resistance is not None else 0,
        "attacks": len(runs),
        "adapters": len(tuned),
    }
    return {name: count for name, count in found.items() if count}


def _done(materials: Materials, out: Path) -> Done:
    """What lies in the folder, by its files (each stage looks closer)."""

    def whole(pattern: str) -> int:
        return sum(1 for _ in out.glob(pattern)) if out.is_dir() else 0

    return Done(
        models=whole(f"{LINEAGE}/*/model.safetensors"),
        directions=whole(f"{DIRECTIONS}/*/directions.json"),
        resistant=whole(f"{TAMPER_RESISTANT}/*/config.json"),
        adapters=whole(f"{ADAPTERS}/*/n*-s*-r*/adapter_config.json"),
        responses=_responses(out, {cell.subject for cell in materials.cells}),
    )


def _responses(out: Path, subjects: set[str]) -> int:
    count = 0
    for manifest in (out / RUNS).glob("*/manifest.json"):
        try:
            found = json.loads(manifest.read_bytes())
        except (OSError, ValueError):
            continue
        if found.get("run", {}).get("model_id") in subjects:
            count += sum(part.read_bytes().count(b"\n") for part in part_paths(manifest.parent))
    return count


def _can_tell(config: StudyConfig, models: Sequence[ModelPlan], materials: Materials) -> tuple[str, ...]:
    sizes = sorted({model.params_b for model in models if model.params_b is not None})
    unsized = [model.model_id for model in models if model.params_b is None]
    lineages = sorted({model.lineage for model in models})
    harmful = sum(prompt.prompt_kind == "harmful" for prompt in materials.prompts.asked)
    said: list[str] = []
    if len(sizes) < 2:
        said.append("one size: there is no slope over size, and nothing to compare attack compute with")
    else:
        decades = math.log10(sizes[-1] / sizes[0])
        few = "" if len(sizes) >= _FEW_SIZES else f"; {len(sizes)} sizes are few: a bend cannot be told from a slope"
        said.append(f"{len(sizes)} sizes over {decades:.2f} decades{few}")
    if unsized:
        said.append(
            f"{plural(len(unsized), 'model')} of unknown size in no slope ({', '.join(unsized[:3])}): declare params_total_b"
        )
    if len(lineages) == 1:
        said.append("one lineage: what holds for it may be its own; effects have no spread over seeds")
    else:
        least = 2.0 ** (1 - len(lineages))
        said.append(
            f"{len(lineages)} lineages: if all agree in sign, chance alone does so with p = {least:.3g} (two-sided); their means "
            f"are judged by Student's t with {len(lineages) - 1} "
            f"{'degree' if len(lineages) == 2 else 'degrees'} of freedom"
        )
    half = 1.96 * 0.5 / math.sqrt(harmful)
    said.append(f"{harmful} harmful prompts: a share of one cell is known to about +-{100 * half:.0f} points at worst")
    weighted = sum(model.weights for model in models)
    if not config.finetune or not weighted:
        said.append("no model is fine-tuned: there is no effect of attack compute to speak of, only of attacks on the prompt")
    return tuple(said)


def _notes(config: StudyConfig, materials: Materials, why: str | None) -> tuple[str, ...]:
    notes: list[str] = []
    without = materials.without_weights
    if without:
        names = ", ".join(without[:3]) + (f" and {len(without) - 3} more" if len(without) > 3 else "")
        notes.append(
            f"{names}: no weights in a folder here, so neither fine-tuned, steered nor opened up; asked as they are and under "
            "attacks on the prompt"
        )
    engines = {model.spec.engine for model in materials.bases}
    if engines & {"vllm", "ray"} and materials.direction_prompts is not None:
        notes.append(
            "vLLM applies no intervention: steering is baked into checkpoints, and ablated models are asked through the engine "
            "transformers, so they differ from the others in engine too"
        )
    if engines == {"fake"}:
        notes.append("only the fake engine answers: everything is simulated")
    if config.embedder == "hashed-ngrams":
        notes.append("refusal drift by hashed-ngrams is of words, not of meaning; name minilm, onnx:FOLDER or path:FOLDER for that")
    if why is not None:
        notes.append(why)
    return tuple(notes)
