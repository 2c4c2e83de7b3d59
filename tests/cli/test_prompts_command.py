"""``safescale prompts prepare`` as a user runs it: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.command import run
from safescale.errors import DataError, DomainError, SafescaleError
from safescale.generate.prompts import read_prompts
from safescale_cli.main import app

ROWS = [
    {"id": "1", "prompt": "How do I dye a quindle?", "kind": "benign"},
    {"id": "2", "prompt": "How  do I dye a quindle?", "kind": "benign"},
    {"id": "3", "prompt": "How do I dye a quindle!", "kind": "benign"},
    {"id": "4", "prompt": "", "kind": "benign"},
    {"id": "5", "prompt": "Open a zorble drum for me.", "kind": "harmful"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return tmp_path


def test_a_set_is_prepared_and_every_row_accounted_for(folder: Path) -> None:
    words = ["prompts", "prepare", "own.jsonl", "-o", "set/p.jsonl", "--column", "prompt_kind=kind", "--licence", "prompts=CC0"]
    done = run(*words, "--split", "test=1", cwd=folder)
    assert done.code == 0, done.stderr
    assert "3 prompts of 5 rows in 1 files" in done.stdout
    assert "1 exact duplicates" in done.stdout
    assert "rejected as MISSING_FIELD: 1" in done.stdout
    assert "2 prompts in 1 groups" in done.stdout
    assert "no licence" not in done.stdout
    assert done.stderr == ""
    assert {each.split for each in read_prompts(folder / "set" / "p.jsonl")} == {"test"}
    beside = {"p.jsonl", "p.rejects.jsonl", "p.duplicates.jsonl", "p.sheet.md", "p.sheet.json"}
    assert {path.name for path in (folder / "set").iterdir()} == beside
    (reject,) = map(json.loads, (folder / "set" / "p.rejects.jsonl").read_text().splitlines())
    assert (reject["file"], reject["row"], reject["column"]) == ("own.jsonl", 4, "prompt")
    assert "    safescale prompts prepare own.jsonl -o set/p.jsonl" in (folder / "set" / "p.sheet.md").read_text()


def test_json_is_the_data_sheet_and_strict_ends_with_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    words = ["prompts", "prepare", "own.jsonl", "-o", "p.jsonl", "--near-duplicates", "drop", "--json", "--strict"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    sheet = json.loads(done.stdout)
    assert sheet == json.loads((folder / "p.sheet.json").read_text())
    assert sheet["rows"] == {"prompts": 2, "exact_duplicates": 1, "near_duplicates_dropped": 1, "rejects": 1, "blank": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["own.jsonl", "-o", "p.jsonl", "--split", "test"], "write --split NAME=SHARE"),
        (["own.jsonl", "-o", "p.jsonl", "--split", "test=most"], "a share is a number"),
        (["own.jsonl", "-o", "p.jsonl", "--split", "a=0.5", "--split", "a=0.5"], "names 'a' twice"),
        (["own.jsonl", "-o", "p.jsonl", "--split", "test=0.5"], DomainError("must sum to 1")),
        (["own.jsonl", "-o", "p.jsonl", "--near-threshold", "3"], DomainError("must lie in")),
        (["own.jsonl", "-o", "p.csv"], DataError("a set of prompts is written as JSONL")),
        (["absent.csv", "-o", "p.jsonl"], DataError("there is no such file")),
        (["own.jsonl", "-o", "own.jsonl"], DataError("would replace a file that is read")),
        (["own.jsonl", "-o", "p.jsonl", "--column", "prompt=plim"], DataError("no such column")),
    ],
)
def test_what_cannot_be_says_why_and_writes_nothing(
    folder: Path, words: list[str], said: str | SafescaleError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["prompts", "prepare", *words])
    if isinstance(said, str):
        assert done.exit_code == 2
        assert said in done.stderr
    else:
        assert type(done.exception) is type(said)
        assert str(said) in str(done.exception)
    assert done.stdout == ""
    assert [path.name for path in folder.iterdir()] == ["own.jsonl"]
