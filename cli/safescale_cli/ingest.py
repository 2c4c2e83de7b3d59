"""``safescale ingest``."""

from __future__ import annotations

from pathlib import Path
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


def ingest(
    paths: PathsArgument,
    into: Annotated[Path, typer.Option("--into", help="Corpus: a .db file (SQLite), or a folder (Parquet).")],
    format_name: FromOption = None,
    column_map: MapOption = None,
    source: SourceOption = None,
    grader_id: GraderIdOption = None,
    outcome_map: OutcomeOption = None,
    hallucination_refusal: HrOption = "undeclared",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when any row was rejected.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Read graded logs into a corpus; every row is kept, counted or rejected. Exit 3 when a file could not be read at all."""
    from safescale.ingest.detect import require_paths
    from safescale.ingest.session import ingest as run
    from safescale.report.ingest_report import ingest_json, ingest_text
    from safescale.store import open_corpus

    options = ingest_options(column_map, source, grader_id, outcome_map, hallucination_refusal)
    require_paths(paths)
    corpus = open_corpus(into, create=True)
    try:
        with byte_progress("ingest", paths) as progress:
            outcome = run(paths, corpus, options=options, format=format_name, progress=progress)
    finally:
        corpus.close()
    typer.echo(ingest_json(outcome, corpus=into) if json_output else ingest_text(outcome, corpus=into))
    if outcome.unreadable:
        raise typer.Exit(EXIT_DATA)
    if strict and outcome.findings:
        raise typer.Exit(EXIT_FINDINGS)
