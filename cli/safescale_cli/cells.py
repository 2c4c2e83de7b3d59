"""``safescale cells``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import byte_progress
from safescale_cli.options import FromOption, GraderIdOption, HrOption, JsonOption, MapOption, OutcomeOption, SourceOption
from safescale_cli.question import ExampleChoice, ExampleOption, OptionalCorpusOrPaths, input_of


def cells(
    paths: OptionalCorpusOrPaths = None,
    into: Annotated[Path, typer.Option("--into", "-o", help="File of cells (Parquet).")] = Path("cells.parquet"),
    format_name: FromOption = None,
    column_map: MapOption = None,
    source: SourceOption = None,
    grader_id: GraderIdOption = None,
    outcome_map: OutcomeOption = None,
    hallucination_refusal: HrOption = "undeclared",
    example: ExampleOption = ExampleChoice.SIMULATED,
    json_output: JsonOption = False,
) -> None:
    """Count a corpus into one file without rows or texts, for: safescale analyze QUESTION --cells FILE."""
    from safescale.main_job.counts import count_into

    reading = input_of(
        paths,
        format_name=format_name,
        column_map=column_map,
        source=source,
        grader_id=grader_id,
        outcome_map=outcome_map,
        hallucination_refusal=hallucination_refusal,
        example=example,
    )
    with byte_progress("read", paths or []) as progress:
        done = count_into(reading, into, progress=progress)
    if json_output:
        facts = {"fingerprint": done.fingerprint, "graded_rows": done.graded_rows, "counts": done.counts, "models": done.models}
        typer.echo(json.dumps({"cells": str(done.path), **facts, "size_bytes": done.size_bytes}))
    else:
        typer.echo(
            f"{done.path}: {done.graded_rows:,} graded rows of {done.models:,} models as {done.counts:,} counts "
            f"({done.size_bytes:,} bytes), corpus {done.fingerprint}"
        )
