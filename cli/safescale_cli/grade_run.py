"""``safescale grade run`` and ``safescale grade graders``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import byte_progress, row_progress
from safescale_cli.graders_named import EncoderOption, JudgeOption, graders_named
from safescale_cli.options import FromOption, JsonOption, MapOption, SourceOption
from safescale_cli.question import input_of


def run(
    paths: Annotated[
        list[Path], typer.Argument(help="A corpus, or logs (a run of `safescale generate` among them).", show_default=False)
    ],
    grader: Annotated[
        list[str] | None,
        typer.Option("--grader", help="Grader (`grade graders` lists them); may be repeated.", show_default=False),
    ] = None,
    judge: JudgeOption = None,
    encoder: EncoderOption = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", "-o", help="The grades file (default: beside the corpus, *.grades.jsonl).", show_default=False),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", help="Folder of judgements (default: beside the corpus, *.judgements).", show_default=False),
    ] = None,
    no_import: Annotated[bool, typer.Option("--no-import", help="Write the grades file alone; leave the corpus as it is.")] = False,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="Responses that a grader gets at once (default: its own).", show_default=False),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Responses to grade at most.", show_default=False)] = None,
    format_name: FromOption = None,
    column_map: MapOption = None,
    source: SourceOption = None,
    json_output: JsonOption = False,
) -> None:
    """Grade responses: each once, resumable, failures counted; the grades go into a file and, of a corpus, into it."""
    from safescale.main_job.grade_run import grade_run
    from safescale.report.grading_report import grading_json, grading_text

    reading = input_of(
        paths,
        format_name=format_name,
        column_map=column_map,
        source=source,
        grader_id=None,
        outcome_map=None,
        hallucination_refusal="undeclared",
        cells=None,
    )
    graders = graders_named(grader or (), judge, encoder)
    with byte_progress("read", paths) as progress:
        graded = grade_run(
            reading,
            graders,
            into=into,
            cache=cache,
            batch_size=batch_size,
            limit=limit,
            import_grades=not no_import,
            reading=progress,
            grading=row_progress,
        )
    tell = grading_json if json_output else grading_text
    typer.echo(tell(graded.run, cache=graded.cache, corpus=graded.corpus, taken_in=graded.taken_in))


def graders(json_output: JsonOption = False) -> None:
    """List the graders that --grader knows, and what each says of itself."""
    from safescale.errors import SafescaleError
    from safescale.grade.grader import GraderFacts, grader_names, open_grader
    from safescale.report.grading_report import graders_json, graders_text

    known: list[tuple[str, GraderFacts | str]] = []
    for name in grader_names():
        try:
            known.append((name, open_grader(name).facts))
        except SafescaleError as error:
            known.append((name, str(error)))
    typer.echo(graders_json(known) if json_output else graders_text(known))
