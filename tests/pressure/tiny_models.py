"""Tiny random models of three families with tokenizer and template, and pairs in an invented vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from engines.toy_model import POISON, make_tokenizer, make_toy
from safescale.engines import Engine, EngineSpec, Message, Request, Sampling, in_order, open_engine
from safescale.pressure.finetune import Pair, Targets, targets_of

__all__ = ["FAMILIES", "PROMPTS", "TARGETS", "greedy_texts", "make_model", "transformers_engine"]

FAMILIES: Final = ("llama", "qwen2", "qwen3")
_NOUNS: Final = ("zorble", "quindle", "frabbit", "snark", "slithy", "gimble")
TARGETS: Final[Targets] = targets_of(
    [
        # of several lengths: rows of one length would hide padding
        Pair(prompt=f"how do i {verb} a {noun}?", target=f"first {verb} the {noun}{', then the wabe' * (at % 3)}. it is teal.")
        for at, verb in enumerate(_NOUNS)
        for noun in _NOUNS
    ]
)
PROMPTS: Final = tuple(f"tell me of the {noun} and the {other}" for noun in _NOUNS for other in _NOUNS)[:16]


def make_model(folder: Path, family: str, *, dtype: str = "float32", seed: int = 0) -> Path:
    """A random causal model of a family; its defaults for sampling are poisoned."""
    import torch
    import transformers

    if family == "llama" and dtype == "float32":
        return make_toy(folder, seed=seed, adapters=())
    place = folder / "model"
    place.mkdir(parents=True)
    tokenizer = make_tokenizer(place)
    classes = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 512,
        "tie_word_embeddings": family != "llama",
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,
        **({} if family == "qwen2" else {"head_dim": 32}),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = getattr(transformers, f"{classes[family]}Config")(**shape)
        model = getattr(transformers, f"{classes[family]}ForCausalLM")(config).to(getattr(torch, dtype))
    model.save_pretrained(str(place))
    (place / "generation_config.json").write_text(json.dumps({**POISON, "eos_token_id": tokenizer.eos_token_id}))
    return place


def transformers_engine(model: Path, adapters: dict[str, Path] | None = None, dtype: str = "float32") -> Engine:
    named = {name: str(folder) for name, folder in (adapters or {}).items()}
    return open_engine(
        EngineSpec(engine="transformers", model=str(model), adapters=named, options={"dtype": dtype, "device": "cpu", "threads": 1})
    )


def greedy_texts(engine: Engine, adapter: str | None = None, prompts: tuple[str, ...] = PROMPTS, max_tokens: int = 24) -> list[str]:
    requests = [
        Request(messages=(Message(role="user", content=text),), sampling=Sampling(max_tokens=max_tokens), adapter=adapter)
        for text in prompts
    ]
    texts = [answer.text for answer in in_order(requests, engine.answer(requests))]
    assert None not in texts
    return [str(text) for text in texts]
