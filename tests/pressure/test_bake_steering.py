"""Steering that is baked into a checkpoint says what hooks say; what cannot be baked is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.toy_model import make_toy
from safescale.engines import EngineSpec, Message, Request, Sampling, open_engine
from safescale.engines.intervention import Edit, Intervention
from safescale.errors import DataError, DomainError
from safescale.pressure.directions import bake_steering

ASKED = ("zorble", "how do I gimble the frabbit in the wabe?", "mimsy tove snark", "is a quindle teal or crimson?")
SMALL = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "max_position_embeddings": 128,
}


def steering(hidden: int, layer: int = 1, coefficient: float = 3.0) -> Intervention:
    vectors = np.random.default_rng(5).normal(size=(2, hidden)).astype(np.float32)
    edits = (
        Edit(kind="add", layer=layer, directions=vectors[:1], coefficient=coefficient),
        Edit(kind="add", layer=0, directions=vectors[1:], coefficient=-0.5),
    )
    return Intervention(edits=edits, note="wabe")


def texts(model: Path, engine: str = "transformers", **options: Any) -> list[str]:
    """Greedy texts, prompts of unequal lengths in one batch."""
    requests = [Request(messages=(Message(role="user", content=text),), sampling=Sampling(max_tokens=16)) for text in ASKED]
    opened = open_engine(EngineSpec(engine=engine, model=str(model), options=options, batch_size=4))
    try:
        told = {answer.request_id: str(answer.text) for answer in opened.answer(requests)}
    finally:
        opened.close()
    return [told[request.request_id] for request in requests]


@pytest.mark.hf
def test_baked_steering_says_what_hooks_say(tmp_path: Path) -> None:
    model = make_toy(tmp_path, adapters=())
    steering(64).write(tmp_path / "edits")
    baked = bake_steering(model, steering(64), tmp_path / "baked")
    plain, hooked = texts(model, threads=1), texts(model, threads=1, intervention=str(tmp_path / "edits"))
    assert texts(baked, threads=1) == hooked
    assert sum(one != other for one, other in zip(plain, hooked, strict=True)) >= 3, "steering changes what is said"
    told = json.loads((baked / "steering.json").read_text())
    assert told["largest_logit_difference"] < 1e-4
    assert json.loads((baked / "config.json").read_text())["mlp_bias"] is True
    assert (baked / "chat_template.jinja").read_bytes() == (model / "chat_template.jinja").read_bytes()


@pytest.mark.hf
def test_what_is_baked_is_not_baked_again_and_nothing_else_is_overwritten(tmp_path: Path) -> None:
    model = make_toy(tmp_path, adapters=())
    baked = bake_steering(model, steering(64), tmp_path / "baked")
    before = (baked / "model.safetensors").stat().st_mtime_ns
    bake_steering(model, steering(64), baked)
    assert (baked / "model.safetensors").stat().st_mtime_ns == before
    bake_steering(model, steering(64, coefficient=1.0), baked)
    assert (baked / "model.safetensors").stat().st_mtime_ns != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["baked", "model"]
    with pytest.raises(DataError, match=r"holds something else \(no steering.json\)"):
        bake_steering(model, steering(64), model)


@pytest.mark.hf
@pytest.mark.parametrize(
    ("name", "more", "becomes"),
    [
        ("Llama", {"attention_bias": True, "tie_word_embeddings": True}, "LlamaForCausalLM"),
        ("Llama", {"mlp_bias": True}, "LlamaForCausalLM"),
        ("Qwen2", {"rope_theta": 5000.0}, "LlamaForCausalLM"),
        ("Mistral", {"sliding_window": None, "head_dim": 24}, "LlamaForCausalLM"),
        ("GPT2", {}, "GPT2LMHeadModel"),
        ("GPTNeoX", {}, "GPTNeoXForCausalLM"),
        ("OPT", {"ffn_dim": 64, "word_embed_proj_dim": 32}, "OPTForCausalLM"),
    ],
)
def test_a_checkpoint_of_each_architecture_with_a_bias_steers_as_hooks_do(
    tmp_path: Path, name: str, more: dict[str, Any], becomes: str
) -> None:
    """The folder says itself how far its logits are from those under hooks; here they are computed again, on other tokens."""
    import torch
    import transformers

    from safescale.engines.residual import ResidualEdits

    model = _made(tmp_path, name, more)
    baked = transformers.AutoModelForCausalLM.from_pretrained(str(bake_steering(model, steering(32), tmp_path / "baked"))).eval()
    assert type(baked).__name__ == becomes
    plain = transformers.AutoModelForCausalLM.from_pretrained(str(model)).eval()
    tokens = torch.tensor([[0, 0, 5, 9, 11, 3, 60], [7, 8, 9, 10, 11, 12, 13]])
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1] * 7])
    with torch.inference_mode():
        before = plain(input_ids=tokens, attention_mask=mask).logits
        with ResidualEdits.of(plain, steering(32)).on(prompt=True, mask=mask):
            wanted = plain(input_ids=tokens, attention_mask=mask).logits
        found = baked(input_ids=tokens, attention_mask=mask).logits
    real = mask.bool()
    assert (found - wanted)[real].abs().max() < 1e-4
    assert (before - wanted)[real].abs().max() > 0.01


@pytest.mark.hf
@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("Gemma2", {"head_dim": 16}, "a layer of gemma2 ends in no map with a bias"),
        ("Qwen3", {"head_dim": 16}, "a layer of qwen3 ends in no map with a bias"),
        ("Mistral", {"sliding_window": 8}, "this mistral attends within a sliding window"),
    ],
)
def test_an_architecture_without_a_place_for_it_is_refused_with_the_way_out(
    tmp_path: Path, name: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(DomainError, match=f"{words}.*serve it with the engine transformers"):
        bake_steering(_made(tmp_path, name, more), steering(32), tmp_path / "baked")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_ablation_or_one_token_cannot_be_baked(tmp_path: Path) -> None:
    ones = np.ones((1, 4), dtype=np.float32)
    for edit, words in (
        (Edit(kind="ablate", layer=0, directions=ones), "an ablation is no bias"),
        (Edit(kind="add", layer=0, directions=ones, position=-1), "position -1 alone is no bias"),
    ):
        with pytest.raises(DomainError, match=words):
            bake_steering(tmp_path, Intervention(edits=(edit,)), tmp_path / "out")


@pytest.mark.hf
def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder of a model \(no config.json\)"):
        bake_steering(tmp_path, steering(4), tmp_path / "out")


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore")
def test_a_baked_checkpoint_says_in_vllm_what_hooks_say(tmp_path: Path) -> None:
    model = make_toy(tmp_path, adapters=())
    steering(64).write(tmp_path / "edits")
    hooked = texts(model, intervention=str(tmp_path / "edits"))
    baked = bake_steering(model, steering(64), tmp_path / "baked")
    assert texts(baked, "vllm", kv_cache_gib=0.125, dtype="float32") == hooked
    assert hooked != texts(model)


def _made(folder: Path, name: str, more: dict[str, Any]) -> Path:
    import torch
    import transformers

    config = getattr(transformers, f"{name}Config")(**SMALL, **more)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(str(folder / "model"))
    return folder / "model"
