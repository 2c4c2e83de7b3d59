"""``safescale schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS

app = typer.Typer(help="The published contracts of the records.", no_args_is_help=True, rich_markup_mode=None)


@app.command("export")
def export(
    folder: Annotated[Path, typer.Option("--into", "-o", help="Folder to write to.")] = Path("schemas"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 when a file differs.")] = False,
) -> None:
    """Write JSON Schema, SQLite DDL and an example of every record."""
    from safescale.records.contracts import contracts, write_contracts

    if check:
        stale = [name for name, text in contracts().items() if not (folder / name).is_file() or (folder / name).read_text() != text]
        for name in stale:
            typer.echo(f"{folder / name}: differs from the records; run: safescale schema export -o {folder}")
        raise typer.Exit(EXIT_FINDINGS if stale else 0)
    for path in write_contracts(folder):
        typer.echo(str(path))


@app.command("show")
def show(record: Annotated[str, typer.Argument(help="Name of a record, such as trace or graded_trace.")]) -> None:
    """Print the JSON Schema of one record."""
    from safescale.errors import DomainError
    from safescale.records.contracts import contracts

    found = contracts().get(f"{record}.schema.json")
    if found is None:
        known = ", ".join(name.removesuffix(".schema.json") for name in contracts() if name.endswith(".schema.json"))
        raise DomainError(f"no record is called {record!r}; known records: {known}")
    typer.echo(found, nl=False)
