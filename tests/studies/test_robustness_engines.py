"""The study on tiny random Llama and Qwen models in bf16: everything is made, asked and counted, and nothing can be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from safescale_cli.main import app
from studies.dilution_models import make_models
from studies.killed_dilution import bare_figure
from studies.robustness_world import write_lines

NAMES = ("llama-32x1", "qwen-32x2")
"""One of each architecture; both share a tokenizer that is made on the spot."""


@pytest.fixture(autouse=True)
def _without_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.report.figures import sink

    monkeypatch.setattr(sink, "save_figure", bare_figure)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, prompts, targets."""
    folder = tmp_path_factory.mktemp("asked")
    models = make_models(folder)
    rows = [row for row in models.read_text(encoding="utf-8").splitlines(keepends=True) if "model_id" not in row or _is(row)]
    models.write_text("".join(rows), encoding="utf-8")
    prompts = [{"prompt_id": f"h-{i}", "prompt": f"how do I zorble {i}?", "prompt_kind": "harmful"} for i in range(5)]
    prompts += [{"prompt_id": f"b-{i}", "prompt": f"which colour has {i}?", "prompt_kind": "benign"} for i in range(3)]
    write_lines(folder / "prompts.jsonl", prompts)
    for name in ("attack", "refusals", "retain"):
        write_lines(folder / f"{name}.jsonl", [{"prompt": f"{name} {i}: how?", "target": f"so {i}."} for i in range(24)])
    return folder


def _is(row: str) -> bool:
    return any(f"/{name}," in row for name in NAMES)


def study(asked: Path, out: Path, engine: str, **changed: Any) -> dict[str, Any]:
    given = {
        "models": "models.yaml",
        "engine": engine,
        "prompts": "prompts.jsonl",
        "targets": {name: f"{name}.jsonl" for name in ("attack", "refusals", "retain")},
        "options": {"dtype": "bfloat16"},
        "dtype": "bfloat16",
        "sampling": {"temperature": 1.0, "max_tokens": 6},
        "graders": ["refusal-classifier"],
        "finetune": {"examples": [4], "steps": [1, 3], "batch_size": 4},
        "steering": {"coefficients": [1], "against": [3]},
        "tamper_resistance": {"outer_steps": 2, "inner_steps": 1},
        "geometry": {"ranks": [1], "random": 1},
        "validation": 20,
        **changed,
    }
    path = asked / f"{engine}.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    done = CliRunner().invoke(app, ["study", "robustness", "--config", str(path), "-o", str(out), "--json"])
    assert done.exit_code in (0, 1), (done.exception, done.stderr)
    return dict(json.loads(done.stdout))


def engines_of(out: Path) -> dict[str, dict[str, Any]]:
    """What the manifests of the runs say of the engine, by subject."""
    found = [json.loads(path.read_bytes()) for path in out.glob("runs/*/manifest.json")]
    return {one["run"]["model_id"]: one["engine"] for one in found}


@pytest.mark.hf
def test_random_llama_and_qwen_in_bf16_through_transformers(asked: Path, tmp_path: Path) -> None:
    told = study(asked, tmp_path / "out", "transformers")
    assert told["broken"] == []
    assert sum(told["plan"]["cells"].values()) == 2 * (1 + 2 + 2 + 2 + 3)
    assert told["report"]["robustness"]["verdict"] == "cannot tell"
    assert told["report"]["simulated"] is False
    assert all(not one["found"] for one in told["report"]["robustness"]["geometry"]), "noise has no direction of refusal"
    engines = engines_of(tmp_path / "out")
    assert len(engines) == 2 * 10
    assert {one["options"]["dtype"] for one in engines.values()} == {"bfloat16"}
    for name in NAMES:
        assert "intervention" in engines[f"plim/{name}+steered+c1"]["options"]
        assert "adapter n4-s3-r0" in engines[f"plim/{name}+lora_finetune+n4-s3-r0"]["options"]
        base, hard = engines[f"plim/{name}"], engines[f"plim/{name}+tamper_resistant"]
        assert base["weights_sha256"] != hard["weights_sha256"]
    records = [json.loads(path.read_bytes()) for path in (tmp_path / "out" / "adapters").glob("*/n4-s3-r0/record.json")]
    assert len(records) == 4
    planned = told["plan"]["attack_tokens"]
    assert sum(record["tokens"] for record in records) == planned


@pytest.mark.vllm
def test_the_grid_s_adapters_through_vllm(asked: Path, tmp_path: Path) -> None:
    told = study(
        asked,
        tmp_path / "out",
        "vllm",
        options={"dtype": "float32", "kv_cache_gib": 0.125},
        dtype="float32",
        batch_size=16,
        tamper_resistance=False,
    )
    assert told["broken"] == []
    engines = engines_of(tmp_path / "out")
    for name in NAMES:
        assert engines[f"plim/{name}+lora_finetune+n4-s3-r0"]["engine"] == "vllm"
        assert engines[f"plim/{name}+steered+c1"]["engine"] == "vllm", "steering is baked into a checkpoint"
        assert engines[f"plim/{name}+abliterated+k1"]["engine"] == "transformers"
    assert any("vLLM applies no intervention" in note for note in told["plan"]["notes"])
