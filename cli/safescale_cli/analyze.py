"""``safescale analyze``."""

from __future__ import annotations

import enum
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

app = typer.Typer(help="One question of a corpus or of graded logs.", no_args_is_help=True, rich_markup_mode=None)


class ResultFormat(enum.StrEnum):
    """Forms of a result."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@app.callback()
def _questions() -> None:
    """One question of a corpus or of graded logs."""


@app.command("inverse-scaling")
def inverse_scaling(
    paths: OptionalCorpusOrPaths = None,
    output: Annotated[ResultFormat, typer.Option("--format", help="Form of the output.")] = ResultFormat.TEXT,
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
    """Does attack success change with model size, and could this corpus tell? Models are the units."""
    from safescale.main_job import answer_inverse_scaling
    from safescale.report.as_json import scaling_json
    from safescale.report.scaling_text import scaling_markdown, scaling_text

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
        answer = answer_inverse_scaling(reading, question, progress=progress, stage=stage_line)
    render = {ResultFormat.TEXT: scaling_text, ResultFormat.MARKDOWN: scaling_markdown, ResultFormat.JSON: scaling_json}
    typer.echo(
        render[ResultFormat.JSON if json_output else output](
            answer.result, version=answer.version, command=answer.command, simulated=answer.simulated
        )
    )
