"""What a folder is the study of: whatever answers and weights depend on; more levels, samples or graders may be asked later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.generate.manifest import what_differs
from safescale.records.verdicts import Verdict
from safescale.store.json_file import write_json
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.design import GeometryAsked
from safescale.studies.robustness.materials import Materials

__all__ = ["IDENTITY", "identity_of", "refuse_other_study", "take_folder"]

IDENTITY: Final = "study.json"
_VERSION: Final = 2
_WITHOUT_FILE_SAMPLING: Final = 1
"""Of folders that say nothing of the sampling of the models file."""
_HYPER: Final = ("rank", "alpha", "learning_rate", "batch_size")


def identity_of(config: StudyConfig, materials: Materials) -> dict[str, Any]:
    """
    All that makes two studies two: models, prompts, targets, engine, sampling, how attacks and defences are trained.

    Data sizes, steps, seeds, coefficients, samples, limits, graders (but the one by which directions are found), embedder and the
    analysis are no part of it: a folder is asked for more of them, and keeps what it has. Weights are looked at by
    ``refuse_other_weights``.
    """
    design = config.design
    models: Any = (
        {"toy": {"pretraining_steps": config.toy.recipe.pretraining_steps, "safety_steps": config.toy.recipe.safety_steps}}
        if config.toy is not None
        else {model.model_id: {**model.declared, "sampling": _plain(model.sampling)} for model in materials.bases}
    )
    found = {
        "version": _VERSION,
        "models": models,
        "prompts_sha256": materials.prompts.set.sha256,
        "targets_sha256": {
            name: targets.sha256 for name, targets in materials.targets.items() if config.finetune or name != "attack"
        },
        "engine": config.engine,
        "options": dict(config.options),
        "sampling": _plain({**materials.file_sampling, **config.sampling}),
        "seed": config.seed,
        "trained_on": {"device": config.device, "dtype": config.dtype},
        "finetune": {name: getattr(design.finetune, name) for name in _HYPER},
        "directions": _directions(config, materials),
        "tamper_resistance": None if design.tamper_resistance is None else attrs.asdict(design.tamper_resistance),
        "prompt_attacks": {"puzzle_lines": list(design.prompts.puzzle_lines), "templates": dict(design.prompts.templates)},
    }
    return dict(json.loads(json.dumps(found)))


def refuse_other_study(out: Path, identity: Mapping[str, Any]) -> bool:
    """
    Refuse a folder that holds another study; whether it holds this one.

    Raises
    ------
    DataError
        Saying what differs; or that the folder holds something else.
    """
    file = out / IDENTITY
    try:
        there = json.loads(file.read_bytes())
    except FileNotFoundError:
        others = (
            [path.name for path in out.iterdir() if not (path.name.startswith(".") or path.suffix == ".tmp")]
            if out.is_dir()
            else []
        )
        if others:
            raise DataError(
                f"the folder holds something that is no study ({', '.join(sorted(others)[:3])}); name another with -o",
                file=str(out),
            ) from None
        if out.exists() and not out.is_dir():
            raise DataError("-o names a file; name a folder for the study", file=str(out)) from None
        return False
    except (OSError, ValueError) as error:
        raise DataError(
            f"what the folder is the study of cannot be read ({error}); restore the file, or name another folder with -o",
            file=str(file),
        ) from error
    if not isinstance(there, dict) or "version" not in there:
        raise DataError("the file is not that of a study; name another folder with -o", file=str(file))
    differs = what_differs(_comparable(there, identity), identity)
    if differs:
        raise DataError(
            f"this folder holds another study ({differs}); name another with -o, so that nothing is mixed", file=str(file)
        )
    return True


def take_folder(out: Path, identity: Mapping[str, Any]) -> None:
    """Write down what the folder is the study of, once; a defence that is asked later is added."""
    if not refuse_other_study(out, identity) or json.loads((out / IDENTITY).read_bytes()) != identity:
        write_json(out / IDENTITY, dict(identity))


def _plain(sampling: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in sampling.items()}


def _directions(config: StudyConfig, materials: Materials) -> dict[str, Any] | None:
    """What decides where a direction is, and so what steers and ablates: its prompts, who says what refuses, and the control."""
    prompts = materials.direction_prompts
    if prompts is None:
        return None
    texts = [[list(pair) for pair in prompts.harmful.items()], prompts.benign, [list(pair) for pair in prompts.validation.items()]]
    knows = [one for one in config.graders if one.facts is None or not one.facts.classes or Verdict.REFUSAL in one.facts.classes]
    return {
        "prompts_sha256": hashlib.sha256(json.dumps(texts).encode()).hexdigest(),
        "random": (config.design.geometry or GeometryAsked()).random,
        "grader": dict(knows[0].registered) if knows else None,
    }


def _comparable(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked before as far as both ask it: models are added or left out, a defence is asked later or no more."""
    found = dict(there)
    if found["version"] == _WITHOUT_FILE_SAMPLING:
        found["version"] = here["version"]
        found["sampling"] = {**here["sampling"], **found["sampling"]}
        if "toy" not in found["models"] and "toy" not in here["models"]:
            said = {name: {"sampling": one["sampling"]} for name, one in here["models"].items()}
            found["models"] = {name: {**said.get(name, {}), **one} for name, one in found["models"].items()}
    for part in ("tamper_resistance", "directions"):
        if found.get(part) is None or here.get(part) is None:
            found[part] = here.get(part)
    mine, theirs = here.get("models"), found.get("models")
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping) and ("toy" in mine) == ("toy" in theirs):
        shared = {name: value for name, value in theirs.items() if name in mine}
        found["models"] = {**mine, **shared} if shared else theirs
    return found
