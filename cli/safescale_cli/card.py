"""``safescale card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
import typer

from safescale_cli.asking import Asked, FormatOption, ResultFormat, asks
from safescale_cli.console import byte_progress, stage_line
from safescale_cli.question import ExampleChoice, ExampleOption


@asks(without=("paths", "tier", "margin_pp", "tampered", "allow_keyword", "claim_class", "cells"))
def card(
    asked: Asked,
    *,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the corpus, by exact or canonical id.")],
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            "--corpus",
            help="A corpus, or graded logs (may be repeated; default: the bundled example that --example names).",
            show_default=False,
        ),
    ] = None,
    example: ExampleOption = ExampleChoice.SIMULATED,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", help="The model that it was made from (default: by id, or by lineage and size).", show_default=False
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", "-o", help="File for the card: Markdown, or JSON by its name.", show_default=False)
    ] = None,
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """How safe is one model, or its tampered variant, as far as a corpus tells? A proposal: no standard exists for this."""
    if example is not ExampleChoice.SIMULATED and corpus:
        raise typer.BadParameter("--example stands in place of --corpus: name one of the two")
    from safescale.main_job.card import card as make
    from safescale.main_job.card import write_card

    reading = attrs.evolve(asked.reading, paths=tuple(corpus or ()), example=example.value)
    with byte_progress("read", reading.paths) as progress:
        made = make(reading, asked.question, model, base=base, progress=progress, stage=stage_line)
    if into is not None:
        path = write_card(made, into, form="json" if asked.json_output else None)
        typer.echo(f"wrote {path}", err=asked.json_output)
        if not asked.json_output:
            return
    typer.echo(made.told("json" if asked.json_output else output.value))
