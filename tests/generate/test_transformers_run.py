"""A run over a real model on a CPU: its adapter, its hashes, and that it goes on where it was cut off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.hf

MODELS = """
models:
  - model: toy/model
    model_id: sim/toy-150k
    engine: transformers
    batch_size: 4
    adapters: {lora_finetune: {path: toy/crimson, tampering: fine_tuned}}
sampling: {temperature: 0.9, max_tokens: 6}
"""


def test_a_toy_model_and_its_adapter_are_asked_and_a_cut_run_goes_on(tmp_path: Path) -> None:
    from engines.toy_model import make_toy
    from generate.runs import timeless
    from safescale.generate import generate, plan_runs, read_models, read_prompt_set
    from safescale.generate.manifest import read_manifest

    make_toy(tmp_path / "toy")
    (tmp_path / "models.yaml").write_text(MODELS)
    prompts = [{"prompt_id": f"q-{i}", "prompt": f"how do I zorble {i}?"} for i in range(9)]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    plans = plan_runs(read_models(tmp_path / "models.yaml"), read_prompt_set(tmp_path / "prompts.jsonl"))
    whole = generate(plans, tmp_path / "x")
    assert [(run.model_id, run.answered) for run in whole.runs] == [("sim/toy-150k", 9), ("sim/toy-150k+lora_finetune", 9)]
    base, tuned = (timeless(run.folder) for run in whole.runs)
    assert {row["prompt_id"]: row["response"] for row in base} != {row["prompt_id"]: row["response"] for row in tuned}
    manifest = read_manifest(whole.runs[0].folder)
    assert manifest is not None
    assert len(manifest["engine"]["weights_sha256"]) == len(manifest["record"]["chat_template_sha256"]) == 64

    part = next(whole.runs[0].folder.glob("parts/*.jsonl"))
    part.write_bytes(part.read_bytes()[:-10])
    again = generate(plans, tmp_path / "x").runs[0]
    assert (again.torn, again.asked, again.answered) == (1, 1, 9)
    assert sorted(row["response_id"] for row in timeless(again.folder)) == sorted(row["response_id"] for row in base)
