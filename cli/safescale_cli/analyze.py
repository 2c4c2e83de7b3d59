"""``safescale analyze``."""

from __future__ import annotations

from typing import Annotated

import typer

from safescale_cli.asking import Asked, FormatOption, ResultFormat, asks, print_answer

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
