"""``safescale pressure finetune``, ``merge`` and ``tamper-resistance``: what is done to weights."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safescale_cli.console import row_progress
from safescale_cli.options import JsonOption

if TYPE_CHECKING:
    from safescale.pressure.finetune import AdapterRecord, StepCost


class DtypeChoice(enum.StrEnum):
    """Types of weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


ModelArgument = Annotated[Path, typer.Argument(help="Folder of a causal model (Hugging Face), weights as safetensors.")]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...; on a CPU weights repeat bit by bit.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of everything that is drawn.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Of torch on a CPU; one is fastest for small models.")]


def finetune(
    model: ModelArgument,
    targets: Annotated[
        Path,
        typer.Option("--targets", help="Your pairs: JSONL or CSV with the columns prompt and target. safescale ships none."),
    ],
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder of the adapters; what is whole there is not trained again.")],
    examples: Annotated[
        list[int] | None,
        typer.Option("--examples", min=1, help="Pairs learnt from; may be repeated (default: 16, 64).", show_default=False),
    ] = None,
    steps: Annotated[
        list[int] | None,
        typer.Option(
            "--steps",
            min=1,
            help="Keep the adapter after so many; may be repeated (default: 5, 10, 20, 50, 100).",
            show_default=False,
        ),
    ] = None,
    rank: Annotated[int, typer.Option("--rank", min=1, help="Of LoRA, on all linear layers.")] = 8,
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", help="Of LoRA: what it adds is scaled by alpha / rank (default: 2 x rank).", show_default=False),
    ] = None,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Constant.")] = 4e-4,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Pairs a step.")] = 16,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
    dtype: Annotated[
        DtypeChoice | None,
        typer.Option("--dtype", help="Of the model (default: float32 on a CPU, its own elsewhere).", show_default=False),
    ] = None,
    threads: ThreadsOption = 1,
    expected: Annotated[bool, typer.Option("--expected", help="Say what it would cost, and train nothing.")] = False,
    json_output: JsonOption = False,
) -> None:
    """
    Attack a model by LoRA fine-tuning, keeping an adapter at each step; goes on after a kill.

    The pairs that it learns from are yours: safescale ships no harmful text. For toy models: safescale toy targets.
    """
    from safescale.pressure.finetune import FinetuneSetting, expected_cost, finetune_adapters, read_targets

    pairs = read_targets(targets)
    setting = FinetuneSetting(
        examples=tuple(examples or (16, 64)),
        steps=tuple(steps or (5, 10, 20, 50, 100)),
        rank=rank,
        alpha=2.0 * rank if alpha is None else alpha,
        learning_rate=learning_rate,
        batch_size=batch_size,
        seed=seed,
        device=device,
        dtype=None if dtype is None else dtype.value,
        threads=threads,
    )
    head = {
        "model": str(model),
        "targets": str(targets),
        "pairs": len(pairs.pairs),
        "repeated": pairs.repeated,
        "targets_sha256": pairs.sha256,
    }
    if expected:
        costs = expected_cost(model, pairs, setting)
        if json_output:
            rows = [{"examples": c.examples, "steps": c.steps, "seed": c.seed, "tokens": c.tokens, "flops": c.flops} for c in costs]
            typer.echo(json.dumps({**head, "expected": rows}, indent=2))
        else:
            typer.echo("\n".join([_pairs_line(head), "adapter              tokens        FLOPs", *map(_cost_line, costs)]))
        return
    with row_progress("train", len(setting.examples) * max(setting.steps)) as progress:
        records = finetune_adapters(model, pairs, setting, into, step_done=progress)
    if json_output:
        found = [{"folder": str(record.folder), **record.as_data} for record in records]
        typer.echo(json.dumps({**head, "adapters": found}, indent=2))
    else:
        lines = [_pairs_line(head), "adapter              tokens        FLOPs  loss (nats)    CPU s", *map(_adapter_line, records)]
        typer.echo("\n".join([*lines, f"wrote {into} ({len(records)} adapters)"]))


