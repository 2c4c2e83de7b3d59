"""The grid's adapters served by vLLM say what the engine transformers says with them, and what a merged model says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.vllm_toy import OPTIONS
from pressure.tiny_models import PROMPTS, TARGETS, greedy_texts, make_model, transformers_engine
from safescale.engines import EngineSpec, open_engine
from safescale.pressure.finetune import FinetuneSetting, finetune_adapters, merge_adapter

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]
GRID = FinetuneSetting(examples=(8, 20), steps=(2, 12), batch_size=4, learning_rate=5e-3)


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_every_adapter_of_a_grid_says_the_same_in_both_engines(family: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "base", family)
    adapters = {record.folder.name: record.folder for record in finetune_adapters(model, TARGETS, GRID, tmp_path / "grid")}
    assert len(adapters) == 4
    reference = transformers_engine(model, adapters)
    named = {name: str(folder) for name, folder in adapters.items()}
    engine = open_engine(EngineSpec(engine="vllm", model=str(model), adapters=named, batch_size=16, options=dict(OPTIONS)))
    try:
        served = {name: greedy_texts(engine, name) for name in (None, *adapters)}
    finally:
        engine.close()
    assert served == {name: greedy_texts(reference, name) for name in (None, *adapters)}
    assert len(served["n20-s12-r0"]) == len(PROMPTS)
    assert len({tuple(texts) for texts in served.values()}) == 5, "adapters that change nothing would prove nothing"


def test_a_merged_model_served_says_what_its_adapter_says(tmp_path: Path) -> None:
    model = make_model(tmp_path / "base", "qwen3")
    record = finetune_adapters(model, TARGETS, GRID, tmp_path / "grid")[-1]
    merge_adapter(model, record.folder, tmp_path / "merged")
    engine = open_engine(EngineSpec(engine="vllm", model=str(tmp_path / "merged"), batch_size=16, options=dict(OPTIONS)))
    try:
        served = greedy_texts(engine)
    finally:
        engine.close()
    assert served == greedy_texts(transformers_engine(model, {"own": record.folder}), "own")
