"""``safescale verify``."""

from __future__ import annotations

import enum
import shlex
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS
from safescale_cli.options import JsonOption


class VerifyFormat(enum.StrEnum):
    """Forms of the output."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def _assignments(given: list[str] | None) -> list[str] | None:
    """``n='N'``; anything else is wrong usage, said before anything is read."""
    for word in given or ():
        field, equals, heading = word.partition("=")
        if not (equals and field.strip() and heading.strip()):
            raise typer.BadParameter(f"a column is named as FIELD=HEADING, such as n=N; got {word!r}")
    return given


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="Claims: TOML, CSV, or a table pasted as Markdown.", show_default=False, exists=True, dir_okay=False, readable=True
        ),
    ],
    column_map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="Which column holds which field: TOML or YAML.",
            show_default=False,
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="The same on the spot, FIELD=HEADING: --column n=N --column percentage='ASR %'.",
            show_default=False,
            callback=_assignments,
        ),
    ] = None,
    output: Annotated[VerifyFormat, typer.Option("--format", help="Form of the output.")] = VerifyFormat.TEXT,
    json_output: JsonOption = False,
    into: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.", show_default=False)
    ] = None,
) -> None:
    """Check published figures from what is printed alone. Exit 0 none contradicts, 1 some do, 2 usage, 3 unreadable."""
    from safescale.audit import verify_claims
    from safescale.report.claims_report import claims_html, claims_json, claims_text
    from safescale.report.write_files import write_text

    named = {field.strip(): heading.strip() for field, _, heading in (word.partition("=") for word in columns or ())}
    results = verify_claims(file, column_map=column_map, columns=named)
    chosen = VerifyFormat.JSON if json_output else output
    if chosen is VerifyFormat.JSON:
        told = claims_json(results, file=str(file))
    elif chosen is VerifyFormat.HTML:
        told = claims_html(results, file=file.name, command=_command(file, column_map, columns))
    else:
        told = claims_text(results, file=str(file))
    if into is None:
        typer.echo(told)
    else:
        write_text(into, f"{told}\n")
        typer.echo(f"wrote {into}", err=True)
    if any(result.found_wrong for result in results):
        raise typer.Exit(EXIT_FINDINGS)


def _command(file: Path, column_map: Path | None, columns: list[str] | None) -> str:
    words = ["safescale", "verify", file.name]
    words += [] if column_map is None else ["--map", column_map.name]
    for word in columns or ():
        words += ["--column", word]
    return shlex.join(words)
