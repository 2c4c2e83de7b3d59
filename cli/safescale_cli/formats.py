"""``safescale formats``."""

from __future__ import annotations

import typer

from safescale_cli.options import JsonOption


def formats(json_output: JsonOption = False) -> None:
    """The formats that ingest reads, and what each declares: polarity, outcome map, denominator, cluster key, attempts."""
    import json

    import attrs

    from safescale.ingest.detect import adapters

    found = {name: attrs.asdict(adapter.facts) for name, adapter in adapters().items()}
    if json_output:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for name, facts in found.items():
        typer.echo(f"{name}: {facts.pop('files')}")
        for key, words in facts.items():
            typer.echo(f"  {key.replace('_', ' ')}: {words}")
