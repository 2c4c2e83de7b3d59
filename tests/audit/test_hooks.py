"""The pre-commit hook and the GitHub Action name commands and options that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
import yaml

from safescale_cli.audit import FailOn
from safescale_cli.main import app

ROOT = Path(__file__).parents[2]


def command(name: str) -> click.Command:
    whole = typer.main.get_command(app)
    return whole.commands[name]  # type: ignore[attr-defined, no-any-return]


def options(name: str) -> set[str]:
    return {option for parameter in command(name).params for option in (*parameter.opts, *parameter.secondary_opts)}


def hooks() -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_the_hook_runs_a_command_that_takes_files(hook: dict[str, Any]) -> None:
    assert {"id", "name", "entry", "language", "description"} <= set(hook)
    program, name, *rest = shlex.split(hook["entry"])
    assert program == "safescale"
    assert any(parameter.nargs == -1 for parameter in command(name).params if parameter.param_type_name == "argument")
    assert set(rest) <= options(name)
    assert hook["require_serial"]


def test_the_action_uses_options_and_inputs_that_exist() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    assert all(step.get("uses") or step.get("shell") for step in action["runs"]["steps"])
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(action["inputs"])
    script = action["runs"]["steps"][-1]["run"]
    used = set(re.findall(r"(?<=[\s(])--[a-z-]+", script))
    assert used == {"--format", "--fail-on", "--waivers", "--map"}
    assert used <= options("audit")
    # no input is written into a script: it would be run
    assert "${{" not in script
    assert action["inputs"]["fail-on"]["default"] in list(FailOn)


def test_the_script_of_the_action_is_bash(tmp_path: Path) -> None:
    import subprocess

    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        if "run" in step:
            assert subprocess.run(["bash", "-n", "-c", step["run"]], capture_output=True, check=False).returncode == 0
