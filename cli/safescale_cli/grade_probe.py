"""``safescale grade probe``."""

from __future__ import annotations

from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS, row_progress
from safescale_cli.graders_named import EncoderOption, JudgeOption, graders_named
from safescale_cli.options import JsonOption


def probe(
    grader: Annotated[str | None, typer.Argument(help="Name of the grader.", show_default=False)] = None,
    judge: JudgeOption = None,
    encoder: EncoderOption = None,
    mechanism: Annotated[
        list[str] | None, typer.Option("--mechanism", help="Probe this one alone; may be repeated.", show_default=False)
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Share of pairs that may flip before a mechanism is said to move the grader.")
    ] = 0.1,
    texts: Annotated[bool, typer.Option("--texts", help="Show what was graded, beside every flip.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Which ways of writing a response move a grader that should not? Exit 0 none, 1 some do, 2 usage, 3 the grader is gone."""
    from safescale import __version__
    from safescale.grade.probes import probe_grader, probe_json, probe_set, probe_text

    graders = graders_named([grader] if grader else [], judge, encoder)
    if len(graders) > 1:
        raise typer.BadParameter("probe one grader at a time")
    opened = graders[0]
    with row_progress("grade", len(probe_set().only(mechanism).responses())) as progress:
        result = probe_grader(opened, mechanisms=mechanism, tolerance=tolerance, progress=progress)
    typer.echo(probe_json(result, version=__version__, texts=texts) if json_output else probe_text(result, texts=texts))
    if result.failed:
        raise typer.Exit(EXIT_FINDINGS)
