"""``safescale card``: its forms, its refusals, and a command that gives the same card again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.command import assert_snapshot, run
from ingest.lines import row, write
from safescale_cli.main import app

SAID = {
    "help-card": (["card", "--help"], 0),
    "card-unknown-model": (["card", "plim", "--corpus", "logs.jsonl"], 4),
    "card-text": (["card", "frimble1-7b-abliterated", "--corpus", "logs.jsonl"], 0),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = []
    for j, (model, complied) in enumerate((("frimble1-7b", 6), ("frimble1-7b-abliterated", 31))):
        for i in range(40):
            verdict = "COMPLIANCE" if (i + 3 * j) % 40 < complied else "REFUSAL"
            names = {"model_id": model, "prompt_id": f"zarvonic-{i:03d}", "verdict": verdict, "raw_label": verdict}
            lines.append(row(100 * j + i, **names))
    write(tmp_path / "logs.jsonl", lines)
    return tmp_path


@pytest.mark.parametrize("name", SAID)
def test_what_the_command_says(name: str, folder: Path) -> None:
    arguments, code = SAID[name]
    outcome = run(*arguments, cwd=folder)
    assert outcome.code == code, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert_snapshot(name, outcome, cwd=folder)


def test_the_printed_command_gives_the_same_card_and_files_their_forms(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: what a process of its own says stands in the snapshots."""
    monkeypatch.chdir(folder)
    asked = ["card", "frimble1-7b-abliterated", "--corpus", "logs.jsonl", "--base", "frimble1-7b", "--min-cell", "10"]
    outcome = CliRunner().invoke(app, [*asked, "--json", "-o", "card.json"])
    assert outcome.exit_code == 0, outcome.output
    told = json.loads(outcome.stdout)
    assert told["command"] == f"safescale {' '.join(asked)}"
    assert json.loads((folder / "card.json").read_text(encoding="utf-8")) == told
    assert told["card"]["against_base"]["found_by"] == "named by the user"
    written = CliRunner().invoke(app, [*asked, "-o", "card.md"])
    assert written.stdout == "wrote card.md\n"
    assert (folder / "card.md").read_text(encoding="utf-8").startswith("---\nmodel_name: frimble1-7b-abliterated\n")


def test_an_example_stands_in_place_of_a_corpus(folder: Path) -> None:
    outcome = CliRunner().invoke(app, ["card", "toy-m-seed0", "--example", "toy", "--corpus", str(folder / "logs.jsonl")])
    assert outcome.exit_code == 2
    assert "--example stands in place of --corpus" in outcome.stderr
