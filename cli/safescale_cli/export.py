"""``safescale export``."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import row_progress
from safescale_cli.options import JsonOption


class To(enum.StrEnum):
    """Forms of an export."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"
    EVERY_EVAL_EVER = "every-eval-ever"
    INSPECT_SCORES = "inspect-scores"
    HF_DATASET = "hf-dataset"


_SUFFIXES = {".parquet": To.PARQUET, ".csv": To.CSV, ".jsonl": To.JSONL, ".ndjson": To.JSONL}


def export(
    corpus: Annotated[Path, typer.Argument(help="A corpus, as safescale ingest makes it.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", "-o", help="File or folder to write.", show_default=False)],
    to: Annotated[To | None, typer.Option("--to", help="Form (default: by the suffix of the file).", show_default=False)] = None,
    grader: Annotated[
        list[str] | None,
        typer.Option("--grader", help="Only the grades of this grader; may be repeated (default: all).", show_default=False),
    ] = None,
    with_text: Annotated[bool, typer.Option("--with-text", help="Include prompts and responses. They may be harmful.")] = False,
    licence: Annotated[str, typer.Option("--licence", help="Licence identifier for the card of a dataset.")] = "unknown",
    name: Annotated[
        str | None, typer.Option("--name", help="What the collection is called (default: the corpus's name).", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Write a corpus for other tools. Prompts and responses are left out unless asked for; hashes and lengths stay."""
    import contextlib

    from safescale.export import ExportKind, export_corpus
    from safescale.report.export_report import export_json, export_text
    from safescale.store import open_corpus

    kind = to or _by_suffix(into)
    with contextlib.closing(open_corpus(corpus)) as opened, row_progress("export", opened.count("traces")) as progress:
        result = export_corpus(
            opened,
            into,
            ExportKind(kind.value),
            graders=tuple(grader or ()),
            with_text=with_text,
            licence=licence,
            name=name,
            overwrite=overwrite,
            progress=progress,
        )
    typer.echo(export_json(result) if json_output else export_text(result))


def _by_suffix(into: Path) -> To:
    bare = into.with_suffix("") if into.suffix in {".gz", ".zst"} else into
    found = _SUFFIXES.get(bare.suffix.lower())
    if found is None:
        raise typer.BadParameter(f"{into.name!r} does not say which form: give --to {'|'.join(To)}")
    return found
