"""``safescale experiment dilution``: its words, its exit codes, its files."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import click.testing
import pytest
from typer.testing import CliRunner

from cli.command import Outcome, assert_snapshot, run
from safescale.errors import DataError, DomainError
from safescale_cli.main import app

EXAMPLE = Path(__file__).parents[2] / "examples" / "dilution"
ASK = ("experiment", "dilution", "--models", "models.yaml", "--prompts", "prompts.jsonl", "--engine", "fake")
TOLD = ("--grader", "fake-truth", "-o", "runs/x")
SMALL = ("--lines", "4", "--dose", "2", "--no-controls", "--limit", "30")


@pytest.fixture(autouse=True)
def _in_a_copy_of_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the simulations of the plan and the drawing of figures, which take seconds and are tested elsewhere."""
    from safescale.report.figures import sink
    from safescale.studies.dilution import run as pipeline
    from studies.killed_dilution import bare_figure

    monkeypatch.setattr(pipeline, "registered_power", lambda setting: {"words": "nobody asked"})
    monkeypatch.setattr(sink, "save_figure", bare_figure)


def here(*words: str) -> click.testing.Result:
    """The command in this process (a start of Python takes longer than all that it does here)."""
    return CliRunner().invoke(app, [*words])


def test_its_help_names_every_option(tmp_path: Path) -> None:
    assert_snapshot("experiment-dilution-help", run("experiment", "dilution", "--help", cwd=tmp_path), cwd=tmp_path)


@pytest.mark.usefixtures("quick")
def test_the_plan_alone_is_a_snapshot(tmp_path: Path) -> None:
    done = here(*ASK, *TOLD, "--lines", "4", "--dose", "2", "--plan-only")
    outcome = Outcome(code=done.exit_code, stdout=done.stdout, stderr=done.stderr)
    assert_snapshot("experiment-dilution-plan", outcome, cwd=tmp_path)
    assert not Path("runs").exists(), "a plan may be changed, so nothing is registered"


@pytest.mark.usefixtures("quick")
def test_the_answer_and_the_files_are_told() -> None:
    done = here(*ASK, *TOLD, *SMALL)
    assert done.exit_code == 0, done.exception
    assert "6 models x 3 conditions = 18 cells; x 30 prompts" in done.stderr
    assert "540 responses" in done.stderr
    assert "verdict: the data" in done.stdout
    assert "Departures from the pre-registration: none." in done.stdout
    for name in (
        "preregistration.yaml",
        "corpus.db",
        "result.json",
        "report/report.html",
        "report/report.md",
        "report/report.json",
    ):
        assert f"written: runs/x/{name}" in done.stdout
        assert (Path("runs/x") / name).is_file()
    assert "SIMULATED" in done.stdout
    again = here(*ASK, *TOLD, *SMALL, "--json")
    assert again.exit_code == 0
    told = json.loads(again.stdout)
    assert told["departures"] == []
    assert [one["grader_id"] for one in told["graders"]] == ["fake-truth/1"]
    assert told["report"]["fingerprint"] == json.loads(Path("runs/x/result.json").read_text())["result"]["fingerprint"]
    assert {one["stage"] for one in told["stages"]} >= {"registration", "generation", "ingest", "grading", "analysis", "report"}
    assert told["plan"]["responses"] == 540


@pytest.mark.usefixtures("quick")
def test_a_broken_model_gives_status_1_with_its_reason_and_the_result() -> None:
    text = Path("models.yaml").read_text()
    Path("models.yaml").write_text(text.replace("refusal: 0.7", "refusal: 0.7\n      fails_on: a", 1))
    done = here(*ASK, *TOLD, *SMALL)
    assert done.exit_code == 1
    assert "verdict: the data" in done.stdout
    assert re.search(r"sim/mimsy-0.5b: 0 of 90 responses \(32 requests in a row ended in SERVER_ERROR", done.stdout)
    assert "the same command asks again for what is missing" in done.stdout
    Path("models.yaml").write_text(text)
    mended = here(*ASK, *TOLD, *SMALL)
    assert mended.exit_code == 0, mended.exception
    assert "Departures from the pre-registration: none." in mended.stdout


@pytest.mark.usefixtures("quick")
def test_templates_of_the_users_file_are_conditions() -> None:
    Path("templates.yaml").write_text("rhyme: 'In rhyme: {prompt}'\nverse: 'In verse: {prompt}'\n")
    done = here(*ASK, *TOLD, *SMALL, "--templates", "templates.yaml", "--plan-only", "--json")
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["plan"]["conditions"] == 5
    assert json.loads(done.stdout)["left"] == {"answered": 0, "left": 900, "wall_s": None, "tokens_per_s": None}


def test_refuses_too_few_sizes_with_what_is_missing() -> None:
    text = Path("models.yaml").read_text()
    Path("models.yaml").write_text("models:" + "  - model:".join(text.partition("models:")[2].split("  - model:")[:4]))
    done = here(*ASK, *TOLD, *SMALL)
    assert isinstance(done.exception, DomainError)
    assert "4 distinct sizes, there are 3 and 1 decade between the smallest and the largest size, there are 0.90" in str(
        done.exception
    )
    assert not Path("runs").exists()


@pytest.mark.usefixtures("quick")
def test_asked_otherwise_it_refuses_the_folder_with_both_values() -> None:
    assert here(*ASK, *TOLD, *SMALL, "--register-only").exit_code == 0
    done = here(*ASK, *TOLD, *SMALL, "--seed", "3")
    assert isinstance(done.exception, DataError)
    assert "seed: there 0, here 3" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*ASK, "-o", "runs/x"), "name a grader: --grader NAME"),
        ((*ASK, *TOLD, "--lines", "1"), "Invalid value for '--lines'"),
        ((*ASK, *TOLD, "--kind", "riddle"), "Invalid value for '--kind'"),
    ],
)
def test_wrong_usage_is_status_2(words: tuple[str, ...], message: str) -> None:
    done = here(*words)
    assert done.exit_code == 2
    assert message in done.stderr


def test_ctrl_c_says_that_the_same_command_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.main_job import dilution

    def stops(*given: object, **named: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(dilution, "experiment_dilution", stops)
    done = here(*ASK, *TOLD)
    assert (done.exit_code, done.stdout) == (130, "")
    assert "The same command goes on" in done.stderr
