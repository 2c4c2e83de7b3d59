"""``safescale analyze``."""

from __future__ import annotations

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


@app.command("pooled")
@asks()
def pooled(asked: Asked, *, output: FormatOption = ResultFormat.TEXT) -> None:
    """Is a slope over model size the same in every source of rows, and what is the pooled one made of?"""
    from safescale.main_job import analyses

    print_answer(asked, analyses.pooled(), output)
