"""A defended model as a folder: kept when it is there as a whole, made when it is not."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.engines.hardware import package_versions
from safescale.engines.weights import weights_sha256
from safescale.pressure.checkpoint import save_checkpoint
from safescale.pressure.finetune.inputs import base_sha256, own_dtype, read_speech
from safescale.pressure.finetune.rows import rows_sha256, token_rows
from safescale.pressure.finetune.targets import Targets
from safescale.pressure.finetune.trainer import StepDone, check_backend, device_words, load_base, threads_of
from safescale.pressure.tamper_resistance.record import RECORD_FILE, DefenceIdentity, TamperResistanceRecord, kept_defence
from safescale.pressure.tamper_resistance.setting import TamperResistanceSetting
from safescale.pressure.tamper_resistance.training import resist
from safescale.pressure.whole_folder import remove_leftovers, whole_folder

__all__ = ["train_tamper_resistant"]

_PACKAGES: Final = ("torch", "transformers", "tokenizers", "safetensors")


def train_tamper_resistant(
    model: Path,
    *,
    attack: Targets,
    refusals: Targets,
    retain: Targets,
    setting: TamperResistanceSetting,
    into: Path,
    step_done: StepDone | None = None,
) -> TamperResistanceRecord:
    """
    Train a model that refuses for longer under fine-tuning, and write it as a stock checkpoint.

    A small first-order baseline in the manner of TAR [1]_, and not TAR: the attack is simulated for a few steps of AdamW on all
    weights, the gradient of the refusals' loss (where TAR takes an entropy or preference loss) is taken at the attacked weights
    alone, there is one sort of attack, and what must stay is held by its loss (where TAR holds representations). It postpones
    what fine-tuning undoes and prevents nothing: a longer or a stronger attack undoes it.

    Training is in float32 and keeps seven copies of the weights (weights, clean copy, gradients, moments of both optimisers).

    Parameters
    ----------
    model : Path
        Folder of a causal model.
    attack, refusals, retain : Targets
        What the simulated attack teaches; the answers that shall outlast it; what the model must go on to say.
    setting : TamperResistanceSetting
        How.
    into : Path
        Folder to write, a stock checkpoint with ``tamper_resistance.json``: there as a whole or not at all; one of the same inputs
        is kept.
    step_done : callable, optional
        Told how many more of the ``outer_steps`` are done.

    Returns
    -------
    TamperResistanceRecord

    Raises
    ------
    MissingBackend, DomainError, DataError, GenerationError
        As of ``finetune_adapters``.

    References
    ----------
    .. [1] R. Tamirisa et al. (2024), Tamper-resistant safeguards for open-weight LLMs, arXiv:2408.00761.
    """
    check_backend()
    base = base_sha256(model)
    speech = read_speech(model)
    attacked, refused, retained = (
        token_rows(
            own.pairs, speech.tokenizer, end=speech.end, window=speech.window, file=str(own.file) if own.file is not None else None
        )
        for own in (attack, refusals, retain)
    )
    identity = DefenceIdentity(
        base_sha256=base,
        attack_sha256=rows_sha256(attacked),
        refusals_sha256=rows_sha256(refused),
        retain_sha256=rows_sha256(retained),
        outer_steps=setting.outer_steps,
        inner_steps=setting.inner_steps,
        batch_size=setting.batch_size,
        seed=setting.seed,
        learning_rate=setting.learning_rate,
        inner_learning_rate=setting.inner_learning_rate,
        refusal_weight=setting.refusal_weight,
    )
    there = kept_defence(into, identity)
    if there is not None:
        if step_done is not None:
            step_done(setting.outer_steps)
        return there
    torch = importlib.import_module("torch")
    if into.parent.is_dir():
        remove_leftovers(into.parent, name=into.name)
    with threads_of(setting.threads, setting.seed):
        loaded = load_base(model, device=setting.device, dtype="float32")
        cpu_began, wall_began = time.process_time(), time.monotonic()
        steps = resist(loaded, attack=attacked, refusals=refused, retain=retained, setting=setting, step_done=step_done)
        cpu_s, wall_s = time.process_time() - cpu_began, time.monotonic() - wall_began
    words = device_words(loaded.device)
    with whole_folder(into, what="a defended model") as partial:
        save_checkpoint(loaded.bare, model, partial, dtype=getattr(torch, own_dtype(model)))
        record = TamperResistanceRecord(
            folder=into,
            identity=identity,
            weights_sha256=str(weights_sha256(partial)),
            tokens=sum(step.tokens for step in steps),
            refusal_nats=_ends([step.refusal_nats for step in steps]),
            retain_nats=_ends([step.retain_nats for step in steps]),
            cpu_s=cpu_s,
            wall_s=wall_s,
            packages=package_versions(_PACKAGES),
            device=words,
        )
        (partial / RECORD_FILE).write_text(json.dumps(record.as_data, indent=1) + "\n", encoding="utf-8")
    return record


def _ends(losses: Sequence[float]) -> tuple[float, float]:
    """Means over the first and the last fifth."""
    count = max(1, len(losses) // 5)
    return sum(losses[:count]) / count, sum(losses[-count:]) / count
