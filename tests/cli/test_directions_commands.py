"""``safescale pressure directions`` and ``steer`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safescale.toy.world import the_world
from safescale_cli.main import app

MODEL = Path(__file__).resolve().parents[2] / "examples" / "toy" / "models" / "toy-sm-seed0"


def _prompts(path: Path) -> Path:
    world = the_world()
    rows: list[dict[str, str]] = []
    for asked in world.requests(held_out=False):
        sealed = world.sealed(asked.item, asked.intent)
        if sealed or (world.intent(asked.intent).risky and asked.template % 3 == 0):
            kind, name = ("harmful", str(world.categories[asked.item])) if sealed else ("benign", "benign")
            text = world.question(asked)
            rows.append({"prompt_id": f"q-{len(rows)}", "prompt": text, "prompt_kind": kind, "attack_class": name})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.hf
def test_directions_are_found_read_again_and_baked(tmp_path: Path) -> None:
    words = ["pressure", "directions", str(MODEL), "--prompts", str(_prompts(tmp_path / "p.jsonl")), "--grader", "toy-world"]
    words += ["--positions", "1", "--max-tokens", "12", "-o", str(tmp_path / "d")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("direction found: of ")
    assert "as many random ones" in done.stdout
    assert done.stdout.endswith(f"wrote {tmp_path / 'd'}\n")
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert told["found"] is True
    assert told["grader"] == "toy-world/2"
    assert told["categories"] == ["dremmel", "quorl", "thrane", "zorvane"]
    steered = ["pressure", "steer", str(MODEL), "--directions", str(tmp_path / "d"), "--coefficient", "-1.5"]
    done = CliRunner().invoke(app, [*steered, "-o", str(tmp_path / "steered"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["norm"] == told["norm"]
    assert (tmp_path / "steered" / "model.safetensors").is_file()
    done = CliRunner().invoke(app, [*steered, "-o", str(tmp_path / "hooks"), "--hooks"])
    assert "steering -1.5 of the difference in means" in done.stdout
    assert (tmp_path / "hooks" / "intervention.json").is_file()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--layers", "one"], 2, "layers are whole numbers between commas, got 'one'"),
        (["--grader", "wabe"], 1, "no grader is called 'wabe'"),
    ],
)
def test_wrong_usage_is_said_before_a_model_is_opened(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    prompts = _prompts(tmp_path / "p.jsonl")
    done = CliRunner().invoke(
        app, ["pressure", "directions", str(tmp_path), "--prompts", str(prompts), "-o", str(tmp_path / "d"), *words]
    )
    assert done.exit_code == code
    assert said in done.output + str(done.exception)
