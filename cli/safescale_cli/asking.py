"""The options that every question to a corpus has, added to a command that names only its own."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer
from typer.models import ArgumentInfo

from safescale_cli.console import byte_progress, stage_line
from safescale_cli.options import FromOption, GraderIdOption, HrOption, JsonOption, MapOption, OutcomeOption, SourceOption
from safescale_cli.question import (
    AllowKeywordOption,
    AlphaOption,
    CellsOption,
    ClaimClassOption,
    CorrectedOption,
    CountCopiesOption,
    ExampleChoice,
    ExampleOption,
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

if TYPE_CHECKING:
    from safescale.main_job import Analysis, Input, Question

__all__ = ["Asked", "FormatOption", "ResultFormat", "asks", "print_answer"]


class ResultFormat(enum.StrEnum):
    """Forms of a result."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


FormatOption = Annotated[ResultFormat, typer.Option("--format", help="Form of the output.")]


@attrs.frozen(kw_only=True)
class Asked:
    """What the user wants read and asked, and whether as JSON."""

    paths: list[Path]
    reading: Input
    question: Question
    json_output: bool


def _common(
    paths: OptionalCorpusOrPaths = None,
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
    corrected: CorrectedOption = None,
    format_name: FromOption = None,
    column_map: MapOption = None,
    source: SourceOption = None,
    grader_id: GraderIdOption = None,
    outcome_map: OutcomeOption = None,
    hallucination_refusal: HrOption = "undeclared",
    cells: CellsOption = None,
    example: ExampleOption = ExampleChoice.SIMULATED,
    json_output: JsonOption = False,
) -> Asked:
    return Asked(
        paths=paths or [],
        reading=input_of(
            paths,
            format_name=format_name,
            column_map=column_map,
            source=source,
            grader_id=grader_id,
            outcome_map=outcome_map,
            hallucination_refusal=hallucination_refusal,
            cells=cells,
            example=example,
        ),
        question=question_of(
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
            corrected=corrected,
        ),
        json_output=json_output,
    )


def asks(*, without: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Give a command the common options; it takes them as its first argument, ``asked``.

    Parameters
    ----------
    without : tuple of str
        Common options that make no sense for this command.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        common = inspect.signature(_common, eval_str=True).parameters
        # an example stands in place of paths
        left_out = {*without, "example"} if "paths" in without else {*without}
        shared = {name: parameter for name, parameter in common.items() if name not in left_out}
        own = {name: p for name, p in inspect.signature(command, eval_str=True).parameters.items() if name != "asked"}

        def wrapped(**given: Any) -> None:
            asked = _common(**{name: given.pop(name) for name in shared})
            command(asked, **given)

        first, *rest = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shared.values()]
        mine = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own.values()]
        # what must be named stands before the paths, of which there may be any number
        named = [parameter for parameter in mine if _is_argument(parameter)]
        parameters = [*named, first, *(parameter for parameter in mine if parameter not in named), *rest]
        wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return wrapped

    return decorate


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(mark, ArgumentInfo) for mark in getattr(parameter.annotation, "__metadata__", ()))


def print_answer(asked: Asked, analysis: Analysis[Any], output: ResultFormat) -> None:
    """Put one question to what was named, and print the answer."""
    from safescale.main_job import answer

    with byte_progress("read", asked.paths) as progress:
        answered = answer(asked.reading, asked.question, analysis, progress=progress, stage=stage_line)
    typer.echo(answered.told("json" if asked.json_output else output.value))
