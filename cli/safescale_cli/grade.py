"""``safescale grade``."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli import grade_train
from safescale_cli.asking import Asked, FormatOption, ResultFormat, asks, print_answer
from safescale_cli.console import byte_progress
from safescale_cli.grade_probe import probe
from safescale_cli.grade_run import graders, run


class SheetChoice(enum.StrEnum):
    """Forms of a sheet for raters."""

    CSV = "csv"
    JSONL = "jsonl"


LabelsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--labels",
        help="A filled-in sheet of `grade sample`; may be repeated, one rater each.",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="Key of the sample (default: beside the labels).",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]

app = typer.Typer(help="Grade responses; check graders: sample, compare, correct.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _grading() -> None:
    """Grade responses; check graders: draw a sample for people, compare, correct."""


app.command("run")(run)
app.command("graders")(graders)


app.command("probe")(probe)


@app.command("sample")
@asks(without=("tier", "min_cell", "alpha", "margin_pp", "claim_class", "allow_keyword", "corrected", "cells"))
def sample(
    asked: Asked,
    *,
    into: Annotated[Path, typer.Option("--into", "-o", help="The sheet to write; its key and instructions lie beside it.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Traces to draw.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed and corpus give the same sample.")] = 0,
    target: Annotated[str, typer.Option("--target", help="What of the trace is graded.")] = "text",
    without_text: Annotated[
        bool, typer.Option("--without-text", help="Write the sheet although the corpus holds no responses.")
    ] = False,
    output: Annotated[SheetChoice, typer.Option("--format", help="Form of the sheet.")] = SheetChoice.CSV,
) -> None:
    """Draw a blinded sample for people to label: strata by condition and verdict, every chance known and stored in the key."""
    from safescale.grade import SheetFormat
    from safescale.main_job import grading

    with byte_progress("read", asked.paths) as progress:
        drawn = grading.sample(
            asked.reading,
            asked.question,
            into,
            labels=n,
            seed=seed,
            target=target,
            form=SheetFormat(output.value),
            without_text=without_text,
            progress=progress,
        )
    typer.echo(drawn.told(as_json=asked.json_output))


@app.command("agree")
@asks(without=("tier", "margin_pp", "claim_class", "allow_keyword", "corrected", "cells"))
def agree(asked: Asked, *, labels: LabelsOption = None, key: KeyOption = None, output: FormatOption = ResultFormat.TEXT) -> None:
    """How far do graders agree with each other, or with people? Per condition and model; and do models keep their order?"""
    from safescale.main_job import grading

    print_answer(asked, grading.agree(tuple(labels or ()), key=key), output)


@app.command("correct")
@asks(without=("tier", "min_cell", "margin_pp", "claim_class", "allow_keyword", "corrected", "cells"))
def correct(
    asked: Asked,
    *,
    labels: LabelsOption = None,
    key: KeyOption = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="Instead: a better grader of the corpus; a reference, not the truth.", show_default=False),
    ] = None,
    half_width_pp: Annotated[
        float, typer.Option("--half-width-pp", help="A corrected rate known less well is called too small a sample, in pp.")
    ] = 10.0,
    output: FormatOption = ResultFormat.TEXT,
) -> None:
    """What is the rate behind a grader's verdicts, strict and broad? Graded and corrected stand side by side."""
    from safescale.main_job import grading

    asking = grading.correct(tuple(labels or ()), key=key, reference=reference, half_width_pp=half_width_pp)
    print_answer(asked, asking, output)


app.command("train")(grade_train.train)
