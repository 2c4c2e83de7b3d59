"""``safescale validate``."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from safescale_cli.console import EXIT_DATA, EXIT_FINDINGS, byte_progress
from safescale_cli.options import (
    FromOption,
    GraderIdOption,
    HrOption,
    JsonOption,
    MapOption,
    OutcomeOption,
    PathsArgument,
    SourceOption,
    ingest_options,
)


class OutputFormat(enum.StrEnum):
    """Forms of the output."""

    RICH = "rich"
    JSON = "json"
    GITHUB = "github"


def validate(
    paths: PathsArgument,
    output: Annotated[OutputFormat, typer.Option("--format", help="Form of the output.")] = OutputFormat.RICH,
    format_name: FromOption = None,
    column_map: MapOption = None,
    source: SourceOption = None,
    grader_id: GraderIdOption = None,
    outcome_map: OutcomeOption = None,
    hallucination_refusal: HrOption = "undeclared",
    json_output: JsonOption = False,
) -> None:
    """Check graded logs without storing them. Exit 0 clean, 1 findings, 2 usage, 3 unreadable."""
    from safescale.ingest.session import validate as run
    from safescale.report.ingest_report import ingest_github, ingest_json, ingest_text

    options = ingest_options(column_map, source, grader_id, outcome_map, hallucination_refusal)
    with byte_progress("validate", paths) as progress:
        outcome = run(paths, options=options, format=format_name, progress=progress)
    render = {OutputFormat.RICH: ingest_text, OutputFormat.JSON: ingest_json, OutputFormat.GITHUB: ingest_github}
    typer.echo(render[OutputFormat.JSON if json_output else output](outcome))
    if outcome.unreadable:
        raise typer.Exit(EXIT_DATA)
    if outcome.findings:
        raise typer.Exit(EXIT_FINDINGS)
