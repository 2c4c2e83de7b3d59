"""``safescale pressure puzzles`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.command import run
from safescale.pressure.puzzles import Puzzle, is_solved, puzzles_for
from safescale_cli.main import app


def test_prints_puzzles_with_their_answers(tmp_path: Path) -> None:
    done = run("pressure", "puzzles", "--n", "3", "--lines", "4", "--kind", "ordering", "--neutral", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    blocks = done.stdout.split("\n\n")
    assert len(blocks) == 3
    assert all(block.startswith(f"# example-000{place} (ordering): ") for place, block in enumerate(blocks, start=1))
    assert all(block.count("Answer with one name.\n# neutral, ") == 1 for block in blocks)


def test_json_rows_are_the_puzzles_of_the_library(tmp_path: Path) -> None:
    words = ["pressure", "puzzles", "--n", "5", "--seed", "353", "--difficulty", "2", "--neutral", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    made = puzzles_for([f"example-000{place}" for place in range(1, 6)], difficulty=2, seed=353)
    assert [(row["id"], row["kind"], tuple(row["lines"]), row["answer"]) for row in rows] == [
        (key, puzzle.kind, puzzle.lines, puzzle.answer) for key, puzzle in made.items()
    ]
    assert all(row["off_by"] == 0 and len(row["neutral"]) == 7 for row in rows)
    first = Puzzle(kind=rows[0]["kind"], lines=tuple(rows[0]["lines"]), answer=rows[0]["answer"], difficulty=2)
    assert is_solved(first, f"The answer is {rows[0]['answer']}.") is True


def test_shows_the_puzzles_that_the_prompts_of_a_file_get(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text("".join(json.dumps({"prompt_id": name, "prompt": f"Dye a {name}."}) + "\n" for name in ("zorble", "quindle")))
    done = CliRunner().invoke(app, ["pressure", "puzzles", "--prompts", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["quindle", "zorble"]


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    done = run("pressure", "puzzles", "--lines", "40", cwd=tmp_path)
    assert (done.code, done.stdout) == (4, "")
    assert done.stderr == "safescale: a puzzle has 2 to 20 lines (premises, then a question), got 40\n"
    assert run("pressure", "puzzles", "--kind", "riddle", cwd=tmp_path).code == 2
