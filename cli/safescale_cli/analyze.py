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
