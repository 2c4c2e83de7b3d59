"""What a grid of adapters will cost, for a plan: the same batches are counted as are learnt."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from safescale.pressure.finetune.cost import Operations, operations_of, row_flops
from safescale.pressure.finetune.inputs import Training, read_config, trainings_of
from safescale.pressure.finetune.rows import TokenRow, batch_positions
from safescale.pressure.finetune.setting import FinetuneSetting
from safescale.pressure.finetune.targets import Targets

__all__ = ["CostedBatch", "StepCost", "costed_batches", "expected_cost"]


@attrs.frozen(kw_only=True)
class StepCost:
    """
    What a training costs up to a step.

    Attributes
    ----------
    examples, steps, seed : int
        Which training, up to where.
    tokens : int
        Tokens that go through the model, padding left out.
    flops : float
        As ``finetune_flops`` counts them.
    """

    examples: int
    steps: int
    seed: int
    tokens: int
    flops: float


@attrs.frozen(kw_only=True)
class CostedBatch:
    """The rows of a step, with tokens and operations of all steps up to it."""

    step: int
    rows: Sequence[TokenRow]
    tokens: int
    flops: int


def costed_batches(training: Training, operations: Operations, *, steps: int) -> Iterator[CostedBatch]:
    """The batches of a training from its first to its last step."""
    own = training.identity
    tokens = flops = 0
    batches = batch_positions(examples=own.examples, batch_size=own.batch_size, seed=own.seed)
    for step, positions in zip(range(1, steps + 1), batches, strict=False):
        rows = [training.rows[at] for at in positions]
        tokens += sum(row.tokens for row in rows)
        flops += sum(row_flops(operations, row) for row in rows)
        yield CostedBatch(step=step, rows=rows, tokens=tokens, flops=flops)


def expected_cost(model: Path, targets: Targets, setting: FinetuneSetting) -> tuple[StepCost, ...]:
    """
    Tokens and floating-point operations of a grid, as its records will have them, without training or loading weights.

    Parameters
    ----------
    model, targets, setting
        As of ``finetune_adapters``.

    Returns
    -------
    tuple of StepCost
        By data size and steps, in the order of the setting.

    Raises
    ------
    MissingBackend, DomainError, DataError, GenerationError
        As of ``finetune_adapters``.
    """
    trainings = trainings_of(model, targets, setting)
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    with torch.device("meta"):
        bare = transformers.AutoModelForCausalLM.from_config(read_config(model))
    operations = operations_of(bare, rank=setting.rank)
    found: dict[tuple[int, int], StepCost] = {}
    for training in trainings:
        for batch in costed_batches(training, operations, steps=max(setting.steps)):
            if batch.step in setting.steps:
                found[training.identity.examples, batch.step] = StepCost(
                    examples=training.identity.examples,
                    steps=batch.step,
                    seed=setting.seed,
                    tokens=batch.tokens,
                    flops=float(batch.flops),
                )
    return tuple(found[count, steps] for count in setting.examples for steps in setting.steps)
