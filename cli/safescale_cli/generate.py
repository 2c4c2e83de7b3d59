"""``safescale generate``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS
from safescale_cli.options import JsonOption

if TYPE_CHECKING:
    from safescale.generate import Progress, RunPlan, Watch

EXIT_INTERRUPTED = 130


def generate(
    models: Annotated[
        Path,
        typer.Option(
            "--models", help="Which models answer, and under which conditions (YAML).", exists=True, dir_okay=False, readable=True
        ),
    ],
    prompts: Annotated[
        Path,
        typer.Option(
            "--prompts", help="Prompts (JSONL or CSV; see `prompts prepare`).", exists=True, dir_okay=False, readable=True
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the runs; what is answered there is not asked again.")],
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine", help="Engine of the models that name none: fake, transformers, vllm, openai, ray.", show_default=False
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Responses to each prompt under each condition.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the run; each request has its own, made of it.")] = 0,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, help="Default: the models file's, else 0.", show_default=False)
    ] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Default: the models file's, else 1.", show_default=False)] = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", min=0, help="Default: the models file's, else 0 (all).", show_default=False)
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", min=1, help="Tokens of an answer at most. Default: the models file's, else 512.", show_default=False
        ),
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="Text at which an answer ends; may be repeated.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--model", help="Ask this model alone; may be repeated.", show_default=False)
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="Ask under this condition alone; may be repeated.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Ask the first N prompts alone; a later call may ask more.", show_default=False),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=1, help="Requests handed to an engine at once.", show_default=False)
    ] = None,
    token_budget: Annotated[
        int | None,
        typer.Option(
            "--token-budget",
            min=1,
            help="Stop when these runs have used so many tokens, prompts and answers together.",
            show_default=False,
        ),
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although a package has another version than when the run began.")
    ] = False,
    batch_out: Annotated[
        Path | None,
        typer.Option(
            "--batch-out", help="Ask nobody: write what is to be asked as a batch file (engine openai).", show_default=False
        ),
    ] = None,
    batch_in: Annotated[
        list[Path] | None,
        typer.Option(
            "--batch-in",
            help="Take in an output file of a batch; may be repeated.",
            show_default=False,
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked; open no engine, write nothing.")] = False,
    json_output: JsonOption = False,
) -> None:
    """
    Ask models the prompts, and keep every response at once. Killed or stopped, the same command goes on.

    Exit 1 when responses failed for reasons that may pass: the same command asks them again.
    """
    from safescale.generate import generate as run
    from safescale.generate import look_ahead, plan_runs, read_models, read_prompt_set
    from safescale.report.generate_report import generate_json, generate_text

    given = {
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "max_tokens": max_tokens,
        "stop": tuple(stop) if stop else None,
    }
    found = read_prompt_set(prompts)
    plans = plan_runs(
        read_models(models, engine=engine),
        found,
        sampling={name: value for name, value in given.items() if value is not None},
        seed=seed,
        samples=samples,
        limit=limit,
        only=tuple(only or ()),
        conditions=tuple(condition or ()),
    )
    if found.same_text:
        typer.echo(
            f"safescale: {found.same_text:,} prompts have a text that an earlier one has too; `prompts prepare` finds them",
            err=True,
        )
    if batch_out is not None or batch_in:
        if len(plans) != 1 or (batch_out is not None and batch_in):
            raise typer.BadParameter("a batch file is of one model: name it with --model, and give --batch-out or --batch-in")
        if dry_run or token_budget is not None:
            raise typer.BadParameter("--dry-run and --token-budget are for models that are asked here, not for batch files")
        _by_file(plans[0], out, batch_out, tuple(batch_in or ()), accept_changes=accept_changes, json_output=json_output)
        return
    if dry_run:
        result = look_ahead(plans, out)
    else:
        command = {"models": str(models), "prompts": str(prompts), "engine": engine, "token_budget": token_budget}
        try:
            with generation_progress() as watch:
                result = run(
                    plans,
                    out,
                    batch_size=batch_size,
                    token_budget=token_budget,
                    accept_changes=accept_changes,
                    watch=watch,
                    command=command,
                )
        except KeyboardInterrupt:
            typer.echo("safescale: stopped; every response that came is kept. The same command goes on", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None
    typer.echo(generate_json(result) if json_output else generate_text(result))
    if result.waiting and not dry_run:
        raise typer.Exit(EXIT_FINDINGS)


def _by_file(
    plan: RunPlan, out: Path, batch_out: Path | None, batch_in: tuple[Path, ...], *, accept_changes: bool, json_output: bool
) -> None:
    """Write what a run lacks as a batch file, or take in what came of one."""
    from safescale.generate import GenerateResult, read_batches, write_batches
    from safescale.report.generate_report import batch_json, batch_text, generate_json, generate_text, taken_text

    if batch_out is not None:
        written = write_batches(plan, out, batch_out, accept_changes=accept_changes)
        typer.echo(batch_json(written) if json_output else batch_text(written))
        return
    command = {"batch_in": [str(path) for path in batch_in]}
    taken = read_batches(plan, out, batch_in, accept_changes=accept_changes, command=command)
    result = GenerateResult(out=out, runs=(taken.run,))
    typer.echo(taken_text(taken), err=json_output)
    typer.echo(generate_json(result) if json_output else generate_text(result))
    if result.waiting:
        raise typer.Exit(EXIT_FINDINGS)


@contextmanager
def generation_progress() -> Iterator[Watch | None]:
    """Responses, tokens a second, time left and the running rate, on stderr; None when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def watch(progress: Progress) -> None:
            if progress.model_id not in tasks:
                tasks[progress.model_id] = bar.add_task(progress.model_id, total=progress.total, said="")
            bar.update(tasks[progress.model_id], completed=progress.done, said=progress_words(progress))  # type: ignore[arg-type]

        yield watch


def progress_words(progress: Progress) -> str:
    """Tokens a second, time left and the running rate, in one line."""
    words = []
    if progress.tokens_per_s is not None:
        words.append(f"{progress.tokens_per_s:,.0f} tok/s")
    if progress.eta_s is not None:
        minutes, seconds = divmod(round(progress.eta_s), 60)
        words.append(f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d} left")
    words += [f"{name} {100 * share:.0f} %" for name, share in list(progress.shares.items())[:4]]
    return ", ".join(words)
