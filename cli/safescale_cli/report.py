"""``safescale report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import byte_progress, stage_line
from safescale_cli.options import FromOption, GraderIdOption, HrOption, JsonOption, MapOption, OutcomeOption, SourceOption
from safescale_cli.question import (
    AllowKeywordOption,
    AlphaOption,
    ClaimClassOption,
    CountCopiesOption,
    ExcludeModelOption,
    ExcludeSourceOption,
    GraderOption,
    MarginOption,
    MinCellOption,
    NoResponseOption,
    OptionalCorpusOrPaths,
    TamperedChoice,
    TamperedOption,
    TelemetryOption,
    TierChoice,
    TierOption,
    input_of,
    question_of,
)


def report(
    paths: OptionalCorpusOrPaths = None,
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder of the report.")] = Path("safescale-report"),
    tier: TierOption = TierChoice.STRICT,
    grader: GraderOption = None,
    min_cell: MinCellOption = 20,
    alpha: AlphaOption = 0.05,
    margin_pp: MarginOption = 5.0,
    claim_class: ClaimClassOption = None,
    tampered: TamperedOption = TamperedChoice.EXCLUDE,
    exclude_source: ExcludeSourceOption = None,
    exclude_model: ExcludeModelOption = None,
    allow_keyword: AllowKeywordOption = False,
    include_telemetry: TelemetryOption = False,
    include_no_response: NoResponseOption = False,
    count_copies: CountCopiesOption = False,
    format_name: FromOption = None,
    column_map: MapOption = None,
    source: SourceOption = None,
    grader_id: GraderIdOption = None,
    outcome_map: OutcomeOption = None,
    hallucination_refusal: HrOption = "undeclared",
    json_output: JsonOption = False,
) -> None:
    """Run every analysis that the data support; write report.html, .md, .json and figures. No prompt or response is shown."""
    from safescale.main_job import write_report
    from safescale.report.closing import closing_words

    reading = input_of(
        paths,
        format_name=format_name,
        column_map=column_map,
        source=source,
        grader_id=grader_id,
        outcome_map=outcome_map,
        hallucination_refusal=hallucination_refusal,
    )
    question = question_of(
        tier=tier,
        grader=grader,
        min_cell=min_cell,
        alpha=alpha,
        margin_pp=margin_pp,
        claim_class=claim_class,
        tampered=tampered,
        exclude_source=exclude_source,
        exclude_model=exclude_model,
        allow_keyword=allow_keyword,
        include_telemetry=include_telemetry,
        include_no_response=include_no_response,
        count_copies=count_copies,
    )
    with byte_progress("read", paths or []) as progress:
        written = write_report(reading, into, question=question, progress=progress, stage=stage_line)
    if json_output:
        typer.echo((into / "report.json").read_text(encoding="utf-8"), nl=False)
    else:
        typer.echo(closing_words(written.document, written.paths, example=not reading.paths))
