"""``safescale models``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from safescale_cli.options import JsonOption


def models(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Model ids or file stems; '-' reads one a line.", show_default=False)
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Say what a model id means: size and where it is from, developer, host, lineage, tampering."""
    import json

    from safescale.registry import parse_model_id, to_model_record

    named = [line.strip() for line in sys.stdin if line.strip()] if not ids or ids == ["-"] else ids
    infos = [parse_model_id(model_id) for model_id in named]
    rows = [
        to_model_record(info) | {"size_reference": info.size_note if info.size_source == "published" else None} for info in infos
    ]
    if json_output:
        typer.echo(json.dumps(rows, indent=2))
        return
    columns = ("model_id", "params_total_b", "params_active_b", "size_source", "developer", "host", "lineage", "tampering")
    typer.echo("\t".join(columns))
    for row in rows:
        typer.echo("\t".join("-" if row[column] is None else str(row[column]) for column in columns))
