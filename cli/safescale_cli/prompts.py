"""``safescale prompts``."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS, byte_progress, stage_line, typed_command
from safescale_cli.options import JsonOption


class NearChoice(enum.StrEnum):
    """What is done about near-duplicates."""

    REPORT = "report"
    DROP = "drop"
    OFF = "off"


class KindChoice(enum.StrEnum):
    """Whether a prompt asks for harm."""

    HARMFUL = "harmful"
    BENIGN = "benign"
    UNKNOWN = "unknown"


def _pairs(option: str, shape: str, given: list[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` words of an option; anything else is wrong usage."""
    found: dict[str, str] = {}
    for word in given or ():
        name, equals, value = word.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise typer.BadParameter(f"write {option} {shape}; got {word!r}")
        if name.strip() in found:
            raise typer.BadParameter(f"{option} names {name.strip()!r} twice")
        found[name.strip()] = value.strip()
    return found


def _shares(given: list[str] | None) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name, value in _pairs("--split", "NAME=SHARE", given).items():
        try:
            shares[name] = float(value)
        except ValueError:
            raise typer.BadParameter(f"a share is a number in (0, 1]; got {value!r} for {name!r}") from None
    return shares


app = typer.Typer(help="Prepare sets of prompts.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _prompts() -> None:
    """Prepare sets of prompts."""


@app.command("prepare")
def prepare(
    paths: Annotated[list[Path], typer.Argument(help="CSV, TSV, JSONL or Parquet files, or folders of them.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", "-o", help="The file of prompts to write: NAME.jsonl.")],
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="FIELD=NAME, for files of no known layout: prompt, prompt_kind, attack_class, category, source, source_id.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Source of all prompts.", show_default=False)] = None,
    kind: Annotated[
        KindChoice | None, typer.Option("--kind", help="Kind of the prompts of which the files say nothing.", show_default=False)
    ] = None,
    near: Annotated[
        NearChoice,
        typer.Option("--near-duplicates", help="Keep and list them; keep one of each; or do not look (needs no extra)."),
    ] = NearChoice.REPORT,
    near_threshold: Annotated[
        float, typer.Option("--near-threshold", help="Jaccard index of runs of five characters from which two prompts are near.")
    ] = 0.8,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", help="NAME=SHARE, repeated; shares sum to 1 (default: dev=0.2, test=0.8).", show_default=False),
    ] = None,
    split_seed: Annotated[int, typer.Option("--split-seed", help="Another seed draws other splits.")] = 0,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="SOURCE=TEXT, repeated, for the data sheet.", show_default=False),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", help="SOURCE=TEXT (address, commit, paper), repeated, for the data sheet.", show_default=False),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when any row was rejected.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Make one set of prompts of your own files: without duplicates, with ids over content, split, with a data sheet."""
    from safescale.generate.prompts import NearDuplicates, Preparing, prepare_prompts, sheet_json
    from safescale.generate.prompts.said import prepared_text

    how = Preparing(
        columns=_pairs("--column", "FIELD=NAME", column),
        source=source,
        kind=None if kind is None else kind.value,
        near=NearDuplicates(near.value),
        near_threshold=near_threshold,
        split_seed=split_seed,
        licences=_pairs("--licence", "SOURCE=TEXT", licence),
        origins=_pairs("--origin", "SOURCE=TEXT", origin),
        command=typed_command(),
        **({"splits": _shares(split)} if split else {}),
    )
    with byte_progress("read", paths) as progress:
        made = prepare_prompts(paths, into, how, progress=progress, stage=stage_line)
    typer.echo(sheet_json(made.sheet).rstrip() if json_output else prepared_text(made))
    if strict and made.sheet.reject_codes:
        raise typer.Exit(EXIT_FINDINGS)
