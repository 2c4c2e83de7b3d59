"""``safescale toy``."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS, row_progress
from safescale_cli.options import JsonOption


class DeviceChoice(enum.StrEnum):
    """Where models are trained."""

    CPU = "cpu"
    CUDA = "cuda"


app = typer.Typer(help="Toy chat models on an invented world, with a known truth.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _toy() -> None:
    """Toy chat models on an invented world: train a lineage of them, write prompts for it."""


@app.command("train")
def train(
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder of the lineage; what is trained there is not trained again.")],
    sizes: Annotated[str, typer.Option("--sizes", help="Sizes, between commas: s, sm, m, ml, l, xl, 2xl, 3xl.")] = "s,sm,m,ml",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Every size in seeds 0, 1, ... of so many.")] = 3,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Models at once, each in a process with one thread.")] = 1,
    pretraining_steps: Annotated[
        int | None, typer.Option("--pretraining-steps", min=1, help="Default: the recipe's.", show_default=False)
    ] = None,
    safety_steps: Annotated[
        int | None, typer.Option("--safety-steps", min=1, help="Default: the recipe's.", show_default=False)
    ] = None,
    device: Annotated[DeviceChoice, typer.Option("--device", help="On a CPU weights repeat bit by bit.")] = DeviceChoice.CPU,
    json_output: JsonOption = False,
) -> None:
    """Train a lineage of toy chat models, with cards, models.yaml and prompts.jsonl for an experiment; goes on after a kill."""
    from safescale.toy.lineage import train_lineage
    from safescale.toy.recipe import Recipe
    from safescale.toy.told import lineage_as_json, lineage_as_text

    steps = {"pretraining_steps": pretraining_steps, "safety_steps": safety_steps}
    recipe = Recipe(**{name: count for name, count in steps.items() if count is not None})
    names = tuple(name.strip() for name in sizes.split(",") if name.strip())
    with row_progress("train", len(names) * seeds) as progress:
        lineage = train_lineage(into, sizes=names, seeds=seeds, jobs=jobs, recipe=recipe, device=device.value, model_done=progress)
    typer.echo(lineage_as_json(lineage) if json_output else lineage_as_text(lineage))
    if lineage.failed:
        raise typer.Exit(EXIT_FINDINGS)


@app.command("prompts")
def prompts(
    into: Annotated[Path, typer.Option("--into", "-o", help="File to write: NAME.jsonl.")],
    json_output: JsonOption = False,
) -> None:
    """Write the prompts of the toy world: sealed requests and benign look-alikes, in ways to ask that no training shows."""
    from safescale.toy.prompts import prompts_by_class, write_prompts

    written = write_prompts(into)
    counts = prompts_by_class(written)
    if json_output:
        typer.echo(json.dumps({"file": str(into), "prompts": len(written), "by_attack_class": counts}, indent=2))
    else:
        typer.echo("\n".join(f"{count:>4}  {name}" for name, count in counts.items()))
        typer.echo(f"wrote {into} ({len(written)} prompts)")


@app.command("targets")
def targets(
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder to write attack.jsonl, refusals.jsonl and retain.jsonl into.")],
    json_output: JsonOption = False,
) -> None:
    """Write what the toy world teaches an attack and a defence, in ways to ask that training shows: never those of toy prompts."""
    from safescale.toy.targets import write_targets

    written = write_targets(into).by_file
    if json_output:
        files = {name: {"pairs": len(own.pairs), "sha256": own.sha256} for name, own in written.items()}
        typer.echo(json.dumps({"folder": str(into), "files": files}, indent=2))
    else:
        typer.echo("\n".join(f"{len(own.pairs):>4}  {into / name}" for name, own in written.items()))
