"""``safescale analyze``."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from safescale_cli.asking import Asked, FormatOption, ResultFormat, asks, print_answer


class ByChoice(enum.StrEnum):
    """What two names stand for."""

    MODEL = "model"
    CONDITION = "condition"
    GRADER = "grader"


app = typer.Typer(help="One question of a corpus or of graded logs.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _questions() -> None:
    """One question of a corpus or of graded logs."""


@app.command("inverse-scaling")
@asks()
def inverse_scaling(asked: Asked, *, output: FormatOption = ResultFormat.TEXT) -> None:
    """Does attack success change with model size, and could this corpus tell? Models are the units."""
    from safescale.main_job import analyses

    print_answer(asked, analyses.inverse_scaling(), output)


@app.command("safety-roi")
@asks()
def safety_roi(
    asked: Asked,
    *,
    residual_pp: Annotated[
        float,
        typer.Option("--residual-pp", help="Distance from the size line that makes a provider over- or under-invested, in pp."),
    ] = 10.0,
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """Does provider or size carry the differences between models, beyond what chance gives either? Models are the units."""
    from safescale.main_job import analyses

    print_answer(asked, analyses.safety_roi(residual_pp=residual_pp), output)


@app.command("reemergence")
@asks(without=("tier", "margin_pp", "tampered"))
def reemergence(asked: Asked, *, output: FormatOption = ResultFormat.TEXT) -> None:
    """Do refusals come back in larger models whose safety training was removed, or does compliance turn into hedging?"""
    from safescale.main_job import analyses

    print_answer(asked, analyses.reemergence(), output)


@app.command("lineage")
@asks(without=("tampered",))
def lineage(
    asked: Asked,
    *,
    baseline_condition: Annotated[
        str | None, typer.Option("--baseline-condition", help="Pair each model with itself: condition without tampering.")
    ] = None,
    tampered_condition: Annotated[
        list[str] | None,
        typer.Option("--tampered-condition", help="Condition with tampering; may be repeated.", show_default=False),
    ] = None,
    size_tolerance: Annotated[
        float, typer.Option("--size-tolerance", help="Share by which the sizes of a pair may differ.")
    ] = 0.05,
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """How much does removing safety training change, and does that gap depend on model size? Pairs are the units."""
    from safescale.main_job import analyses

    asking = analyses.lineage(
        baseline_condition=baseline_condition,
        tampered_conditions=tuple(tampered_condition or ()),
        size_tolerance=size_tolerance,
    )
    print_answer(asked, asking, output)


@app.command("pooled")
@asks()
def pooled(asked: Asked, *, output: FormatOption = ResultFormat.TEXT) -> None:
    """Is a slope over model size the same in every source of rows, and what is the pooled one made of?"""
    from safescale.main_job import analyses

    print_answer(asked, analyses.pooled(), output)


@app.command("compare")
@asks(without=("margin_pp",))
def compare(
    asked: Asked,
    *,
    first: Annotated[
        str, typer.Argument(metavar="A", help="A model by exact or canonical id; or a condition, or a grader (--by).")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="What A is compared with: differences are B minus A.")],
    by: Annotated[ByChoice, typer.Option("--by", help="What A and B are.")] = ByChoice.MODEL,
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """How do two models, conditions or graders differ, per class and overall? Paired by prompt where the rows allow it."""
    from safescale.main_job import analyses

    print_answer(asked, analyses.compare(first, second, by=by.value), output)
