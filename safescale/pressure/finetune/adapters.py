"""A grid of adapters on one model: one training for each data size passes all steps, and what is whole is not trained again."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from safescale.engines.hardware import package_versions
from safescale.engines.weights import weights_sha256
from safescale.errors import DataError
from safescale.pressure.finetune.cost import Operations, operations_of
from safescale.pressure.finetune.expected import CostedBatch, costed_batches
from safescale.pressure.finetune.inputs import Training, trainings_of
from safescale.pressure.finetune.record import RECORD_FILE, AdapterRecord, Identity, kept_adapter
from safescale.pressure.finetune.setting import FinetuneSetting
from safescale.pressure.finetune.state import Reached, load_state, reached_by, save_state
from safescale.pressure.finetune.targets import Targets
from safescale.pressure.finetune.trainer import StepDone, Trainer, device_words, load_base, threads_of
from safescale.pressure.whole_folder import remove_leftovers, whole_folder

__all__ = ["adapter_name", "finetune_adapters"]

_PACKAGES: Final = ("torch", "transformers", "tokenizers", "safetensors", "peft")


def adapter_name(examples: int, steps: int, seed: int) -> str:
    """Name of an adapter's folder: ``n64-s20-r0`` learnt 20 steps on 64 examples with seed 0."""
    return f"n{examples}-s{steps}-r{seed}"


def finetune_adapters(
    model: Path, targets: Targets, setting: FinetuneSetting, into: Path, *, step_done: StepDone | None = None
) -> tuple[AdapterRecord, ...]:
    """
    Train what is missing of a grid of adapters.

    Each adapter is a folder as peft writes it, with ``record.json``, and is there as a whole or not at all. At each of them the
    whole state of the training is kept (``.n64-r0.state``), so that a killed call goes on from the last adapter, and a longer grid
    later from the last of the shorter one; on a CPU with the same versions and threads all weights are the same bit by bit as of
    one call that was never stopped.

    Parameters
    ----------
    model : Path
        Folder of a causal model as transformers reads it.
    targets : Targets
        What is learnt.
    setting : FinetuneSetting
        How.
    into : Path
        Folder of the adapters of this model: ``into/n64-s20-r0``.
    step_done : callable, optional
        Told how many more of the ``len(examples) * max(steps)`` steps are done.

    Returns
    -------
    tuple of AdapterRecord
        By data size and steps, in the order of the setting.

    Raises
    ------
    MissingBackend
        Without torch, transformers or peft.
    DomainError
        For a model that is no folder with weights, or more examples than there are pairs.
    DataError
        For a pair that is longer than the window; a folder that holds an adapter of something else; a disk that is full.
    GenerationError
        When the model cannot be loaded, training diverges, or the memory does not suffice.
    """
    trainings = trainings_of(model, targets, setting)
    wanted = [(training, steps) for training in trainings for steps in setting.steps]
    found: dict[tuple[int, int], AdapterRecord] = {}
    for training, steps in wanted:
        count = training.identity.examples
        record = kept_adapter(into / adapter_name(count, steps, setting.seed), training.identity, steps)
        if record is not None:
            found[count, steps] = record
    if step_done is not None and found:
        step_done(sum(_spared(training, setting.steps, found) for training in trainings))
    if len(found) < len(wanted):
        _make_folder(into)
        with threads_of(setting.threads, setting.seed):
            loaded = load_base(model, device=setting.device, dtype=trainings[0].identity.dtype)
            operations = operations_of(loaded.bare, rank=setting.rank)
            trainer = Trainer.of(loaded, setting)
            for training in trainings:
                missing = sorted(steps for steps in setting.steps if (training.identity.examples, steps) not in found)
                for record in _train(trainer, training, missing, operations, into, step_done):
                    found[record.examples, record.steps] = record
    return tuple(found[training.identity.examples, steps] for training, steps in wanted)


def _spared(training: Training, steps: Sequence[int], found: Mapping[tuple[int, int], AdapterRecord]) -> int:
    """Steps of a training up to the last adapter before the first that is missing: nobody waits for these."""
    whole = itertools.takewhile(lambda own: (training.identity.examples, own) in found, sorted(steps))
    return max(whole, default=0)


def _make_folder(into: Path) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"the folder cannot be made ({error.strerror}); name another", file=str(into)) from error
    remove_leftovers(into)


def _train(
    trainer: Trainer, training: Training, missing: Sequence[int], operations: Operations, into: Path, step_done: StepDone | None
) -> list[AdapterRecord]:
    """Train the missing steps: those before the kept state from the start, the others from it."""
    if not missing:
        return []
    state = into / f".n{training.identity.examples}-r{training.identity.seed}.state"
    reached = reached_by(state, training.identity)
    before = [steps for steps in missing if reached is None or steps < reached.step]
    behind = [steps for steps in missing if steps not in before]
    records: list[AdapterRecord] = []
    if before:
        trainer.start()
        # a state that is further on is not put back
        kept_in = state if reached is None else None
        records += _pass(trainer, training, before, operations, into, None, state=kept_in, step_done=step_done)
    if reached is not None and behind:
        load_state(state, trainer, reached)
        records += _pass(trainer, training, behind, operations, into, reached, state=state, step_done=step_done)
    return records


def _pass(
    trainer: Trainer,
    training: Training,
    keep: Sequence[int],
    operations: Operations,
    into: Path,
    reached: Reached | None,
    *,
    state: Path | None,
    step_done: StepDone | None,
) -> list[AdapterRecord]:
    """Go on to the last of the steps that are kept; what stands in a batch, and what it costs, follows from its number alone."""
    cpu_began, wall_began = time.process_time(), time.monotonic()
    cpu_before, wall_before = (reached.cpu_s, reached.wall_s) if reached is not None else (0.0, 0.0)
    records: list[AdapterRecord] = []
    for batch in costed_batches(training, operations, steps=max(keep)):
        if batch.step > trainer.step:
            trainer.learn(batch.rows)
            if step_done is not None:
                step_done(1)
        if batch.step == trainer.step and batch.step in keep:
            now = Reached(
                step=batch.step,
                losses=tuple(trainer.losses),
                began_at=trainer.began_at,
                cpu_s=cpu_before + time.process_time() - cpu_began,
                wall_s=wall_before + time.monotonic() - wall_began,
            )
            records.append(_keep(trainer, training.identity, now, batch, into))
            if state is not None:
                save_state(state, trainer, training.identity, now)
    return records


def _keep(trainer: Trainer, identity: Identity, reached: Reached, batch: CostedBatch, into: Path) -> AdapterRecord:
    place = into / adapter_name(identity.examples, reached.step, identity.seed)
    with whole_folder(place, what="an adapter") as partial:
        _save_adapter(trainer.peft_model, partial)
        record = AdapterRecord(
            folder=place,
            examples=identity.examples,
            steps=reached.step,
            seed=identity.seed,
            tokens=batch.tokens,
            flops=float(batch.flops),
            loss_nats=sum(reached.losses) / len(reached.losses),
            cpu_s=reached.cpu_s,
            wall_s=reached.wall_s,
            weights_sha256=str(weights_sha256(partial)),
            identity=identity,
            packages=package_versions(_PACKAGES),
            device=device_words(trainer.device),
        )
        (partial / RECORD_FILE).write_text(json.dumps(record.as_data, indent=1) + "\n", encoding="utf-8")
    return record


def _save_adapter(peft_model: Any, folder: Path) -> None:
    peft_model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # peft writes a set in an order that changes from process to process
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    # peft's card is a form that nobody filled in
    (folder / "README.md").unlink(missing_ok=True)
