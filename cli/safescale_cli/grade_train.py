"""``safescale grade train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import row_progress


def train(
    corpus: Annotated[Path, typer.Argument(help="Corpus with texts and labels.", exists=True)],
    *,
    base: Annotated[Path, typer.Option("--base", help="Folder of an encoder and its tokenizer.", exists=True, file_okay=False)],
    into: Annotated[Path, typer.Option("--into", "-o", help="Folder to write the grader into.")],
    labels_of: Annotated[
        str | None,
        typer.Option("--labels-of", help="Grader whose labels are learnt (default: the only human one).", show_default=False),
    ] = None,
    target: Annotated[str, typer.Option("--target", help="What of the trace is graded.")] = "text",
    name: Annotated[str, typer.Option("--name", help="Name of the grader; its id adds a hash over data and settings.")] = "encoder",
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the training split.")] = 4,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Peak of AdamW.")] = 3e-5,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Responses a step.")] = 16,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=16, help="Tokens of a response that are read.")] = 512,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of split, head and order.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="CPU threads.")] = 1,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole account as JSON.")] = False,
) -> None:
    """Fine-tune an encoder on labels of a corpus: split by prompt, calibrated on one part, reported on another; resumes."""
    from safescale.grade.encoder.settings import TrainingSettings
    from safescale.main_job import training

    settings = TrainingSettings(
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_tokens=max_tokens,
        seed=seed,
        threads=threads,
        device=device,
    )
    with row_progress("train", epochs) as bar:
        told = training.train(corpus, base, into, grader=labels_of, target=target, name=name, settings=settings, epoch_done=bar)
    typer.echo(told.told(as_json=as_json))
