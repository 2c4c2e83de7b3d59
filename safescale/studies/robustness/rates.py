"""How long a study takes: from what its folder measured, else from a short measurement of this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from safescale.studies.robustness.config import StudyConfig
from safescale.studies.running.stages import FILE

__all__ = ["machine_flops_per_s", "seconds_left"]

_SIDE: Final = 384
_SHARE: Final = 0.25
"""Of what a product of two matrices shows: what small batches of a model come to."""
_STEP_S: Final = 0.02
"""Seconds of a training step of a small model, whatever its size (CPU, one thread)."""
_RESPONSE_S: Final = 0.004
"""Seconds of a short response of a small model in a batch, likewise."""
_RESPONSE_TOKENS: Final = 40
_STEP_TOKENS: Final = 400
_DIRECTIONS_RESPONSES: Final = 1500
_START_S: Final = 5.0
_BYTES: Final = 2
"""Of a parameter, most often; a guess for a time, and never a size in a slope."""
_GRADED_PER_S: Final = 4_000


def machine_flops_per_s() -> float:
    """Floating-point operations a second of a product of two small matrices on this machine, with one call's overhead."""
    a = np.ones((_SIDE, _SIDE), dtype=np.float32)
    a @ a
    began = time.perf_counter()
    for _ in range(4):
        a @ a
    return float(4 * 2 * _SIDE**3 / max(time.perf_counter() - began, 1e-6))


def seconds_left(
    config: StudyConfig,
    out: Path,
    *,
    models: Sequence[Any],
    trainings: Mapping[str, int],
    responses: int,
    done: Mapping[str, int],
    responses_done: int,
    weights: Mapping[str, Path] | None = None,
) -> tuple[float | None, str]:
    """
    Seconds on the clock that are left, and what that rests on.

    Of a stage that the folder has times of, its own rate counts; of the others, what this machine multiplies in a second. On a
    GPU nothing is foretold before the first stage has been there.
    """
    measured = _measured(out)
    left = {
        "lineage": trainings.get("lineage", 0) - done["lineage"],
        "directions": trainings.get("directions", 0) - done["directions"],
        "tamper_resistance": trainings.get("tamper_resistance", 0) - done["tamper_resistance"],
        "attacks": trainings.get("adapters", 0) - done["attacks"],
        "generation": responses - responses_done,
    }
    guessed: dict[str, float] = {}
    if any(count > 0 and stage not in measured for stage, count in left.items()):
        if config.device != "cpu":
            return None, "nothing: the first stage on this device will tell"
        guessed = _guessed(config, models, weights or {})
    total, used = 0.0, set()
    for stage, count in left.items():
        if count > 0:
            used.add(stage in measured)
            total += count * (measured[stage] if stage in measured else guessed[stage])
    total += max(0, left["generation"]) / _GRADED_PER_S
    source = {True: "what this folder measured", False: "a short measurement of this machine, roughly"}
    return round(total, 1), " and ".join(source[one] for one in sorted(used, reverse=True)) or "what is done"


def _measured(out: Path) -> dict[str, float]:
    """Seconds on the clock of one thing of each stage."""
    try:
        rows = json.loads((out / FILE).read_bytes())["stages"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    wall: dict[str, float] = {}
    count: dict[str, int] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("wall_s"), int | float) and row.get("responses"):
            wall[row["stage"]] = wall.get(row["stage"], 0.0) + row["wall_s"]
            count[row["stage"]] = count.get(row["stage"], 0) + row["responses"]
    return {stage: seconds / count[stage] for stage, seconds in wall.items() if count[stage]}


def _size_of(folder: Path | None) -> float:
    """Parameters of a model whose size nobody declares: by the bytes of its weights where they are at hand, else some 1e9."""
    held = 0 if folder is None or not folder.is_dir() else sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return held / _BYTES if held else 1e9


def _guessed(config: StudyConfig, models: Sequence[Any], weights: Mapping[str, Path]) -> dict[str, float]:
    """Seconds on the clock of one thing of each stage, the mean over models."""
    rate = _SHARE * machine_flops_per_s() * config.threads
    sizes = [1e9 * model.params_b if model.params_b else _size_of(weights.get(model.model_id)) for model in models]
    mean = sum(sizes) / len(sizes)
    step = _STEP_S + 6 * mean * _STEP_TOKENS / rate
    response = _RESPONSE_S + 2 * mean * _RESPONSE_TOKENS / rate
    design = config.design
    recipe = None if config.toy is None else config.toy.recipe
    lineage = 0.0 if recipe is None else (recipe.pretraining_steps + recipe.safety_steps) * 1.5 * step
    adapters = len(design.finetune.steps)
    resistance = design.tamper_resistance
    outer = 0 if resistance is None else resistance.outer_steps * (resistance.inner_steps / 2 + 2)
    alone = {
        "lineage": lineage,
        "directions": _START_S + _DIRECTIONS_RESPONSES * response,
        "tamper_resistance": _START_S + outer * step,
        "attacks": (_START_S + max(design.finetune.steps) * step) / adapters,
        "generation": response,
    }
    return {stage: seconds / config.jobs for stage, seconds in alone.items()}
