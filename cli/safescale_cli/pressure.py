"""``safescale pressure``."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from safescale_cli import pressure_directions, pressure_weights
from safescale_cli.options import JsonOption


class KindChoice(enum.StrEnum):
    """Sorts of puzzles."""

    ORDERING = "ordering"
    TRUTH_TELLERS = "truth_tellers"
    SCHEDULING = "scheduling"
    ARITHMETIC = "arithmetic"
    SYLLOGISM = "syllogism"


app = typer.Typer(
    help="Attack compute and defences: what is put around prompts, and what is done to weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


app.command("finetune")(pressure_weights.finetune)
app.command("merge")(pressure_weights.merge)
app.command("tamper-resistance")(pressure_weights.tamper_resistance)
app.command("directions")(pressure_directions.directions)
app.command("steer")(pressure_directions.steer)


@app.callback()
def _pressure() -> None:
    """Attack compute and defences: what is put around prompts, and what is done to weights."""


@app.command("puzzles")
def puzzles(
    n: Annotated[int, typer.Option("--n", min=1, help="How many, when no prompts are named.")] = 20,
    kind: Annotated[
        list[KindChoice] | None, typer.Option("--kind", help="Sort of puzzle; may be repeated (default: all).", show_default=False)
    ] = None,
    lines: Annotated[int, typer.Option("--lines", help="Lines of each, premises and question.")] = 7,
    difficulty: Annotated[int, typer.Option("--difficulty", help="Inferences that each takes, 1 to 3.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the puzzles; an experiment's stands in its registration.")] = 0,
    prompts: Annotated[
        Path | None,
        typer.Option("--prompts", help="A file of prompts: show the puzzle that each of them gets.", show_default=False),
    ] = None,
    neutral: Annotated[bool, typer.Option("--neutral", help="Show the neutral prose of the same length too.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Print puzzles as an experiment prepends them, with their answers."""
    import json

    from safescale.pressure import WORDS, NeutralBefore, PuzzleSet
    from safescale.pressure.puzzles import PUZZLE_KINDS, guess_rate

    ids = [f"example-{number:04d}" for number in range(1, n + 1)] if prompts is None else _ids(prompts)
    kinds = tuple(one for one in PUZZLE_KINDS if not kind or KindChoice(one) in kind)
    made = PuzzleSet.of(ids, kinds=kinds, lines=lines, difficulty=difficulty, seed=seed)
    prose = NeutralBefore.of(made).prose if neutral else {}
    for place, (prompt_id, puzzle) in enumerate(made.puzzles.items()):
        beside = prose.get(prompt_id)
        if json_output:
            row: dict[str, object] = {
                "id": prompt_id,
                "puzzle_id": puzzle.puzzle_id,
                "kind": puzzle.kind,
                "difficulty": puzzle.difficulty,
                "lines": list(puzzle.lines),
                "answer": puzzle.answer,
                "guess_rate": guess_rate(puzzle.kind),
            }
            if beside is not None:
                row |= {"neutral": list(beside.lines), "counter": WORDS.name, "length": WORDS(puzzle.text), "off_by": beside.off_by}
            typer.echo(json.dumps(row, ensure_ascii=False))
            continue
        typer.echo(f"{'' if place == 0 else chr(10)}# {prompt_id} ({puzzle.kind}): {puzzle.answer}\n{puzzle.text}")
        if beside is not None:
            typer.echo(f"# neutral, {beside.length} {WORDS.name} (puzzle: {beside.wanted})\n{beside.text}")


def _ids(path: Path) -> list[str]:
    from safescale.generate.prompt_file import read_prompt_set

    return [prompt.prompt_id for prompt in read_prompt_set(path).prompts]
