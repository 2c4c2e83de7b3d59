"""``safescale schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS
from safescale_cli.options import JsonOption

app = typer.Typer(help="The published contracts of the records.", no_args_is_help=True, rich_markup_mode=None)


@app.command("export")
def export(
    folder: Annotated[Path, typer.Option("--into", "-o", help="Folder to write to.")] = Path("schemas"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 when a file differs.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Write JSON Schema, SQLite DDL and an example of every record."""
    import json

    from safescale.records.contracts import contracts, write_contracts

    if check:
        stale = [name for name, text in contracts().items() if not (folder / name).is_file() or (folder / name).read_text() != text]
        if json_output:
            typer.echo(json.dumps({"folder": str(folder), "stale": stale}, indent=2))
        else:
            for name in stale:
                typer.echo(f"{folder / name}: differs from the records; run: safescale schema export -o {folder}")
        raise typer.Exit(EXIT_FINDINGS if stale else 0)
    written = [str(path) for path in write_contracts(folder)]
    typer.echo(json.dumps({"folder": str(folder), "written": written}, indent=2) if json_output else "\n".join(written))


@app.command("show")
def show(
    record: Annotated[str, typer.Argument(help="Name of a record, such as trace or graded_trace.")],
    json_output: JsonOption = False,
) -> None:
    """Print the JSON Schema of one record (JSON with or without --json)."""
    from safescale.errors import DomainError
    from safescale.records.contracts import contracts

    found = contracts().get(f"{record}.schema.json")
    if found is None:
        known = ", ".join(name.removesuffix(".schema.json") for name in contracts() if name.endswith(".schema.json"))
        raise DomainError(f"no record is called {record!r}; known records: {known}")
    typer.echo(found, nl=False)
