"""``safescale generate``: its words, its exit codes, and that its runs go on into a corpus."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import click.testing
import pytest
from typer.testing import CliRunner

from cli.command import run
from safescale.errors import DataError
from safescale_cli.main import app

EXAMPLE = Path(__file__).parents[2] / "examples" / "generate"
ASK = ("generate", "--models", "models.yaml", "--prompts", "prompts.jsonl", "--engine", "fake", "-o", "runs/x")


@pytest.fixture(autouse=True)
def _in_a_copy_of_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def here(*words: str) -> click.testing.Result:
    """The command in this process (a start of Python takes longer than all that it does here)."""
    return CliRunner().invoke(app, [*words])


def test_generate_ingest_validate_end_to_end() -> None:
    asked = here(*ASK, "--samples", "2", "--json")
    assert (asked.exit_code, asked.stderr) == (0, "")
    told = json.loads(asked.stdout)
    assert [(r["model_id"], r["planned"], r["answered"], r["ended"]) for r in told["runs"]] == [
        (f"sim/zorble-{size}b", 48, 48, "done") for size in (1, 8, 70)
    ]
    checked = here("validate", "runs/x")
    assert checked.exit_code == 0
    assert "147 rows in = 144 trace + 3 metadata" in checked.stdout
    taken = here("ingest", "runs/x", "--into", "corpus.db", "--json")
    assert taken.exit_code == 0
    assert json.loads(taken.stdout)["fates"]["trace"] == 144


def test_a_limit_a_budget_and_a_changed_plan() -> None:
    dry = here(*ASK, "--limit", "2", "--dry-run")
    assert dry.exit_code == 0
    assert "18 planned = 0 answered + 0 to be asked again + 18 not asked yet; 0 asked now" in dry.stdout
    assert "18 responses would be, into runs/x" in dry.stdout
    assert not Path("runs").exists()
    few = here(*ASK, "--limit", "2")
    assert few.exit_code == 0
    assert "18 planned = 18 answered" in few.stdout
    spent = here(*ASK, "--token-budget", "600")
    assert spent.exit_code == 0
    assert re.search(r"the budget is spent \(6\d\d of 600 tokens\); the same command with a larger one goes on", spent.stdout)
    changed = here(*ASK, "--temperature", "0.1")
    assert isinstance(changed.exception, DataError)
    assert "sampling.temperature: there 0.7, here 0.1" in str(changed.exception)
    whole = here(*ASK)
    assert "72 planned = 72 answered + 0 to be asked again + 0 not asked yet" in whole.stdout


def test_faults_that_may_pass_give_status_1_and_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.engines import Answer, EngineSpec, FaultCode, Request, fake

    def breaks(request: Request, spec: EngineSpec) -> str | Answer:
        asked = request.messages[-1].content
        return Answer.failed(request, FaultCode.TIMEOUT, "60 s are over") if "plome" in asked else "amber"

    monkeypatch.setattr(fake, "open_fake", lambda spec: fake.FakeEngine(spec, reply=breaks))
    failed = here(*ASK)
    assert failed.exit_code == 1
    assert "72 planned = 63 answered + 9 to be asked again + 0 not asked yet; 72 asked now" in failed.stdout
    assert "sim/zorble-1b: faults TIMEOUT 3" in failed.stdout
    assert "the same command asks again for what failed" in failed.stdout
    monkeypatch.undo()


def test_ctrl_c_says_that_the_same_command_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.engines import EngineSpec, Request, fake

    def stops(request: Request, spec: EngineSpec) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "open_fake", lambda spec: fake.FakeEngine(spec, reply=stops))
    stopped = here(*ASK)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert "every response that came is kept. The same command goes on" in stopped.stderr


def test_a_batch_file_goes_out_and_its_answers_come_in() -> None:
    models = Path("served.yaml")
    models.write_text(
        "models: [{model: zorble-8b, engine: openai, base_url: 'http://127.0.0.1:1/v1'}]\nsampling: {temperature: 0.7}\n"
    )
    ask = ("generate", "--models", "served.yaml", "--prompts", "prompts.jsonl", "-o", "runs/y")
    dry = here(*ask, "--batch-out", "batch.jsonl", "--dry-run")
    assert (dry.exit_code, Path("batch.jsonl").exists()) == (2, False)
    out = here(*ask, "--batch-out", "batch.jsonl")
    assert out.exit_code == 0, out.exception
    assert "8 requests written, 0 equal to one of them, 0 that cannot be asked" in out.stdout
    lines = [json.loads(line) for line in Path("batch.jsonl").read_text().splitlines()]
    assert len({line["body"]["seed"] for line in lines}) == 8
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    done = [
        {
            "custom_id": line["custom_id"],
            "response": {
                "status_code": 200,
                "body": {"choices": [{"message": {"content": f"plome {i}"}, "finish_reason": "stop"}], "usage": usage},
            },
        }
        for i, line in enumerate(lines[:-1])
    ]
    Path("done.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*done, {"custom_id": "nobody", "error": {}}]))
    taken = here(*ask, "--batch-in", "done.jsonl")
    assert taken.exit_code == 0, taken.exception
    assert "8 lines read: 7 answers to different requests (0 the run had already), 1 rejects (UNKNOWN_ID 1)" in taken.stdout
    assert "8 planned = 7 answered + 0 to be asked again + 1 not asked yet; 7 asked now" in taken.stdout
    left = here(*ask, "--batch-out", "rest.jsonl")
    assert "1 requests written" in left.stdout
    checked = here("validate", "runs/y")
    assert "8 rows in = 7 trace + 1 metadata" in checked.stdout


def test_mistakes_are_one_line_with_the_place_and_status_3(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(path.read_text().replace("params_total_b: 8.0", "params_totl_b: 8.0"))
    done = run(*ASK, cwd=tmp_path)
    assert (done.code, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "models.yaml; column 'models[1].params_totl_b'" in done.stderr
    assert "did you mean 'params_total_b'?" in done.stderr


def test_progress_has_tokens_a_second_time_left_and_the_running_rate() -> None:
    from safescale.generate import Progress
    from safescale_cli.generate import progress_words

    shares = {"refusal": 0.25, "fault TIMEOUT": 0.01}
    found = Progress(model_id="m", done=5, total=9, asked=5, tokens_per_s=1234.4, eta_s=3725.2, shares=shares)
    assert progress_words(found) == "1,234 tok/s, 1:02:05 left, refusal 25 %, fault TIMEOUT 1 %"
