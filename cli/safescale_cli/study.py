"""``safescale study``: whole studies from one file, from weights to an answer."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS, row_progress, stage_line, typed_command
from safescale_cli.generate import EXIT_INTERRUPTED, generation_progress
from safescale_cli.options import JsonOption

app = typer.Typer(
    help="Whole studies from one file: trained, attacked, asked, graded, analysed.", no_args_is_help=True, rich_markup_mode=None
)


class StageChoice(enum.StrEnum):
    """Where a study stops."""

    LINEAGE = "lineage"
    DIRECTIONS = "directions"
    TAMPER_RESISTANCE = "tamper_resistance"
    ATTACKS = "attacks"
    GENERATION = "generation"
    INGEST = "ingest"
    GRADING = "grading"
    EMBEDDING = "embedding"
    REDUCTION = "reduction"
    ANALYSIS = "analysis"
    REPORT = "report"


@app.callback()
def _root() -> None:
    """Whole studies from one file: trained, attacked, asked, graded, analysed."""


@app.command("robustness")
def robustness(
    config: Annotated[
        Path,
        typer.Option(
            "--config", help="What is asked (YAML; see examples/study-toy.yaml).", exists=True, dir_okay=False, readable=True
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the study; what is done there is not done again.")],
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Print the plan, and stop: nothing is made or written.")] = False,
    until: Annotated[StageChoice, typer.Option("--until", help="The last stage.")] = StageChoice.REPORT,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes at once. Default: the file's, else 1.", show_default=False)
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although a package has another version than when a run began.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """
    Does attack compute overwhelm scale? Refusal retention, drift and entropy over models, attacks, compute, defences and seeds.

    Killed or stopped, the same command goes on; asked something else, it refuses the folder.

    Exit 1 when a part broke: the result is written without it, and the same command tries again.
    """
    import attrs

    from safescale.main_job.robustness import study_robustness
    from safescale.report.study_report import plan_json, plan_text, study_json, study_text
    from safescale.studies.robustness.config import read_study
    from safescale.studies.robustness.planning import StudyPlan
    from safescale.studies.robustness.run import Watching, plan_study

    asked = read_study(config)
    if jobs is not None:
        asked = attrs.evolve(asked, jobs=jobs)
    if plan_only:
        found = plan_study(asked, out)
        typer.echo(plan_json(found) if json_output else plan_text(found))
        return

    def planned(plan: StudyPlan) -> None:
        typer.echo(plan_text(plan), err=True)

    try:
        with generation_progress() as watch:
            done = study_robustness(
                asked,
                out,
                until=until.value,
                accept_changes=accept_changes,
                watching=Watching(planned=planned, stage=stage_line, rows=row_progress, generation=watch),
                command=typed_command(),
            )
    except KeyboardInterrupt:
        typer.echo("safescale: stopped; everything before is kept. The same command goes on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    tell = study_json if json_output else study_text
    typer.echo(tell(done.study, done.facts, done.files))
    if done.study.broken:
        raise typer.Exit(EXIT_FINDINGS)