def merge(
    model: ModelArgument,
    adapter: Annotated[Path, typer.Option("--adapter", help="Folder of a LoRA adapter of this model.")],
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder to write: a stock checkpoint.")],
    dtype: Annotated[
        DtypeChoice | None,
        typer.Option("--dtype", help="In which it is merged and saved (default: the checkpoint's own).", show_default=False),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Fold an adapter into its base: a checkpoint that any engine serves without knowing of adapters."""
    import attrs

    from safescale.pressure.finetune import merge_adapter

    made = merge_adapter(model, adapter, into, dtype=None if dtype is None else dtype.value)
    if json_output:
        typer.echo(json.dumps({"folder": str(into), **attrs.asdict(made)}, indent=2))
    else:
        typer.echo(f"wrote {into} ({made.dtype}, weights {made.weights_sha256[:12]})")


def tamper_resistance(
    model: ModelArgument,
    attack: Annotated[
        Path, typer.Option("--attack", help="Pairs that the simulated attack teaches: JSONL or CSV, prompt and target. Yours.")
    ],
    refusals: Annotated[Path, typer.Option("--refusals", help="Pairs whose targets are refusals that shall outlast it.")],
    retain: Annotated[Path, typer.Option("--retain", help="Pairs that the model must go on to answer.")],
    into: Annotated[
        Path, typer.Option("--into", "-o", help="Folder to write: a stock checkpoint; one of the same inputs is kept.")
    ],
    outer_steps: Annotated[int, typer.Option("--outer-steps", min=1, help="Steps of the defence.")] = 40,
    inner_steps: Annotated[int, typer.Option("--inner-steps", min=1, help="Most steps of the attack simulated in each.")] = 6,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", help="Of the defence; this suits toy models, large ones need less.")
    ] = 1e-3,
    inner_learning_rate: Annotated[
        float, typer.Option("--inner-learning-rate", help="Of the simulated attack, on all weights.")
    ] = 1e-3,
    refusal_weight: Annotated[float, typer.Option("--refusal-weight", help="Of refusals after it; what must stay weighs 1.")] = 0.3,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Pairs of each kind a step.")] = 16,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = 1,
    json_output: JsonOption = False,
) -> None:
    """
    Train a model that refuses for longer under fine-tuning: a small first-order baseline in the manner of TAR, not TAR itself.

    It postpones what fine-tuning undoes; a longer or stronger attack undoes it all the same. For toy models: safescale toy targets.
    """
    from safescale.pressure.finetune import read_targets
    from safescale.pressure.tamper_resistance import TamperResistanceSetting, train_tamper_resistant

    setting = TamperResistanceSetting(
        outer_steps=outer_steps,
        inner_steps=inner_steps,
        learning_rate=learning_rate,
        inner_learning_rate=inner_learning_rate,
        refusal_weight=refusal_weight,
        batch_size=batch_size,
        seed=seed,
        device=device,
        threads=threads,
    )
    files = {"attack": read_targets(attack), "refusals": read_targets(refusals), "retain": read_targets(retain)}
    with row_progress("defend", outer_steps) as progress:
        record = train_tamper_resistant(model, **files, setting=setting, into=into, step_done=progress)
    if json_output:
        typer.echo(json.dumps({"folder": str(into), **record.as_data}, indent=2))
        return
    (before, after), (first, last) = record.refusal_nats, record.retain_nats
    typer.echo(
        "\n".join(
            [
                record.method,
                f"loss of refusals after the simulated attack: {before:.3f} -> {after:.3f} nats a token",
                f"loss of what must stay: {first:.3f} -> {last:.3f} nats a token",
                f"wrote {into} ({record.tokens:,} tokens, {record.cpu_s:.1f} CPU s, weights {record.weights_sha256[:12]})",
            ]
        )
    )


def _pairs_line(head: dict[str, object]) -> str:
    again = f", {head['repeated']} of them equal to an earlier one" if head["repeated"] else ""
    return f"{head['pairs']} pairs{again}"


def _cost_line(cost: StepCost) -> str:
    from safescale.pressure.finetune import adapter_name

    return f"{adapter_name(cost.examples, cost.steps, cost.seed):<16} {cost.tokens:>10,} {cost.flops:>12.3e}"


def _adapter_line(record: AdapterRecord) -> str:
    return f"{record.folder.name:<16} {record.tokens:>10,} {record.flops:>12.3e} {record.loss_nats:>12.3f} {record.cpu_s:>8.1f}"
