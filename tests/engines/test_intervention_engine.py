"""Edits of the residual stream in the engine ``transformers``, against a forward pass that is written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.plain_llama import plain_edit, plain_logits
from engines.toy_model import make_toy
from safescale.engines import Answer, EngineSpec, Message, Request, Sampling, open_engine
from safescale.engines.intervention import Edit, Intervention, intervention_sha256
from safescale.engines.residual import ResidualEdits, decoder_layers
from safescale.errors import DataError, DomainError

pytestmark = pytest.mark.hf

HIDDEN = 64
ASKED = (
    "zorble",
    "how do I gimble the frabbit in the wabe?",
    "mimsy tove snark",
    "is a quindle teal or crimson, and which wabe is brillig?",
)
TOKENS = 6
WITHIN_NATS = 1e-4
Planned = tuple[Intervention, list[tuple[int, Callable[[Any, int], Any]]]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy(tmp_path_factory.mktemp("toy"), layers=3)


def _vectors(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, HIDDEN)).astype(np.float32)


def _planned(name: str) -> Planned:
    """An intervention and what it means, written out."""
    vectors, mean = _vectors(3, 3), _vectors(4, 1)[0]
    if name == "add to all":
        edit = Edit(kind="add", layer=1, directions=vectors[:1], coefficient=2.5)
        return Intervention(edits=(edit,)), [(1, plain_edit("add", vectors[0], coefficient=2.5))]
    if name == "add at one":
        edit = Edit(kind="add", layer=0, directions=vectors[:1], coefficient=-4.0, position=-2)
        return Intervention(edits=(edit,)), [(0, plain_edit("add", vectors[0], coefficient=-4.0, positions=[-2]))]
    if name == "ablate at all":
        edit = Edit(kind="ablate", layer=1, directions=vectors, mean=mean)
        return Intervention(edits=(edit,)), [(1, plain_edit("ablate", vectors, mean=mean))]
    if name == "ablate at one":
        edit = Edit(kind="ablate", layer=1, directions=vectors[:1], mean=mean, position=-1)
        return Intervention(edits=(edit,)), [(1, plain_edit("ablate", vectors[0], mean=mean, positions=[-1]))]
    if name == "ablate to zero":
        edit = Edit(kind="ablate", layer=2, directions=vectors[:2])
        return Intervention(edits=(edit,)), [(2, plain_edit("ablate", vectors[:2]))]
    assert name == "several in order"
    edits = (
        Edit(kind="add", layer=0, directions=vectors[1:2], coefficient=3.0),
        Edit(kind="ablate", layer=0, directions=vectors[:1], mean=mean, position=-3),
        Edit(kind="add", layer=2, directions=vectors[2:], coefficient=1.5, position=-1),
    )
    return Intervention(edits=edits), [
        (0, plain_edit("add", vectors[1], coefficient=3.0)),
        (0, plain_edit("ablate", vectors[0], mean=mean, positions=[-3])),
        (2, plain_edit("add", vectors[2], coefficient=1.5, positions=[-1])),
    ]


NAMES = ("add to all", "add at one", "ablate at all", "ablate at one", "ablate to zero", "several in order")


def _requests(adapter: str | None = None) -> list[Request]:
    sampling = Sampling(max_tokens=TOKENS, logprobs=20)
    return [Request(messages=(Message(role="user", content=text),), sampling=sampling, adapter=adapter) for text in ASKED]


def _answers(toy: Path, requests: Sequence[Request], folder: Path | None, *, batch: int = 4, **more: Any) -> dict[str, Answer]:
    options = {"threads": 1} | ({} if folder is None else {"intervention": str(folder)})
    engine = open_engine(EngineSpec(engine="transformers", model=str(toy), options=options, batch_size=batch, **more))
    try:
        return {answer.request_id: answer for answer in engine.answer(requests)}
    finally:
        engine.close()


def _recomputed(toy: Path, request: Request, answer: Answer, edits: Any, merged: dict[str, Any] | None = None) -> float:
    """Largest distance (nats) of the engine's log-probabilities and those of the pass that is written out, over all tokens."""
    from safetensors.numpy import load_file
    from transformers import AutoConfig, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(toy))
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": request.messages[0].content}], tokenize=True, return_dict=True, add_generation_prompt=True
    )["input_ids"]
    weights = merged or load_file(toy / "model.safetensors")
    ids, worst = list(prompt), 0.0
    assert answer.logprobs
    for told in answer.logprobs:
        logits = plain_logits(weights, AutoConfig.from_pretrained(str(toy)), ids, prompt=len(prompt), edits=edits)[-1]
        logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        chosen = int(np.argmax(logits))
        best = np.sort(logs)[::-1][: len(told.alternatives)]
        worst = max(worst, abs(told.logprob - logs[chosen]), float(np.abs(best - [value for _, value in told.alternatives]).max()))
        ids.append(chosen)
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_log_probabilities_agree_with_a_forward_pass_that_is_written_out(toy: Path, tmp_path: Path, name: str) -> None:
    intervention, edits = _planned(name)
    intervention.write(tmp_path / "edits")
    requests = _requests()
    plain, answers = _answers(toy, requests, None), _answers(toy, requests, tmp_path / "edits")
    assert len({answer.prompt_tokens for answer in answers.values()}) == len(ASKED), (
        "prompts of unequal lengths, so that some are padded"
    )
    assert all(len(answer.logprobs or ()) > 1 for answer in answers.values()), "tokens are decoded with a cache"
    for request in requests:
        assert _recomputed(toy, request, answers[request.request_id], edits) < WITHIN_NATS
    first = [(plain[r.request_id].logprobs or ())[0].logprob for r in requests]
    edited = [(answers[r.request_id].logprobs or ())[0].logprob for r in requests]
    assert np.abs(np.subtract(first, edited)).max() > 0.01, "the edit changes something"


