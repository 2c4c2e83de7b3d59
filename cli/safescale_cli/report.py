"""``safescale report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.asking import Asked, asks
from safescale_cli.console import byte_progress, stage_line
from safescale_cli.waiving import WaiversOption, waivers_of


@asks(without=("corrected", "cells"))
def report(
    asked: Asked,
    *,
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder of the report.")] = Path("safescale-report"),
    waivers: WaiversOption = None,
) -> None:
    """Run every analysis that the data support; write report.html, .md, .json and figures. No prompt or response is shown."""
    from safescale.main_job import write_report
    from safescale.report.closing import closing_words

    looked_at = waivers_of(waivers)
    with byte_progress("read", asked.paths) as progress:
        written = write_report(asked.reading, into, question=asked.question, waivers=looked_at, progress=progress, stage=stage_line)
    if asked.json_output:
        typer.echo((into / "report.json").read_text(encoding="utf-8"), nl=False)
    else:
        typer.echo(closing_words(written.document, written.paths, example=None if asked.paths else asked.reading.example))
