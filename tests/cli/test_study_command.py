"""``safescale study robustness`` as a user types it, on the fake engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safescale.report.figures import sink
from safescale_cli.main import app
from studies import robustness_world as world
from studies.killed_dilution import bare_figure

SMALL = {"weights": False, "targets": None, "sizes": (0.5, 4.0)}


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["study", "robustness", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_plan_only_prints_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    path, out = world.write_study(tmp_path, **SMALL), tmp_path / "out"
    code, text, _ = run("--config", str(path), "-o", str(out), "--plan-only")
    assert code == 0
    assert text.startswith("plan: 2 models (2 sizes, 1 lineage); 4 cells (2 none, 2 prompt)\n")
    assert "26 prompts (20 harmful, 6 benign) x 2 samples x 4 cells = 208 responses" in text
    code, text, _ = run("--config", str(path), "-o", str(out), "--plan-only", "--json")
    plan = json.loads(text)
    assert code == 0
    assert plan["cells"] == {"none": 2, "prompt": 2}
    assert plan["responses"] == 208
    assert not out.exists()


def test_a_study_prints_its_plan_first_and_then_its_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "save_figure", bare_figure)
    path, out = world.write_study(tmp_path, **SMALL), tmp_path / "out"
    code, text, said = run("--config", str(path), "-o", str(out))
    assert code == 0
    assert said.startswith("plan: 2 models")
    assert "verdict: cannot tell" in text
    assert "SIMULATED" in text
    assert f"written: {out / 'report' / 'report.html'}" in text
    assert (out / "report" / "report.html").is_file()
    assert f"for people to label: {out / 'validation' / 'sample.csv'}" in text
    code, text, said = run("--config", str(path), "-o", str(out), "--json")
    told = json.loads(text)
    assert code == 0
    assert "208 responses" in said
    assert told["broken"] == []
    assert told["report"]["simulated"] is True
    assert told["plan"]["done"]["responses"] == 208


def test_until_ends_early_and_says_how_to_go_on(tmp_path: Path) -> None:
    path, out = world.write_study(tmp_path, **SMALL), tmp_path / "out"
    code, text, _ = run("--config", str(path), "-o", str(out), "--until", "generation")
    assert code == 0
    assert "no result yet" in text
    assert not (out / "responses.db").exists()


def test_what_is_broken_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    path, out = world.write_study(tmp_path, **SMALL), tmp_path / "out"
    models = path.with_name("models.yaml")
    models.write_text(models.read_text(encoding="utf-8").replace("over_refusal: 0.1", "fails_on: '3?'", 1), encoding="utf-8")
    code, text, _ = run("--config", str(path), "-o", str(out), "--until", "analysis")
    assert code == 1
    assert "broken, generation: sim/plim-0.5b: " in text
    assert "the same command tries again what is missing" in text