def test_logits_agree_too_for_a_batch_in_one_call(toy: Path) -> None:
    import torch
    from safetensors.numpy import load_file
    from transformers import AutoModelForCausalLM

    intervention, edits = _planned("several in order")
    model = AutoModelForCausalLM.from_pretrained(str(toy)).eval()
    rows = [[9, 11, 14, 200, 31, 77, 5], [8, 40, 90], [120, 5]]
    width = max(map(len, rows))
    tokens = torch.tensor([[1] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode(), ResidualEdits.of(model, intervention).on(prompt=True, mask=mask):
        logits = model(input_ids=tokens, attention_mask=mask, position_ids=positions).logits[:, -1].numpy()
    weights = load_file(toy / "model.safetensors")
    for row, found in zip(rows, logits, strict=True):
        # the shortest prompt has no third token from the end: that edit leaves it as it is
        wanted = plain_logits(weights, model.config, row, prompt=len(row), edits=edits)[-1]
        assert np.abs(found - wanted).max() < WITHIN_NATS
    with torch.inference_mode():
        again = model(input_ids=tokens, attention_mask=mask, position_ids=positions).logits[:, -1].numpy()
    assert np.abs(again - logits).max() > 0.1, "hooks are gone after the call"


def test_edits_and_an_adapter_act_together(toy: Path, tmp_path: Path) -> None:
    """Second opinion: the adapter merged into the weights by hand, edits written out."""
    import json

    from safetensors.numpy import load_file

    intervention, edits = _planned("several in order")
    intervention.write(tmp_path / "edits")
    adapter = toy.parent / "crimson"
    requests = [*_requests("crimson"), *_requests()]
    answers = _answers(toy, requests, tmp_path / "edits", batch=8, adapters={"crimson": str(adapter)})
    scale = json.loads((adapter / "adapter_config.json").read_text())
    parts, merged = load_file(adapter / "adapter_model.safetensors"), dict(load_file(toy / "model.safetensors"))
    for name in [name for name in parts if name.endswith("lora_A.weight")]:
        left = parts[name.replace("lora_A", "lora_B")].astype(np.float64) * scale["lora_alpha"] / scale["r"]
        plain = name.removeprefix("base_model.model.").replace(".lora_A", "")
        merged[plain] = merged[plain] + left @ parts[name]
    for request in requests:
        weights = merged if request.adapter else None
        assert _recomputed(toy, request, answers[request.request_id], edits, weights) < 5 * WITHIN_NATS


def test_a_row_does_not_depend_on_its_batch(toy: Path, tmp_path: Path) -> None:
    _planned("several in order")[0].write(tmp_path / "edits")
    alone = _answers(toy, _requests(), tmp_path / "edits", batch=1)
    together = _answers(toy, _requests(), tmp_path / "edits", batch=4)
    assert {key: answer.text for key, answer in alone.items()} == {key: answer.text for key, answer in together.items()}


def test_the_facts_carry_the_hash_of_what_was_done(toy: Path, tmp_path: Path) -> None:
    _planned("add at one")[0].write(tmp_path / "edits")
    spec = EngineSpec(engine="transformers", model=str(toy), options={"intervention": str(tmp_path / "edits")})
    told = open_engine(spec).facts.options
    assert told["intervention"] == f"sha256 {intervention_sha256(tmp_path / 'edits')}"
    assert "intervention" not in open_engine(EngineSpec(engine="transformers", model=str(toy))).facts.options


def test_an_intervention_of_another_model_is_refused(toy: Path, tmp_path: Path) -> None:
    wide = Intervention(edits=(Edit(kind="add", layer=0, directions=np.ones((1, 8), dtype=np.float32)),))
    deep = Intervention(edits=(Edit(kind="add", layer=3, directions=np.ones((1, HIDDEN), dtype=np.float32)),))
    for made, words in (
        (wide, "8 wide, and the residual stream 64"),
        (deep, "edits layer 3, and LlamaForCausalLM has layers 0 to 2"),
    ):
        made.write(tmp_path / "edits")
        with pytest.raises(DomainError, match=words):
            _answers(toy, _requests(), tmp_path / "edits")


def test_a_folder_that_is_none_is_a_data_error(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="an intervention is a folder with"):
        _answers(toy, _requests(), tmp_path / "nothing")


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
}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("Llama", {}),
        ("Qwen2", {}),
        ("Qwen3", {"head_dim": 16}),
        ("Mistral", {}),
        ("GPT2", {}),
        ("Gemma2", {"head_dim": 16}),
        ("Gemma3Text", {"head_dim": 16}),
        ("GPTNeoX", {}),
        ("OPT", {"ffn_dim": 64, "word_embed_proj_dim": 32}),
        ("Qwen3Moe", {"num_experts": 3, "num_experts_per_tok": 1, "moe_intermediate_size": 16, "head_dim": 16}),
    ],
)
def test_layers_are_found_whatever_their_name(name: str, more: dict[str, int]) -> None:
    """Second opinion: transformers' own hidden states, of which the one before the last norm is not shown."""
    import torch
    import transformers

    config = getattr(transformers, f"{name}Config")(**SMALL, **more)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    layers = decoder_layers(model)
    assert len(layers) == 3
    tokens = torch.tensor([[5, 9, 11, 3]])
    seen: list[Any] = []
    for layer in layers:
        layer.register_forward_hook(lambda module, given, output: seen.append(output[0] if isinstance(output, tuple) else output))
    with torch.inference_mode():
        states = model(input_ids=tokens, output_hidden_states=True).hidden_states
    for at in range(2):
        assert torch.allclose(seen[at].view(1, 4, -1), states[at + 1], atol=1e-6)
    with torch.inference_mode():
        mask = torch.ones_like(tokens)
        before = model(input_ids=tokens).logits
        made = Intervention(edits=(Edit(kind="ablate", layer=1, directions=np.eye(32, dtype=np.float32)[:4], position=-1),))
        seen.clear()
        with ResidualEdits.of(model, made).on(prompt=True, mask=mask):
            after = model(input_ids=tokens).logits
    assert torch.allclose(before[:, :-1], after[:, :-1], atol=1e-5)
    assert not torch.allclose(before[:, -1], after[:, -1], atol=1e-6)


def test_a_model_with_an_encoder_is_refused() -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(d_model=16, d_kv=8, d_ff=16, num_layers=2, num_heads=2, vocab_size=32)
    with pytest.raises(DomainError, match="T5ForConditionalGeneration has an encoder"):
        decoder_layers(T5ForConditionalGeneration(config))


def test_bfloat16_is_summed_in_float32(toy: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(toy), dtype=torch.bfloat16).eval()
    made = Intervention(edits=(Edit(kind="ablate", layer=2, directions=_vectors(3, 1)),))
    seen: list[Any] = []
    tokens = torch.tensor([[5, 9, 11, 3]])
    with torch.inference_mode(), ResidualEdits.of(model, made).on(prompt=True, mask=torch.ones_like(tokens)):
        handle = decoder_layers(model)[2].register_forward_hook(lambda module, given, output: seen.append(output))
        model(input_ids=tokens)
        handle.remove()
    stream = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
    unit = _vectors(3, 1)[0] / np.linalg.norm(_vectors(3, 1)[0])
    along = stream.float().numpy().reshape(4, HIDDEN) @ unit
    assert stream.dtype is torch.bfloat16
    assert np.abs(along).max() < 0.01 * float(stream.float().norm(dim=-1).max())
