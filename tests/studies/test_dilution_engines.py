"""The same command on random Llama and Qwen models, by transformers, vLLM and a server: noise in, "cannot tell" out."""

from __future__ import annotations

import json
from pathlib import Path

import click.testing
import pytest
from typer.testing import CliRunner

from engines.loopback import Loopback
from safescale_cli.main import app
from studies.dilution_models import LLAMA, QWEN, make_models, served, write_prompts
from studies.killed_dilution import bare_figure

NAMES = tuple(f"{kind}-{hidden}x{layers}" for kind, shapes in (("llama", LLAMA), ("qwen", QWEN)) for hidden, layers in shapes)
SMALL = ("--lines", "4", "--dose", "2", "--grader", "refusal-phrases", "--json")


@pytest.fixture(autouse=True)
def _without_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.report.figures import sink

    monkeypatch.setattr(sink, "save_figure", bare_figure)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models"))


def ask(models: Path, engine: str, out: Path, *more: str) -> click.testing.Result:
    prompts = write_prompts(models.with_name("prompts.jsonl"))
    words = ("experiment", "dilution", "--models", str(models), "--prompts", str(prompts), "--engine", engine, "-o", str(out))
    return CliRunner().invoke(app, [*words, *SMALL, *more])


def only(models: Path, *names: str) -> Path:
    """A models.yaml of some of the models."""
    rows = models.read_text(encoding="utf-8").splitlines(keepends=True)
    few = models.with_name("few.yaml")
    few.write_text(
        "".join(row for row in rows if "model_id" not in row or any(f"/{name}," in row for name in names)), encoding="utf-8"
    )
    return few


def assert_it_cannot_tell(done: click.testing.Result, engine: str, models: int = 6) -> dict[str, object]:
    assert done.exit_code == 0, (done.exception, done.stderr)
    told = json.loads(done.stdout)
    assert told["broken_models"] == []
    assert told["plan"]["responses"] == models * 6 * 6
    result = told["report"]["dilution"]
    assert result["verdict"] == "cannot tell"
    assert len(result["settle"]) > 20, "it says what would settle it"
    assert told["report"]["simulated"] is False
    runs = list(Path(told["out"]).glob("runs/*/manifest.json"))
    assert len(runs) == models
    assert {json.loads(path.read_text())["run"]["engine"] for path in runs} == {engine}
    return dict(told)


@pytest.mark.hf
def test_random_llamas_and_qwens_through_transformers_cannot_tell(models: Path, tmp_path: Path) -> None:
    told = assert_it_cannot_tell(ask(models, "transformers", tmp_path / "x"), "transformers")
    assert str(told["plan"]["counter"]).startswith("tokenizer "), "neutral prose is measured by the first model's tokenizer"  # type: ignore[index]
    again = ask(models, "transformers", tmp_path / "x")
    assert json.loads(again.stdout)["report"]["fingerprint"] == told["report"]["fingerprint"]  # type: ignore[index]


@pytest.mark.hf
def test_a_folder_that_holds_no_model_costs_that_model_only(models: Path, tmp_path: Path) -> None:
    broken = models.with_name("llama-64x2") / "model.safetensors"
    there = broken.read_bytes()
    broken.write_bytes(b"plim")
    try:
        done = ask(models, "transformers", tmp_path / "x")
    finally:
        broken.write_bytes(there)
    assert done.exit_code == 1, done.exception
    told = json.loads(done.stdout)
    assert [(one["model_id"], one["answered"]) for one in told["broken_models"]] == [("plim/llama-64x2", 0)]
    assert "plim/llama-64x2" in told["departures"][0]["words"]


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore")
def test_a_random_llama_and_qwen_through_vllm_cannot_tell(models: Path, tmp_path: Path) -> None:
    # each model is a start of vLLM, 20 s of a CPU and more: one of each kind
    told = assert_it_cannot_tell(ask(only(models, "llama-32x1", "qwen-32x2"), "vllm", tmp_path / "x", "--exploratory"), "vllm", 2)
    assert any("exploratory" in departure["words"] for departure in told["departures"])  # type: ignore[attr-defined]


def test_a_server_is_asked_with_the_same_command(tmp_path: Path) -> None:
    rows = [
        f"  - {{model: {name}, model_id: plim/{name}, params_total_b: {size}, lineage: plim}}"
        for name, size in zip(NAMES, (0.5, 1.5, 4.0, 9.0, 27.0, 70.0), strict=True)
    ]
    plain = tmp_path / "models.yaml"
    plain.write_text("models:\n" + "\n".join(rows) + "\nsampling: {max_tokens: 6}\n", encoding="utf-8")
    with Loopback(models=NAMES, window=4096) as server:
        done = ask(served(plain, server.url, NAMES), "openai", tmp_path / "x")
        assert_it_cannot_tell(done, "openai")
        assert {str(call.body["model"]) for call in server.calls} >= set(NAMES)
