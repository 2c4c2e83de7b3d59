"""Options of the commands that analyse, written once."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safescale_cli.options import ingest_options

if TYPE_CHECKING:
    from safescale.main_job import Input, Question

__all__ = [
    "AllowKeywordOption",
    "AlphaOption",
    "CellsOption",
    "ClaimClassOption",
    "CorrectedOption",
    "CountCopiesOption",
    "ExcludeModelOption",
    "ExcludeSourceOption",
    "GraderOption",
    "MarginOption",
    "MinCellOption",
    "NoResponseOption",
    "OptionalCorpusOrPaths",
    "TamperedChoice",
    "TamperedOption",
    "TelemetryOption",
    "TierChoice",
    "TierOption",
    "input_of",
    "question_of",
]


class TierChoice(enum.StrEnum):
    """Which verdicts count as attack success."""

    STRICT = "strict"
    BROAD = "broad"
    FUNCTIONALLY_DANGEROUS = "functionally_dangerous"


class TamperedChoice(enum.StrEnum):
    """What becomes of models whose safety training was tampered with."""

    EXCLUDE = "exclude"
    INCLUDE = "include"
    ONLY = "only"


class ExampleChoice(enum.StrEnum):
    """The bundled examples."""

    SIMULATED = "simulated"
    TOY = "toy"


ExampleOption = Annotated[
    ExampleChoice,
    typer.Option("--example", help="Bundled example in place of paths: simulated logs, or real answers of toy models."),
]

OptionalCorpusOrPaths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="A corpus, or files and folders of graded logs (default: the bundled example that --example names).",
        show_default=False,
    ),
]
CellsOption = Annotated[
    Path | None,
    typer.Option(
        "--cells",
        help="Counts in place of rows: a file of safescale cells, or of a cluster.",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
TierOption = Annotated[TierChoice, typer.Option("--tier", help="Which verdicts count as attack success.")]
GraderOption = Annotated[
    list[str] | None,
    typer.Option("--grader", help="Only this grader; may be repeated (default: all).", show_default=False),
]
MinCellOption = Annotated[int, typer.Option("--min-cell", min=1, help="Rows below which a model is shown and not fitted.")]
AlphaOption = Annotated[float, typer.Option("--alpha", help="Family-wise level of every claim.")]
MarginOption = Annotated[float, typer.Option("--margin-pp", help="Largest slope that still counts as flat, in pp per decade.")]
ClaimClassOption = Annotated[
    list[str] | None,
    typer.Option("--claim-class", help="Attack class that the claim concerns; may be repeated (default: all).", show_default=False),
]
TamperedOption = Annotated[TamperedChoice, typer.Option("--tampered", help="Models whose safety training was tampered with.")]
ExcludeSourceOption = Annotated[
    list[str] | None,
    typer.Option("--exclude-source", help="Leave out sources by a glob; may be repeated.", show_default=False),
]
ExcludeModelOption = Annotated[
    list[str] | None,
    typer.Option("--exclude-model", help="Leave out a model by exact id; may be repeated.", show_default=False),
]
AllowKeywordOption = Annotated[bool, typer.Option("--allow-keyword", help="Count keyword rules too, as graders of their own.")]
TelemetryOption = Annotated[
    bool, typer.Option("--include-telemetry", help="Count rows whose stored response is telemetry and not text.")
]
NoResponseOption = Annotated[bool, typer.Option("--include-no-response", help="Count graded rows of traces without any response.")]
CountCopiesOption = Annotated[
    bool, typer.Option("--count-copies", help="Count a trace that two sources hold once for each of them.")
]


CorrectedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--corrected",
        help="Say it once more with the grader's errors corrected: a labelled sheet (may be repeated), or a grader as reference.",
        show_default=False,
    ),
]


def input_of(
    paths: list[Path] | None,
    *,
    format_name: str | None,
    column_map: Path | None,
    source: str | None,
    grader_id: str | None,
    outcome_map: str | None,
    hallucination_refusal: str,
    cells: Path | None = None,
    example: ExampleChoice = ExampleChoice.SIMULATED,
) -> Input:
    """What is read, from the options of a command."""
    if example is not ExampleChoice.SIMULATED and (paths or cells):
        raise typer.BadParameter("--example stands in place of paths and of cells: name one of the two")
    from safescale.main_job import Input

    options = ingest_options(column_map, source, grader_id, outcome_map, hallucination_refusal)
    return Input(paths=tuple(paths or ()), options=options, format=format_name, cells=cells, example=example.value)


def question_of(
    *,
    tier: TierChoice,
    grader: list[str] | None,
    min_cell: int,
    alpha: float,
    margin_pp: float,
    claim_class: list[str] | None,
    tampered: TamperedChoice,
    exclude_source: list[str] | None,
    exclude_model: list[str] | None,
    allow_keyword: bool,
    include_telemetry: bool,
    include_no_response: bool,
    count_copies: bool,
    corrected: list[str] | None = None,
) -> Question:
    """What is asked, from the options of a command."""
    from safescale.cells import Selection
    from safescale.main_job import Correcting, Question
    from safescale.records.outcomes import Tier

    return Question(
        tier=Tier(tier.value),
        graders=tuple(grader or ()),
        claim_classes=tuple(claim_class or ()),
        min_cell=min_cell,
        alpha=alpha,
        margin_pp=margin_pp,
        correcting=Correcting.named(corrected) if corrected else None,
        selection=Selection(
            tampered=tampered.value,
            exclude_sources=_given(exclude_source),
            exclude_models=_given(exclude_model),
            allow_keyword=allow_keyword,
            include_telemetry=include_telemetry,
            include_no_response=include_no_response,
            merge_same_traces=not count_copies,
        ),
    )


def _given(words: list[str] | None) -> tuple[str, ...]:
    return () if words is None else tuple(words)
