"""``safescale plan``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from safescale_cli.asking import Asked, FormatOption, ResultFormat, asks
from safescale_cli.console import byte_progress, stage_line

if TYPE_CHECKING:
    from safescale.analyses.plan import CorpusPlan, StudyPlan, Wanted
    from safescale.main_job import Answered


def _sizes(words: str | None) -> str | None:
    """Sizes with commas between them; anything else is wrong usage, said before anything is read."""
    if words is not None:
        try:
            sizes = [float(word) for word in words.split(",")]
        except ValueError:
            raise typer.BadParameter(f"sizes are billions with commas between, such as 0.8,2,4,9; got {words!r}") from None
        if not all(size > 0 and math.isfinite(size) for size in sizes):
            raise typer.BadParameter(f"sizes are positive numbers of billions of parameters; got {words!r}")
    return words


def _number(help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=help, show_default=False)
    return option


Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="A corpus, or files and folders of graded logs (default: assumptions alone).", show_default=False),
]


@asks(without=("paths", "corrected", "cells"))
def plan(
    asked: Asked,
    *,
    paths: Paths = None,
    effect_pp_per_decade: Annotated[
        float | None, _number("Slope to be found, either way (default: the margin, 5 pp per decade).")
    ] = None,
    effect_pp_per_doubling: Annotated[float | None, _number("The same per doubling of size.")] = None,
    tau_pp: Annotated[
        float | None, _number("Spread between models of one size, in pp (default: from the rows, else a range is shown).")
    ] = None,
    base_rate: Annotated[float | None, _number("Rate at which noise is taken, a fraction (default: rows, else 0.5).")] = None,
    prompts: Annotated[int | None, _number("Prompts per model (default: rows, else 100).")] = None,
    traces_per_prompt: Annotated[int | None, _number("Traces of each prompt and model (default: rows, else 1).")] = None,
    prompt_icc: Annotated[float | None, _number("Correlation of two traces of a prompt and model (default: rows, else 0).")] = None,
    sizes: Annotated[
        str | None,
        typer.Option(help="Sizes of the models at hand in billions: 0.8,2,4,9,27,70.", show_default=False, callback=_sizes),
    ] = None,
    min_b: Annotated[float | None, _number("Instead: models evenly over log size from this size (default 0.5).")] = None,
    max_b: Annotated[float | None, _number("... to this size, in billions (default 70).")] = None,
    models: Annotated[int | None, _number("... and that many (default 8).")] = None,
    standard_error_pp_per_decade: Annotated[
        float | None, _number("Instead: standard error of a published slope over --models models.")
    ] = None,
    standard_error_pp_per_doubling: Annotated[float | None, _number("The same per doubling of size.")] = None,
    tests: Annotated[int | None, _number("Tests between which Holm's first step divides the level (default 1).")] = None,
    power: Annotated[float | None, _number("Chance to find the slope (default 0.8).")] = None,
    level: Annotated[float | None, _number("Coverage of intervals (default 0.95).")] = None,
    half_width_pp: Annotated[float | None, _number("Plan human labels: half-width wanted of a corrected rate, in pp.")] = None,
    sensitivity: Annotated[float | None, _number("Of the grader, with --specificity.")] = None,
    specificity: Annotated[float | None, _number("Of the grader, with --sensitivity.")] = None,
    ppv: Annotated[float | None, _number("Or: predictive value of a positive grade, with --npv.")] = None,
    npv: Annotated[float | None, _number("Or: predictive value of a negative grade, with --ppv.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", "-o", help="Folder for plan.html, .md, .json and figures.", show_default=False)
    ] = None,
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """What would I need to know? Models, sizes, prompts and labels for an effect; what exact tests of few models can reach."""
    from safescale.analyses.plan import Wanted
    from safescale.main_job.planning import plan_from_assumptions, plan_from_rows, write_plan

    wanted = Wanted(
        effect_pp_per_decade=effect_pp_per_decade,
        effect_pp_per_doubling=effect_pp_per_doubling,
        tau_pp=tau_pp,
        base_rate=base_rate,
        prompts=prompts,
        traces_per_prompt=traces_per_prompt,
        prompt_icc=prompt_icc,
        sizes_b=None if sizes is None else tuple(float(word) for word in sizes.split(",")),
        min_b=min_b,
        max_b=max_b,
        models=models,
        standard_error_pp_per_decade=standard_error_pp_per_decade,
        standard_error_pp_per_doubling=standard_error_pp_per_doubling,
        tests=tests,
        power=power,
        level=level,
        half_width_pp=half_width_pp,
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=ppv,
        npv=npv,
    )
    answered: Answered[StudyPlan] | Answered[CorpusPlan]
    if paths:
        reading = attrs.evolve(asked.reading, paths=tuple(paths))
        with byte_progress("read", paths) as progress:
            answered = plan_from_rows(reading, asked.question, wanted, progress=progress, stage=stage_line)
    else:
        answered = plan_from_assumptions(_without_rows(asked, wanted))
    told = answered.told("json" if asked.json_output else output.value)
    if into is not None:
        written = write_plan(answered, into)
        if not asked.json_output and output is ResultFormat.TEXT:
            told = "\n".join([answered.result.answer, "", *(f"wrote {path}" for path in reversed(written))])
    typer.echo(told)


def _without_rows(asked: Asked, wanted: Wanted) -> Wanted:
    """Level and margin belong to every plan; options that select rows make no sense without rows."""
    from safescale.main_job import Input, Question

    alpha, margin_pp = asked.question.alpha, asked.question.margin_pp
    if asked.question != Question(alpha=alpha, margin_pp=margin_pp) or asked.reading != Input():
        raise typer.BadParameter("options that read or select rows need rows: name a corpus or logs, or leave them out")
    default = Question()
    return attrs.evolve(
        wanted,
        alpha=None if alpha == default.alpha else alpha,
        margin_pp=None if margin_pp == default.margin_pp else margin_pp,
    )
