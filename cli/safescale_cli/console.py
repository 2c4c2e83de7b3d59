"""Exit codes, error lines, and the progress bar: everything that is not data goes to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

__all__ = ["EXIT_DATA", "EXIT_DOMAIN", "EXIT_FINDINGS", "byte_progress", "fail", "row_progress", "stage_line", "typed_command"]

EXIT_FINDINGS: Final = 1
EXIT_DATA: Final = 3
EXIT_DOMAIN: Final = 4


def fail(error: Exception, code: int) -> int:
    """Print an error on stderr as one line and give the exit code."""
    typer.echo(f"safescale: {error}", err=True)
    return code


def typed_command() -> str:
    """What the user typed, to be typed again."""
    import shlex

    return shlex.join(["safescale", *sys.argv[1:]])


@contextmanager
def byte_progress(label: str, paths: Sequence[Path]) -> Iterator[Callable[[str, int], None] | None]:
    """Progress bar over the bytes of files, on stderr; None when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from safescale.ingest.detect import found_files

    there = [path for path in paths if path.exists()]
    total = sum(_size(found.path) for found in found_files(there) if found.is_data and found.closed is None)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)

        def advance(file: str, done: int) -> None:
            bar.update(task, advance=done, description=f"{label} {Path(file).name}")

        yield advance


@contextmanager
def row_progress(label: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Progress bar over rows, on stderr; None when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, advance=done)


def stage_line(words: str) -> None:
    """Say on stderr what is being done, when somebody watches."""
    if sys.stderr.isatty():
        typer.echo(f"{words} ...", err=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
