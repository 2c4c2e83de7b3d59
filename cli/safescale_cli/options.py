"""Options that several commands share, written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from safescale.ingest.batch import Options

__all__ = ["FromOption", "GraderIdOption", "HrOption", "JsonOption", "MapOption", "OutcomeOption", "PathsArgument", "SourceOption"]


def _known_format(name: str | None) -> str | None:
    """A format by its name; another word is wrong usage, said before anything is read."""
    if name is not None:
        from safescale.errors import DataError
        from safescale.ingest.detect import named_adapter

        try:
            named_adapter(name)
        except DataError as error:
            raise typer.BadParameter(str(error)) from None
    return name


PathsArgument = Annotated[list[Path], typer.Argument(help="Files or folders of graded logs.", show_default=False)]
FromOption = Annotated[
    str | None,
    typer.Option("--from", help="Format of the files (default: recognised).", show_default=False, callback=_known_format),
]
MapOption = Annotated[
    Path | None,
    typer.Option(
        "--map",
        help="YAML column map, for CSV, Parquet and other JSONL.",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="Name of the collection that the rows belong to.", show_default=False)
]
GraderIdOption = Annotated[
    str | None, typer.Option("--grader-id", help="Grader, where the format does not name it.", show_default=False)
]
OutcomeOption = Annotated[
    str | None, typer.Option("--outcome-map", help="Outcome map, where the format does not fix it.", show_default=False)
]
HrOption = Annotated[
    str,
    typer.Option(
        "--hallucination-refusal",
        help="What HALLUCINATION_REFUSAL means in these files: harmful_content, incoherent_compliance, not_used, undeclared.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def ingest_options(
    column_map: Path | None,
    source: str | None,
    grader_id: str | None,
    outcome_map: str | None,
    hallucination_refusal: str,
) -> Options:
    """What the user says about the input, from the options of a command."""
    from safescale.errors import DomainError
    from safescale.ingest.batch import Options

    try:
        return Options(
            source=source,
            column_map=column_map,
            grader_id=grader_id,
            outcome_map=outcome_map,
            hallucination_refusal=hallucination_refusal,
        )
    except DomainError as error:
        raise typer.BadParameter(str(error)) from None
