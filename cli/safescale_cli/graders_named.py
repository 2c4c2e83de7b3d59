"""The graders that a command line names: by name, by a judge's file, by an encoder's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from safescale.grade.grader import Grader

__all__ = ["EncoderOption", "JudgeOption", "graders_named"]

JudgeOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--judge", help="YAML file of a judge or guard: engine, rubric, options; may be repeated.", show_default=False, exists=True
    ),
]
EncoderOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--encoder",
        help="Folder that `grade train` wrote, or a YAML file about another classifier; may be repeated.",
        show_default=False,
        exists=True,
    ),
]


def graders_named(names: Sequence[str], judges: Sequence[Path] | None, encoders: Sequence[Path] | None) -> list[Grader]:
    """Open them all, names first; none is wrong usage."""
    from safescale.grade.grader import open_grader

    opened: list[Grader] = [open_grader(name) for name in names]
    if judges:
        from safescale.grade.judge import open_judge

        opened += [open_judge(path) for path in judges]
    if encoders:
        from safescale.grade.encoder import open_encoder

        opened += [open_encoder(path) for path in encoders]
    if not opened:
        raise typer.BadParameter("name a grader: --grader NAME (see `safescale grade graders`), --judge FILE or --encoder FOLDER")
    return opened
