"""The ``safescale`` command: one module per command; each parses, calls one function, and prints."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from safescale_cli import (
    analyze,
    audit,
    card,
    cells,
    diff,
    experiment,
    export,
    formats,
    generate,
    grade,
    ingest,
    models,
    plan,
    pressure,
    prompts,
    report,
    schema,
    study,
    toy,
    validate,
    verify,
)
from safescale_cli.console import EXIT_DATA, EXIT_DOMAIN, fail

app = typer.Typer(
    name="safescale",
    help="Does LLM safety change with scale, or with attack compute? Answers from graded logs of any red-team tool.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("ingest")(ingest.ingest)
app.command("validate")(validate.validate)
app.command("formats")(formats.formats)
app.command("audit")(audit.audit)
app.add_typer(analyze.app, name="analyze")
app.command("generate")(generate.generate)
app.add_typer(grade.app, name="grade")
app.add_typer(prompts.app, name="prompts")
app.add_typer(experiment.app, name="experiment")
app.add_typer(study.app, name="study")
app.add_typer(pressure.app, name="pressure")
app.command("card")(card.card)
app.command("cells")(cells.cells)
app.command("diff")(diff.diff)
app.command("report")(report.report)
app.command("plan")(plan.plan)
app.command("export")(export.export)
app.command("verify")(verify.verify)
app.add_typer(toy.app, name="toy")
app.command("models")(models.models)
app.add_typer(schema.app, name="schema")


def _version(shown: bool) -> None:
    if shown:
        from safescale import __version__

        typer.echo(f"safescale {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options of the whole command."""


def main() -> None:
    """
    Run the command line.

    Exit status: 0 done, 1 the checks found something, 2 wrong usage, 3 the data cannot be read, 4 the question has no answer here.
    """
    from safescale.errors import DataError, DomainError, MissingBackend, SafescaleError

    try:
        app(prog_name="safescale")
    except DomainError as error:
        sys.exit(fail(error, EXIT_DOMAIN))
    except (DataError, MissingBackend, SafescaleError) as error:
        sys.exit(fail(error, EXIT_DATA))
