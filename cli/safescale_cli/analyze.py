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
