"""``safescale diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
import typer

from safescale_cli.asking import Asked, FormatOption, ResultFormat, asks
from safescale_cli.console import EXIT_FINDINGS, stage_line


@asks(without=("paths", "grader", "claim_class", "corrected", "cells"))
def diff(
    asked: Asked,
    *,
    first: Annotated[Path, typer.Argument(metavar="CORPUS_A", help="The corpus, or graded logs, before.")],
    second: Annotated[Path, typer.Argument(metavar="CORPUS_B", help="The corpus, or graded logs, after.")],
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """Which figures differ between two corpora, by how much, and which rows did it? Exit 0: no difference, 1: there is one."""
    from safescale.main_job.diff import diff as run

    before, after = (attrs.evolve(asked.reading, paths=(path,)) for path in (first, second))
    found = run(before, after, asked.question, stage=stage_line)
    typer.echo(found.told("json" if asked.json_output else output.value))
    if not found.result.same:
        raise typer.Exit(EXIT_FINDINGS)
