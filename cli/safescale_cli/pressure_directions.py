"""``safescale pressure directions`` and ``safescale pressure steer``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import stage_line
from safescale_cli.options import JsonOption


def directions(
    model: Annotated[Path, typer.Argument(help="Folder of a causal model of the library transformers.", show_default=False)],
    prompts: Annotated[
        Path,
        typer.Option("--prompts", help="Prompts, harmful by attack_class and benign; none of an evaluation.", show_default=False),
    ],
    into: Annotated[
        Path, typer.Option("--into", "-o", help="Folder of the result; a whole one is read again.", show_default=False)
    ],
    grader: Annotated[str, typer.Option("--grader", help="Who says what a refusal is.")] = "refusal-phrases",
    layers: Annotated[
        str | None, typer.Option("--layers", help="Layers to search, between commas (default: all).", show_default=False)
    ] = None,
    positions: Annotated[int, typer.Option("--positions", min=1, help="How many of the prompt's last tokens to search.")] = 4,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Of an answer that is judged.")] = 24,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Prompts at once.")] = 32,
    device: Annotated[
        str | None, typer.Option("--device", help="As torch names it (default: cuda, else cpu).", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random directions and the resamples.")] = 0,
    json_output: JsonOption = False,
) -> None:
    """Find the direction by which a model refuses, test it against random ones, compare its categories; exit 0 found or not."""
    import json

    import attrs

    from safescale.grade.grader import open_grader
    from safescale.pressure.directions import DirectionSetting
    from safescale.studies.directions import directions_as_text, directions_from_file

    setting = DirectionSetting(
        layers=None if layers is None else _numbers(layers),
        positions=tuple(range(-1, -positions - 1, -1)),
        max_tokens=max_tokens,
        batch_size=batch_size,
        device=device,
        seed=seed,
    )
    record = directions_from_file(model, prompts, open_grader(grader), into, setting=setting, says=stage_line)
    if json_output:
        told = attrs.asdict(record, filter=lambda field, _: field.name != "vectors")
        typer.echo(json.dumps(told | {"folder": str(into)}, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{directions_as_text(record)}\nwrote {into}")


def steer(
    model: Annotated[Path, typer.Argument(help="Folder of the model that is steered.", show_default=False)],
    found: Annotated[Path, typer.Option("--directions", help="Folder of `pressure directions`.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder of the steered model.", show_default=False)],
    coefficient: Annotated[
        float, typer.Option("--coefficient", help="Differences in means that are added; below 0 away from refusal.")
    ] = 1.0,
    hooks: Annotated[
        bool, typer.Option("--hooks", help="Write an intervention for the engine transformers in place of a checkpoint.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Write a checkpoint that adds the refusal direction to every token, for any engine that serves it."""
    import json

    from safescale.pressure.directions import bake_steering, read_directions

    record = read_directions(found)
    intervention = record.intervention("steering", coefficient=coefficient)
    if hooks:
        intervention.write(into)
    else:
        bake_steering(model, intervention, into)
    told = {
        "folder": str(into),
        "baked": not hooks,
        "coefficient": coefficient,
        "layer": record.steering_layer,
        "norm": record.norm,
        "found": record.found,
        "note": intervention.note,
    }
    if json_output:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"wrote {into}: {intervention.note}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise typer.BadParameter(f"layers are whole numbers between commas, got {text!r}") from error
